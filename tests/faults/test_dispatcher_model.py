"""The dispatcher does what a plain model of objects does: any messages, any consistency, through two dispatchers.

A read that may be old must be right for one moment between the token it asked for and its reply's; what has effects,
and what says that something is not there, must be right now.
"""

import asyncio
from collections.abc import Coroutine, Generator
from copy import deepcopy
from dataclasses import replace
from typing import Any, TypeVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from fakes.request_ids import request_id
from fakes.rig import NS, Rig
from fakes.worlds import TEMPLATES, Failed, Thing, World
from kernel.errors import Conflict, KernelError, MethodRaised
from kernel.messages import Consistency, Message, OnMiss, Reply
from kernel.objects import ObjectId, Selector
from kernel.transactions import parse_token
from objectstore.ledger_store import LedgerStore
from objectstore.memory import MemoryLedger
from objectstore.store import Draft, NewObject, Update
from sandbox.host import Sandbox

T = TypeVar("T")
EXAMPLES, STEPS = 250, 60  # half a minute
NAMES = ("a", "b", "c", "d", "e")
names = st.sampled_from(NAMES)
receivers = st.sampled_from(("a", "b", "c", "b", "c", "d", "e"))
small = st.integers(1, 3)

ABSENT = {"OBJECT_NOT_FOUND", "NOT_UNDERSTOOD"}


