"""One message at a time for each object. Law: messages to an object run in the order they came, on the newest state.

A mailbox exists while someone is in it. It is bounded: a sender that finds it full is told to come back, so that a hot
object costs its senders time and never the service its memory.
"""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from kernel.errors import Overloaded
from kernel.objects import Namespace, ObjectId

MAX_WAITING = 1024


class Mailboxes:
    """The mailboxes of all objects that have messages now."""

    def __init__(self, most: int = MAX_WAITING) -> None:
        self._most = most
        # Who waits for an object, in order; an object without an entry is free.
        self._waiting: dict[tuple[Namespace, ObjectId], deque[asyncio.Future[None]]] = {}

    @asynccontextmanager
    async def open(self, namespace: Namespace, object_id: ObjectId) -> AsyncGenerator[None]:
        """Wait until all earlier messages to the object are done. Raises Overloaded where too many wait."""
        key = (namespace, object_id)
        await self._enter(key)
        try:
            yield
        finally:
            self._leave(key)

    async def _enter(self, key: tuple[Namespace, ObjectId]) -> None:
        waiting = self._waiting.get(key)
        if waiting is None:
            self._waiting[key] = deque()
            return
        if len(waiting) >= self._most:
            raise Overloaded(f"{len(waiting)} messages wait for {key[1]} already")
        place: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        waiting.append(place)
        try:
            await place
        except asyncio.CancelledError:
            if place.cancelled():
                waiting.remove(place)
            else:
                self._leave(key)  # it was this one's turn at that very moment
            raise

    def _leave(self, key: tuple[Namespace, ObjectId]) -> None:
        waiting = self._waiting[key]
        while waiting:
            place = waiting.popleft()
            if not place.done():
                place.set_result(None)
                return
        del self._waiting[key]
