"""All changes, told to many from one watch. Law: what is kept is bounded; who reads too slowly is cut off, and resumes.

A flow is the history of what one watch of the ledger told since it began, as batches that all its readers share. A
reader holds nothing but its place in it. Of a batch each span is picked out once, for the first reader that asks.
"""

import asyncio
from bisect import bisect_right
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, field
from typing import Final

from kernel.errors import StoreUnavailable
from objectstore.ledger import Event, Events, Span

TOO_SLOW: Final = "this watch is read too slowly: watch again, from the last token"
KEEP_BYTES: Final = 32 << 20
_EVENT_BYTES: Final = 250  # what an event weighs beside its key and value
_BATCH_BYTES: Final = 1200  # what a batch weighs beside its events: it has dicts of its own
_LETTERS: Final = frozenset((b"d/", b"o/", b"n/", b"w/"))  # definitions, slots, restored namespaces, members


def place_of(key: bytes) -> bytes:
    """What all keys of one namespace begin with."""
    return key[: key.find(b"/", len(b"/batos/")) + 1]


@dataclass(slots=True)
class _Batch:
    """Whole revisions after `before` up to `revision`; the events that someone may want, by namespace."""

    before: int
    revision: int
    places: dict[bytes, list[Event]]
    size: int
    _picked: dict[Span, Events] = field(default_factory=dict[Span, Events])

    def pick(self, span: Span, after: int) -> Events:
        """The events of a span; the same for all who were told what is before the batch."""
        if after > self.before:
            return Events([event for event in self._within(span) if event.revision > after], self.revision)
        if (found := self._picked.get(span)) is None:
            found = self._picked[span] = Events(self._within(span), self.revision)
        return found

    def _within(self, span: Span) -> list[Event]:
        events = self.places.get(place_of(span.begin), ())
        return [event for event in events if span.begin <= event.key < span.end]


class Flow:
    """The history after `floor` up to `revision`; at most `keep_bytes` of it, and the last batch in any case."""

    def __init__(self, revision: int, keep_bytes: int = KEEP_BYTES) -> None:
        self.floor = self.revision = revision
        self._keep_bytes = keep_bytes
        self._batches: list[_Batch] = []
        self._gone = 0  # batches that are no longer kept
        self._size = 0
        self._moved = asyncio.Event()
        self._still = Events((), revision)  # one for all readers, as a batch's part is
        self._failure: StoreUnavailable | None = None

    def add(self, batches: Sequence[Events]) -> None:
        """Take in what the watch told, as one batch."""
        places: dict[bytes, list[Event]] = {}
        size = 0
        for batch in batches:
            for event in batch.events:
                place = place_of(event.key)
                if event.key[len(place) : len(place) + 2] in _LETTERS:
                    places.setdefault(place, []).append(event)
                    size += len(event.key) + len(event.value or b"") + _EVENT_BYTES
        self._batches.append(_Batch(self.revision, batches[-1].revision, places, size + _BATCH_BYTES))
        self.revision = batches[-1].revision
        self._size += size + _BATCH_BYTES
        self._forget()
        self.beat()

    def beat(self) -> None:
        """Tell every reader how far the flow is."""
        self._still = Events((), self.revision)
        self._moved.set()
        self._moved = asyncio.Event()

    def fail(self, failure: StoreUnavailable) -> None:
        """End, for all readers."""
        self._failure = failure
        self.beat()

    async def read(self, span: Span, after: int) -> AsyncGenerator[Events]:
        """What changes in the span after a revision that is not before the floor, without end; at each beat at least.

        StoreUnavailable where the flow fails, or has forgotten what this reader has not read yet.
        """
        at = self._gone + bisect_right(self._batches, after, key=_revision)
        lost = after < self.floor
        while True:
            moved = self._moved
            if self._failure:
                raise self._failure
            while at < self._gone + len(self._batches):
                if lost or at < self._gone:
                    raise StoreUnavailable(TOO_SLOW)
                batch = self._batches[at - self._gone]
                at += 1
                if batch.revision > after:
                    told, after = batch.pick(span, after), batch.revision
                    yield told
            if moved is self._moved:
                await moved.wait()
                if at == self._gone + len(self._batches):
                    yield self._still if after <= self.revision else Events((), after)

    def _forget(self) -> None:
        kept = 0
        while self._size > self._keep_bytes and kept < len(self._batches) - 1:
            self._size -= self._batches[kept].size
            kept += 1
        if kept:
            self.floor = self._batches[kept - 1].revision
            del self._batches[:kept]
            self._gone += kept


def _revision(batch: _Batch) -> int:
    return batch.revision
