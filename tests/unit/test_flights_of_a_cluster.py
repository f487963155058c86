"""One synthesis for a method in the whole cluster: who begins it, who joins, who takes it over, and how it ends."""

import asyncio

import pytest

from fakes.flying import EXAMPLE, NS, PUMP, READ, Gate, asked, cluster, whole
from kernel.errors import (
    ApprovalPending,
    KernelError,
    StoreUnavailable,
    SynthesisCancelled,
    SynthesisFailed,
    SynthesisNotFound,
)
from kernel.messages import Example
from kernel.objects import Policy, Synthesis
from kernel.synthesis import Registered, Started, State
from objectstore.proving import KeptExample


async def test_all_who_ask_two_synthesizers_wait_for_one_synthesis() -> None:
    async with cluster() as it:
        await it.put()
        one, two = await it.synthesizer(), await it.synthesizer()
        everyone = await asyncio.gather(*(each.ask(asked()) for _ in range(100) for each in (one, two)))
        assert len(one.writer.orders) + len(two.writer.orders) == 1
        started = [each for events in everyone for each in events if isinstance(each, Started)]
        assert [event.joined for event in started].count(False) == 1
        for events in everyone:
            whole(events)
        page = await it.store.methods(NS, PUMP, READ, 10, "")
        assert len(page.items) == 1
        listed = (await it.shared.syntheses(NS, (), 10, "")).items
        assert [each.state for each in listed] == [State.SUCCEEDED]


async def test_the_flight_of_one_that_is_killed_goes_on_elsewhere_and_what_was_finished_is_not_done_again() -> None:
    async with cluster() as it:
        await it.put()
        gate = Gate("ROBIN")
        one, two = await it.synthesizer(gate), await it.synthesizer()
        first = asyncio.create_task(one.ask(asked()))
        await gate.reached.wait()
        waiting = asyncio.create_task(two.ask(asked()))
        await asyncio.sleep(0.6)
        await one.kill()
        with pytest.raises(StoreUnavailable, match="send the message again"):
            await first
        events = await waiting
        whole(events)
        assert one.writer.taken == ["BRICK", "BABS"]
        assert two.writer.taken == ["ROBIN", "ALFRED"]
        (record,) = (await it.shared.syntheses(NS, (), 10, "")).items
        late = [event async for event in two.flights.watch(NS, record.synthesis_id)]
        assert late[1:-1] == events[1:-1]
        whole(late)


async def test_a_flight_goes_on_at_the_next_start_after_a_stop_of_the_only_synthesizer() -> None:
    async with cluster() as it:
        await it.put()
        gate = Gate("ALFRED")
        one = await it.synthesizer(gate)
        first = asyncio.create_task(one.ask(asked()))
        await gate.reached.wait()
        one.stop.set()
        with pytest.raises(StoreUnavailable, match="stopping; send the message again"):
            await first
        (record,) = (await it.shared.syntheses(NS, (), 10, "")).items
        assert record.state is State.RUNNING
        two = await it.synthesizer()
        whole([event async for event in two.flights.watch(NS, record.synthesis_id)])
        assert two.writer.taken == ["ALFRED"]
        assert isinstance((await two.ask(asked()))[0], Registered)


async def test_a_synthesis_is_cancelled_from_a_synthesizer_that_does_not_write_it() -> None:
    async with cluster() as it:
        await it.put()
        gate = Gate("BABS")
        one, two = await it.synthesizer(gate), await it.synthesizer()
        waiting = [asyncio.create_task(each.ask(asked())) for each in (one, two)]
        await gate.reached.wait()
        (record,) = (await two.flights.list(NS, (State.RUNNING,), 10, "")).items
        await two.flights.cancel(NS, record.synthesis_id, "bob")
        for each in await asyncio.gather(*waiting, return_exceptions=True):
            assert isinstance(each, SynthesisCancelled)
            assert "bob cancelled" in each.text
        kept = await one.flights.get(NS, record.synthesis_id)
        assert kept.state is State.CANCELLED
        assert (await one.flights.cancel(NS, record.synthesis_id, "bob")).state is State.CANCELLED
        with pytest.raises(SynthesisNotFound):
            await one.flights.cancel(NS, "nothing", "bob")
        gate.open.set()
        assert (await two.registered(asked())).record.active


