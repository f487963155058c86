"""The store's epoch, under all that reads and changes. Law: nothing goes over from one epoch to another unseen.

Every read brings the key META along, and every step compares it. So a restore, whichever server does it, is noticed by
the next request of every other: what was read before it can no longer be committed, and what lies half restored is
served to nobody. Tokens get the epoch from here.
"""

import secrets
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, replace
from typing import Self

from kernel.errors import StoreUnavailable
from objectstore import records
from objectstore.keys import META
from objectstore.ledger import Entry, Events, Ledger, Reading, Span, Step, Unclear
from objectstore.records import Meta, UnknownFormat
from objectstore.store import FORMAT


@dataclass(frozen=True, slots=True)
class Held:
    """What META says, its value, and the revision at which it was put there."""

    meta: Meta
    value: bytes
    revision: int

    @classmethod
    def of(cls, entry: Entry | None) -> Self:
        """What was read. StoreUnavailable where there is nothing, UnknownFormat."""
        if entry is None:
            raise StoreUnavailable("etcd has lost what it held: start the objectstore again, then restore a backup")
        meta = records.meta(entry.value)
        if meta.format > FORMAT:
            raise UnknownFormat(meta.format)
        return cls(meta, entry.value, entry.revision)


def new_name() -> str:
    """A name for an epoch, or for a restore."""
    return secrets.token_hex(8)


class EpochLedger:
    """A Ledger. StoreUnavailable while the store is being restored."""

    def __init__(self, ledger: Ledger, held: Held) -> None:
        self.beneath = ledger
        self._held = held

    @classmethod
    async def open(cls, ledger: Ledger) -> Self:
        """The ledger in its epoch; a new one where there is none. Whoever is first wins, and needs no lane for it."""
        while True:
            entry = (await ledger.read(Span.key(META))).only(0)
            if entry is not None:
                return cls(ledger, Held.of(entry))
            try:
                await ledger.transact(Step(same={META: 0}, puts={META: records.encode_meta(Meta(new_name()))}))
            except Unclear:
                continue

    @property
    def epoch(self) -> str:
        """What names the store until a backup is restored."""
        return self._held.meta.epoch

    @property
    def restoring(self) -> bool:
        """Whether the store was being restored when it was last read."""
        return bool(self._held.meta.restoring)

    async def read(self, *spans: Span) -> Reading:
        """See Ledger."""
        while True:
            before = self._held.revision
            reading = await self.beneath.read(*spans, Span.key(META))
            if self._current(before, reading.only(-1)):
                return replace(reading, spans=reading.spans[:-1], counts=reading.counts[:-1])

    async def read_at(self, revision: int, span: Span) -> Sequence[Entry]:
        """See Ledger. The revision is one that a read told."""
        return await self.beneath.read_at(revision, span)

    async def read_all_at(self, revision: int, spans: Sequence[Span]) -> Sequence[Sequence[Entry]]:
        """See Ledger. The revision is one that a read told."""
        return await self.beneath.read_all_at(revision, spans)

    async def transact(self, step: Step) -> int | None:
        """See Ledger."""
        if self.restoring:
            await self.read()
        return await self.beneath.transact(replace(step, same={**step.same, META: self._held.revision}))

    def watch(self, span: Span, after: int) -> AsyncGenerator[Events]:
        """See Ledger. Of a restore, RestoredKey tells."""
        return self.beneath.watch(span, after)

    async def close(self) -> None:
        """See Ledger."""
        await self.beneath.close()

    def _current(self, before: int, entry: Entry | None) -> bool:
        """Whether what came with that META may be given out; False where another read has seen a later one meanwhile.

        `before` is what was known when the read began. StoreUnavailable, UnknownFormat.
        """
        held = self._held if entry and entry.revision == self._held.revision else Held.of(entry)
        if held.revision < before:
            raise StoreUnavailable("etcd is another one than it was: start the objectstore again")
        if held.revision < self._held.revision:
            return False
        self._held = held
        if held.meta.restoring:
            raise StoreUnavailable(
                "the store is being restored: try again when that has ended; if it broke off, restore again"
            )
        return True
