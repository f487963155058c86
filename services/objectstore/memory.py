"""A ledger in memory. Law: it keeps the promises of the seam with nothing beneath it, and forgets all when it ends.

One thread uses it: between two awaits nothing else runs, so that each method here is a transaction by itself.
"""

import asyncio
import time
from bisect import bisect_left, bisect_right, insort
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Final

from kernel.errors import StaleToken
from objectstore.leases import LeaseEnded
from objectstore.ledger import Entry, Event, Events, Reading, Span, Step

_SHORTEST_WAIT: Final = 0.01  # of seconds that may pass otherwise than the clock's


@dataclass(frozen=True, slots=True)
class _Past:
    """One revision: what it changed, and what stood there before."""

    events: Events
    before: Mapping[bytes, Entry | None]


@dataclass(slots=True)
class _Lease:
    """What ends at `end`: the keys that still have the revision they were posted at."""

    seconds: int
    end: float
    keys: dict[bytes, int] = field(default_factory=dict[bytes, int])


class MemoryLedger:
    """Entries, their sorted keys, and the history that watches read. `clock` is in seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._entries: dict[bytes, Entry] = {}
        self._keys: list[bytes] = []
        self._ends: dict[bytes, float] = {}
        self._leases: dict[int, _Lease] = {}
        self._granted = 0
        self._revision = 1
        self._history: list[_Past] = []
        self._kept_from = 1
        self._grown = asyncio.Event()

    async def read(self, *spans: Span) -> Reading:
        """See Ledger."""
        self._expire()
        counts = [bisect_left(self._keys, span.end) - bisect_left(self._keys, span.begin) for span in spans]
        return Reading([self._entries_in(span) for span in spans], self._revision, counts)

    async def read_at(self, revision: int, span: Span) -> Sequence[Entry]:
        """See Ledger."""
        self._expire()
        if not self._kept_from - 1 <= revision <= self._revision:
            raise StaleToken(f"revision {revision} is not kept; begin again at the newest")
        found = {entry.key: entry for entry in self._entries_in(replace(span, limit=0))}
        for past in reversed(self._history[bisect_right(self._history, revision, key=_revision) :]):
            for key, entry in past.before.items():
                if entry is None:
                    found.pop(key, None)
                elif span.begin <= key < span.end:
                    found[key] = entry if span.values else replace(entry, value=b"")
        entries = [found[key] for key in sorted(found)]
        return entries[: span.limit] if span.limit else entries

    async def read_all_at(self, revision: int, spans: Sequence[Span]) -> Sequence[Sequence[Entry]]:
        """See Ledger."""
        return [await self.read_at(revision, span) for span in spans]

    async def transact(self, step: Step) -> int | None:
        """See Ledger."""
        self._expire()
        if not self._holds(step):
            return None
        puts = {**step.puts, **step.passing, **({step.mark.key: step.mark.value} if step.mark else {})}
        gone = [entry.key for span in step.deletes for entry in self._entries_in(span)]
        if puts or gone:
            self._apply(puts, gone, step.passing)
        self._ends |= dict.fromkeys(step.passing, self._clock() + step.seconds)
        return self._revision

    async def watch(self, span: Span, after: int) -> AsyncGenerator[Events]:
        """See Ledger."""
        if not self._kept_from - 1 <= after <= self._revision:
            raise StaleToken(f"the changes after revision {after} are not kept; list again and watch from there")
        while True:
            grown = self._grown
            for change in self._history[bisect_right(self._history, after, key=_revision) :]:
                after = change.events.revision
                yield Events([event for event in change.events.events if span.begin <= event.key < span.end], after)
            await self._wait(grown)
            if after < self._kept_from - 1:
                raise StaleToken(f"the changes after revision {after} are no longer kept; list again")

    async def grant(self, seconds: int) -> int:
        """See LeasingLedger."""
        self._granted += 1
        self._leases[self._granted] = _Lease(seconds, self._clock() + seconds)
        return self._granted

    async def renew(self, lease: int) -> bool:
        """See LeasingLedger."""
        self._expire()
        if (held := self._leases.get(lease)) is None:
            return False
        held.end = self._clock() + held.seconds
        return True

    async def revoke(self, lease: int) -> None:
        """See LeasingLedger."""
        self._expire()
        if (held := self._leases.pop(lease, None)) is not None:
            self._end(held)

    async def post(self, lease: int, key: bytes, value: bytes) -> int:
        """See LeasingLedger."""
        self._expire()
        if (held := self._leases.get(lease)) is None:
            raise LeaseEnded
        self._apply({key: value}, (), {key: value})
        held.keys[key] = self._revision
        return self._revision

    async def close(self) -> None:
        """See Ledger."""

    def compact(self) -> None:
        """Forget the history, as etcd does from time to time."""
        self._history.clear()
        self._kept_from = self._revision + 1

    def _entries_in(self, span: Span) -> list[Entry]:
        keys = self._keys[bisect_left(self._keys, span.begin) : bisect_left(self._keys, span.end)]
        taken = keys[: span.limit] if span.limit else keys
        entries = [self._entries[key] for key in taken]
        return entries if span.values else [replace(entry, value=b"") for entry in entries]

    def _holds(self, step: Step) -> bool:
        if step.mark and not ((held := self._entries.get(step.mark.key)) and held.value < step.mark.below):
            return False
        if not all((held := self._entries.get(key)) and held.value == value for key, value in step.equal.items()):
            return False
        return all(self._revision_of(key) == revision for key, revision in step.same.items()) and all(
            entry.revision <= revision for span, revision in step.quiet for entry in self._entries_in(span)
        )

    def _revision_of(self, key: bytes) -> int:
        entry = self._entries.get(key)
        return entry.revision if entry else 0

    def _apply(self, puts: Mapping[bytes, bytes], gone: Sequence[bytes], passing: Mapping[bytes, bytes]) -> None:
        self._revision += 1
        before = {key: self._entries.get(key) for key in (*gone, *puts)}
        for key in gone:
            del self._entries[key]
            del self._keys[bisect_left(self._keys, key)]
            self._ends.pop(key, None)
        for key, value in puts.items():
            if key not in self._entries:
                insort(self._keys, key)
            self._entries[key] = Entry(key, value, self._revision, key in passing)
            self._ends.pop(key, None)
        self._history.append(_Past(Events(list(self._events(puts, gone)), self._revision), before))
        self._grown.set()
        self._grown = asyncio.Event()

    def _events(self, puts: Mapping[bytes, bytes], gone: Sequence[bytes]) -> Iterator[Event]:
        yield from (Event(key, None, self._revision) for key in gone)
        yield from (Event(key, value, self._revision) for key, value in puts.items())

    def _expire(self) -> None:
        now = self._clock()
        for lease in [lease for lease, held in self._leases.items() if held.end <= now]:
            self._end(self._leases.pop(lease))
        if gone := [key for key, end in self._ends.items() if end <= now]:
            self._apply({}, gone, {})

    def _end(self, held: _Lease) -> None:
        if gone := [key for key, revision in held.keys.items() if self._revision_of(key) == revision]:
            self._apply({}, gone, {})

    async def _wait(self, grown: asyncio.Event) -> None:
        """Until something changes: leases end while nobody but watchers is there, too."""
        while not grown.is_set():
            soonest = min((held.end for held in self._leases.values()), default=None)
            seconds = None if soonest is None else max(_SHORTEST_WAIT, soonest - self._clock())
            with suppress(TimeoutError):
                await asyncio.wait_for(grown.wait(), seconds)
            self._expire()


def _revision(past: _Past) -> int:
    return past.events.revision
