"""Who holds a flight, and for how long: one of all who ask, until it ends or is no member any more."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest

from fakes.boarded import ACME, NS, READ, Boarded, begun, failed
from kernel.errors import BadArguments, Conflict, FlightLost, LimitExceeded, StoreUnavailable, SynthesisNotFound
from kernel.messages import Example
from kernel.objects import DEFAULT_NAMESPACE, Namespace, Selector
from kernel.synthesis import Started, State
from objectstore.flights import Flight
from objectstore.ledger import Span
from objectstore.store import Draft, Landing, NewObject

OTHER = Namespace("acme")
SOURCE = "def read(self):\n    return 1\n"


async def test_of_fifty_who_ask_at_once_one_flies_and_all_hear_of_it(boarded: Boarded) -> None:
    await boarded.seat("m-1", "m-2")
    asked = [boarded.flights.board(begun(f"s-{n}"), f"m-{1 + n % 2}") for n in range(50)]
    boardings = await asyncio.gather(*asked)
    flying = [each.flight for each in boardings if each.flight]
    assert len(flying) == 1
    assert {each.synthesis.synthesis_id for each in boardings} == {flying[0].synthesis_id}
    assert boardings[int(flying[0].synthesis_id.removeprefix("s-"))].flight == flying[0]


async def test_a_flight_begins_with_the_record_of_its_synthesis(boarded: Boarded) -> None:
    synthesis = begun("s-1", examples=3)
    flight = await boarded.aboard(synthesis, "m-1")
    assert (flight.namespace, flight.target, flight.selector) == (NS, ACME, READ)
    assert (flight.synthesis_id, flight.member) == ("s-1", "m-1")
    assert await boarded.flights.synthesis(NS, "s-1") == synthesis
    assert await boarded.flights.under_way(NS, ACME, READ) == synthesis
    assert await boarded.flights.under_way(NS, ACME, Selector("other")) is None
    with pytest.raises(SynthesisNotFound):
        await boarded.flights.synthesis(OTHER, "s-1")


async def test_flights_for_other_methods_and_in_other_namespaces_are_others(boarded: Boarded) -> None:
    ways = [begun("s-1"), begun("s-2", selector=Selector("write")), begun("s-3", namespace=OTHER)]
    flights = [await boarded.aboard(each, "m-1") for each in ways]
    assert len({each.fence for each in flights}) == 3


async def test_who_is_no_living_member_boards_nothing(boarded: Boarded) -> None:
    with pytest.raises(StoreUnavailable, match="no living member"):
        await asyncio.wait_for(boarded.flights.board(begun("s-1"), "m-1"), 20)
    with pytest.raises(SynthesisNotFound):
        await boarded.flights.synthesis(NS, "s-1")


@pytest.mark.parametrize("wrong", ["", "a/b", "x" * 65])
async def test_ids_that_no_synthesis_has_are_refused(boarded: Boarded, wrong: str) -> None:
    await boarded.seat("m-1")
    with pytest.raises(BadArguments):
        await boarded.flights.board(begun(wrong), "m-1")
    with pytest.raises(BadArguments):
        await boarded.flights.board(begun("s-1"), wrong)


async def test_a_message_that_is_too_large_begins_nothing(boarded: Boarded) -> None:
    await boarded.seat("m-1")
    large = begun("s-1")
    large = replace(large, message=replace(large.message, arguments=("x" * (257 << 10),)))
    with pytest.raises(LimitExceeded, match="at most 262144"):
        await boarded.flights.board(large, "m-1")
    assert (await boarded.flights.syntheses(NS, [], 0, "")).items == []


async def test_an_id_of_another_methods_synthesis_is_refused(boarded: Boarded) -> None:
    await boarded.aboard(begun("s-1"), "m-1")
    with pytest.raises(Conflict):
        await boarded.flights.board(begun("s-1", selector=Selector("write")), "m-1")


async def test_a_flight_is_taken_over_when_its_holder_is_gone_and_not_before(boarded: Boarded) -> None:
    first = await boarded.aboard(begun("s-1"), "m-1")
    await boarded.seat("m-2", "m-3")
    assert (await boarded.flights.board(begun("s-2"), "m-2")).flight is None
    assert await boarded.flights.orphans() == []
    await boarded.flights.tell(first, [Started("s-1", ACME)], 0)
    await boarded.unseat("m-1")
    assert await boarded.flights.orphans() == [begun("s-1")]
    asked = [boarded.flights.board(begun(f"s-{n}"), "m-2" if n % 2 else "m-3") for n in range(2, 12)]
    boardings = await asyncio.gather(*asked)
    (taken,) = [each.flight for each in boardings if each.flight]
    assert all(each.synthesis == begun("s-1") for each in boardings)
    assert (taken.synthesis_id, taken.fence > first.fence) == ("s-1", True)
    assert (first.takeovers, taken.takeovers) == (0, 1)
    assert await boarded.flights.orphans() == []
    assert await boarded.flights.events(NS, "s-1", 0) == (begun("s-1"), [Started("s-1", ACME)])
    await boarded.flights.end(taken, failed(begun("s-1")))


async def test_who_holds_a_flight_and_asks_again_is_told_it_again(boarded: Boarded) -> None:
    flight = await boarded.aboard(begun("s-1"), "m-1")
    assert (await boarded.flights.board(begun("s-1"), "m-1")).flight == flight
    assert (await boarded.flights.board(begun("s-2"), "m-1")).flight is None


async def test_orphans_are_found_in_all_namespaces_and_boarded_by_their_own_records(boarded: Boarded) -> None:
    for synthesis in (begun("s-1"), begun("s-2", namespace=OTHER), begun("s-3", selector=Selector("write"))):
        await boarded.aboard(synthesis, "m-1")
    await boarded.aboard(begun("s-4", selector=Selector("drop")), "m-2")
    await boarded.unseat("m-1")
    orphans = await boarded.flights.orphans()
    assert {each.synthesis_id for each in orphans} == {"s-1", "s-2", "s-3"}
    for each in orphans:
        boarding = await boarded.flights.board(each, "m-2")
        assert boarding.flight is not None
        assert boarding.synthesis == each
    assert await boarded.flights.orphans() == []


async def test_of_many_orphans_with_large_messages_those_that_fit_are_told_first(boarded: Boarded) -> None:
    small = begun("any").message
    for number in range(20):
        large = begun(f"s-{number}", selector=Selector(f"read_{number}"))
        message = replace(small, selector=large.selector, arguments=("x" * (200 << 10),))
        await boarded.aboard(replace(large, message=message), "m-1")
    await boarded.unseat("m-1")
    await boarded.seat("m-2")
    taken: list[str] = []
    while orphans := await boarded.flights.orphans():
        assert len(orphans) <= 10
        for each in orphans:
            assert (await boarded.flights.board(each, "m-2")).flight
            taken.append(each.synthesis_id)
    assert sorted(taken) == sorted(f"s-{number}" for number in range(20))


async def test_a_synthesis_that_has_ended_begins_nothing(boarded: Boarded) -> None:
    ended = failed(begun("s-1"))
    flight = await boarded.aboard(begun("s-1"), "m-1")
    await boarded.flights.end(flight, ended)
    assert await boarded.flights.under_way(NS, ACME, READ) is None
    boarding = await boarded.flights.board(begun("s-1"), "m-1")
    assert (boarding.synthesis, boarding.flight) == (ended, None)
    again = await boarded.aboard(begun("s-2"), "m-1")
    assert again.synthesis_id == "s-2"


async def test_what_ends_is_of_the_flight_and_has_ended(boarded: Boarded) -> None:
    flight = await boarded.aboard(begun("s-1"), "m-1")
    for wrong in (begun("s-1"), failed(begun("s-2")), failed(begun("s-1", selector=Selector("write")))):
        with pytest.raises(BadArguments):
            await boarded.flights.end(flight, wrong)
    assert await boarded.flights.synthesis(NS, "s-1") == begun("s-1")


async def test_an_end_that_was_made_is_not_made_otherwise(boarded: Boarded) -> None:
    flight = await boarded.aboard(begun("s-1"), "m-1")
    await boarded.flights.end(flight, failed(begun("s-1")))
    await boarded.flights.end(flight, failed(begun("s-1")))
    other = failed(begun("s-1", examples=1))
    with pytest.raises(FlightLost):
        await boarded.flights.end(flight, other)
    assert (await boarded.flights.synthesis(NS, "s-1")).state is State.FAILED


Act = Callable[[Boarded, Flight], Awaitable[object]]
ACTS: dict[str, Act] = {
    "tell": lambda boarded, flight: boarded.flights.tell(flight, [Started("s-1", ACME)], 0),
    "close": lambda boarded, flight: boarded.flights.close(flight),
    "end": lambda boarded, flight: boarded.flights.end(flight, failed(begun("s-1"))),
    "cancelled": lambda boarded, flight: boarded.flights.cancelled(flight),
    "register": lambda boarded, flight: boarded.store.register(
        DEFAULT_NAMESPACE, Draft(ACME, READ, SOURCE), activate=True, landing=Landing(flight, begun("s-1"))
    ),
}


@pytest.mark.parametrize("act", ACTS)
@pytest.mark.parametrize("how", ["taken over", "ended"])
async def test_every_act_of_a_holder_who_lost_the_flight_is_refused(boarded: Boarded, act: str, how: str) -> None:
    await boarded.store.create(NS, NewObject(ACME))
    flight = await boarded.aboard(begun("s-1"), "m-1")
    if how == "ended":
        await boarded.flights.end(flight, failed(begun("s-1", examples=2)))
    else:
        await boarded.unseat("m-1")
        await boarded.aboard(begun("s-2"), "m-2")
    before = await boarded.flights.events(NS, "s-1", 0)
    with pytest.raises(FlightLost) as lost:
        await ACTS[act](boarded, flight)
    assert lost.value.fields["synthesis"] == "s-1"
    assert await boarded.flights.events(NS, "s-1", 0) == before
    assert (await boarded.store.methods(NS, ACME, None, 0, "")).items == []


async def test_a_record_ends_by_itself_once_it_has_ended_and_what_was_told_after_it(boarded: Boarded) -> None:
    flight = await boarded.aboard(begun("s-1"), "m-1")
    await boarded.flights.tell(flight, [Started("s-1", ACME)], 0)
    await boarded.flights.join(NS, "s-1", [Example(1)])
    assert await _passing(boarded) == {"event", "left"}
    await boarded.flights.end(flight, failed(begun("s-1")))
    assert await _passing(boarded) == {"record", "event", "left"}


async def _passing(boarded: Boarded) -> set[str]:
    """The kinds of keys of a synthesis that end by themselves."""
    entries = (await boarded.ledger.read(*_beside("s-1"))).spans[0]
    return {entry.key.decode().split("/")[5] for entry in entries if entry.passing}


def _beside(synthesis_id: str) -> list[Span]:
    return [Span.prefix(f"/batos/{NS}/s/{synthesis_id}/".encode())]
