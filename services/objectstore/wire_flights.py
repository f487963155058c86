"""Flights between the store's words and the contract. Law: pure translation; events are in `wire.synthesis`."""

from batos.v1 import flights_pb2 as pb
from kernel.objects import parse_namespace, parse_object_id, parse_selector
from objectstore.flights import Budget, Flight, Reservation, Setback
from objectstore.store import Landing
from wire.synthesis import ended_from_wire, ended_to_wire, synthesis_from_wire, synthesis_to_wire


def flight_to_wire(flight: Flight) -> pb.Flight:
    """The message for a flight."""
    return pb.Flight(
        namespace=flight.namespace,
        target=flight.target,
        selector=flight.selector,
        synthesis_id=flight.synthesis_id,
        member=flight.member,
        fence=flight.fence,
        takeovers=flight.takeovers,
    )


def flight_from_wire(flight: pb.Flight) -> Flight:
    """The flight. Raises BadArguments, BadObjectId."""
    return Flight(
        parse_namespace(flight.namespace),
        parse_object_id(flight.target),
        parse_selector(flight.selector),
        flight.synthesis_id,
        flight.member,
        flight.fence,
        flight.takeovers,
    )


def landing_to_wire(landing: Landing) -> pb.Landing:
    """The message for a landing."""
    return pb.Landing(flight=flight_to_wire(landing.flight), synthesis=synthesis_to_wire(landing.synthesis))


def landing_from_wire(landing: pb.Landing) -> Landing:
    """The landing. Raises BadArguments, BadObjectId, BadValue, BadExample, LimitExceeded."""
    return Landing(flight_from_wire(landing.flight), synthesis_from_wire(landing.synthesis))


def budget_to_wire(budget: Budget) -> pb.Budget:
    """The message for a budget."""
    return pb.Budget(id=budget.object_id, tokens=budget.tokens, syntheses=budget.syntheses)


def budget_from_wire(budget: pb.Budget) -> Budget:
    """The budget. Raises BadObjectId."""
    return Budget(
        parse_object_id(budget.id),
        budget.tokens if budget.HasField("tokens") else None,
        budget.syntheses if budget.HasField("syntheses") else None,
    )


def reservation_to_wire(reservation: Reservation) -> pb.Reservation:
    """The message for a reservation."""
    return pb.Reservation(
        namespace=reservation.namespace,
        hour=reservation.hour,
        tokens=reservation.tokens,
        ids=reservation.objects,
        name=reservation.name,
    )


def reservation_from_wire(reservation: pb.Reservation) -> Reservation:
    """The reservation. Raises BadArguments, BadObjectId."""
    objects = tuple(parse_object_id(item) for item in reservation.ids)
    namespace = parse_namespace(reservation.namespace)
    return Reservation(namespace, reservation.hour, reservation.tokens, objects, reservation.name)


def setback_to_wire(setback: Setback) -> pb.Setback:
    """The message for a setback."""
    failure = ended_to_wire(setback.failure)
    return pb.Setback(ask=setback.ask, failure=failure, until=setback.until, times=setback.times)


def setback_from_wire(setback: pb.Setback) -> Setback:
    """The setback."""
    return Setback(setback.ask, ended_from_wire(setback.failure), setback.until, setback.times)
