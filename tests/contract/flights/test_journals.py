"""What is told of a synthesis and to it: in order, once, and there for all who come late."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from fakes.boarded import ACME, NS, READ, Boarded, begun, failed
from fakes.stores import LosingLedger
from kernel.errors import BadArguments, FlightLost, SynthesisNotFound
from kernel.messages import Example, Failure
from kernel.objects import (
    Evidence,
    Finding,
    Level,
    MethodRecord,
    MethodVersion,
    Namespace,
    ObjectId,
    PersonaTurn,
    Selector,
    Severity,
)
from kernel.synthesis import (
    Adopted,
    Chosen,
    Compared,
    DraftAudited,
    DraftTried,
    Event,
    Registered,
    Started,
    State,
    TurnFinished,
    TurnStarted,
)
from kernel.transactions import Token
from kernel.values import Reference
from objectstore.flights import Flights
from objectstore.ledger import Reading, Span
from objectstore.ledger_flights import LedgerFlights
from objectstore.ledger_store import LedgerStore

VERSION = MethodVersion(ACME, READ, 1, "def read(self):\n    return 1\n", "00ff", (), created=1.5)
EVENTS: list[Event] = [
    Started("s-1", ACME),
    TurnStarted("ALFRED", "coder", 1),
    TurnFinished(PersonaTurn("ALFRED", "coder", "aa", 120, 40, 1.5, 7), "def read(self): ...", 1, cut=True),
    DraftAudited(1, (Finding("BAT201", Severity.WARNING, 2, "look"),), passed=True),
    DraftTried(1, 1, 2, "it returned 2"),
    Adopted(ObjectId("feed/base"), READ, 3),
    Chosen(1, 2, 3, 1),
    Compared(3, 2, ("read() gave 1, now 2",)),
    Registered(MethodRecord(VERSION, (Evidence(Level.AUDITED, "audit", 2.5),), active=True), Token("epoch", 9)),
]
EXAMPLE = Example(
    3,
    before={"rows": [1, {"to": Reference("feed/base")}]},
    arguments=(True, 1.0),
    keywords={"by": b"\0"},
    now=12.5,
    seed=(1 << 64) - 1,
    others={ObjectId("feed/base"): {"n": 1}},
    after={"rows": []},
    after_exact=False,
    tolerance=0.5,
)
EXAMPLES = [EXAMPLE, Example(Failure("METHOD_RAISED", "ValueError"), arguments=(None,)), Example(None)]


async def test_events_of_every_kind_are_told_as_they_were(boarded: Boarded) -> None:
    flight = await boarded.aboard(begun("s-1"), "m-1")
    await boarded.flights.tell(flight, EVENTS, 0)
    assert await boarded.flights.events(NS, "s-1", 0) == (begun("s-1"), EVENTS)
    assert await boarded.flights.events(NS, "s-1", 7) == (begun("s-1"), EVENTS[7:])
    assert (await boarded.flights.events(NS, "s-1", 100))[1] == []


async def test_what_is_told_again_is_there_once_and_what_was_missing_follows(boarded: Boarded) -> None:
    flight = await boarded.aboard(begun("s-1"), "m-1")
    await boarded.flights.tell(flight, EVENTS[:2], 0)
    await boarded.flights.tell(flight, EVENTS[:2], 0)
    await boarded.flights.tell(flight, EVENTS[1:4], 1)
    await boarded.flights.tell(flight, [], 4)
    await asyncio.gather(*(boarded.flights.tell(flight, EVENTS[4:6], 4) for _ in range(5)))
    assert (await boarded.flights.events(NS, "s-1", 0))[1] == EVENTS[:6]


async def test_events_leave_no_gap_and_stay_as_they_were_told(boarded: Boarded) -> None:
    flight = await boarded.aboard(begun("s-1"), "m-1")
    await boarded.flights.tell(flight, EVENTS[:2], 0)
    for events, after in ((EVENTS[:1], 3), (EVENTS[2:3], 1), (EVENTS[2:3], -1)):
        with pytest.raises(BadArguments):
            await boarded.flights.tell(flight, events, after)
    assert (await boarded.flights.events(NS, "s-1", 0))[1] == EVENTS[:2]


async def test_many_events_and_large_ones_are_told_in_one_go(boarded: Boarded) -> None:
    flight = await boarded.aboard(begun("s-1"), "m-1")
    turn = PersonaTurn("ALFRED", "coder", "aa", 120, 40, 1.5)
    events: list[Event] = [TurnFinished(turn, "x" * 20_000, number) for number in range(130)]
    await boarded.flights.tell(flight, events, 0)
    assert (await boarded.flights.events(NS, "s-1", 0))[1] == events


async def test_who_takes_over_goes_on_where_the_one_before_ended(boarded: Boarded) -> None:
    first = await boarded.aboard(begun("s-1"), "m-1")
    await boarded.flights.tell(first, EVENTS[:3], 0)
    await boarded.unseat("m-1")
    second = await boarded.aboard(begun("s-2"), "m-2")
    told = (await boarded.flights.events(NS, "s-1", 0))[1]
    late = boarded.flights.tell(first, EVENTS[3:5], 3)
    ours = boarded.flights.tell(second, EVENTS[5:7], len(told))
    refused, _ = await asyncio.gather(late, ours, return_exceptions=True)
    assert isinstance(refused, FlightLost)
    assert (await boarded.flights.events(NS, "s-1", 0))[1] == [*EVENTS[:3], *EVENTS[5:7]]


async def test_examples_are_left_until_drafting_begins_each_once(boarded: Boarded) -> None:
    flight = await boarded.aboard(begun("s-1"), "m-1")
    assert await boarded.flights.join(NS, "s-1", EXAMPLES[:2])
    assert await boarded.flights.join(NS, "s-1", [*EXAMPLES[1:], EXAMPLES[2]])
    left = await boarded.flights.close(flight)
    assert sorted(each.digest() for each in left) == sorted(each.digest() for each in EXAMPLES)
    assert [each for each in left if each.digest() == EXAMPLE.digest()] == [EXAMPLE]
    assert not await boarded.flights.join(NS, "s-1", [Example(9)])
    assert await boarded.flights.close(flight) == left
    await boarded.unseat("m-1")
    taken = await boarded.aboard(begun("s-2"), "m-2")
    assert await boarded.flights.close(taken) == left
    assert not await boarded.flights.join(NS, "s-1", [Example(9)])


async def test_of_those_who_come_as_drafting_begins_each_is_with_the_drafts_or_refused(boarded: Boarded) -> None:
    flight = await boarded.aboard(begun("s-1"), "m-1")
    given = [Example(number) for number in range(20)]
    came = [boarded.flights.join(NS, "s-1", [each]) for each in given]
    *joined, left = await asyncio.gather(*came[:10], boarded.flights.close(flight), *came[10:])
    taken = [*joined, left]
    closed = next(each for each in taken if not isinstance(each, bool))
    answers = [each for each in taken if isinstance(each, bool)]
    there = {each.digest() for each in closed}
    assert [each.digest() in there for each in given] == answers


async def test_a_flight_takes_so_many_examples_and_no_more(boarded: Boarded) -> None:
    flight = await boarded.aboard(begun("s-1"), "m-1")
    given = [Example(number) for number in range(70)]
    assert not await boarded.flights.join(NS, "s-1", [Example("x" * (256 << 10))])
    assert await boarded.flights.join(NS, "s-1", given[:60])
    assert not await boarded.flights.join(NS, "s-1", given[60:])
    assert await boarded.flights.join(NS, "s-1", given[60:64])
    assert await boarded.flights.join(NS, "s-1", given[:64])
    assert len(await boarded.flights.close(flight)) == 64


async def test_of_many_who_join_at_once_no_more_find_room_than_there_is(boarded: Boarded) -> None:
    flight = await boarded.aboard(begun("s-1"), "m-1")
    others = LedgerFlights((await LedgerStore.open(boarded.ledger)).core)  # of another server
    servers: list[Flights] = [boarded.flights, others]
    given = [[Example(5 * one + number) for number in range(5)] for one in range(40)]
    answers = await asyncio.gather(*(servers[one % 2].join(NS, "s-1", each) for one, each in enumerate(given)))
    assert sum(answers) == 12
    left = {each.digest() for each in await boarded.flights.close(flight)}
    assert len(left) == 60
    assert [{each.digest() for each in some} <= left for some in given] == answers


async def test_what_has_ended_takes_no_examples_and_what_never_was_is_not_found(boarded: Boarded) -> None:
    flight = await boarded.aboard(begun("s-1"), "m-1")
    await boarded.flights.end(flight, failed(begun("s-1")))
    assert not await boarded.flights.join(NS, "s-1", EXAMPLES)
    flights: Flights = boarded.flights
    for ask in (
        flights.join(NS, "s-2", EXAMPLES),
        flights.events(NS, "s-2", 0),
        flights.cancel(NS, "s-2", "ann"),
        flights.synthesis(Namespace("acme"), "s-1"),
    ):
        with pytest.raises(SynthesisNotFound):
            await ask


async def test_the_holder_hears_who_cancelled_first(boarded: Boarded) -> None:
    flight = await boarded.aboard(begun("s-1"), "m-1")
    assert await boarded.flights.cancelled(flight) == ""
    assert (await boarded.flights.cancel(NS, "s-1", "ann")).state is State.RUNNING
    assert (await boarded.flights.cancel(NS, "s-1", "bob")).state is State.RUNNING
    assert await boarded.flights.cancelled(flight) == "ann"
    await boarded.unseat("m-1")
    taken = await boarded.aboard(begun("s-2"), "m-2")
    assert await boarded.flights.cancelled(taken) == "ann"


async def test_what_has_ended_stays_as_it_ended_when_it_is_cancelled(boarded: Boarded) -> None:
    flight = await boarded.aboard(begun("s-1"), "m-1")
    await boarded.flights.end(flight, failed(begun("s-1")))
    assert await boarded.flights.cancel(NS, "s-1", "ann") == failed(begun("s-1"))
    assert await boarded.flights.synthesis(NS, "s-1") == failed(begun("s-1"))


async def test_a_synthesis_ends_as_of_the_time_that_it_began(boarded: Boarded) -> None:
    flight = await boarded.aboard(begun("s-1"), "m-1")
    for other in (begun("s-1", at=1.0), begun("s-1", at=-0.5)):
        with pytest.raises(BadArguments, match="at which it began"):
            await boarded.flights.end(flight, failed(other))
    assert await _listed(boarded, [], 10) == ["s-1"]
    await boarded.flights.end(flight, failed(begun("s-1")))
    assert await _listed(boarded, [], 10) == ["s-1"]
    assert await _listed(boarded, [State.RUNNING], 10) == []


async def _listed(boarded: Boarded, states: list[State], size: int) -> list[str]:
    found: list[str] = []
    page = ""
    while True:
        part = await boarded.flights.syntheses(NS, states, size, page)
        assert len(part.items) <= size
        found += [each.synthesis_id for each in part.items]
        page = part.next_page
        if not page:
            return found


async def test_syntheses_are_listed_by_age_and_state_page_by_page(boarded: Boarded) -> None:
    for number in range(7):
        synthesis = begun(f"s-{number}", selector=Selector(f"read_{number}"), at=float(number))
        flight = await boarded.aboard(synthesis, "m-1")
        if number % 2:
            await boarded.flights.end(flight, failed(synthesis))
    await boarded.aboard(begun("other", namespace=Namespace("acme")), "m-1")
    for size in (1, 2, 3, 7, 100):
        assert await _listed(boarded, [], size) == [f"s-{number}" for number in range(6, -1, -1)]
        assert await _listed(boarded, [State.FAILED], size) == ["s-5", "s-3", "s-1"]
        assert await _listed(boarded, [State.RUNNING, State.WAITING], size) == ["s-6", "s-4", "s-2", "s-0"]
    assert await _listed(boarded, [State.CANCELLED], 1) == []
    with pytest.raises(BadArguments):
        await boarded.flights.syntheses(NS, [], 1, "nonsense")


class _Looking(LosingLedger):
    """A ledger in which something happens right after a list was read."""

    then: Callable[[], Awaitable[None]] | None = None

    async def read(self, *spans: Span) -> Reading:
        reading = await super().read(*spans)
        if self.then is not None and spans[0].limit:
            act, self.then = self.then, None
            await act()
        return reading


async def test_a_list_is_of_one_moment_while_what_it_tells_of_ends(boarded: Boarded) -> None:
    flight = await boarded.aboard(begun("s-1"), "m-1")
    looking = _Looking(boarded.ledger)
    flights = LedgerFlights((await LedgerStore.open(looking)).core)
    looking.then = lambda: boarded.flights.end(flight, failed(begun("s-1")))
    assert (await flights.syntheses(NS, [State.RUNNING], 0, "")).items == [begun("s-1")]
    assert (await flights.syntheses(NS, [State.RUNNING], 0, "")).items == []
