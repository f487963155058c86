"""The RPCs of flights. Law: translate, ask the flights, translate; the chassis tells failures by their reason."""

# ruff: noqa: ARG002 - the context is in gRPC's signature, whether it is needed or not

from typing import Any

import grpc.aio

from batos.v1 import flights_pb2 as pb
from batos.v1.flights_pb2_grpc import FlightsServicer as GeneratedServicer
from kernel.objects import Namespace, ObjectId, Selector, parse_namespace, parse_object_id, parse_selector
from kernel.synthesis import State
from objectstore.flights import Flights
from objectstore.wire_flights import (
    budget_from_wire,
    flight_from_wire,
    flight_to_wire,
    reservation_from_wire,
    reservation_to_wire,
    setback_from_wire,
    setback_to_wire,
)
from wire.enums import member_of
from wire.messages import example_from_wire, example_to_wire
from wire.synthesis import event_from_wire, event_to_wire, synthesis_from_wire, synthesis_to_wire

_Context = grpc.aio.ServicerContext[Any, Any]


class FlightsServicer(GeneratedServicer):
    """Serves flights to synthesizers."""

    def __init__(self, flights: Flights) -> None:
        self._flights = flights

    async def BoardFlight(self, request: pb.BoardFlightRequest, context: _Context) -> pb.BoardFlightResponse:
        """Begin a flight, or take one over."""
        boarding = await self._flights.board(synthesis_from_wire(request.synthesis), request.member)
        flight = flight_to_wire(boarding.flight) if boarding.flight else None
        return pb.BoardFlightResponse(synthesis=synthesis_to_wire(boarding.synthesis), flight=flight)

    async def FindFlight(self, request: pb.FindFlightRequest, context: _Context) -> pb.FindFlightResponse:
        """Tell what is under way."""
        found = await self._flights.under_way(*_method(request))
        return pb.FindFlightResponse(synthesis=synthesis_to_wire(found) if found else None)

    async def LeaveExamples(self, request: pb.LeaveExamplesRequest, context: _Context) -> pb.LeaveExamplesResponse:
        """Leave examples with a flight."""
        examples = [example_from_wire(each) for each in request.examples]
        left = await self._flights.join(parse_namespace(request.namespace), request.synthesis_id, examples)
        return pb.LeaveExamplesResponse(left=left)

    async def CloseFlight(self, request: pb.CloseFlightRequest, context: _Context) -> pb.CloseFlightResponse:
        """Begin drafting."""
        left = await self._flights.close(flight_from_wire(request.flight))
        return pb.CloseFlightResponse(examples=[example_to_wire(each) for each in left])

    async def TellEvents(self, request: pb.TellEventsRequest, context: _Context) -> pb.TellEventsResponse:
        """Append events."""
        events = [event_from_wire(each) for each in request.events]
        await self._flights.tell(flight_from_wire(request.flight), events, request.after)
        return pb.TellEventsResponse()

    async def EndFlight(self, request: pb.EndFlightRequest, context: _Context) -> pb.EndFlightResponse:
        """End a flight."""
        await self._flights.end(flight_from_wire(request.flight), synthesis_from_wire(request.synthesis))
        return pb.EndFlightResponse()

    async def CancelFlight(self, request: pb.CancelFlightRequest, context: _Context) -> pb.CancelFlightResponse:
        """Ask the holder to end it."""
        namespace = parse_namespace(request.namespace)
        found = await self._flights.cancel(namespace, request.synthesis_id, request.by)
        return pb.CancelFlightResponse(synthesis=synthesis_to_wire(found))

    async def GetCancellation(
        self, request: pb.GetCancellationRequest, context: _Context
    ) -> pb.GetCancellationResponse:
        """Tell who cancelled."""
        return pb.GetCancellationResponse(by=await self._flights.cancelled(flight_from_wire(request.flight)))

    async def ReadSynthesis(self, request: pb.ReadSynthesisRequest, context: _Context) -> pb.ReadSynthesisResponse:
        """Read a record, and events."""
        namespace = parse_namespace(request.namespace)
        if not request.HasField("after"):
            found = await self._flights.synthesis(namespace, request.synthesis_id)
            return pb.ReadSynthesisResponse(synthesis=synthesis_to_wire(found))
        found, events = await self._flights.events(namespace, request.synthesis_id, request.after)
        told = [event_to_wire(each) for each in events]
        return pb.ReadSynthesisResponse(synthesis=synthesis_to_wire(found), events=told)

    async def ReadSyntheses(self, request: pb.ReadSynthesesRequest, context: _Context) -> pb.ReadSynthesesResponse:
        """Read a page of records."""
        states = [member_of(State, state, "states") for state in request.states]
        namespace = parse_namespace(request.namespace)
        page = await self._flights.syntheses(namespace, states, request.page_size, request.page_token)
        items = [synthesis_to_wire(item) for item in page.items]
        return pb.ReadSynthesesResponse(syntheses=items, next_page_token=page.next_page, token=str(page.token))

    async def ListOrphans(self, request: pb.ListOrphansRequest, context: _Context) -> pb.ListOrphansResponse:
        """Tell the flights that nobody holds."""
        orphans = await self._flights.orphans()
        return pb.ListOrphansResponse(syntheses=[synthesis_to_wire(each) for each in orphans])

    async def ReserveBudget(self, request: pb.ReserveBudgetRequest, context: _Context) -> pb.ReserveBudgetResponse:
        """Reserve before it is spent."""
        budgets = [budget_from_wire(each) for each in request.budgets]
        namespace = parse_namespace(request.namespace)
        made = await self._flights.reserve(namespace, budgets, request.tokens, name=request.name)
        return pb.ReserveBudgetResponse(reservation=reservation_to_wire(made))

    async def SettleBudget(self, request: pb.SettleBudgetRequest, context: _Context) -> pb.SettleBudgetResponse:
        """Give back what was not spent."""
        reservation = reservation_from_wire(request.reservation)
        await self._flights.settle(reservation, request.tokens, begun=request.begun)
        return pb.SettleBudgetResponse()

    async def GetSpending(self, request: pb.GetSpendingRequest, context: _Context) -> pb.GetSpendingResponse:
        """Tell what was spent."""
        objects = [parse_object_id(item) for item in request.ids]
        spent = await self._flights.spent(parse_namespace(request.namespace), objects)
        told = [pb.Spending(id=item, tokens=spent[item][0], syntheses=spent[item][1]) for item in objects]
        return pb.GetSpendingResponse(spending=told)

    async def GetSetback(self, request: pb.GetSetbackRequest, context: _Context) -> pb.GetSetbackResponse:
        """Tell the last failure."""
        found = await self._flights.setback(*_method(request))
        return pb.GetSetbackResponse(setback=setback_to_wire(found) if found else None)

    async def PutSetback(self, request: pb.PutSetbackRequest, context: _Context) -> pb.PutSetbackResponse:
        """Keep a failure, or forget it."""
        setback = setback_from_wire(request.setback) if request.HasField("setback") else None
        await self._flights.set_back(*_method(request), setback)
        return pb.PutSetbackResponse()


def _method(
    request: pb.FindFlightRequest | pb.GetSetbackRequest | pb.PutSetbackRequest,
) -> tuple[Namespace, ObjectId, Selector]:
    """Which method a request is of. Raises BadObjectId, BadArguments."""
    return parse_namespace(request.namespace), parse_object_id(request.target), parse_selector(request.selector)
