"""A registration and the end of its flight are one: what is seen is all of it, or nothing."""

from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest

from fakes.boarded import ACME, NOW, NS, READ, Boarded, begun, failed
from fakes.stores import Lose, LosingLedger, MeanwhileLedger
from kernel.errors import BadArguments, Conflict, FlightLost, KernelError, ObjectNotFound, StoreUnavailable
from kernel.messages import MethodRef
from kernel.objects import Evidence, Level, ObjectId, Selector
from kernel.synthesis import State
from objectstore.ledger_flights import LedgerFlights
from objectstore.ledger_store import LedgerStore
from objectstore.store import Draft, Landing, NewObject

SOURCE = "def read(self):\n    return 1\n"
DRAFT = Draft(ACME, READ, SOURCE, evidence=(Evidence(Level.EXAMPLES, "synthesizer", 2.5),))


@pytest.mark.parametrize(("activate", "state"), [(True, State.SUCCEEDED), (False, State.WAITING)])
async def test_a_registration_ends_its_flight(boarded: Boarded, activate: bool, state: State) -> None:
    await boarded.store.create(NS, NewObject(ACME))
    flight = await boarded.aboard(begun("s-1", examples=2), "m-1")
    boarded.clock.now = NOW + 7.5
    landing = Landing(flight, begun("s-1", examples=2))
    record, _ = await boarded.store.register(NS, DRAFT, activate=activate, landing=landing)
    method = MethodRef(ACME, READ, 1, record.method.digest, Level.EXAMPLES)
    ended = replace(begun("s-1", examples=2), state=state, method=method, ended=NOW + 7.5)
    assert await boarded.flights.synthesis(NS, "s-1") == ended
    assert await boarded.flights.under_way(NS, ACME, READ) is None
    assert record.active == activate
    page = await boarded.flights.syntheses(NS, [state], 0, "")
    assert [each.synthesis_id for each in page.items] == ["s-1"]
    with pytest.raises(FlightLost):
        await boarded.store.register(NS, DRAFT, activate=activate, landing=landing)
    assert (await boarded.aboard(begun("s-2"), "m-1")).synthesis_id == "s-2"


async def test_a_registration_that_is_refused_ends_nothing(boarded: Boarded) -> None:
    made = await boarded.store.create(NS, NewObject(ACME))
    await boarded.store.create(NS, NewObject(ObjectId("feed/other")))
    flight = await boarded.aboard(begun("s-1"), "m-1")
    landing = Landing(flight, begun("s-1"))
    with pytest.raises(Conflict):
        await boarded.store.register(
            NS, DRAFT, activate=True, landing=landing, expected={ACME: made.definition_revision - 1}
        )
    elsewhere = Draft(ObjectId("feed/other"), READ, SOURCE)
    another = Draft(ACME, Selector("reads"), SOURCE.replace("read", "reads"))
    for draft in (elsewhere, another):
        with pytest.raises(BadArguments):
            await boarded.store.register(NS, draft, activate=True, landing=landing)
    with pytest.raises(BadArguments):
        await boarded.store.register(NS, DRAFT, activate=True, landing=Landing(flight, begun("s-2")))
    with pytest.raises(BadArguments, match="at which it began"):
        await boarded.store.register(NS, DRAFT, activate=True, landing=Landing(flight, begun("s-1", at=1.0)))
    assert await boarded.flights.synthesis(NS, "s-1") == begun("s-1")
    assert await boarded.flights.under_way(NS, ACME, READ) == begun("s-1")
    assert (await boarded.store.methods(NS, ACME, None, 0, "")).items == []


async def test_what_was_asked_of_an_object_does_not_land_on_another_of_its_name(boarded: Boarded) -> None:
    await boarded.store.create(NS, NewObject(ACME))
    first = await boarded.aboard(begun("s-1"), "m-1")
    await boarded.store.delete(NS, ACME)
    await boarded.store.create(NS, NewObject(ACME))
    await boarded.unseat("m-1")
    taken = await boarded.aboard(begun("s-2"), "m-2")
    with pytest.raises(FlightLost):
        await boarded.store.register(NS, DRAFT, activate=True, landing=Landing(first, begun("s-1")))
    with pytest.raises(Conflict, match="made anew"):
        await boarded.store.register(NS, DRAFT, activate=True, landing=Landing(taken, begun("s-1")))
    assert (await boarded.store.methods(NS, ACME, None, 0, "")).items == []
    await boarded.flights.end(taken, failed(begun("s-1")))
    again = await boarded.aboard(begun("s-3"), "m-2")
    await boarded.store.register(NS, DRAFT, activate=True, landing=Landing(again, begun("s-3")))
    assert (await boarded.flights.synthesis(NS, "s-3")).state is State.SUCCEEDED