async def test_a_failure_is_told_to_all_and_kept_and_a_fault_tells_nothing_of_its_text() -> None:
    async with cluster() as it:
        await it.put()
        gate = Gate("ALFRED")
        one, two = await it.synthesizer(gate), await it.synthesizer()
        for failure, told in (
            (SynthesisFailed("no draft passed"), "no draft passed"),
            (RuntimeError("secret"), "its log tells"),
        ):
            one.writer.failure = failure
            message = asked(intent=told)
            waiting = [asyncio.create_task(one.ask(message))]
            await gate.reached.wait()
            waiting.append(asyncio.create_task(two.ask(message)))
            await asyncio.sleep(0.3)
            gate.open.set()
            mine, theirs = await asyncio.gather(*waiting, return_exceptions=True)
            assert isinstance(mine, type(failure))
            assert isinstance(theirs, KernelError)
            assert told in theirs.text
            newest = (await one.flights.list(NS, (), 10, "")).items[0]
            assert newest.state is State.FAILED
            assert newest.failure is not None
            assert "secret" not in newest.failure.text
            gate.reached.clear()
            gate.open.clear()


async def test_the_examples_of_who_joins_anywhere_before_drafting_and_those_that_are_kept_gate() -> None:
    async with cluster() as it:
        await it.put()
        gate = Gate("ROBIN")
        one, two = await it.synthesizer(gate), await it.synthesizer()
        kept, here, there = Example(1, {"x": 1}), Example(1, {"x": 2}), Example(1, {"x": 3})
        one.writer.failure = SynthesisFailed("not yet")
        await it.store.keep(NS, PUMP, READ, [KeptExample(kept, "bob", 1.0)])
        waiting = [asyncio.create_task(one.ask(asked(EXAMPLE)))]
        await gate.reached.wait()
        waiting += [asyncio.create_task(one.ask(asked(here))), asyncio.create_task(two.ask(asked(there, EXAMPLE)))]
        await asyncio.sleep(0.3)
        gate.open.set()
        await asyncio.gather(*waiting, return_exceptions=True)
        (drafted,) = one.writer.drafted
        assert {each.digest() for each in drafted} == {each.digest() for each in (EXAMPLE, kept, here, there)}


async def test_the_asker_s_examples_are_kept_with_the_version() -> None:
    async with cluster() as it:
        await it.put()
        one = await it.synthesizer()
        record = (await one.registered(asked(EXAMPLE))).record
        assert record.active
        (kept,), _ = await it.store.kept(NS, PUMP, READ)
        assert (kept.example, kept.by) == (EXAMPLE, "ada")


async def test_a_version_that_waits_for_a_person_is_told_as_such_wherever_one_waits() -> None:
    async with cluster() as it:
        await it.put(policy=Policy(Synthesis.REVIEW))
        gate = Gate("ALFRED")
        one, two = await it.synthesizer(gate), await it.synthesizer()
        waiting = [asyncio.create_task(each.ask(asked())) for each in (one, two)]
        await gate.reached.wait()
        await asyncio.sleep(0.3)
        gate.open.set()
        mine, theirs = await asyncio.gather(*waiting, return_exceptions=True)
        assert isinstance(mine, ApprovalPending)
        assert isinstance(theirs, ApprovalPending)
        assert mine.text == theirs.text
        assert mine.fields == theirs.fields
        (record,) = (await one.flights.list(NS, (), 10, "")).items
        assert record.state is State.WAITING
        assert record.method is not None


async def test_one_that_is_out_writes_nothing_on_and_goes_on_when_it_is_back() -> None:
    async with cluster() as it:
        await it.put()
        gate = Gate("BABS")
        one = await it.synthesizer(gate)
        waiting = asyncio.create_task(one.ask(asked()))
        await gate.reached.wait()
        members = one.seat.members
        one.seat.members = None
        one.seat.changed.set()
        await asyncio.sleep(0.1)
        gate.open.set()
        await asyncio.sleep(0.2)
        assert one.writer.taken == ["BRICK"]
        one.seat.members = members
        one.seat.changed.set()
        whole(await waiting)
        assert one.writer.taken == ["BRICK", "BABS", "ROBIN", "ALFRED"]
