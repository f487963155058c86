"""A cache for each namespace that messages came for, kept current by a watch. Law: no watch, no memory."""

import asyncio
import logging
from contextlib import suppress
from contextvars import Context

from dispatcher.cache import Cache
from kernel.errors import KernelError, ObjectNotFound, StaleToken
from kernel.messages import Message
from kernel.objects import ROOT, Namespace
from objectstore.store import Store

MAX_NAMESPACES = 256
_PAUSE_SECONDS = 0.5

log = logging.getLogger(__name__)


class Caches:
    """Caches and their watches; beyond the most, the one that came first goes."""

    def __init__(self, store: Store, most: int = MAX_NAMESPACES) -> None:
        self._store, self._most = store, most
        self._caches: dict[Namespace, Cache] = {}
        self._watches: dict[Namespace, asyncio.Task[None]] = {}
        self._starting: dict[Namespace, asyncio.Task[Cache]] = {}

    def known(self, namespace: Namespace) -> Cache | None:
        """The namespace's cache, if it is there."""
        return self._caches.get(namespace)

    async def of(self, message: Message) -> Cache:
        """The cache of the message's namespace, watching. Raises ObjectNotFound where the namespace is empty."""
        namespace = message.namespace
        if (cache := self._caches.get(namespace)) is not None:
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
        for starting in self._starting.values():
            starting.cancel()
        await asyncio.gather(*self._starting.values(), return_exceptions=True)
        while self._watches:
            await self._stop(next(iter(self._watches)))

    async def _start(self, namespace: Namespace) -> Cache:
        try:
            # Every namespace with an object has the root; no watch for one that is made up.
            await self._store.get(namespace, ROOT)
            while len(self._watches) >= self._most:
                await self._stop(next(iter(self._watches)))
            cache, begun = Cache(self._store, namespace), asyncio.Event()
            self._watches[namespace] = asyncio.create_task(self._watch(namespace, cache, begun))
            await begun.wait()
            self._caches[namespace] = cache
            return cache
        finally:
            del self._starting[namespace]

    async def _stop(self, namespace: Namespace) -> None:
        watch = self._watches.pop(namespace)
        cache = self._caches.pop(namespace, None)
        watch.cancel()
        with suppress(asyncio.CancelledError):
            await asyncio.gather(watch, return_exceptions=True)
        if cache is not None:
            cache.missed()

    async def _watch(self, namespace: Namespace, cache: Cache, begun: asyncio.Event) -> None:
        """Follow the store for as long as it runs; while it is away nothing here is taken for current."""
        while True:
            try:
                async for changes in self._store.watch(namespace, cache.after):
                    cache.tell(changes)
                    begun.set()
            except StaleToken:
                cache.missed()
            except KernelError as error:
                log.warning("the watch of %s is interrupted: %s", namespace, error.text)
            except Exception:  # a watch that ended for a bug of ours would leave old entries for ever
                log.exception("the watch of %s failed", namespace)
                cache.missed()
            cache.horizon = None
            begun.set()
            await asyncio.sleep(_PAUSE_SECONDS)
