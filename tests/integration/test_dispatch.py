"""The road of a hit: real runs in the real sandbox over the store in memory, whose contract etcd keeps too."""

import asyncio
import contextlib
from typing import Any

import pytest

import vocabulary
from chassis.telemetry import Telemetry
from dispatcher.dispatch import Dispatch
from fakes.rig import INCREMENT, NS, PUMP, READ, Rig
from kernel.errors import (
    BadArguments,
    CommitUnclear,
    Conflict,
    ExamplesDisagree,
    MethodRaised,
    NotUnderstood,
    ObjectNotFound,
    StaleToken,
    StoreUnavailable,
)
from kernel.messages import Consistency, Example, Message, OnMiss
from kernel.objects import Namespace, Selector
from kernel.transactions import Lane, Token, Transaction
from kernel.values import Reference
from objectstore.ledger_store import LedgerStore
from objectstore.store import Draft, NewObject, Update

pytestmark = pytest.mark.asyncio(loop_scope="module")


# --- hits ---


async def test_a_hit_runs_commits_and_tells_what_ran(rig: Rig) -> None:
    await rig.put(PUMP, INCREMENT, count=4)
    reply = await rig.send("increment", 2)
    assert (reply.result, reply.method.holder, reply.method.number, reply.synthesized) == (6, PUMP, 1, False)
    assert await rig.slots(PUMP) == {"count": 6}
    assert rig.synthesizer.asked == []


async def test_messages_to_one_object_all_count(rig: Rig) -> None:
    await rig.put(PUMP, INCREMENT)
    replies = await asyncio.gather(*(rig.send("increment") for _ in range(50)))
    assert sorted(str(reply.result).zfill(2) for reply in replies) == [str(n).zfill(2) for n in range(1, 51)]
    assert await rig.slots(PUMP) == {"count": 50}


async def test_two_dispatchers_lose_no_update_of_one_object(rig: Rig) -> None:
    await rig.put(PUMP, INCREMENT)
    other = rig.another()
    message = Message(PUMP, Selector("increment"))

    async def until_counted(dispatch: Dispatch) -> None:
        while True:
            with contextlib.suppress(Conflict):
                await dispatch.send(message)
                return

    await asyncio.gather(*(until_counted(dispatch) for _ in range(20) for dispatch in (rig.dispatch, other)))
    await other.stop()
    assert await rig.slots(PUMP) == {"count": 40}


async def test_a_method_changed_elsewhere_is_seen(rig: Rig) -> None:
    await rig.put(PUMP, READ, count=1)
    assert (await rig.send("read")).result == 1
    doubled = READ.replace("self.count", "self.count * 2")
    _, token = await rig.store.register(NS, Draft(PUMP, Selector("read"), doubled), activate=True)
    reply = await rig.send("read", consistency=Consistency.AT_LEAST, token=str(token))
    assert (reply.result, reply.method.number) == (2, 2)


async def test_a_full_read_sees_a_write_that_was_acknowledged_elsewhere(rig: Rig) -> None:
    await rig.put(PUMP, READ, count=1)
    await rig.send("read")
    for count in range(2, 30):
        await rig.store.update(NS, Update(PUMP, slots={"count": count}))
        assert (await rig.send("read", consistency=Consistency.FULL)).result == count


async def test_a_reply_gives_a_token_to_read_ones_own_write_elsewhere(rig: Rig) -> None:
    await rig.put(PUMP, INCREMENT, READ, count=0)
    other = rig.another()
    for count in range(1, 20):
        token = (await rig.send("increment")).token
        message = Message(PUMP, Selector("read"), consistency=Consistency.AT_LEAST, token=token)
        assert (await other.send(message)).result == count
    await other.stop()


async def test_a_token_of_another_store_is_stale(rig: Rig) -> None:
    await rig.put(PUMP, READ, count=0)
    await rig.send("read")
    with pytest.raises(StaleToken):
        await rig.send("read", consistency=Consistency.AT_LEAST, token="0123456789abcdef.1")


async def test_several_objects_are_written_together_or_not_at_all(rig: Rig) -> None:
    move = "def move(self, to, n):\n    self.count -= n\n    self._p_changed = True\n    to.send('increment', n)\n"
    move += "    if self.count < 0:\n        raise ValueError('too little')\n    return self.count\n"
    await rig.put("tank/1", move, INCREMENT, count=10)
    await rig.put("tank/2", INCREMENT, count=0)
    assert (await rig.send("move", Reference("tank/2"), 4, to="tank/1")).result == 6
    with pytest.raises(MethodRaised):
        await rig.send("move", Reference("tank/2"), 7, to="tank/1")
    assert (await rig.slots("tank/1"), await rig.slots("tank/2")) == ({"count": 6}, {"count": 4})


async def test_wrong_arity_is_no_miss(rig: Rig) -> None:
    await rig.put(PUMP, INCREMENT)
    with pytest.raises(BadArguments):
        await rig.send("increment", 1, 2)
    assert rig.synthesizer.asked == []


async def test_an_absent_object_is_not_found(rig: Rig) -> None:
    with pytest.raises(ObjectNotFound):
        await rig.send("increment", to="gone")


async def test_a_deleted_object_is_gone_at_once_for_who_knew_it(rig: Rig) -> None:
    await rig.put(PUMP, INCREMENT)
    await rig.send("increment")
    await rig.store.delete(NS, PUMP)
    with pytest.raises(ObjectNotFound):
        await rig.send("increment", consistency=Consistency.FULL)


