"""The flights behind a channel. Law: whatever is asked is asked again until it is answered, for it happens once.

An answer that was lost says nothing of what was done. So each change compares, in its own transaction, what it would
have changed had it been made: the fence of the flight and the events that follow, the examples by their digests, the
mark of who cancelled, the name of a reservation (made here, before it is sent). Asked again it finds that, and answers
as it would have. What still arrives late finds it too, and changes nothing. Where no answer came in time the failure is
StoreUnavailable, and what was asked may have been done: ask it again.
"""

import secrets
from collections.abc import Mapping, Sequence
from typing import Final

import grpc.aio

from batos.v1 import flights_pb2 as pb
from batos.v1.flights_pb2_grpc import FlightsStub
from kernel.messages import Example
from kernel.objects import Namespace, ObjectId, Selector
from kernel.synthesis import Event, State, SynthesisRecord
from kernel.transactions import parse_token
from objectstore.asking import Asking
from objectstore.flights import Boarding, Budget, Flight, Reservation, Setback
from objectstore.store import Page
from objectstore.wire_flights import (
    budget_to_wire,
    flight_from_wire,
    flight_to_wire,
    reservation_from_wire,
    reservation_to_wire,
    setback_from_wire,
    setback_to_wire,
)
from wire.enums import enum_to_wire
from wire.messages import example_from_wire, example_to_wire
from wire.synthesis import event_from_wire, event_to_wire, synthesis_from_wire, synthesis_to_wire

CALL_SECONDS: Final = 5.0


