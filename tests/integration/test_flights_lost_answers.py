"""What is asked of flights over a network that loses answers, or brings requests late, happens once."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import TypeVar

import pytest

from chassis.client import channel
from fakes.boarded import ACME, NS, READ, Boarded, begun, failed, in_etcd
from fakes.proxy import Proxy
from fakes.stores import serving
from kernel.errors import FlightLost
from kernel.messages import Example
from kernel.objects import ROOT
from kernel.synthesis import Started, State, TurnStarted
from objectstore.flights import Budget, Flights
from objectstore.flights_client import FlightsClient

ARRIVED = 0.2  # seconds that suffice for what was sent to be done
TOLD = [Started("s-1", ACME), TurnStarted("ALFRED", "coder", 1)]

T = TypeVar("T")


class Cut:
    """Flights behind a proxy, and the truth beside them."""

    def __init__(self, flights: Flights, proxy: Proxy, truth: Boarded) -> None:
        self.flights, self.proxy, self.truth = flights, proxy, truth

    async def lost(self, ask: Awaitable[T], lose: Callable[[], None] | None = None) -> T:
        """What an act is answered whose first answer is lost."""
        await self.flights.orphans()  # connected
        (lose or self.proxy.swallow_answers)()
        asked = asyncio.ensure_future(ask)
        await asyncio.sleep(ARRIVED)
        self.proxy.cut()
        return await asyncio.wait_for(asked, 10)


@pytest.fixture
async def cut(etcd_endpoint: str) -> AsyncGenerator[Cut]:
    async with AsyncExitStack() as stack:
        truth = await stack.enter_async_context(in_etcd(etcd_endpoint))
        await truth.seat("m-1", "m-2")
        address = await stack.enter_async_context(serving(truth.store))
        proxy = await stack.enter_async_context(Proxy(address.port))
        connected = await stack.enter_async_context(channel(proxy.address))
        yield Cut(FlightsClient(connected), proxy, truth)


async def test_a_flight_that_was_got_is_told_again(cut: Cut) -> None:
    boarding = await cut.lost(cut.flights.board(begun("s-1"), "m-1"))
    assert boarding.flight is not None
    await cut.truth.flights.tell(boarding.flight, TOLD, 0)


async def test_a_flight_that_was_taken_over_is_told_again(cut: Cut) -> None:
    first = (await cut.truth.flights.board(begun("s-1"), "m-1")).flight
    assert first is not None
    await cut.truth.unseat("m-1")
    boarding = await cut.lost(cut.flights.board(begun("s-2"), "m-2"))
    assert boarding.flight is not None
    assert boarding.synthesis == begun("s-1")
    await cut.truth.flights.tell(boarding.flight, TOLD, 0)


async def test_what_was_told_left_and_cancelled_is_there_once(cut: Cut) -> None:
    flight = (await cut.flights.board(begun("s-1"), "m-1")).flight
    assert flight is not None
    await cut.lost(cut.flights.tell(flight, TOLD, 0))
    assert await cut.lost(cut.flights.join(NS, "s-1", [Example(1)]))
    assert await cut.lost(cut.flights.close(flight)) == [Example(1)]
    await cut.lost(cut.flights.cancel(NS, "s-1", "ann"))
    assert await cut.truth.flights.cancelled(flight) == "ann"
    assert (await cut.truth.flights.events(NS, "s-1", 0))[1] == TOLD


async def test_an_end_that_was_made_is_no_lost_flight(cut: Cut) -> None:
    flight = (await cut.flights.board(begun("s-1"), "m-1")).flight
    assert flight is not None
    await cut.lost(cut.flights.end(flight, failed(begun("s-1"))))
    assert await cut.truth.flights.synthesis(NS, "s-1") == failed(begun("s-1"))
    with pytest.raises(FlightLost):
        await cut.flights.end(flight, replace(failed(begun("s-1")), state=State.CANCELLED))


async def test_money_is_reserved_once_and_settled_once(cut: Cut) -> None:
    made = await cut.lost(cut.flights.reserve(NS, [Budget(ROOT, 100, None)], 60))
    assert await cut.truth.flights.spent(NS, [ROOT]) == {ROOT: (60, 1)}
    await cut.lost(cut.flights.settle(made, 20))
    assert await cut.truth.flights.spent(NS, [ROOT]) == {ROOT: (20, 1)}


async def test_a_request_that_comes_late_changes_nothing_any_more(cut: Cut) -> None:
    made = await cut.lost(cut.flights.reserve(NS, [Budget(ROOT, 100, None)], 60), cut.proxy.hold_requests)
    await cut.flights.settle(made, 0, begun=False)
    flight = (await cut.lost(cut.flights.board(begun("s-1"), "m-1"), cut.proxy.hold_requests)).flight
    assert flight is not None
    await cut.lost(cut.flights.tell(flight, TOLD, 0), cut.proxy.hold_requests)
    await cut.flights.end(flight, failed(begun("s-1")))
    await cut.proxy.release()
    await asyncio.sleep(ARRIVED)
    assert await cut.truth.flights.spent(NS, [ROOT]) == {ROOT: (0, 0)}
    assert await cut.truth.flights.under_way(NS, ACME, READ) is None
    assert await cut.truth.flights.events(NS, "s-1", 0) == (failed(begun("s-1")), TOLD)
