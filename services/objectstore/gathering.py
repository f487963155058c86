"""Reads of one moment share one request. Law: each is answered as if it had been alone, at the newest revision.

Reads of single keys that are asked for in one tick of the event loop, such as those of one frame, go to the ledger
together: it reads them after the last of them was asked, at one revision. Reads of whole ranges go alone.
"""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass

from objectstore.ledger import Entry, Events, Ledger, Reading, Span, Step

MOST_SPANS = 100  # below etcd's 128 operations of one transaction


@dataclass(frozen=True, slots=True)
class _Waiting:
    spans: tuple[Span, ...]
    reading: "asyncio.Future[Reading]"


class GatheredReads:
    """A Ledger whose reads of single keys are gathered."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
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
        together: list[_Waiting] = []
        spans: dict[Span, int] = {}
        for waiting in gathered:
            if together and len(spans) + len(waiting.spans) > MOST_SPANS:
                self._start(together, spans)
                together, spans = [], {}
            together.append(waiting)
            for span in waiting.spans:
                spans.setdefault(span, len(spans))
        self._start(together, spans)

    def _start(self, together: Sequence[_Waiting], spans: dict[Span, int]) -> None:
        read = asyncio.create_task(self._shared(together, spans))
        self._reads.add(read)
        read.add_done_callback(self._reads.discard)

    async def _shared(self, together: Sequence[_Waiting], spans: dict[Span, int]) -> None:
        try:
            reading = await self._ledger.read(*spans)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is told to all who wait for it
            for waiting in together:
                if not waiting.reading.done():
                    waiting.reading.set_exception(error)
            return
        for waiting in together:
            if not waiting.reading.done():
                places = [spans[span] for span in waiting.spans]
                parts, counts = [reading.spans[at] for at in places], [reading.counts[at] for at in places]
                waiting.reading.set_result(Reading(parts, reading.revision, counts))

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
