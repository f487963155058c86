"""A cache for each namespace that messages came for, kept current by a watch. Law: no watch, no memory."""

import asyncio
import logging
import time
from contextlib import aclosing
from contextvars import Context
from dataclasses import dataclass

from dispatcher.cache import MAX_BYTES, Cache
from dispatcher.entries import Room
from kernel.errors import KernelError, ObjectNotFound, StaleToken
from kernel.messages import Message
from kernel.objects import ROOT, Namespace
from objectstore.store import Store

MAX_NAMESPACES = 256
_PAUSE_SECONDS = 0.5

log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Watched:
    """A cache, the watch that keeps it current, and when it was last asked for."""

    cache: Cache
    watch: asyncio.Task[None]
    used: float


class Caches:
    """Caches and their watches; beyond the most, the one that was not used for longest goes."""

    def __init__(self, store: Store, most: int = MAX_NAMESPACES, room: Room | None = None) -> None:
        self._store, self._most, self._room = store, most, room or Room(MAX_BYTES)
        self._watched: dict[Namespace, _Watched] = {}
        self._starting: dict[Namespace, asyncio.Task[Cache]] = {}

    def known(self, namespace: Namespace) -> Cache | None:
        """The namespace's cache, if it is there."""
        watched = self._watched.get(namespace)
        if watched is None:
            return None
        watched.used = time.monotonic()
        return watched.cache

    async def of(self, message: Message) -> Cache:
        """The cache of the message's namespace, watching. Raises ObjectNotFound where the namespace is empty."""
        namespace = message.namespace
        if (cache := self.known(namespace)) is not None:
            return cache
        if namespace not in self._starting:
            # Not in the context of the message that happened to be first: the watch is in nobody's trace.
            self._starting[namespace] = asyncio.create_task(self._start(namespace), context=Context())
        try:
            return await asyncio.shield(self._starting[namespace])
        except ObjectNotFound:
            raise ObjectNotFound(message.receiver) from None

    async def stop(self) -> None:
        """End all watches."""
        starting = list(self._starting.values())
        for each in starting:
            each.cancel()
        await asyncio.gather(*starting, return_exceptions=True)
        while self._watched:
            await self._end(self._watched.popitem()[1])

    async def _start(self, namespace: Namespace) -> Cache:
        try:
            # Every namespace with an object has the root; no watch for one that is made up.
            await self._store.get(namespace, ROOT)
            cache, begun = Cache(self._store, namespace, self._room), asyncio.Event()
            watched = _Watched(cache, asyncio.create_task(self._watch(namespace, cache, begun)), time.monotonic())
            try:
                await begun.wait()
            except asyncio.CancelledError:
                await self._end(watched)
                raise
            self._watched[namespace] = watched
        finally:
            del self._starting[namespace]
        while len(self._watched) > self._most:
            await self._end(self._watched.pop(min(self._watched, key=lambda each: self._watched[each].used)))
        return cache

    async def _end(self, watched: _Watched) -> None:
        watched.watch.cancel()
        await asyncio.gather(watched.watch, return_exceptions=True)
        watched.cache.missed()  # whoever still holds it takes nothing there for current

    async def _watch(self, namespace: Namespace, cache: Cache, begun: asyncio.Event) -> None:
        """Follow the store for as long as it runs; while it is away nothing here is taken for current."""
        away = False
        while True:
            try:
                async with aclosing(self._store.watch(namespace, cache.after)) as told:
                    first = True
                    async for changes in told:
                        cache.tell(changes)
                        begun.set()
                        if away and not first:  # the first only repeats where it was asked to begin
                            away = False
                            log.info("the watch of %s goes on", namespace)
                        first = False
            except StaleToken:
                cache.missed()
            except KernelError as error:
                if not away:
                    log.warning("the watch of %s is interrupted: %s", namespace, error.text)
                away = True
            except Exception:  # a watch that ended for a bug of ours would leave old entries for ever
                log.exception("the watch of %s failed", namespace)
                cache.missed()
            cache.horizon = None
            begun.set()
            await asyncio.sleep(_PAUSE_SECONDS)
