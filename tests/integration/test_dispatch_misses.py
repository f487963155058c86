"""The road of a miss, with a synthesizer that the test scripts: what is written, who waits, who is told."""

import asyncio

import pytest

from dispatcher.misses import Waiting
from fakes.rig import INCREMENT, NS, PUMP, READ, Rig
from kernel.errors import (
    BadArguments,
    ExamplesDisagree,
    NotUnderstood,
    Overloaded,
    SynthesisFailed,
    SynthesisPending,
)
from kernel.messages import Example, Message, OnMiss
from kernel.objects import ObjectId, Selector
from kernel.synthesis import Event, Registered, Started
from objectstore.store import Draft

pytestmark = pytest.mark.asyncio(loop_scope="module")


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


async def test_an_example_of_one_who_came_late_is_checked_on_what_was_written_for_others(rig: Rig) -> None:
    await rig.put(PUMP, count=1)
    rig.synthesizer.sources["increment"] = INCREMENT
    rig.synthesizer.gate.clear()
    first = asyncio.create_task(rig.send("increment"))
    await rig.synthesizer.began.wait()
    fits, differs = Example(5, before={"count": 4}), Example(6, before={"count": 4})
    late = [asyncio.create_task(rig.send("increment", examples=(each,))) for each in (fits, differs)]
    await asyncio.sleep(0.05)
    rig.synthesizer.gate.set()
    assert (await first).synthesized
    assert (await late[0]).synthesized
    with pytest.raises(ExamplesDisagree, match="expected 6, got 5"):
        await late[1]
    assert await rig.slots(PUMP) == {"count": 3}


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


async def test_who_does_not_wait_is_told_the_synthesis_at_once_and_finds_the_method_later(rig: Rig) -> None:
    await rig.put(PUMP, count=1)
    rig.synthesizer.sources["increment"] = INCREMENT
    rig.synthesizer.gate.clear()
    events: list[Event] = []
    message = Message(PUMP, Selector("increment"), on_miss=OnMiss.ASYNC)
    with pytest.raises(SynthesisPending) as pending:
        await asyncio.wait_for(rig.dispatch.send(message, Waiting(tell=events.append)), 1)
    assert pending.value.fields["synthesis"] == "synthesis-1"
    assert events == [Started("synthesis-1", PUMP)]
    await rig.store.register(NS, Draft(PUMP, Selector("increment"), INCREMENT), activate=True)
    reply = await rig.dispatch.send(message)  # a hit answers as ever
    assert (reply.result, reply.synthesized, len(rig.synthesizer.asked)) == (2, False, 1)


async def test_a_nested_miss_is_told_at_once_too_where_the_root_does_not_wait(rig: Rig) -> None:
    await rig.put(PUMP, "def twice(self):\n    self._p_changed = True\n    return 2 * self.increment()\n")
    rig.synthesizer.gate.clear()
    with pytest.raises(SynthesisPending, match="synthesis-1"):
        await asyncio.wait_for(rig.send("twice", on_miss=OnMiss.ASYNC), 1)
    assert rig.synthesizer.asked[0].selector == "increment"


async def test_a_message_waiting_for_a_method_holds_nobody_up(rig: Rig) -> None:
    await rig.put(PUMP, INCREMENT)
    rig.synthesizer.sources["read"] = READ
    rig.synthesizer.gate.clear()
    waiting = asyncio.create_task(rig.send("read"))
    await rig.synthesizer.began.wait()
    assert (await rig.send("increment")).result == 1
    rig.synthesizer.gate.set()
    assert (await waiting).result == 1


async def test_a_dispatcher_that_stops_lets_waiting_senders_come_back_later(rig: Rig) -> None:
    await rig.put(PUMP)
    rig.synthesizer.gate.clear()
    waiting = asyncio.create_task(rig.send("read"))
    await rig.synthesizer.began.wait()
    rig.dispatch.hurry()
    with pytest.raises(SynthesisPending):
        await asyncio.wait_for(waiting, 1)
    with pytest.raises(SynthesisPending):
        await asyncio.wait_for(rig.send("read"), 1)


@pytest.mark.parametrize("on_miss", [OnMiss.WAIT, OnMiss.ASYNC])
async def test_a_dispatcher_that_stops_names_no_synthesis_that_it_does_not_know(rig: Rig, on_miss: OnMiss) -> None:
    await rig.put(PUMP)
    rig.synthesizer.silent = True
    waiting = asyncio.create_task(rig.send("read", on_miss=on_miss))
    await rig.synthesizer.began.wait()
    rig.dispatch.hurry()
    with pytest.raises(Overloaded, match="about to stop"):
        await asyncio.wait_for(waiting, 1)
