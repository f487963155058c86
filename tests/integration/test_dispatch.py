"""The road of one message: real runs in the real sandbox over the store in memory, whose contract etcd keeps too."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Sequence
from dataclasses import replace
from typing import Any

import pytest
import pytest_asyncio

from activation.run import Activator
from chassis.telemetry import Telemetry
from dispatcher.dispatch import Dispatch
from dispatcher.misses import Waiting
from fakes.request_ids import request_id
from fakes.synthesizer import ScriptedSynthesizer
from kernel.errors import (
    BadArguments,
    Conflict,
    ExamplesDisagree,
    MethodRaised,
    NotUnderstood,
    ObjectNotFound,
    RequestIdReused,
    StaleToken,
    SynthesisFailed,
    SynthesisPending,
)
from kernel.messages import Consistency, Example, Message, OnMiss, Reply
from kernel.objects import DEFAULT_NAMESPACE, ObjectId, Selector
from kernel.synthesis import Event, Registered, Started
from kernel.transactions import Lane, Token, Transaction
from kernel.values import Reference, Value
from objectstore.ledger_store import LedgerStore
from objectstore.memory import MemoryLedger
from objectstore.store import Draft, NewObject, Update
from sandbox.host import Sandbox

NS = DEFAULT_NAMESPACE
PUMP = ObjectId("pump/17")

INCREMENT = """def increment(self, by=1):
    self.count = getattr(self, "count", 0) + by
    self._p_changed = True
    return self.count
"""
READ = """def read(self):
    self._p_changed = True
    return self.count
