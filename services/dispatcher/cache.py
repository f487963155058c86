"""What the dispatcher remembers of one namespace. Law: every entry is committed state, and absence is never remembered.

Entries come from reads of the store, from the watch, and from this dispatcher's own commits; each carries the revision
that made it, and an older one never replaces a newer one. The watch tells all changes up to a revision, the *horizon*:
what a run read is a consistent prefix of the commits if each of it is still the entry here and none is newer than the
horizon. Where it is not, the reads are validated by a commit instead, which decides it.

A read that was under way when a change of the same object went by may be older than the change: it is used, not kept.
Nothing is kept while no watch is there to tell of its changes, nor over a gap that a watch could not bridge.
"""

import asyncio
import logging
from collections.abc import Mapping
from contextlib import suppress
from contextvars import Context
from dataclasses import dataclass
from typing import TypeVar

from activation.snapshot import ReadDefinition, ReadSlots
from kernel.errors import Conflict, KernelError, MethodNotFound, ObjectNotFound, StaleToken
from kernel.messages import Message
from kernel.objects import ROOT, Definition, MethodRecord, Namespace, ObjectId, Selector
from kernel.transactions import Key, Part, Token
from kernel.values import SlotValues
from objectstore.store import Change, Changes, Store, StoredObject

MAX_ENTRIES = 100_000
MAX_METHODS = 10_000
MAX_NAMESPACES = 256
_PAUSE_SECONDS = 0.5

_K = TypeVar("_K")
_V = TypeVar("_V")

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Definition:
    content: Definition
    revision: int


@dataclass(frozen=True, slots=True)
class _Slots:
    content: SlotValues
    revision: int


class Cache:
    """The definitions, slots and methods of one namespace that were used, kept current by the watch."""

    def __init__(self, store: Store, namespace: Namespace) -> None:
        self._store, self._namespace = store, namespace
        self._definitions: dict[ObjectId, _Definition] = {}
        self._slots: dict[ObjectId, _Slots] = {}
        self._methods: dict[tuple[ObjectId, str, Selector, int], MethodRecord] = {}
        self._loads: dict[ObjectId, int] = {}
        self._overtaken: set[ObjectId] = set()
        self._horizon: Token | None = None
        # Where the watch stands, or goes on from; None where changes may have been missed.
        self._after: Token | None = None
        self._watching: asyncio.Task[None] | None = None

    @property
    def horizon(self) -> Token | None:
        """All changes up to here are known; None while the watch is down."""
        return self._horizon

    async def start(self) -> None:
        """Begin to watch; returns when the watch has told where it begins, or failed to."""
        begun = asyncio.Event()
        self._watching = asyncio.create_task(self._watch(begun), name=f"watch {self._namespace}")
        await begun.wait()

    async def stop(self) -> None:
        """End the watch."""
        if self._watching is not None:
            self._watching.cancel()
            await asyncio.gather(self._watching, return_exceptions=True)
        self._missed()

    # --- what is read ---

    async def definition(self, object_id: ObjectId) -> ReadDefinition:
        """The definition, from memory if it is there. Raises StoreUnavailable."""
        if (entry := self._definitions.get(object_id)) is not None:
            return ReadDefinition(entry.content, entry.revision)
        return (await self.load(object_id))[0]

    async def slots(self, object_id: ObjectId) -> ReadSlots:
        """The slots, from memory if they are there. Raises StoreUnavailable."""
        if (entry := self._slots.get(object_id)) is not None:
            return ReadSlots(entry.content, entry.revision)
        return (await self.load(object_id))[1]

    async def method(self, holder: ObjectId, incarnation: str, selector: Selector, number: int) -> MethodRecord:
        """An immutable version, from memory if it is there. Raises Conflict where the definition is old."""
        key = (holder, incarnation, selector, number)
        if (record := self._methods.get(key)) is None:
            record = await self._read_method(holder, incarnation, selector, number)
            _bounded(self._methods, MAX_METHODS)[key] = record
        return record

    async def _read_method(self, holder: ObjectId, incarnation: str, selector: Selector, number: int) -> MethodRecord:
        """The store is asked by name and number; the second read says whether they are of this incarnation."""
        try:
            record = await self._store.method(self._namespace, holder, selector, number)
            stored = await self._store.get(self._namespace, holder)
        except (MethodNotFound, ObjectNotFound):
            stored = record = None
        if record is None or stored is None or stored.definition.incarnation != incarnation:
            self._drop(holder)
            raise Conflict(f"{holder} is another object than it was; send again", [f"{holder}:definition"])
        return record

    async def load(self, object_id: ObjectId) -> tuple[ReadDefinition, ReadSlots]:
        """Both parts by a linearizable read. Raises StoreUnavailable."""
        self._loads[object_id] = self._loads.get(object_id, 0) + 1
        try:
            stored = await self._store.get(self._namespace, object_id)
        except ObjectNotFound:
            return ReadDefinition(None, 0), ReadSlots(None, 0)
        finally:
            keep = self._loaded(object_id)
        if keep:
            self._remember(stored)
        return (
            ReadDefinition(stored.definition, stored.definition_revision),
            ReadSlots(stored.slots, stored.slots_revision),
        )

    def _loaded(self, object_id: ObjectId) -> bool:
        keep = object_id not in self._overtaken and self._after is not None
        self._loads[object_id] -= 1
        if not self._loads[object_id]:
            del self._loads[object_id]
            self._overtaken.discard(object_id)
        return keep

    def consistent(self, reads: Mapping[Key, int]) -> bool:
        """Whether what was read is one moment of the commits: all of it still here, none past the horizon."""
        horizon = self._horizon
        return horizon is not None and all(
            0 < revision <= horizon.revision and self._revision(key) == revision for key, revision in reads.items()
        )

    def _revision(self, key: Key) -> int:
        entries = self._definitions if key.part is Part.DEFINITION else self._slots
        entry = entries.get(key.object_id)
        return entry.revision if entry else 0

    # --- what is learned ---

    def committed(self, writes: Mapping[ObjectId, SlotValues], revision: int) -> None:
        """This dispatcher's own commit is durable."""
        if self._after is None:
            return
        for object_id, slots in writes.items():
            self._put_slots(object_id, slots, revision)

    def forget(self, keys: Mapping[Key, int]) -> None:
        """A commit found some of these changed: read them again."""
        for key in keys:
            self._drop(key.object_id)

    def _remember(self, stored: StoredObject) -> None:
        self._put_definition(stored.object_id, stored.definition, stored.definition_revision)
        if stored.slots is not None:
            self._put_slots(stored.object_id, stored.slots, stored.slots_revision)

    def _put_definition(self, object_id: ObjectId, definition: Definition, revision: int) -> None:
        known = self._definitions.get(object_id)
        if known is not None and known.revision >= revision:
            return
        # A version's evidence may have grown with the definition: read its methods again.
        for key in [key for key in self._methods if key[0] == object_id]:
            del self._methods[key]
        _bounded(self._definitions, MAX_ENTRIES)[object_id] = _Definition(definition, revision)

    def _put_slots(self, object_id: ObjectId, slots: SlotValues, revision: int) -> None:
        known = self._slots.get(object_id)
        if known is None or known.revision < revision:
            _bounded(self._slots, MAX_ENTRIES)[object_id] = _Slots(slots, revision)

    def _drop(self, object_id: ObjectId) -> None:
        self._definitions.pop(object_id, None)
        self._slots.pop(object_id, None)

    # --- the watch ---

    async def _watch(self, begun: asyncio.Event) -> None:
        """Follow the store for as long as it runs; while it is away nothing here is taken for current."""
        while True:
            try:
                async for changes in self._store.watch(self._namespace, self._after):
                    self._tell(changes)
                    begun.set()
            except StaleToken:
                self._missed()
            except KernelError as error:
                log.warning("the watch of %s is interrupted: %s", self._namespace, error.text)
            except Exception:  # a watch that ended for a bug of ours would leave old entries for ever
                log.exception("the watch of %s failed", self._namespace)
                self._missed()
            self._horizon = None
            begun.set()
            await asyncio.sleep(_PAUSE_SECONDS)

    def _missed(self) -> None:
        """Changes may have gone by: forget everything, what is being read too."""
        self._definitions.clear()
        self._slots.clear()
        self._overtaken |= set(self._loads)
        self._horizon = self._after = None

    def _tell(self, changes: Changes) -> None:
        for change in changes.items:
            self._change(change)
        self._horizon = self._after = changes.token

    def _change(self, change: Change) -> None:
        object_id = change.key.object_id
        if object_id in self._loads:
            self._overtaken.add(object_id)
        if change.deleted:
            self._drop(object_id)
        elif change.definition is not None and object_id in self._definitions:
            self._put_definition(object_id, change.definition, change.revision)
        elif change.slots is not None and object_id in self._slots:
            self._put_slots(object_id, change.slots, change.revision)


