"""What a backup is made of. Law: a header, entries in the order of their keys, and a footer that proves it whole.

Members, flights, lanes, marks of a restore, and what was spent and set back in the last hours are in none: they belong
to what runs.
"""

import hashlib
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from kernel.errors import BadArguments
from objectstore.keys import EVERYTHING, META
from objectstore.places import is_ephemeral
from objectstore.store import FORMAT


@dataclass(frozen=True, slots=True)
class Header:
    """The format of the stored bytes, and the store, its revision and the version of the suite that they are of."""

    format: int
    epoch: str
    revision: int
    version: str


@dataclass(frozen=True, slots=True)
class Pair:
    """A key and its value."""

    key: bytes
    value: bytes


@dataclass(frozen=True, slots=True)
class Entries:
    """A part of all keys."""

    pairs: Sequence[Pair]


@dataclass(frozen=True, slots=True)
class Footer:
    """How many entries there are, and their digest."""

    entries: int
    digest: str


BackupPart: TypeAlias = Header | Entries | Footer


class Tally:
    """Counts entries and digests them: sha256 over keys and values, each after its length as 8 bytes, big-endian."""

    def __init__(self) -> None:
        self._digest = hashlib.sha256()
        self.count = 0

    def add(self, pair: Pair) -> None:
        """Take an entry in."""
        self.count += 1
        for part in (pair.key, pair.value):
            self._digest.update(len(part).to_bytes(8, "big"))
            self._digest.update(part)

    def footer(self) -> Footer:
        """What the footer of these entries is."""
        return Footer(self.count, self._digest.hexdigest())


async def header_of(parts: AsyncIterator[BackupPart]) -> Header:
    """The first part. Raises BadArguments where it is no header of a format that this version reads."""
    first = await anext(parts, None)
    if not isinstance(first, Header):
        raise _not_whole("it does not begin with a header")
    if not 1 <= first.format <= FORMAT:
        raise _not_whole(f"it holds format {first.format}, and this version reads format {FORMAT}")
    return first


async def pairs_of(parts: AsyncIterator[BackupPart]) -> AsyncGenerator[Pair]:
    """All entries after the header. Raises BadArguments where they are not those that the footer tells of."""
    tally = Tally()
    last = EVERYTHING.begin
    footer: Footer | None = None
    async for part in parts:
        if isinstance(part, Header) or footer is not None:
            raise _not_whole("it goes on after its end")
        if isinstance(part, Footer):
            footer = part
            continue
        for pair in part.pairs:
            if not last < pair.key < EVERYTHING.end or pair.key == META or is_ephemeral(pair.key):
                raise _not_whole(f"{pair.key[:200]!r} is no key of a backup, or not in order")
            last = pair.key
            tally.add(pair)
            yield pair
    if footer is None:
        raise _not_whole("its end is missing")
    if footer != tally.footer():
        raise _not_whole(f"it tells of {footer.entries} entries with another digest than the {tally.count} that came")


def _not_whole(why: str) -> BadArguments:
    return BadArguments(f"this is no whole backup: {why}; nothing was restored")
