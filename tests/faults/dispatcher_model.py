"""The dispatcher does what a plain model of objects does: any messages, any consistency, through two dispatchers.

A read that may be old must be right for one moment between the token it asked for and its reply's; what has effects,
and what says that something is not there, must be right now.
"""

import asyncio
from copy import deepcopy
from dataclasses import replace

from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    rule,
)

from fakes.request_ids import request_id
from fakes.worlds import Failed, Slots, World
from faults.objects_model import ObjectsModel, ended, names
from kernel.errors import Conflict, KernelError, MethodRaised
from kernel.messages import Consistency, Message, OnMiss, Reply
from kernel.objects import ObjectId, Selector
from kernel.transactions import parse_token

receivers = st.sampled_from(("a", "b", "c", "b", "c", "d", "e"))
small = st.integers(1, 3)
ABSENT = {"OBJECT_NOT_FOUND", "NOT_UNDERSTOOD"}


class DispatcherModel(ObjectsModel):
    """Messages to the objects, through two dispatchers."""

    sent = Bundle("sent")

    @rule(
        target=sent,
        receiver=receivers,
        other=receivers,
        selector=st.sampled_from(["add", "add", "get", "get", "boom", "forget", "relay", "relay", "caught", "twice"]),
        by=small,
        consistency=st.sampled_from(Consistency),
        age=st.integers(0, 6),
        once=st.booleans(),
        dry=st.booleans(),
        which=st.integers(0, 1),
    )
    def send(  # noqa: PLR0917 - hypothesis gives them by name
        self,
        receiver: str,
        other: str,
        selector: str,
        by: int,
        consistency: Consistency,
        age: int,
        once: bool,
        dry: bool,
        which: int,
    ) -> Message:
        arguments: dict[str, tuple[object, ...]] = {"relay": (other, by), "caught": (other,), "get": (), "boom": ()}
        asked = self.worlds[max(len(self.worlds) - 1 - age, 0)]
        at_least = consistency is Consistency.AT_LEAST and asked.revision > 0
        if consistency is Consistency.AT_LEAST and not at_least:
            consistency = Consistency.FULL
        message = Message(
            ObjectId(receiver),
            Selector(selector),
            arguments.get(selector, (by,)),  # pyright: ignore[reportArgumentType] - values all
            consistency=consistency,
            token=f"{self.rig.store.epoch}.{asked.revision}" if at_least else "",
            on_miss=OnMiss.NEVER,
            request_id=request_id() if once and not dry else "",
            dry_run=dry and not once,
        )
        self.deliver(message, which)
        return message

    @rule(message=sent, which=st.integers(0, 1), by=st.one_of(st.none(), small))
    def send_again(self, message: Message, which: int, by: int | None) -> None:
        if message.request_id and by is not None and message.selector == "add":
            message = replace(message, arguments=(by,))
        self.deliver(message, which)

    def deliver(self, message: Message, which: int) -> None:
        kept = self.kept.get(message.request_id)
        reply = self.do(ended(self.dispatches[which].send(message)))
        if isinstance(reply, KernelError):
            kind = reply.fields.get("exception", "") if isinstance(reply, MethodRaised) else ""
            if kept is not None and kept[0].arguments != message.arguments:
                assert reply.reason == "REQUEST_ID_REUSED"
            else:
                assert kept is None
                self.failed(message, reply.reason, kind)
            return
        if kept is not None:
            assert (reply.result, reply.replayed, message.arguments) == (kept[1], True, kept[0].arguments)
            return
        assert not reply.replayed
        self.answered(message, reply)

    def answered(self, message: Message, reply: Reply) -> None:
        revision = parse_token(reply.token).revision
        result, after = self.expected(self.now, message)
        changed = after.things != self.now.things
        if message.dry_run:
            told = [self.would(world, message) for world in self.allowed(message) if world.revision <= revision]
            assert (reply.result, dict(reply.writes)) in told, f"{message} would come to {told}, not to {reply}"
            return
        if result == reply.result and changed:
            self.became(after, revision)
            if message.request_id:
                self.kept[message.request_id] = (message, result)
            return
        if result == reply.result and not changed:
            return
        assert any(
            self.expected(world, message) == (reply.result, world)
            for world in self.allowed(message)
            if world.revision <= revision
        ), f"{message} was answered with {reply}; now it would be {result}"

    def would(self, world: World, message: Message) -> tuple[object, dict[str, Slots]]:
        """The result in a world, and the slots of all that would change."""
        result, after = self.expected(world, message)
        return result, {name: thing.slots for name, thing in after.things.items() if thing != world.things[name]}

    def failed(self, message: Message, reason: str, kind: str) -> None:
        worlds = [self.now] if reason in ABSENT else self.allowed(message)
        told = [self.expected(world, message)[0] for world in worlds]
        assert any(
            isinstance(each, Failed) and (each.reason, each.kind if kind else "") == (reason, kind) for each in told
        ), f"{message} failed with {reason} {kind}; it should have come to {told}"

    def expected(self, world: World, message: Message) -> tuple[object, World]:
        try:
            return world.after(message.receiver, message.selector, message.arguments)
        except Failed as failed:
            return failed, world

    def allowed(self, message: Message) -> list[World]:
        if message.consistency is Consistency.FULL:
            return [self.now]
        least = parse_token(message.token).revision if message.token else 0
        first = max((index for index, world in enumerate(self.worlds) if world.revision <= least), default=0)
        return self.worlds[first:]

    # --- many at once ---

    @rule(receivers=st.lists(names, min_size=1, max_size=2, unique=True), count=st.integers(2, 8), twice=st.booleans())
    def burst(self, receivers: list[str], count: int, twice: bool) -> None:
        """Increments and failures to a few objects at the same time, through both dispatchers, some of them twice."""
        world = deepcopy(self.now)
        known = [name for name in receivers if isinstance(self.expected(world, _add(name))[0], int)]
        messages = [_add(name) for name in known for _ in range(count)]
        copies = [
            *messages,
            *(messages[:2] if twice else []),
            *(Message(ObjectId(name), Selector("nothing"), on_miss=OnMiss.NEVER) for name in known),
        ]
        ends = self.do(self.all_of(copies))
        sums: dict[str, dict[str, int]] = {name: {} for name in known}
        for message, end in zip(copies, ends, strict=True):
            if isinstance(end, Reply):
                assert sums[message.receiver].setdefault(message.request_id, end.result) == end.result  # pyright: ignore[reportArgumentType]
                self.kept[message.request_id] = (message, end.result)
            else:
                assert isinstance(end, Conflict) or (message.selector == "nothing" and isinstance(end, KernelError))
        revision = max([parse_token(end.token).revision for end in ends if isinstance(end, Reply)], default=0)
        for name, found in sums.items():
            expected: list[object] = []
            for _ in found:
                result, world = self.expected(world, _add(name))
                expected.append(result)
            assert sorted(found.values()) == expected
        if revision:
            self.became(world, revision)

    async def all_of(self, messages: list[Message]) -> list[Reply | BaseException]:
        sends = [self.dispatches[index % 2].send(message) for index, message in enumerate(messages)]
        return await asyncio.gather(*sends, return_exceptions=True)


def _add(name: str) -> Message:
    return Message(ObjectId(name), Selector("add"), (1,), request_id=request_id(), on_miss=OnMiss.NEVER)
