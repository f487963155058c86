"""What a run depends on and what it changes. Law: a commit compares everything that was read, absences too.

Comparing only what is written would let write skew through. Every key has one revision, 0 where it is absent, and a
transaction is applied whole or not at all. A lane gives each commit a number, so that a lost answer can be settled:
the lane's value tells whether the number was used, and using it up keeps a late one from applying.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum

from kernel.errors import BadArguments, LimitExceeded
from kernel.messages import MethodRef
from kernel.objects import Namespace, ObjectId
from kernel.values import INT64_MAX, SlotValues, Value

MAX_READS = 60
MAX_TRANSACTION_BYTES = 1 << 20
_REVISION_DIGITS = 19  # of an int64; Python takes long for the integer of very many


class Part(IntEnum):
    """The two parts of an object that are read and written apart."""

    DEFINITION = 1
    SLOTS = 2


@dataclass(frozen=True, slots=True)
class Key:
    """One thing that can be read."""

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

    @property
    def name(self) -> str:
        """What a conflict calls it where one is kept already, such as `reply:feed/acme:local:<request id>`."""
        return reply_name(self.receiver, self.principal, self.request_id)


def reply_name(receiver: ObjectId, principal: str, request_id: str) -> str:
    """What a conflict calls the reply that is kept for a request already."""
    return f"reply:{receiver}:{principal}:{request_id}"


@dataclass(frozen=True, slots=True)
class Transaction:
    """Reads with their revisions, new slots by object, and a reply to keep. Without writes it validates the reads."""

    namespace: Namespace
    reads: Mapping[Key, int]
    writes: Mapping[ObjectId, SlotValues] = field(default_factory=dict[ObjectId, SlotValues])
    reply: KeptReply | None = None

    def check(self) -> None:
        """Raises LimitExceeded over 60 reads."""
        if len(self.reads) > MAX_READS:
            raise LimitExceeded(
                "reads", f"the run read {len(self.reads)} keys; at most {MAX_READS} can be committed together"
            )


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
