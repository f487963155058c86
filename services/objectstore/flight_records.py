"""What the stored bytes of syntheses mean. Law: as in `records`, which has the format; an event stays as it was told.

Values, which have no type that a decoder could check, are in messages and examples alone.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

import msgspec

from kernel.errors import BadValue
from kernel.messages import Consistency, Example, Message, MethodRef, OnMiss
from kernel.objects import Namespace, ObjectId, Selector
from kernel.synthesis import (
    Adopted,
    Chosen,
    Compared,
    DraftAudited,
    DraftTried,
    Ended,
    Event,
    Registered,
    Started,
    State,
    SynthesisRecord,
    TurnFinished,
    TurnStarted,
)
from objectstore.flights import Reservation, Setback
from objectstore.records import StoredExample, body, decoder, encode, example_of, stored_example


@dataclass(frozen=True, slots=True)
class Holding:
    """Who holds a flight, of which synthesis, and the synthesis that it asked for when it got it.

    `incarnation` is that of the target when the flight began; empty where it was not there. `takeovers` counts the
    holders before, none of whom brought it to its end.
    """

    synthesis_id: str
    member: str
    asked: str
    incarnation: str = ""
    takeovers: int = 0


@dataclass(frozen=True, slots=True)
class Spent:
    """What was spent in an hour."""

    tokens: int = 0
    syntheses: int = 0


@dataclass(frozen=True, slots=True)
class Reserved:
    """A reservation, and whether it was settled."""

    reservation: Reservation
    settled: bool = False


class _Message(msgspec.Struct, frozen=True, omit_defaults=True):
    """As Message."""

    receiver: ObjectId
    selector: Selector
    arguments: Any
    keywords: Any
    namespace: Namespace
    principal: str
    intent: str = ""
    examples: list[StoredExample] = []
    request_id: str = ""
    consistency: Consistency = Consistency.MINIMIZE_LATENCY
    token: str = ""
    on_miss: OnMiss = OnMiss.WAIT
    install_at: ObjectId | None = None
    dry_run: bool = False


class _Synthesis(msgspec.Struct, frozen=True, omit_defaults=True):
    """As SynthesisRecord."""

    synthesis_id: str
    message: _Message
    asked_by: str
    created: float
    state: State
    evolves: int = 0
    ended: float = 0.0
    method: MethodRef | None = None
    failure: Ended | None = None


class _Told(msgspec.Struct, frozen=True, array_like=True):
    """An event after the name of its kind."""

    kind: str
    event: msgspec.Raw


_EVENTS: Final[Mapping[str, msgspec.msgpack.Decoder[Event]]] = {
    kind.__name__: decoder(kind)
    for kind in (
        Started,
        TurnStarted,
        TurnFinished,
        DraftAudited,
        DraftTried,
        Adopted,
        Chosen,
        Compared,
        Registered,
    )
}
_told = decoder(_Told)
_syntheses = decoder(_Synthesis)
_holdings = decoder(Holding)
_states = decoder(State)
_examples = decoder(StoredExample)
_names = decoder(str)
_spent = decoder(Spent)
_reserved = decoder(Reserved)
_setbacks = decoder(Setback)


def encode_synthesis(record: SynthesisRecord) -> bytes:
    """The stored bytes of a synthesis."""
    asked = record.message
    message = _Message(
        receiver=asked.receiver,
        selector=asked.selector,
        arguments=asked.arguments,
        keywords=dict(asked.keywords),
        namespace=asked.namespace,
        principal=asked.principal,
        intent=asked.intent,
        examples=[stored_example(each) for each in asked.examples],
        request_id=asked.request_id,
        consistency=asked.consistency,
        token=asked.token,
        on_miss=asked.on_miss,
        install_at=asked.install_at,
        dry_run=asked.dry_run,
    )
    return encode(
        _Synthesis(
            record.synthesis_id,
            message,
            record.asked_by,
            record.created,
            record.state,
            record.evolves,
            record.ended,
            record.method,
            record.failure,
        )
    )


def synthesis(data: bytes) -> SynthesisRecord:
    """The synthesis of stored bytes."""
    kept = _syntheses.decode(body(data))
    asked = kept.message
    message = Message(
        receiver=asked.receiver,
        selector=asked.selector,
        arguments=tuple(asked.arguments),
        keywords=asked.keywords,
        namespace=asked.namespace,
        principal=asked.principal,
        intent=asked.intent,
        examples=tuple(example_of(each) for each in asked.examples),
        request_id=asked.request_id,
        consistency=asked.consistency,
        token=asked.token,
        on_miss=asked.on_miss,
        install_at=asked.install_at,
        dry_run=asked.dry_run,
    )
    return SynthesisRecord(
        kept.synthesis_id,
        message,
        kept.asked_by,
        kept.created,
        kept.state,
        kept.evolves,
        kept.ended,
        kept.method,
        kept.failure,
    )


def encode_event(event: Event) -> bytes:
    """The stored bytes of an event."""
    return encode([type(event).__name__, event])


def event(data: bytes) -> Event:
    """The event of stored bytes. Raises BadValue for one that this version does not know."""
    told = _told.decode(body(data))
    if (kind := _EVENTS.get(told.kind)) is None:
        raise BadValue(f"an event {told.kind} is stored, which this version does not know")
    match found := kind.decode(told.event):
        case DraftAudited():
            return replace(found, findings=tuple(found.findings))
        case Compared():
            return replace(found, differences=tuple(found.differences))
        case _:
            return found


def encode_left(example: Example) -> bytes:
    """The stored bytes of an example that was left."""
    return encode(stored_example(example))


def left(data: bytes) -> Example:
    """The example of stored bytes."""
    return example_of(_examples.decode(body(data)))


def holding(data: bytes) -> Holding:
    """Who holds a flight."""
    return _holdings.decode(body(data))


def state(data: bytes) -> State:
    """Where a synthesis stands, as its place in the list tells."""
    return _states.decode(body(data))


def name(data: bytes) -> str:
    """Who cancelled."""
    return _names.decode(body(data))


def spent(data: bytes) -> Spent:
    """What was spent."""
    return _spent.decode(body(data))


def reserved(data: bytes) -> Reserved:
    """What was reserved."""
    return _reserved.decode(body(data))


def setback(data: bytes) -> Setback:
    """Why a method could not be written."""
    return _setbacks.decode(body(data))
