"""Reads of one moment share one request. Law: each is told what it would have been told alone, at the newest revision.

Reads of single keys that are asked for in one tick of the event loop, such as those of one frame, go to the ledger
together: it reads them after the last of them was asked, at one revision. Reads of whole ranges go alone.

So a small read waits for the large ones that it was gathered with, but not for long. How many share a request follows
the size of those before, as in `pages`, and at most doubles; and those of a request that takes longer than a second are
asked again in four, each with the ledger's whole patience, so that few fail with what is too large to be read at once.
"""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass

from objectstore.ledger import Entry, Events, Ledger, Reading, Span, Step

MOST_SPANS = 100  # below etcd's 128 operations of one transaction
READ_BYTES = 2 << 20  # of one request, about
_SPLIT_SECONDS = 1.0
_PARTS = 4


@dataclass(frozen=True, slots=True)
class _Waiting:
    spans: tuple[Span, ...]
    reading: "asyncio.Future[Reading]"


class GatheredReads:
    """A Ledger whose reads of single keys are gathered."""

    def __init__(self, ledger: Ledger, *, split_seconds: float = _SPLIT_SECONDS) -> None:
        self._ledger = ledger
        self._split_seconds = split_seconds
        self._most = MOST_SPANS
        self._waiting: list[_Waiting] = []
        self._reads: set[asyncio.Task[None]] = set()

    async def read(self, *spans: Span) -> Reading:
        """See Ledger."""
        if len(spans) > MOST_SPANS or not all(span.single for span in spans):
            return await self._ledger.read(*spans)
        loop = asyncio.get_running_loop()
        if not self._waiting:
            loop.call_soon(self._go)
        waiting = _Waiting(spans, loop.create_future())
        self._waiting.append(waiting)
        return await waiting.reading

    def _go(self) -> None:
        gathered, self._waiting = self._waiting, []
        self._start(gathered, self._most, self._split_seconds)

    def _start(self, gathered: Sequence[_Waiting], most: int, patience: float | None) -> None:
        """Ask the ledger, at most so many spans together; those that take longer than `patience` seconds in parts."""
        together: list[_Waiting] = []
        spans: dict[Span, int] = {}
        for waiting in gathered:
            if together and len(spans) + len(waiting.spans) > most:
                self._share(together, spans, patience)
                together, spans = [], {}
            together.append(waiting)
            for span in waiting.spans:
                spans.setdefault(span, len(spans))
        self._share(together, spans, patience)

    def _share(self, together: Sequence[_Waiting], spans: dict[Span, int], patience: float | None) -> None:
        read = asyncio.create_task(self._shared(together, spans, patience if len(together) > 1 else None))
        self._reads.add(read)
        read.add_done_callback(self._reads.discard)

    async def _shared(self, together: Sequence[_Waiting], spans: dict[Span, int], patience: float | None) -> None:
        try:
            async with asyncio.timeout(patience):
                reading = await self._ledger.read(*spans)
        except TimeoutError:
            self._most = max(1, len(spans) // _PARTS)
            self._start([each for each in together if not each.reading.done()], self._most, None)
            return
        except Exception as error:  # noqa: BLE001 - whatever it is, it is told to all who wait for it
            for waiting in together:
                if not waiting.reading.done():
                    waiting.reading.set_exception(error)
            return
        self._learn(reading)
        for waiting in together:
            if not waiting.reading.done():
                places = [spans[span] for span in waiting.spans]
                parts, counts = [reading.spans[at] for at in places], [reading.counts[at] for at in places]
                waiting.reading.set_result(Reading(parts, reading.revision, counts))

    def _learn(self, reading: Reading) -> None:
        weight = sum(len(entry.value) for part in reading.spans for entry in part)
        fitting = len(reading.spans) * READ_BYTES // (weight + 1)
        # A read of fewer does not show that more would do.
        grown = self._most * 2 if len(reading.spans) >= self._most else self._most
        self._most = max(1, min(fitting, grown, MOST_SPANS))

    async def read_at(self, revision: int, span: Span) -> Sequence[Entry]:
        """See Ledger."""
        return await self._ledger.read_at(revision, span)

    async def read_all_at(self, revision: int, spans: Sequence[Span]) -> Sequence[Sequence[Entry]]:
        """See Ledger."""
        return await self._ledger.read_all_at(revision, spans)

    async def transact(self, step: Step) -> int | None:
        """See Ledger."""
        return await self._ledger.transact(step)

    def watch(self, span: Span, after: int) -> AsyncGenerator[Events]:
        """See Ledger."""
        return self._ledger.watch(span, after)

    async def close(self) -> None:
        """See Ledger."""
        await self._ledger.close()
