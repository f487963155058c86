"""A backup of the whole store. Law: all of one revision, in pages; what belongs to those who run is left out."""

from collections.abc import AsyncGenerator, Iterable, Iterator, Sequence
from contextlib import aclosing
from typing import Final

from objectstore.backups import BackupPart, Entries, Header, Pair, Tally
from objectstore.epochs import EpochLedger
from objectstore.keys import EVERYTHING, META
from objectstore.ledger import Entry
from objectstore.pages import pages
from objectstore.places import is_ephemeral
from objectstore.store import FORMAT

_PART_BYTES: Final = 1 << 20  # a part with one entry more fits what any gRPC client takes


async def export(ledger: EpochLedger, version: str) -> AsyncGenerator[BackupPart]:
    """The parts of a backup of the newest revision, by a suite of this version.

    StoreUnavailable, also where so much changed meanwhile that the revision is no longer kept: begin again.
    """
    revision = (await ledger.read()).revision
    yield Header(FORMAT, ledger.epoch_at(revision), revision, version)
    tally = Tally()
    async with aclosing(pages(ledger, revision, EVERYTHING)) as found:
        async for page in found:
            for part in _parts(_kept(page)):
                for pair in part:
                    tally.add(pair)
                yield Entries(part)
    yield tally.footer()


def _kept(page: Sequence[Entry]) -> Iterator[Pair]:
    for entry in page:
        if entry.key != META and not is_ephemeral(entry.key):
            yield Pair(entry.key, entry.value)


def _parts(pairs: Iterable[Pair]) -> Iterator[Sequence[Pair]]:
    part: list[Pair] = []
    size = 0
    for pair in pairs:
        part.append(pair)
        size += len(pair.key) + len(pair.value)
        if size > _PART_BYTES:
            yield part
            part, size = [], 0
    if part:
        yield part
