"""What the store stands on: ordered keys with revisions. Law: the seam knows bytes; what they mean is told above it.

Memory and etcd each keep these promises, and differ in nothing else:

- One clock for all keys: each transaction that changes something takes the next revision, and its keys get it.
- `read` is linearizable, and all its spans are read at one revision; `read_at` reads at one that went by.
- `transact` is applied whole or not at all. Where its answer is lost it raises Unclear; nobody below the lanes knows
  more, and the lanes know because every transaction of theirs leaves its number behind (see `lanes`).
- `watch` leaves nothing out and tells nothing twice.
"""

from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, Self

from kernel.errors import LimitExceeded
from kernel.transactions import MAX_TRANSACTION_BYTES

MAX_OPERATIONS = 128  # etcd's own limit for compares, and for changes, of one transaction


@dataclass(frozen=True, slots=True)
class Span:
    """The keys from `begin` to before `end`. A read takes the first `limit` (0: all), with their values or without."""

    begin: bytes
    end: bytes
    limit: int = 0
    values: bool = True

    @classmethod
    def key(cls, key: bytes, *, values: bool = True) -> Self:
        """That key alone."""
        return cls(key, key + b"\0", 0, values)

    @classmethod
    def prefix(cls, prefix: bytes, limit: int = 0) -> Self:
        """All keys that begin with a prefix; its last byte is none of the highest."""
        return cls(prefix, prefix[:-1] + bytes([prefix[-1] + 1]), limit)

    @property
    def single(self) -> bool:
        """Whether no second key can lie in it."""
        return self.end == self.begin + b"\0"


@dataclass(frozen=True, slots=True)
class Entry:
    """A key as it stands; `revision` is that of its last change, `value` is empty where it was not asked for.

    A `passing` one ends by itself.
    """

    key: bytes
    value: bytes
    revision: int
    passing: bool = False


@dataclass(frozen=True, slots=True)
class Reading:
    """The entries of each span, in the order of the keys, all at one revision."""

    spans: Sequence[Sequence[Entry]]
    revision: int
    counts: Sequence[int]
    """How many keys each span has, with those beyond its limit: etcd goes through all of them."""

    def only(self, index: int) -> Entry | None:
        """The first entry of a span, such as that of a single key."""
        return self.spans[index][0] if self.spans[index] else None


@dataclass(frozen=True, slots=True)
class Mark:
    """A key whose value must come before `below`, in the order of bytes, and becomes `value`; it must be there."""

    key: bytes
    below: bytes
    value: bytes


@dataclass(frozen=True, slots=True)
class Step:
    """One transaction: if all compares hold, all changes are made. No key is changed twice in it."""

    same: Mapping[bytes, int] = field(default_factory=dict[bytes, int])
    """Keys that still have these revisions; 0 where they are absent."""
    quiet: Sequence[tuple[Span, int]] = ()
    """Spans without a key changed after the revision; after 0: without a key."""
    puts: Mapping[bytes, bytes] = field(default_factory=dict[bytes, bytes])
    passing: Mapping[bytes, bytes] = field(default_factory=dict[bytes, bytes])
    """Puts that end by themselves after `seconds`, a minute more or less."""
    seconds: int = 0
    deletes: Sequence[Span] = ()
    mark: Mark | None = None
    equal: Mapping[bytes, bytes] = field(default_factory=dict[bytes, bytes])
    """Keys that have these values."""

    def check(self) -> None:
        """Raises LimitExceeded where no ledger would take it."""
        size = sum(len(key) + len(value) for puts in (self.puts, self.passing) for key, value in puts.items())
        size += sum(len(key) for key in self.passing if key in self.same)  # a kept reply's, which is sent twice
        if size > MAX_TRANSACTION_BYTES:
            raise LimitExceeded(
                "size", f"the change has {size} bytes; at most {MAX_TRANSACTION_BYTES} can be committed together"
            )
        changes = len(self.puts) + len(self.passing) + len(self.deletes)
        most = MAX_OPERATIONS - 2  # the mark takes one, and the compare of the epoch another
        if max(len(self.same) + len(self.equal) + len(self.quiet), changes) > most:
            raise LimitExceeded(
                "keys", f"the change touches too many keys at once; at most {most} can be compared or set"
            )


@dataclass(frozen=True, slots=True)
class Event:
    """One key's change; `value` is None where it was deleted."""

    key: bytes
    value: bytes | None
    revision: int


@dataclass(frozen=True, slots=True)
class Events:
    """Whole revisions, in order, up to `revision`. Without events it tells progress alone."""

    events: Sequence[Event]
    revision: int


class Unclear(Exception):
    """The answer to a transaction was lost: it was applied, or was not, or still will be."""


class Ledger(Protocol):
    """Ordered keys with revisions. StoreUnavailable means that nothing happened."""

    async def read(self, *spans: Span) -> Reading:
        """Read some spans at one revision, the newest. StoreUnavailable."""
        ...

    async def read_at(self, revision: int, span: Span) -> Sequence[Entry]:
        """Read a span as it stood at a revision, the values and `passing` with it.

        StaleToken where that revision is no longer kept, or is yet to come; StoreUnavailable.
        """
        ...

    async def read_all_at(self, revision: int, spans: Sequence[Span]) -> Sequence[Sequence[Entry]]:
        """Read at most 100 spans as they stood at a revision, as read_at."""
        ...

    async def transact(self, step: Step) -> int | None:
        """The revision of the step, None where a compare did not hold.

        Unclear, StoreUnavailable; StoreFull, which etcd also tells of the very step that filled it, though applied.
        """
        ...

    def watch(self, span: Span, after: int) -> AsyncGenerator[Events]:
        """Every change in the span after a revision, over lost connections too, without end.

        StaleToken where the revisions after it are no longer kept, or are yet to come; StoreUnavailable where the
        ledger stays away.
        """
        ...

    async def close(self) -> None:
        """Let go of connections; watches end."""
        ...


async def differing(ledger: Ledger, same: Mapping[bytes, int]) -> tuple[Mapping[bytes, int], int]:
    """The keys that do not have these revisions, with the one they have, and at which revision. StoreUnavailable."""
    reading = await ledger.read(*(Span.key(key, values=False) for key in same))
    found = {key: entries[0].revision if entries else 0 for key, entries in zip(same, reading.spans, strict=True)}
    return {key: revision for key, revision in found.items() if revision != same[key]}, reading.revision