class FlightsClient(Asking):
    """The Flights. One call takes at most `call_seconds`, and is repeated for as long again."""

    def __init__(self, channel: grpc.aio.Channel, *, call_seconds: float = CALL_SECONDS) -> None:
        super().__init__(channel, call_seconds)
        self._flights = FlightsStub(channel)

    async def board(self, synthesis: SynthesisRecord, member: str) -> Boarding:
        """See Flights."""
        request = pb.BoardFlightRequest(synthesis=synthesis_to_wire(synthesis), member=member)
        answer = await self._read(self._flights.BoardFlight, request)
        flight = flight_from_wire(answer.flight) if answer.HasField("flight") else None
        return Boarding(synthesis_from_wire(answer.synthesis), flight)

    async def under_way(self, namespace: Namespace, target: ObjectId, selector: Selector) -> SynthesisRecord | None:
        """See Flights."""
        request = pb.FindFlightRequest(namespace=namespace, target=target, selector=selector)
        answer = await self._read(self._flights.FindFlight, request)
        return synthesis_from_wire(answer.synthesis) if answer.HasField("synthesis") else None

    async def join(self, namespace: Namespace, synthesis_id: str, examples: Sequence[Example]) -> bool:
        """See Flights."""
        told = [example_to_wire(each) for each in examples]
        request = pb.LeaveExamplesRequest(namespace=namespace, synthesis_id=synthesis_id, examples=told)
        return (await self._read(self._flights.LeaveExamples, request)).left

    async def close(self, flight: Flight) -> Sequence[Example]:
        """See Flights."""
        request = pb.CloseFlightRequest(flight=flight_to_wire(flight))
        answer = await self._read(self._flights.CloseFlight, request)
        return [example_from_wire(each) for each in answer.examples]

    async def tell(self, flight: Flight, events: Sequence[Event], after: int) -> None:
        """See Flights."""
        told = [event_to_wire(each) for each in events]
        request = pb.TellEventsRequest(flight=flight_to_wire(flight), events=told, after=after)
        await self._read(self._flights.TellEvents, request)

    async def end(self, flight: Flight, synthesis: SynthesisRecord) -> None:
        """See Flights."""
        request = pb.EndFlightRequest(flight=flight_to_wire(flight), synthesis=synthesis_to_wire(synthesis))
        await self._read(self._flights.EndFlight, request)

    async def cancel(self, namespace: Namespace, synthesis_id: str, by: str) -> SynthesisRecord:
        """See Flights."""
        request = pb.CancelFlightRequest(namespace=namespace, synthesis_id=synthesis_id, by=by)
        return synthesis_from_wire((await self._read(self._flights.CancelFlight, request)).synthesis)

    async def cancelled(self, flight: Flight) -> str:
        """See Flights."""
        request = pb.GetCancellationRequest(flight=flight_to_wire(flight))
        return (await self._read(self._flights.GetCancellation, request)).by

    async def synthesis(self, namespace: Namespace, synthesis_id: str) -> SynthesisRecord:
        """See Flights."""
        request = pb.ReadSynthesisRequest(namespace=namespace, synthesis_id=synthesis_id)
        return synthesis_from_wire((await self._read(self._flights.ReadSynthesis, request)).synthesis)

    async def events(
        self, namespace: Namespace, synthesis_id: str, after: int
    ) -> tuple[SynthesisRecord, Sequence[Event]]:
        """See Flights."""
        request = pb.ReadSynthesisRequest(namespace=namespace, synthesis_id=synthesis_id, after=after)
        answer = await self._read(self._flights.ReadSynthesis, request)
        return synthesis_from_wire(answer.synthesis), [event_from_wire(each) for each in answer.events]

    async def syntheses(
        self, namespace: Namespace, states: Sequence[State], size: int, page: str
    ) -> Page[SynthesisRecord]:
        """See Flights."""
        wanted = [enum_to_wire("SYNTHESIS_STATE", state) for state in states]
        request = pb.ReadSynthesesRequest(namespace=namespace, states=wanted, page_size=size, page_token=page)
        answer = await self._read(self._flights.ReadSyntheses, request)
        items = [synthesis_from_wire(item) for item in answer.syntheses]
        return Page(items, answer.next_page_token, parse_token(answer.token))

    async def orphans(self) -> Sequence[SynthesisRecord]:
        """See Flights."""
        answer = await self._read(self._flights.ListOrphans, pb.ListOrphansRequest())
        return [synthesis_from_wire(item) for item in answer.syntheses]

    async def reserve(
        self, namespace: Namespace, budgets: Sequence[Budget], tokens: int, *, name: str = ""
    ) -> Reservation:
        """See Flights."""
        request = pb.ReserveBudgetRequest(
            namespace=namespace,
            budgets=[budget_to_wire(each) for each in budgets],
            tokens=tokens,
            name=name or secrets.token_hex(16),
        )
        return reservation_from_wire((await self._read(self._flights.ReserveBudget, request)).reservation)

    async def settle(self, reservation: Reservation, tokens: int, *, begun: bool = True) -> None:
        """See Flights."""
        told = reservation_to_wire(reservation)
        await self._read(
            self._flights.SettleBudget, pb.SettleBudgetRequest(reservation=told, tokens=tokens, begun=begun)
        )

    async def spent(self, namespace: Namespace, objects: Sequence[ObjectId]) -> Mapping[ObjectId, tuple[int, int]]:
        """See Flights."""
        answer = await self._read(self._flights.GetSpending, pb.GetSpendingRequest(namespace=namespace, ids=objects))
        return {ObjectId(each.id): (each.tokens, each.syntheses) for each in answer.spending}

    async def setback(self, namespace: Namespace, target: ObjectId, selector: Selector) -> Setback | None:
        """See Flights."""
        request = pb.GetSetbackRequest(namespace=namespace, target=target, selector=selector)
        answer = await self._read(self._flights.GetSetback, request)
        return setback_from_wire(answer.setback) if answer.HasField("setback") else None

    async def set_back(
        self, namespace: Namespace, target: ObjectId, selector: Selector, setback: Setback | None
    ) -> None:
        """See Flights."""
        kept = None if setback is None else setback_to_wire(setback)
        request = pb.PutSetbackRequest(namespace=namespace, target=target, selector=selector, setback=kept)
        await self._read(self._flights.PutSetback, request)
