"""How a flight's holder tells. Law: in order, each event once, durable before it is shown; one writer for a flight.

Who takes a flight over runs the synthesis again, and what was told before is not paid for again: then the same facts
come about a second time. An event that equals one that was told, and has not come about again since, is left out; what
comes out differently is a new fact, and is told.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import Final

from kernel.errors import BadArguments, StoreFull, StoreUnavailable
from kernel.synthesis import Event, Registered, Started, TurnFinished
from objectstore.flights import Flight, Flights
from synthesizer.story import Story

_PAUSE: Final = 0.5
_MOST: Final = 64  # events written at once
_MOST_CHARACTERS: Final = 100_000


class OutOfStep(Exception):
    """Something else was told in this place: what was broken off before has arrived late. Read what is there, again."""


class Telling:
    """The writer of one flight, over what was told before; `heard` is called with each event that is new."""

    def __init__(
        self, flights: Flights, flight: Flight, story: Story, heard: Callable[[Event], None] = lambda _: None
    ) -> None:
        self._flights, self._flight, self._story, self._heard = flights, flight, story, heard
        self._again = [_plain(event) for event in story.events]
        self._queue: list[Event] = []
        self._come, self._gone = asyncio.Event(), asyncio.Event()
        self._gone.set()

    def tell(self, event: Event) -> None:
        """Take an event; Registered is no event of the record, but its end."""
        if isinstance(event, Registered):
            return
        if _plain(event) in self._again:
            self._again.remove(_plain(event))
            return
        self._heard(event)
        self._queue.append(event)
        self._gone.clear()
        self._come.set()

    async def run(self) -> None:
        """Write what comes until cancelled. FlightLost, OutOfStep."""
        while True:
            await self._come.wait()
            await self.drain()

    async def drain(self) -> None:
        """Write all that came; not beside `run`. FlightLost, OutOfStep."""
        while batch := self._next():
            # What was broken off may be there already: told after as many as before, it is there once.
            await steadily(lambda batch=batch: self._write(batch))
            del self._queue[: len(batch)]
            self._story.tell(batch)
        self._come.clear()
        self._gone.set()

    async def flush(self) -> None:
        """Return when all that came is written; `run` has to be running."""
        await self._gone.wait()

    def _next(self) -> Sequence[Event]:
        """What fits into one change of the store: at least one, and at most so many characters."""
        size, batch = 0, list[Event]()
        for event in self._queue[:_MOST]:
            size += len(event.text) if isinstance(event, TurnFinished) else 0
            if batch and size > _MOST_CHARACTERS:
                break
            batch.append(event)
        return batch

    async def _write(self, batch: Sequence[Event]) -> None:
        try:
            await self._flights.tell(self._flight, batch, len(self._story.events))
        except BadArguments as other:
            raise OutOfStep(other.text) from None


async def steadily(attempt: Callable[[], Awaitable[None]]) -> None:
    """Until the store takes it: whoever holds a flight has nothing better to do than to wait for the store."""
    while True:
        try:
            return await attempt()
        except (StoreUnavailable, StoreFull):
            await asyncio.sleep(_PAUSE)


def _plain(event: Event) -> Event:
    """The event as it is for whoever began: `joined` is said to a reader, and is no part of the fact."""
    return replace(event, joined=False) if isinstance(event, Started) else event
