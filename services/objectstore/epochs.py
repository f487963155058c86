"""The store's epoch, under all that reads and changes. Law: nothing goes over from one epoch to another unseen.

Every read brings the key META along, and every step compares its value. So a restore, whichever server does it, is
noticed by the next request of every other: what was read before it can no longer be committed, and what lies half
restored is served to nobody. An etcd that lost META, or has another one without a restore, went back: see `steady`.

Tokens get the epoch from here: that of their revision, whatever has come since.
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
from objectstore.steady import SteadyLedger, WentBack
from objectstore.store import FORMAT


@dataclass(frozen=True, slots=True)
class Held:
    """What META says, its value, and the revision at which it was put there."""

    meta: Meta
    value: bytes
    revision: int

    @classmethod
    def of(cls, entry: Entry | None) -> Self:
        """What was read. WentBack where there is nothing, UnknownFormat."""
        if entry is None:
            raise WentBack
        meta = records.meta(entry.value)
        if meta.format > FORMAT:
            raise UnknownFormat(meta.format)
        return cls(meta, entry.value, entry.revision)


def new_name() -> str:
    """A name for an epoch, or for a restore."""
    return secrets.token_hex(8)


class EpochLedger:
    """A Ledger. StoreUnavailable while the store is being restored, WentBack where it is not what it was."""

    def __init__(self, ledger: SteadyLedger, held: Held) -> None:
        self.beneath = ledger
        self._held = held
        self._epochs = [(0, held.meta.epoch)]  # each with the revision that it began at, as far as it was seen

    @classmethod
    async def open(cls, ledger: Ledger) -> Self:
        """The ledger in its epoch; a new one where there is none. Whoever is first wins, and needs no lane for it."""
        steady = SteadyLedger(ledger)
        while True:
            entry = (await steady.read(Span.key(META))).only(0)
            if entry is not None:
                return cls(steady, Held.of(entry))
            try:
                await steady.transact(Step(same={META: 0}, puts={META: records.encode_meta(Meta(new_name()))}))
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

    def epoch_at(self, revision: int) -> str:
        """The epoch of a revision that a read or a step told."""
        return next(epoch for began, epoch in reversed(self._epochs) if began <= revision)

    async def read(self, *spans: Span) -> Reading:
        """See Ledger."""
        while True:
            before = self._held
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
        return await self.beneath.transact(replace(step, equal={**step.equal, META: self._held.value}))

    def watch(self, span: Span, after: int) -> AsyncGenerator[Events]:
        """See Ledger. Of a restore, RestoredKey tells."""
        return self.beneath.watch(span, after)

    async def close(self) -> None:
        """See Ledger."""
        await self.beneath.close()

    def _current(self, before: Held, entry: Entry | None) -> bool:
        """Whether what came with that META may be given out; False where another read has seen a later one meanwhile.

        `before` is what was known when the read began. WentBack, UnknownFormat, StoreUnavailable.
        """
        if entry is None:
            raise self.beneath.went_back()
        if (entry.value, entry.revision) != (self._held.value, self._held.revision):
            if entry.revision <= self._held.revision:
                if before is self._held:
                    raise self.beneath.went_back()
                return False
            self._adopt(Held.of(entry))
        if self.restoring:
            raise StoreUnavailable(
                "the store is being restored: try again when that has ended; if it broke off, restore again"
            )
        return True

    def _adopt(self, held: Held) -> None:
        if held.meta.epoch != self._held.meta.epoch:
            self._epochs.append((held.revision, held.meta.epoch))
        self._held = held
