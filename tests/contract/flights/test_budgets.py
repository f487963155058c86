"""What may be spent: reserved of every budget or of none, never over a bound, and settled once. And setbacks."""

import asyncio
from dataclasses import replace

import pytest

from fakes.boarded import ACME, HOUR, NOW, NS, READ, Boarded
from kernel.errors import BadArguments, BudgetExhausted, KernelError, SynthesisFailed
from kernel.objects import ROOT, Namespace, ObjectId, Selector
from kernel.synthesis import Ended
from objectstore.flight_keys import SetbackKey
from objectstore.flights import Budget, Reservation, Setback
from objectstore.ledger import Span
from objectstore.ledger_flights import LedgerFlights
from objectstore.ledger_store import LedgerStore

FEED = ObjectId("feed")
PATH = [Budget(ACME, 1000, None), Budget(FEED, None, 3), Budget(ROOT, None, None)]
OBJECTS = [ACME, FEED, ROOT]


async def test_all_budgets_along_the_path_are_charged(boarded: Boarded) -> None:
    made = await boarded.flights.reserve(NS, PATH, 300)
    assert (made.namespace, made.hour, made.tokens, made.objects) == (NS, HOUR, 300, (ACME, FEED, ROOT))
    assert made.name
    await boarded.flights.reserve(NS, PATH[1:], 50)
    assert await boarded.flights.spent(NS, [*OBJECTS, READ_ONLY]) == {
        ACME: (300, 1),
        FEED: (350, 2),
        ROOT: (350, 2),
        READ_ONLY: (0, 0),
    }
    assert await boarded.flights.spent(Namespace("acme"), [ROOT]) == {ROOT: (0, 0)}


READ_ONLY = ObjectId("read-only")


@pytest.mark.parametrize(
    ("budget", "tokens", "fields"),
    [
        (Budget(FEED, 100, None), 41, {"budget": "tokens", "allowed": "100", "left": "40"}),
        (Budget(FEED, None, 1), 1, {"budget": "syntheses", "allowed": "1", "left": "0"}),
    ],
)
async def test_where_one_budget_is_spent_none_is_charged(
    boarded: Boarded, budget: Budget, tokens: int, fields: dict[str, str]
) -> None:
    await boarded.flights.reserve(NS, [budget], 60)
    boarded.clock.now = NOW + 1000
    with pytest.raises(BudgetExhausted, match=r"feed allows .* the next hour begins in 2600 s") as refused:
        await boarded.flights.reserve(NS, [Budget(ACME, None, None), budget, Budget(ROOT, None, None)], tokens)
    assert dict(refused.value.fields) == {"object": FEED, "retry_seconds": "2600.0", **fields}
    assert await boarded.flights.spent(NS, OBJECTS) == {ACME: (0, 0), FEED: (60, 1), ROOT: (0, 0)}
    boarded.clock.now = NOW + 3600
    made = await boarded.flights.reserve(NS, [budget], tokens)
    assert made.hour == HOUR + 1
    assert await boarded.flights.spent(NS, [FEED]) == {FEED: (tokens, 1)}


@pytest.mark.parametrize("budget", [Budget(FEED, 100, None), Budget(FEED, None, 0)])
async def test_what_no_hour_allows_asks_nobody_to_come_back(boarded: Boarded, budget: Budget) -> None:
    with pytest.raises(BudgetExhausted, match="raise the budget") as refused:
        await boarded.flights.reserve(NS, [budget], 101)
    assert "retry_seconds" not in refused.value.fields


async def test_a_hundred_who_reserve_at_once_never_overspend(boarded: Boarded) -> None:
    other = LedgerFlights((await LedgerStore.open(boarded.ledger, clock=boarded.clock)).core)
    servers = [boarded.flights, other]
    asked = [servers[n % 2].reserve(NS, [Budget(ACME, 1000, None), Budget(ROOT, None, 60)], 25) for n in range(100)]
    answers = await asyncio.gather(*asked, return_exceptions=True)
    made = [each for each in answers if isinstance(each, Reservation)]
    refused = [each for each in answers if isinstance(each, BudgetExhausted)]
    assert (len(made), len(refused)) == (40, 60)
    assert await boarded.flights.spent(NS, [ACME, ROOT]) == {ACME: (1000, 40), ROOT: (1000, 40)}