@pytest.mark.parametrize("lose", Lose)
async def test_a_landing_whose_answer_is_lost_is_made_whole_or_not_at_all(boarded: Boarded, lose: Lose) -> None:
    await boarded.store.create(NS, NewObject(ACME))
    flight = await boarded.aboard(begun("s-1"), "m-1")
    losing = LosingLedger(boarded.ledger)
    store = await LedgerStore.open(losing)
    await store.create(NS, NewObject(ObjectId("any")))  # the lane is open now
    losing.lose(lose)
    landing = Landing(flight, begun("s-1"))
    if lose is Lose.ANSWER:
        record, _ = await store.register(NS, DRAFT, activate=True, landing=landing)
        assert record.active
    else:
        with pytest.raises(StoreUnavailable):
            await store.register(NS, DRAFT, activate=True, landing=landing)
    assert await losing.arrive() in ([], [None])
    made = lose is Lose.ANSWER
    assert len((await boarded.store.methods(NS, ACME, None, 0, "")).items) == made
    assert (await boarded.flights.synthesis(NS, "s-1")).state is (State.SUCCEEDED if made else State.RUNNING)
    assert ((await boarded.flights.under_way(NS, ACME, READ)) is None) == made


async def test_acts_whose_answers_the_ledger_loses_are_done_once_when_asked_again(boarded: Boarded) -> None:
    await boarded.seat("m-1")
    losing = LosingLedger(boarded.ledger)
    flights = LedgerFlights((await LedgerStore.open(losing)).core)
    for lose in Lose:
        synthesis = begun(f"s-{lose.name.lower()}", selector=Selector(f"read_{lose.name.lower()}"))
        losing.lose(lose)
        try:
            boarding = await flights.board(synthesis, "m-1")
        except StoreUnavailable:
            boarding = await flights.board(synthesis, "m-1")
        assert boarding.flight is not None
        assert not any(await losing.arrive())
        losing.late.clear()
        assert (await flights.board(synthesis, "m-1")).flight == boarding.flight


async def _taken_over(boarded: Boarded) -> None:
    await boarded.unseat("m-1")
    await boarded.aboard(begun("s-2"), "m-2")


async def _cancelled(boarded: Boarded) -> None:
    await boarded.flights.cancel(NS, "s-1", "ann")


async def _gone(boarded: Boarded) -> None:
    await boarded.store.delete(NS, ACME)


async def _made_anew(boarded: Boarded) -> None:
    await _gone(boarded)
    await boarded.store.create(NS, NewObject(ACME))


@pytest.mark.parametrize(
    ("act", "failure"), [(_taken_over, FlightLost), (_gone, ObjectNotFound), (_made_anew, Conflict), (_cancelled, None)]
)
async def test_what_comes_right_before_a_landing_decides(
    boarded: Boarded, act: Callable[[Boarded], Awaitable[None]], failure: type[KernelError] | None
) -> None:
    await boarded.store.create(NS, NewObject(ACME))
    flight = await boarded.aboard(begun("s-1"), "m-1")
    ledger = MeanwhileLedger(boarded.ledger)
    store = await LedgerStore.open(ledger)
    ledger.meanwhile = lambda: act(boarded)
    landing = store.register(NS, DRAFT, activate=True, landing=Landing(flight, begun("s-1")))
    if failure is None:
        assert (await landing)[0].active
        assert (await boarded.flights.cancel(NS, "s-1", "ann")).state is State.SUCCEEDED
        return
    with pytest.raises(failure):
        await landing
    assert await boarded.flights.synthesis(NS, "s-1") == begun("s-1")
    if act is not _gone:
        assert (await boarded.store.methods(NS, ACME, None, 0, "")).items == []


async def test_a_flight_is_cancelled_or_has_ended_and_never_both(boarded: Boarded) -> None:
    flight = await boarded.aboard(begun("s-1"), "m-1")
    ledger = MeanwhileLedger(boarded.ledger)
    late = LedgerFlights((await LedgerStore.open(ledger)).core)
    ledger.meanwhile = lambda: boarded.flights.end(flight, failed(begun("s-1")))
    assert await late.cancel(NS, "s-1", "ann") == failed(begun("s-1"))
    again = await boarded.aboard(begun("s-2"), "m-1")
    assert await boarded.flights.cancelled(again) == ""
