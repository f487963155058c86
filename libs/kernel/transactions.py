"""What a run depends on and what it changes. Law: a commit compares everything that was read, absences too.

Comparing only what is written would let write skew through. Every key has one revision, 0 where it is absent, and a
transaction is applied whole or not at all. A lane gives each commit a number, so that a lost answer can be settled:
the lane's value tells whether the number was used, and using it up keeps a late one from applying.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import NamedTuple, Self
from urllib.parse import quote, unquote

from kernel.errors import BadArguments, LimitExceeded
from kernel.messages import Message, MethodRef
from kernel.objects import Namespace, ObjectId
from kernel.values import INT64_MAX, Packed, Value

MAX_READS = 60  # of one root
MAX_COMPARES = 120  # of one transaction, which may be of several roots: their reads, and the replies to be absent
MAX_TRANSACTION_BYTES = 1 << 20
_REVISION_DIGITS = 19  # of an int64; Python takes long for the integer of very many


class Part(IntEnum):
    """The two parts of an object that are read and written apart."""

    DEFINITION = 1
    SLOTS = 2


class Key(NamedTuple):
    """One thing that can be read."""  # a tuple, since several are made and looked up for every message

    object_id: ObjectId
    part: Part

    @property
    def name(self) -> str:
        """What a conflict calls it, such as `feed/acme:slots`."""
        return f"{self.object_id}:{self.part.name.lower()}"


@dataclass(frozen=True, slots=True)
class Lane:
    """A committer's own line of commits, one at a time; `number` is that of the next commit, from 1."""

    name: str
    number: int


@dataclass(frozen=True, slots=True)
class KeptReply:
    """A reply kept with the effects it tells of, so that the same request takes effect once."""

    receiver: ObjectId
    incarnation: str
    principal: str
    request_id: str
    message_digest: str
    result: Value
    method: MethodRef

    @classmethod
    def to(cls, message: Message, incarnation: str, result: Value, method: MethodRef) -> Self:
        """The reply to a message with a request id."""
        sender, request_id = message.principal, message.request_id
        return cls(message.receiver, incarnation, sender, request_id, message.digest(), result, method)

    @property
    def name(self) -> str:
        """What a conflict calls it where one is kept already, such as `reply:feed/acme:local:<request id>`."""
        return reply_name(self.receiver, self.principal, self.request_id)


def reply_name(receiver: ObjectId, principal: str, request_id: str) -> str:
    """What a conflict calls the reply that is kept for a request already.

    Principal and request id are percent-encoded, and object ids hold no colon: no two have the same name.
    """
    return f"reply:{receiver}:{quote(principal, safe='')}:{quote(request_id, safe='')}"


@dataclass(frozen=True, slots=True)
class Transaction:
    """Reads with their revisions, new slots by object, replies to keep. Without the latter two it validates the reads.

    Slots are canonical bytes from the run that made them to the store that keeps them.
    """

    namespace: Namespace
    reads: Mapping[Key, int]
    writes: Mapping[ObjectId, Packed] = field(default_factory=dict[ObjectId, Packed])
    replies: tuple[KeptReply, ...] = ()

    def check(self) -> None:
        """Raises LimitExceeded over 120 reads and replies together, or 1 MiB of slots."""
        if (count := len(self.reads) + len(self.replies)) > MAX_COMPARES:
            raise LimitExceeded("reads", f"{count} keys were read; at most {MAX_COMPARES} can be committed together")
        if (size := sum(map(len, self.writes.values()))) > MAX_TRANSACTION_BYTES:
            raise LimitExceeded(
                "size", f"the change has {size} bytes; at most {MAX_TRANSACTION_BYTES} can be committed together"
            )


@dataclass(frozen=True, slots=True)
class ReplyName:
    """A kept reply among what a conflict names; the incarnation is the one that the transaction read."""

    receiver: ObjectId
    principal: str
    request_id: str


def parse_changed(text: str) -> Key | ReplyName:
    """What an entry of `Conflict.changed` names. Raises ValueError where it is none."""
    match text.split(":"):
        case [object_id, "slots" | "definition" as part]:
            return Key(ObjectId(object_id), Part[part.upper()])
        case ["reply", receiver, principal, request_id]:
            return ReplyName(ObjectId(receiver), unquote(principal), unquote(request_id))
        case _:
            raise ValueError(f"{text!r} names nothing that a transaction reads or keeps")


@dataclass(frozen=True, slots=True)
class Token:
    """The store's clock: epoch and revision. A token of another epoch is stale."""

    epoch: str
    revision: int

    def __str__(self) -> str:
        return f"{self.epoch}.{self.revision}"


def parse_token(text: str) -> Token:
    """The token that an earlier reply gave. Raises BadArguments where it is none.

    Whether it is of this epoch is for the store to say.
    """
    epoch, dot, revision = text.rpartition(".")
    known = dot and epoch and revision.isascii() and revision.isdigit() and len(revision) <= _REVISION_DIGITS
    if not known or int(revision) > INT64_MAX:
        raise BadArguments(f"{text[:80]!r} is not a token; give back one from an earlier reply", field="token")
    return Token(epoch, int(revision))