def _bounded(entries: dict[_K, _V], most: int) -> dict[_K, _V]:
    """The same entries, with room for one more: the oldest goes first."""
    if len(entries) >= most:
        del entries[next(iter(entries))]
    return entries


class Caches:
    """A cache for each namespace that messages came for; beyond the most, the one that came first goes."""

    def __init__(self, store: Store, most: int = MAX_NAMESPACES) -> None:
        self._store, self._most = store, most
        self._caches: dict[Namespace, asyncio.Task[Cache]] = {}

    async def of(self, message: Message) -> Cache:
        """The cache of the message's namespace, watching. Raises ObjectNotFound where the namespace is empty."""
        namespace = message.namespace
        if namespace not in self._caches:
            # Not in the context of the message that happened to be first: the watch is in nobody's trace.
            self._caches[namespace] = asyncio.create_task(self._started(namespace), context=Context())
        try:
            return await asyncio.shield(self._caches[namespace])
        except ObjectNotFound:
            self._caches.pop(namespace, None)
            raise ObjectNotFound(message.receiver) from None
        except KernelError:
            self._caches.pop(namespace, None)
            raise

    async def _started(self, namespace: Namespace) -> Cache:
        await self._store.get(
            namespace, ROOT
        )  # every namespace with an object has it; no watch for one that is made up
        while len(self._caches) > self._most:
            await self._stop(next(iter(self._caches)))
        cache = Cache(self._store, namespace)
        await cache.start()
        return cache

    async def _stop(self, namespace: Namespace) -> None:
        with suppress(KernelError):
            await (await self._caches.pop(namespace)).stop()

    async def stop(self) -> None:
        """End all watches."""
        while self._caches:
            await self._stop(next(iter(self._caches)))
