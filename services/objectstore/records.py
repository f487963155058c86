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
from kernel.messages import MethodRef
from kernel.objects import Definition, Evidence, MethodVersion, ObjectId
from kernel.transactions import KeptReply
from kernel.values import Packed, SlotValues, encoder, from_extension
from objectstore.members import Member
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


_encoder = encoder()


def encode(thing: object) -> bytes:
    """The stored bytes of a record, or of slots in canonical form."""
    return _PREFIX + _encoder.encode(thing)


def _decoder(kind: type[T]) -> msgspec.msgpack.Decoder[T]:
    return msgspec.msgpack.Decoder(kind, ext_hook=from_extension)


_definitions = _decoder(Definition)
_versions = _decoder(MethodVersion)
_evidence = _decoder(Evidence)
_meta = _decoder(Meta)
_lanes = _decoder(LaneRecord)
_replies = _decoder(_KeptReply)
_members = _decoder(Member)
_values = msgspec.msgpack.Decoder(ext_hook=from_extension)


def _body(data: bytes) -> memoryview:
    if data[:1] != _PREFIX:
        raise UnknownFormat(data[0] if data else 0)
    return memoryview(data)[1:]


def encode_definition(definition: Definition) -> bytes:
    """The stored bytes of a definition."""
    return encode(replace(definition, methods=dict(definition.methods), pins=dict(definition.pins)))


def definition(data: bytes) -> Definition:
    """The definition of stored bytes. Raises UnknownFormat, as all readers here."""
    return _definitions.decode(_body(data))


def slots(data: bytes) -> SlotValues:
    """The slots of stored bytes."""
    return cast("Mapping[str, Any]", _values.decode(_body(data)))


def encode_slots(packed: Packed) -> bytes:
    """The stored bytes of slots."""
    return _PREFIX + packed


def packed(data: bytes) -> Packed:
    """The slots of stored bytes, not looked into."""
    return Packed(bytes(_body(data)))


def version(data: bytes) -> MethodVersion:
    """The method version of stored bytes."""
    return _versions.decode(_body(data))


def evidence(data: bytes) -> Evidence:
    """The proof of stored bytes."""
    return _evidence.decode(_body(data))


def encode_meta(meta: Meta) -> bytes:
    """The stored bytes of what the store is as a whole."""
    restoring = {"restoring": meta.restoring} if meta.restoring else {}
    return encode({"epoch": meta.epoch, "format": meta.format, **restoring})


def meta(data: bytes) -> Meta:
    """The epoch and format of the store."""
    return _meta.decode(_body(data))


def lane(data: bytes) -> LaneRecord:
    """Where a lane stands."""
    return _lanes.decode(_body(data))


def encode_reply(reply: KeptReply) -> bytes:
    """The stored bytes of a reply; its key holds the receiver, the incarnation, the principal and the request id."""
    return encode(_KeptReply(reply.message_digest, reply.result, reply.method))


def reply(data: bytes, receiver: ObjectId, incarnation: str, principal: str, request_id: str) -> KeptReply:
    """The kept reply of stored bytes and of what its key told."""
    kept = _replies.decode(_body(data))
    return KeptReply(receiver, incarnation, principal, request_id, kept.digest, kept.result, kept.method)


def member(data: bytes) -> Member:
    """The member of stored bytes."""
    return _members.decode(_body(data))


def mark() -> bytes:
    """The stored bytes of a key that says all by being there."""
    return encode(None)