async def test_a_new_object_of_an_old_id_inherits_nothing(rig: Rig) -> None:
    await rig.put(PUMP, INCREMENT)
    await rig.send("increment")
    await rig.store.delete(NS, PUMP)
    await rig.store.create(NS, NewObject(PUMP))
    with pytest.raises(NotUnderstood):
        await rig.send("increment", on_miss=OnMiss.NEVER, consistency=Consistency.FULL)


# --- examples on a hit ---


async def test_a_version_that_fails_the_senders_example_is_not_run(rig: Rig) -> None:
    await rig.put(PUMP, INCREMENT, count=0)
    with pytest.raises(ExamplesDisagree, match="expected 3, got 2"):
        await rig.send("increment", examples=(Example(outcome=3, before={"count": 1}),))
    assert await rig.slots(PUMP) == {"count": 0}


async def test_a_version_that_passes_the_senders_examples_is_run(rig: Rig) -> None:
    await rig.put(PUMP, INCREMENT, count=0)
    examples = (Example(outcome=2, before={"count": 1}), Example(outcome=1))
    assert [(await rig.send("increment", examples=examples)).result for _ in range(2)] == [1, 2]


async def test_an_example_is_tried_once_for_each_version_and_not_at_each_send(rig: Rig) -> None:
    await rig.put(PUMP, INCREMENT, READ, count=0)
    one, another = Example(outcome=2, before={"count": 1}), Example(outcome=5, before={"count": 4})
    tried = Trials()
    dispatch = rig.another(tracing=tried)

    async def send(*examples: Example) -> int:
        before = tried.count
        await dispatch.send(Message(PUMP, Selector("increment"), examples=examples))
        return tried.count - before

    assert [await send(one), await send(one), await send(one, another), await send(another, one)] == [1, 0, 1, 0]
    await rig.store.register(NS, Draft(PUMP, Selector("increment"), INCREMENT + "\n"), activate=True)
    newest = Message(PUMP, Selector("increment"), examples=(one,), consistency=Consistency.FULL)
    await dispatch.send(newest)
    assert tried.count == 3
    await dispatch.stop()


class Trials:
    """Counts the trials of examples, by their spans."""

    def __init__(self) -> None:
        self._off, self.count = Telemetry.off(), 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._off, name)

    def span(self, name: str, *attributes: Any) -> Any:
        self.count += name == vocabulary.SPAN_TRIAL
        return self._off.span(name, *attributes)


# --- when the store is slow, or its answers are lost ---


class SlowStore:
    """A store whose commits wait for a gate."""

    def __init__(self, store: LedgerStore) -> None:
        self._store = store
        self.gate = asyncio.Event()
        self.begun = asyncio.Event()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    async def commit(self, transaction: Transaction, lane: Lane) -> Token:
        self.begun.set()
        await self.gate.wait()
        return await self._store.commit(transaction, lane)


async def test_no_reply_leaves_before_its_commit_is_durable(rig: Rig) -> None:
    await rig.put(PUMP, INCREMENT, READ)
    slow = SlowStore(rig.store)
    dispatch = rig.another(slow)
    writing = asyncio.create_task(dispatch.send(Message(PUMP, Selector("increment"))))
    reading = asyncio.create_task(dispatch.send(Message(PUMP, Selector("read"))))
    await slow.begun.wait()
    await asyncio.sleep(0.05)
    assert not writing.done()
    assert not reading.done()
    slow.gate.set()
    assert ((await writing).result, (await reading).result) == (1, 1)
    await dispatch.stop()


async def test_a_sender_that_leaves_in_mid_commit_leaves_the_object_whole(rig: Rig) -> None:
    await rig.put(PUMP, INCREMENT)
    slow = SlowStore(rig.store)
    dispatch = rig.another(slow)
    leaving = asyncio.create_task(dispatch.send(Message(PUMP, Selector("increment"))))
    await slow.begun.wait()
    leaving.cancel()
    slow.gate.set()
    with pytest.raises(asyncio.CancelledError):
        await leaving
    assert (await dispatch.send(Message(PUMP, Selector("increment")))).result == 2
    await dispatch.stop()


class LosingStore(SlowStore):
    """A store that loses the answer of each commit, made or not, and settles it at the third try."""

    def __init__(self, store: LedgerStore, *, made: bool) -> None:
        super().__init__(store)
        self._made, self._tries = made, 0

    async def commit(self, transaction: Transaction, lane: Lane) -> Token:
        if self._made:
            await self._store.commit(transaction, lane)
        raise CommitUnclear("the answer is lost")

    async def settle(self, namespace: Namespace, lane: Lane) -> Token | None:
        self._tries += 1
        if self._tries < 3:
            raise CommitUnclear("the store is away")
        return await self._store.settle(namespace, lane)


async def test_nobody_is_answered_before_it_is_known_whether_the_commit_was_made(rig: Rig) -> None:
    await rig.put(PUMP, INCREMENT)
    dispatch = rig.another(LosingStore(rig.store, made=True))
    assert (await dispatch.send(Message(PUMP, Selector("increment")))).result == 1
    assert (await rig.slots(PUMP)) == {"count": 1}
    await dispatch.stop()


async def test_a_commit_that_was_not_made_is_told_and_never_made_later(rig: Rig) -> None:
    await rig.put(PUMP, INCREMENT)
    dispatch = rig.another(LosingStore(rig.store, made=False))
    with pytest.raises(StoreUnavailable, match="nothing was changed"):
        await dispatch.send(Message(PUMP, Selector("increment")))
    assert (await rig.slots(PUMP)) == {}
    await dispatch.stop()
