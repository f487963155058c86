"""How a flight ends. Law: the flight goes, and the record of its synthesis gets its end, in one transaction.

Where a version is registered it is that very transaction: what was written is there with its synthesis ended, or is not
there at all.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from kernel.errors import BadArguments, Conflict, FlightLost
from kernel.messages import MethodRef
from kernel.objects import MethodRecord, Namespace, ObjectId, Selector
from kernel.synthesis import State, SynthesisRecord
from objectstore import flight_records, records
from objectstore.flight_keys import AgeKey, FlightKey, SynthesisKey
from objectstore.flights import Flight
from objectstore.ledger import Entry, Span, Step
from objectstore.store import Landing

RECORD_SECONDS: Final = 7 * 24 * 3600
BESIDE_SECONDS: Final = RECORD_SECONDS + 24 * 3600  # what is told outlives the record of what took no longer than a day


def key_of(flight: Flight) -> bytes:
    """The key of a flight."""
    return FlightKey(flight.namespace, flight.target, flight.selector).encode()


def record_key(flight: Flight) -> SynthesisKey:
    """The key of the record of its synthesis."""
    return SynthesisKey(flight.namespace, flight.synthesis_id)


def age_key(synthesis: SynthesisRecord) -> AgeKey:
    """The place of a synthesis in the list."""
    return AgeKey(SynthesisKey(synthesis.namespace, synthesis.synthesis_id), round(synthesis.created * 1e6))


def lost(flight: Flight) -> FlightLost:
    """What is told to whoever acts and holds the flight no longer."""
    return FlightLost(
        f"the flight for {flight.target}.{flight.selector} is another's by now, or has ended: write nothing more",
        synthesis=flight.synthesis_id,
    )


def check_fence(flight: Flight, found: Sequence[Entry]) -> None:
    """Raises FlightLost where the flight's key is not as its holder put it."""
    if not found or found[0].revision != flight.fence:
        raise lost(flight)


def ending(flight: Flight, synthesis: SynthesisRecord) -> Step:
    """The step that ends a flight, which others may be joined to. Raises BadArguments where the record is another's."""
    of_it = (synthesis.namespace, synthesis.synthesis_id) == (flight.namespace, flight.synthesis_id)
    if not of_it or (synthesis.target, synthesis.selector) != (flight.target, flight.selector):
        raise BadArguments("a flight ends with the record of its own synthesis", field="synthesis")
    if synthesis.state is State.RUNNING:
        raise BadArguments("a synthesis that runs has not ended", field="synthesis.state")
    return Step(
        same={key_of(flight): flight.fence},
        passing={
            record_key(flight).encode(): flight_records.encode_synthesis(synthesis),
            age_key(synthesis).encode(): records.encode(synthesis.state),
        },
        seconds=RECORD_SECONDS,
        deletes=[Span.key(key_of(flight))],
        # Else a record of another beginning would leave a place in the list that never goes.
        equal={age_key(synthesis).encode(): records.encode(State.RUNNING)},
    )


def of_another_time() -> BadArguments:
    """What is told to the holder whose record does not begin as the one that is kept."""
    return BadArguments(
        "a synthesis ends with the time at which it began: give the record that was boarded", field="synthesis.created"
    )


def check_landing(landing: Landing, namespace: Namespace, holder: ObjectId, selector: Selector) -> tuple[bytes, ...]:
    """The key of its flight. Raises BadArguments where that is not bound for the method that is registered."""
    flight = landing.flight
    if (flight.namespace, flight.target, flight.selector) != (namespace, holder, selector):
        raise BadArguments("a flight lands where it was bound for", field="landing.flight")
    return key_of(flight), age_key(landing.synthesis).encode()


def check_held(landing: Landing, found: Sequence[Sequence[Entry]], incarnation: str) -> None:
    """Raises FlightLost, BadArguments where the record is of another time, by what is at those keys.

    Conflict where the target, which has that incarnation now, was made anew: it inherits nothing.
    """
    flight, place = found
    check_fence(landing.flight, flight)
    if flight_records.holding(flight[0].value).incarnation not in {"", incarnation}:
        raise Conflict(
            f"{landing.flight.target} was deleted and made anew since its method was asked for: send the message again",
            ["definition"],
        )
    if not place:
        raise of_another_time()


def landed(landing: Landing, registered: MethodRecord, now: float) -> Step:
    """The step that ends a flight with a version; `now` is in seconds since 1970."""
    method = registered.method
    reference = MethodRef(method.holder, method.selector, method.number, method.digest, registered.level)
    state = State.SUCCEEDED if registered.active else State.WAITING
    synthesis = replace(landing.synthesis, state=state, method=reference, ended=now, failure=None)
    return ending(landing.flight, synthesis)


def joined(step: Step, end: Step) -> Step:
    """A registration, which lets nothing pass, and the end of its flight, as one step."""
    same, deletes = {**step.same, **end.same}, [*step.deletes, *end.deletes]
    return replace(step, same=same, passing=end.passing, seconds=end.seconds, deletes=deletes, equal=end.equal)
