"""What stored bytes mean. Law: one byte says the format, canonical MessagePack follows; what was stored stays readable.

This version writes format 1 and reads format 1; a later one reads its own and the one before. Golden files of each
format (tests/golden) prove it: a field that is renamed or gets another meaning makes a new format, one that is added
with a default does not.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, TypeVar, cast

import msgspec

from kernel.errors import StoreUnavailable
from kernel.messages import Example, Failure, MethodRef
from kernel.objects import Definition, Evidence, MethodVersion, ObjectId, Retirement
from kernel.transactions import KeptReply
from kernel.values import Packed, SlotValues, encoder, from_extension
from objectstore.members import Member
from objectstore.proving import KeptExample, RecordedCall
from objectstore.store import FORMAT

_PREFIX: Final = bytes([FORMAT])

T = TypeVar("T")


class UnknownFormat(StoreUnavailable):
    """The bytes are of a format that this version does not read."""

    def __init__(self, number: int) -> None:
        super().__init__(
            f"the store holds format {number}, this version reads format {FORMAT}: run the version that wrote it"
        )


@dataclass(frozen=True, slots=True)
class Meta:
    """The store as a whole. A restored backup gets another epoch; `restoring` names the restore that is under way."""

    epoch: str
    format: int = FORMAT
    restoring: str = ""


class LaneRecord(msgspec.Struct, frozen=True, array_like=True):
    """The last number of a lane, and whether the commit with it was made.

    Its bytes sort as its numbers do, which is what a ledger compares: MessagePack's positive integers have that order,
    and an uncommitted number sorts before the same one committed.
    """

    number: int
    committed: bool


class _KeptReply(msgspec.Struct, frozen=True):
    """As KeptReply, whose key tells the rest. A Value has no type that a decoder could check."""

    digest: str
    result: Any
    method: MethodRef


class StoredExample(msgspec.Struct, frozen=True):
    """As Example, the outcome in two; a Value has no type that a decoder could check."""

    result: Any
    failure: Failure | None
    before: Any
    arguments: Any
    keywords: Any
    now: float
    seed: int
    others: Any
    after: Any
    after_exact: bool
    tolerance: float


class _KeptExample(msgspec.Struct, frozen=True):
    """As KeptExample."""

    example: StoredExample
    by: str
    at: float
    withdrawn_by: str = ""


class _RecordedCall(msgspec.Struct, frozen=True):
    """As RecordedCall."""

    example: StoredExample
    number: int
    at: float


_encoder = encoder()


def encode(thing: object) -> bytes:
    """The stored bytes of a record, or of slots in canonical form."""
    return _PREFIX + _encoder.encode(thing)


def decoder(kind: type[T]) -> msgspec.msgpack.Decoder[T]:
    """What reads the body of a record."""
    return msgspec.msgpack.Decoder(kind, ext_hook=from_extension)


_definitions = decoder(Definition)
_versions = decoder(MethodVersion)
_evidence = decoder(Evidence)
_retirements: msgspec.msgpack.Decoder[Retirement | None] = msgspec.msgpack.Decoder(Retirement | None)
_meta = decoder(Meta)
_lanes = decoder(LaneRecord)
_replies = decoder(_KeptReply)
_members = decoder(Member)
_examples = decoder(_KeptExample)
_calls = decoder(_RecordedCall)
_values = msgspec.msgpack.Decoder(ext_hook=from_extension)


def body(data: bytes) -> memoryview:
    """Stored bytes without their format. Raises UnknownFormat."""
    if data[:1] != _PREFIX:
        raise UnknownFormat(data[0] if data else 0)
    return memoryview(data)[1:]


def encode_definition(definition: Definition) -> bytes:
    """The stored bytes of a definition."""
    return encode(replace(definition, methods=dict(definition.methods), pins=dict(definition.pins)))


def definition(data: bytes) -> Definition:
    """The definition of stored bytes. Raises UnknownFormat, as all readers here."""
    return _definitions.decode(body(data))


def slots(data: bytes) -> SlotValues:
    """The slots of stored bytes."""
    return cast("Mapping[str, Any]", _values.decode(body(data)))


def encode_slots(packed: Packed) -> bytes:
    """The stored bytes of slots."""
    return _PREFIX + packed


def packed(data: bytes) -> Packed:
    """The slots of stored bytes, not looked into."""
    return Packed(bytes(body(data)))


def version(data: bytes) -> MethodVersion:
    """The method version of stored bytes."""
    return _versions.decode(body(data))


def evidence(data: bytes) -> Evidence:
    """The proof of stored bytes."""
    return _evidence.decode(body(data))


def retirement(data: bytes) -> Retirement:
    """Who retired a version, of stored bytes; an earlier version stored a mark that says nothing."""
    return _retirements.decode(body(data)) or Retirement()


def encode_meta(meta: Meta) -> bytes:
    """The stored bytes of what the store is as a whole."""
    restoring = {"restoring": meta.restoring} if meta.restoring else {}
    return encode({"epoch": meta.epoch, "format": meta.format, **restoring})


def meta(data: bytes) -> Meta:
    """The epoch and format of the store."""
    return _meta.decode(body(data))


def lane(data: bytes) -> LaneRecord:
    """Where a lane stands."""
    return _lanes.decode(body(data))


def encode_reply(reply: KeptReply) -> bytes:
    """The stored bytes of a reply; its key holds the receiver, the incarnation, the principal and the request id."""
    return encode(_KeptReply(reply.message_digest, reply.result, reply.method))


def reply(data: bytes, receiver: ObjectId, incarnation: str, principal: str, request_id: str) -> KeptReply:
    """The kept reply of stored bytes and of what its key told."""
    kept = _replies.decode(body(data))
    return KeptReply(receiver, incarnation, principal, request_id, kept.digest, kept.result, kept.method)


def encode_example(kept: KeptExample) -> bytes:
    """The stored bytes of a kept example."""
    return encode(_KeptExample(stored_example(kept.example), kept.by, kept.at, kept.withdrawn_by))


def example(data: bytes) -> KeptExample:
    """The kept example of stored bytes."""
    kept = _examples.decode(body(data))
    return KeptExample(example_of(kept.example), kept.by, kept.at, kept.withdrawn_by)


def encode_call(call: RecordedCall) -> bytes:
    """The stored bytes of a recorded call."""
    return encode(_RecordedCall(stored_example(call.example), call.number, call.at))


def call(data: bytes) -> RecordedCall:
    """The recorded call of stored bytes."""
    kept = _calls.decode(body(data))
    return RecordedCall(example_of(kept.example), kept.number, kept.at)


def stored_example(given: Example) -> StoredExample:
    """The form in which it is stored, within other records too."""
    failure = given.outcome if isinstance(given.outcome, Failure) else None
    return StoredExample(
        result=None if failure else given.outcome,
        failure=failure,
        before=given.before,
        arguments=given.arguments,
        keywords=given.keywords,
        now=given.now,
        seed=given.seed,
        others=given.others,
        after=given.after,
        after_exact=given.after_exact,
        tolerance=given.tolerance,
    )


def example_of(stored: StoredExample) -> Example:
    """The example that was stored."""
    return Example(
        outcome=stored.failure or stored.result,
        before=stored.before,
        arguments=tuple(stored.arguments),
        keywords=stored.keywords,
        now=stored.now,
        seed=stored.seed,
        others=stored.others,
        after=stored.after,
        after_exact=stored.after_exact,
        tolerance=stored.tolerance,
    )


def member(data: bytes) -> Member:
    """The member of stored bytes."""
    return _members.decode(body(data))


def mark() -> bytes:
    """The stored bytes of a key that says all by being there."""
    return encode(None)
