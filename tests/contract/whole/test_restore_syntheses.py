"""What becomes of syntheses in a backup and in the store that it is restored into."""

from dataclasses import replace

from fakes.boarded import ACME, NS, READ, begun, failed, in_memory
from fakes.filled import put
from fakes.saved import exported, given, pairs
from kernel.errors import SynthesisCancelled
from kernel.messages import Example
from kernel.objects import ROOT, Selector
from kernel.synthesis import Ended, Started, State
from objectstore import records
from objectstore.check import check
from objectstore.flight_keys import FlightKey
from objectstore.flight_records import Holding
from objectstore.flights import Budget, Setback
from objectstore.keys import EVERYTHING
from objectstore.ledger_flights import LedgerFlights
from objectstore.ledger_store import LedgerStore
from objectstore.restore import restore

WRITE = Selector("write")


async def test_records_are_restored_and_what_ran_has_ended(empty: LedgerStore) -> None:
    async with in_memory() as full:
        done = await full.aboard(begun("s-1", examples=2), "m-1")
        await full.flights.tell(done, [Started("s-1", ACME)], 0)
        await full.flights.end(done, failed(begun("s-1", examples=2)))
        runs = await full.aboard(begun("s-2", selector=WRITE), "m-1")
        await full.flights.tell(runs, [Started("s-2", ACME)], 0)
        await full.flights.join(NS, "s-2", [Example(1)])
        await full.flights.reserve(NS, [Budget(ROOT, None, None)], 5)
        await full.flights.set_back(NS, ACME, READ, Setback("a", Ended("X", "y"), full.clock.now + 60, 1))
        parts = await exported(full.whole)
    assert {key.split(b"/")[3] for key in pairs(parts)} == {b"d", b"o", b"s", b"t"}
    await restore(empty, given(parts))
    flights = LedgerFlights(empty.core)
    assert await flights.events(NS, "s-1", 0) == (failed(begun("s-1", examples=2)), [Started("s-1", ACME)])
    record, events = await flights.events(NS, "s-2", 0)
    assert (record.state, events) == (State.CANCELLED, [Started("s-2", ACME)])
    assert record.failure is not None
    assert isinstance(record.failure.error(), SynthesisCancelled)
    assert record.ended > 0
    assert [each.synthesis_id for each in (await flights.syntheses(NS, [State.CANCELLED], 0, "")).items] == ["s-2"]
    assert await flights.orphans() == []
    assert [report.problems async for report in check(empty.ledger) if report.problems] == []
    entries = (await empty.ledger.read(EVERYTHING)).spans[0]
    assert all(entry.passing for entry in entries if entry.key.split(b"/")[3] in {b"s", b"t"})


async def test_flights_of_the_store_that_is_restored_into_are_gone_and_what_was_spent_stays(empty: LedgerStore) -> None:
    flights = LedgerFlights(empty.core)
    await flights.reserve(NS, [Budget(ROOT, None, None)], 5)
    for selector in (READ, WRITE):
        key = FlightKey(NS, ACME, selector).encode()
        await put(empty.ledger, key, records.encode(Holding("s-1", "m-1", "s-1")))
    async with in_memory() as full:
        await restore(empty, given(await exported(full.whole)))
    assert await flights.under_way(NS, ACME, READ) is None
    assert await flights.orphans() == []
    assert await flights.spent(NS, [ROOT]) == {ROOT: (5, 1)}


async def test_a_flight_of_nothing_stops_nobody() -> None:
    async with in_memory() as boarded:
        key = FlightKey(NS, ACME, READ).encode()
        await put(boarded.ledger, key, records.encode(Holding("s-0", "m-0", "s-0")))
        flight = await boarded.aboard(begun("s-1"), "m-1")
        assert flight.synthesis_id == "s-1"
        await boarded.flights.end(flight, replace(failed(begun("s-1")), state=State.CANCELLED))