async def test_what_was_not_spent_is_given_back_and_what_was_beyond_is_charged(boarded: Boarded) -> None:
    less, more, none = [await boarded.flights.reserve(NS, PATH, 300) for _ in range(3)]
    await boarded.flights.settle(less, 100)
    await boarded.flights.settle(more, 450)
    assert await boarded.flights.spent(NS, [ACME]) == {ACME: (850, 3)}
    await boarded.flights.settle(none, 0, begun=False)
    assert await boarded.flights.spent(NS, OBJECTS) == {ACME: (550, 2), FEED: (550, 2), ROOT: (550, 2)}
    for each in (less, more, none):
        await boarded.flights.settle(each, 9999)
    assert await boarded.flights.spent(NS, [ACME]) == {ACME: (550, 2)}


async def test_what_is_settled_in_a_later_hour_is_of_its_own(boarded: Boarded) -> None:
    made = await boarded.flights.reserve(NS, PATH, 300)
    boarded.clock.now = NOW + 3600
    await boarded.flights.reserve(NS, PATH, 10)
    await boarded.flights.settle(made, 100)
    assert await boarded.flights.spent(NS, [ACME]) == {ACME: (10, 1)}
    boarded.clock.now = NOW
    assert await boarded.flights.spent(NS, [ACME]) == {ACME: (100, 1)}


async def test_by_one_name_it_is_reserved_once(boarded: Boarded) -> None:
    made = await boarded.flights.reserve(NS, PATH, 300, name="s-1: first/")
    boarded.clock.now = NOW + 3600
    assert await boarded.flights.reserve(NS, PATH, 300, name="s-1: first/") == made
    assert await boarded.flights.spent(NS, [ACME]) == {ACME: (0, 0)}
    await boarded.flights.settle(made, 10)
    assert await boarded.flights.reserve(NS, PATH, 300, name="s-1: first/") == made
    assert (await boarded.flights.reserve(NS, PATH, 300, name="s-2")).hour == HOUR + 1


async def test_less_than_nothing_is_neither_reserved_nor_spent(boarded: Boarded) -> None:
    made = await boarded.flights.reserve(NS, PATH, 0)
    unnamed = replace(made, name="")
    asked = [boarded.flights.settle(each, tokens) for each, tokens in ((made, -1), (unnamed, 0))]
    for ask in (boarded.flights.reserve(NS, PATH, -1), *asked):
        with pytest.raises(BadArguments):
            await ask


FAILURE: KernelError = SynthesisFailed("no draft passed", object=ACME, selector=READ)
SETBACK = Setback("00ff", Ended.of(FAILURE), NOW + 600, 2)


async def test_a_setback_is_kept_until_an_hour_after_its_end(boarded: Boarded) -> None:
    assert await boarded.flights.setback(NS, ACME, READ) is None
    await boarded.flights.set_back(NS, ACME, READ, SETBACK)
    assert await boarded.flights.setback(NS, ACME, READ) == SETBACK
    assert await boarded.flights.setback(NS, ACME, Selector("reads")) is None
    (entry,) = (await boarded.ledger.read(Span.key(SetbackKey(NS, ACME, READ).encode()))).spans[0]
    assert entry.passing
    boarded.clock.now = NOW + 600 + 3599
    assert await boarded.flights.setback(NS, ACME, READ) == SETBACK
    boarded.clock.now = NOW + 600 + 3600
    assert await boarded.flights.setback(NS, ACME, READ) is None


async def test_a_setback_takes_the_place_of_the_one_before_and_is_forgotten(boarded: Boarded) -> None:
    await boarded.flights.set_back(NS, ACME, READ, SETBACK)
    later = replace(SETBACK, until=NOW + 7200, times=3)
    await boarded.flights.set_back(NS, ACME, READ, later)
    assert await boarded.flights.setback(NS, ACME, READ) == later
    await boarded.flights.set_back(NS, ACME, READ, None)
    await boarded.flights.set_back(NS, ACME, READ, None)
    assert await boarded.flights.setback(NS, ACME, READ) is None