class DispatcherModel(RuleBasedStateMachine):
    """Two dispatchers over one store, and all worlds there were."""

    runner: asyncio.Runner
    sandbox: Sandbox
    sent = Bundle("sent")

    def __init__(self) -> None:
        super().__init__()
        self.rig = Rig(self.do(LedgerStore.open(MemoryLedger())), self.sandbox)
        self.dispatches = [self.rig.dispatch, self.rig.another()]
        self.worlds = [World()]
        self.kept: dict[str, tuple[Message, object]] = {}
        self.made = 0

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(work)

    def teardown(self) -> None:
        for dispatch in self.dispatches:
            self.do(dispatch.stop())

    @property
    def now(self) -> World:
        return self.worlds[-1]

    def became(self, world: World, revision: int) -> None:
        world.revision = revision
        self.worlds.append(world)

    @initialize()
    def begin_with_a_family(self) -> None:
        """One object that knows everything, and two whose parent it is."""
        for name, parents in (("a", []), ("b", ["a"]), ("c", ["a"])):
            self.create(name, parents, 1)
        for template in ("add", "get", "boom", "forget", "relay", "caught", "twice"):
            self.register("a", template)

    # --- objects ---

    @rule(name=names, parents=st.lists(names, max_size=2, unique=True), count=st.integers(0, 5))
    def create(self, name: str, parents: list[str], count: int) -> None:
        world = deepcopy(self.now)
        wanted = "" if all(parent in world.things for parent in parents) else "OBJECT_NOT_FOUND"
        if name in world.things:
            wanted = "OBJECT_EXISTS"
        if not wanted:
            world.things[name] = Thing(tuple(parents), {"count": count})
            wanted = "" if world.consistent else "INCONSISTENT_PARENTS"
        new = NewObject(ObjectId(name), [ObjectId(parent) for parent in parents], slots={"count": count})
        if made := self.change(self.rig.store.create(NS, new), wanted):
            self.became(world, made.token.revision)

    @rule(name=names, parents=st.lists(names, max_size=2, unique=True))
    def give_parents(self, name: str, parents: list[str]) -> None:
        world = deepcopy(self.now)
        if name not in world.things or not all(parent in world.things for parent in parents):
            return
        world.things[name].parents = tuple(parents)
        wanted = "" if world.consistent else "INCONSISTENT_PARENTS"
        update = Update(ObjectId(name), parents=[ObjectId(parent) for parent in parents] or [ObjectId("root")])
        if made := self.change(self.rig.store.update(NS, update), wanted):
            self.became(world, made.token.revision)

    @rule(name=names, count=st.integers(0, 5))
    def overwrite(self, name: str, count: int) -> None:
        world = deepcopy(self.now)
        if name in world.things:
            world.things[name].slots = {"count": count}
            made = self.do(self.rig.store.update(NS, Update(ObjectId(name), slots={"count": count})))
            self.became(world, made.token.revision)

    @rule(name=st.sampled_from(NAMES[2:]))
    def delete(self, name: str) -> None:
        world = deepcopy(self.now)
        wanted = "" if name in world.things else "OBJECT_NOT_FOUND"
        wanted = "HAS_CHILDREN" if world.children(name) else wanted
        if made := self.change(self.rig.store.delete(NS, ObjectId(name)), wanted):
            del world.things[name]
            self.became(world, made.revision)
            self.kept = {identity: kept for identity, kept in self.kept.items() if kept[0].receiver != name}

    def change(self, work: Coroutine[Any, Any, T], wanted: str) -> T | None:
        made = self.do(_ended(work))
        reason = made.reason if isinstance(made, KernelError) else ""
        assert reason == wanted
        return None if isinstance(made, KernelError) else made

    # --- methods ---

    @rule(name=names, template=st.sampled_from(sorted(TEMPLATES)))
    def register(self, name: str, template: str) -> None:
        world = deepcopy(self.now)
        if name not in world.things:
            return
        selector = TEMPLATES[template].selector
        world.things[name].methods[selector] = template
        world.things[name].versions.setdefault(selector, []).append(template)
        draft = Draft(ObjectId(name), Selector(selector), TEMPLATES[template].source)
        _, token = self.do(self.rig.store.register(NS, draft, activate=True))
        self.became(world, token.revision)

    @rule(name=names, choice=st.integers(0, 50))
    def activate(self, name: str, choice: int) -> None:
        world = deepcopy(self.now)
        if name not in world.things or not world.things[name].versions:
            return
        versions = world.things[name].versions
        selector = sorted(versions)[choice % len(versions)]
        number = choice % (len(versions[selector]) + 1)
        world.things[name].methods.pop(selector, None)
        if number:
            world.things[name].methods[selector] = versions[selector][number - 1]
        *_, token = self.do(self.rig.store.activate(NS, ObjectId(name), Selector(selector), number))
        self.became(world, token.revision)

    # --- messages ---

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
        reply = self.do(_ended(self.dispatches[which].send(message)))
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
        changed = {name: thing.slots for name, thing in after.things.items() if thing != self.now.things[name]}
        if message.dry_run:
            if reply.writes or (result == reply.result and not changed):
                assert (reply.result, dict(reply.writes)) == (result, changed)
                return
        elif result == reply.result and changed:
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

    # --- always ---

    @invariant()
    def the_store_has_the_slots_of_the_model(self) -> None:
        if not hasattr(self, "worlds"):
            return
        for name, thing in self.now.things.items():
            assert self.do(self.rig.store.get(NS, ObjectId(name))).slots == thing.slots


async def _ended(work: Coroutine[Any, Any, T]) -> T | KernelError:
    """What it gives, or what it fails with."""
    try:
        return await work
    except KernelError as error:
        return error


def _add(name: str) -> Message:
    return Message(ObjectId(name), Selector("add"), (1,), request_id=request_id(), on_miss=OnMiss.NEVER)


@pytest.fixture
def machine() -> Generator[type[DispatcherModel]]:
    with asyncio.Runner() as runner:
        sandbox = runner.run(Sandbox().__aenter__())
        try:
            yield type("Machine", (DispatcherModel,), {"runner": runner, "sandbox": sandbox})
        finally:
            runner.run(sandbox.__aexit__(None, None, None))


def test_any_messages_come_to_what_the_model_says(machine: type[DispatcherModel]) -> None:
    bounds = settings(
        max_examples=EXAMPLES,
        stateful_step_count=STEPS,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
        print_blob=True,
    )
    run_state_machine_as_test(machine, settings=bounds)