"""

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def sandbox() -> AsyncGenerator[Sandbox]:
    async with Sandbox() as sandbox:
        yield sandbox


class Rig:
    """A store, a synthesizer that knows its sources, and a dispatcher over both."""

    def __init__(self, store: LedgerStore, sandbox: Sandbox) -> None:
        self.store = store
        self.synthesizer = ScriptedSynthesizer(store)
        self.sandbox = sandbox
        self.dispatch = self.another()

    def another(self, store: Any = None) -> Dispatch:
        """A further dispatcher over the same store."""
        telemetry = Telemetry.off()
        return Dispatch(store or self.store, Activator(self.sandbox, telemetry), self.synthesizer, telemetry)

    async def put(self, name: str, *sources: str, parents: Sequence[str] = (), **slots: Value) -> None:
        """An object with methods, active."""
        object_id = ObjectId(name)
        await self.store.create(NS, NewObject(object_id, [ObjectId(parent) for parent in parents], slots=slots))
        for source in sources:
            selector = Selector(source.split("def ", 1)[1].split("(", 1)[0])
            await self.store.register(NS, Draft(object_id, selector, source), activate=True)

    async def slots(self, name: str) -> object:
        """What the store has."""
        return (await self.store.get(NS, ObjectId(name))).slots

    async def send(self, selector: str, *arguments: Value, to: str = PUMP, **message: Any) -> Reply:
        """Send through the first dispatcher."""
        return await self.dispatch.send(Message(ObjectId(to), Selector(selector), arguments, **message))


@pytest_asyncio.fixture(loop_scope="module")
async def rig(sandbox: Sandbox) -> AsyncGenerator[Rig]:
    rig = Rig(await LedgerStore.open(MemoryLedger()), sandbox)
    yield rig
    await rig.dispatch.stop()


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


# --- request ids ---


async def test_a_request_takes_effect_once(rig: Rig) -> None:
    await rig.put(PUMP, INCREMENT)
    identity = request_id()
    first = await rig.send("increment", request_id=identity)
    again = await rig.send("increment", request_id=identity)
    assert (first.result, first.replayed, again.result, again.replayed) == (1, False, 1, True)
    assert again.method == first.method
    assert await rig.slots(PUMP) == {"count": 1}


async def test_a_request_takes_effect_once_through_two_dispatchers_at_once(rig: Rig) -> None:
    await rig.put(PUMP, INCREMENT)
    other = rig.another()
    message = Message(PUMP, Selector("increment"), request_id=request_id())
    replies = await asyncio.gather(*(dispatch.send(message) for dispatch in [rig.dispatch, other] * 5))
    await other.stop()
    assert [reply.result for reply in replies] == [1] * 10
    assert [reply.replayed for reply in replies].count(False) == 1
    assert await rig.slots(PUMP) == {"count": 1}


async def test_a_request_id_with_another_message_is_refused(rig: Rig) -> None:
    await rig.put(PUMP, INCREMENT)
    identity = request_id()
    await rig.send("increment", 1, request_id=identity)
    with pytest.raises(RequestIdReused):
        await rig.send("increment", True, request_id=identity)


async def test_another_principals_request_id_is_another(rig: Rig) -> None:
    await rig.put(PUMP, INCREMENT)
    message = Message(PUMP, Selector("increment"), request_id=request_id())
    results = [(await rig.dispatch.send(replace(message, principal=who))).result for who in ("ann", "bob")]
    assert results == [1, 2]


@pytest.mark.parametrize("identity", ["x", "0199f3a1-7c00-4000-8000-0123456789ab", request_id(age=700)])
async def test_what_is_no_request_id_of_now_is_refused(rig: Rig, identity: str) -> None:
    await rig.put(PUMP, INCREMENT)
    with pytest.raises(BadArguments):
        await rig.send("increment", request_id=identity)


# --- misses ---


async def test_a_miss_is_written_and_then_the_same_message_runs(rig: Rig) -> None:
    await rig.put(PUMP, count=1)
    rig.synthesizer.sources["increment"] = INCREMENT
    events: list[Event] = []
    message = Message(PUMP, Selector("increment"), (5,), intent="raise the count")
    reply = await rig.dispatch.send(message, Waiting(tell=events.append))
    assert (reply.result, reply.synthesized) == (6, True)
    assert [type(event) for event in events] == [Started, Registered]
    assert rig.synthesizer.asked == [message]
    assert not (await rig.send("increment")).synthesized


async def test_a_miss_may_be_installed_at_a_parent(rig: Rig) -> None:
    await rig.put("pump")
    await rig.put(PUMP, parents=["pump"], count=1)
    rig.synthesizer.sources["increment"] = INCREMENT
    reply = await rig.send("increment", install_at=ObjectId("pump"))
    assert (reply.method.holder, await rig.slots(PUMP)) == ("pump", {"count": 2})


async def test_a_method_cannot_be_installed_beside_the_lookup_path(rig: Rig) -> None:
    await rig.put("tank")
    await rig.put(PUMP)
    with pytest.raises(BadArguments, match="not on the lookup path"):
        await rig.send("increment", install_at=ObjectId("tank"))


async def test_who_wants_no_method_is_told_of_near_ones(rig: Rig) -> None:
    await rig.put(PUMP, INCREMENT)
    with pytest.raises(NotUnderstood, match="increment") as missed:
        await rig.send("incremet", on_miss=OnMiss.NEVER)
    assert missed.value.near == ("increment",)
    assert rig.synthesizer.asked == []


async def test_a_method_that_another_dispatcher_had_written_is_no_miss(rig: Rig) -> None:
    await rig.put(PUMP, count=0)
    with pytest.raises(NotUnderstood):
        await rig.send("increment", on_miss=OnMiss.NEVER)
    await rig.store.register(NS, Draft(PUMP, Selector("increment"), INCREMENT), activate=True)
    assert (await rig.send("increment")).result == 1
    assert rig.synthesizer.asked == []


async def test_a_nested_miss_is_written_too_and_the_root_runs_again_from_its_beginning(rig: Rig) -> None:
    twice = "def twice(self):\n    self.runs = getattr(self, 'runs', 0) + 1\n    self._p_changed = True\n"
    await rig.put(PUMP, twice + "    return self.increment() + self.increment()\n")
    rig.synthesizer.sources["increment"] = INCREMENT
    reply = await rig.send("twice", intent="count twice")
    assert (reply.result, await rig.slots(PUMP)) == (3, {"runs": 1, "count": 2})
    assert "count twice" in rig.synthesizer.asked[0].intent


async def test_a_failed_synthesis_is_told_and_changes_nothing(rig: Rig) -> None:
    await rig.put(PUMP, count=1)
    with pytest.raises(SynthesisFailed):
        await rig.send("increment")
    assert await rig.slots(PUMP) == {"count": 1}


async def test_shortly_before_its_deadline_a_waiting_sender_is_told_to_come_back(rig: Rig) -> None:
    await rig.put(PUMP)
    rig.synthesizer.sources["increment"] = INCREMENT
    rig.synthesizer.gate.clear()
    loop = asyncio.get_running_loop()
    deadline = loop.time() + 0.8
    with pytest.raises(SynthesisPending, match="synthesis-1"):
        await rig.dispatch.send(Message(PUMP, Selector("increment")), Waiting(deadline))
    assert loop.time() < deadline


async def test_a_message_waiting_for_a_method_holds_nobody_up(rig: Rig) -> None:
    await rig.put(PUMP, INCREMENT)
    rig.synthesizer.sources["read"] = READ
    rig.synthesizer.gate.clear()
    waiting = asyncio.create_task(rig.send("read"))
    await rig.synthesizer.began.wait()
    assert (await rig.send("increment")).result == 1
    rig.synthesizer.gate.set()
    assert (await waiting).result == 1


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
