"""What the dispatcher remembers of one namespace. Law: every entry is committed state, and absence is never remembered.

Entries come from reads of the store, from the watch, and from this dispatcher's own commits; each carries the revision
that made it, and an older one never replaces a newer one. The watch tells all changes up to a revision, the *horizon*,
and a commit compared what it read: so each entry is known to be current up to the later of the two. What a run read is
a consistent prefix of the commits if each of it is still the entry here, and was current when the newest of it was
made. Where it is not, the reads are validated by a commit instead, which decides it.

A read that was under way when a change of the same object went by may be older than the change: it is used, not kept.
Nothing is kept while no watch is there to tell of its changes, nor over a gap that a watch could not bridge.
"""

from collections.abc import Mapping, Sequence

from activation.snapshot import ReadDefinition, ReadSlots
from dispatcher.entries import Entries, Known, Room
from dispatcher.resolution import Resolution, Resolutions
from kernel.errors import Conflict, MethodNotFound, ObjectNotFound
from kernel.objects import Definition, MethodRecord, Namespace, ObjectId, Selector
from kernel.transactions import Key, Part, Token
from kernel.values import SlotValues
from objectstore.store import Change, Changes, Store, StoredObject

MAX_BYTES = 512 << 20
_METHOD_BYTES = 2000


class Cache:
    """The definitions, slots and methods of one namespace that were used; `dispatcher.caches` keeps it current."""

    def __init__(self, store: Store, namespace: Namespace, room: Room | None = None) -> None:
        self._store, self._namespace = store, namespace
        self._room = room or Room(MAX_BYTES)
        self._entries = Entries(self._room, self._evictable, self._gone)
        self._methods: dict[ObjectId, dict[tuple[str, Selector, int], MethodRecord]] = {}
        self._resolutions = Resolutions(self._entries.get, self._known_method)
        self._loads: dict[ObjectId, int] = {}
        self._overtaken: set[ObjectId] = set()
        self.horizon: Token | None = None
        """All changes up to here are known; None while the watch is down."""
        self.after: Token | None = None
        """Where the watch stands, or goes on from; None where changes may have been missed."""

    # --- what is in memory ---

    def known(self, object_id: ObjectId) -> Known | None:
        """Both parts of the object, if they are in memory."""
        return self._entries.whole(object_id)

    def resolved(self, receiver: ObjectId, selector: Selector) -> Resolution | None:
        """Which version answers, by what is in memory; None where that does not say, or says that none does."""
        known = self._entries.get(receiver)
        return self._resolutions.of(receiver, known.definition, selector) if known and known.definition else None

    def has(self, receiver: ObjectId, selector: Selector) -> bool:
        """Whether all that a message needs is in memory."""
        return self.known(receiver) is not None and self.resolved(receiver, selector) is not None

    def _known_method(self, holder: ObjectId, incarnation: str, selector: Selector, number: int) -> MethodRecord | None:
        methods = self._methods.get(holder)
        return methods.get((incarnation, selector, number)) if methods else None

    # --- what is read ---

    async def definition(self, object_id: ObjectId) -> ReadDefinition:
        """The definition, from memory if it is there. Raises StoreUnavailable."""
        if (entry := self._entries.get(object_id)) is not None and entry.definition is not None:
            return ReadDefinition(entry.definition, entry.definition_revision)
        return (await self.load(object_id))[0]

    async def slots(self, object_id: ObjectId) -> ReadSlots:
        """The slots, from memory if they are there. Raises StoreUnavailable."""
        if (entry := self._entries.get(object_id)) is not None and entry.slots is not None:
            return ReadSlots(entry.slots, entry.slots_revision)
        return (await self.load(object_id))[1]

    async def method(self, holder: ObjectId, incarnation: str, selector: Selector, number: int) -> MethodRecord:
        """An immutable version, from memory if it is there. Raises Conflict where the definition is old."""
        record = self._known_method(holder, incarnation, selector, number)
        if record is None:
            before = self._entries.get(holder)
            revision = before.definition_revision if before else 0
            record = await self._read_method(holder, incarnation, selector, number)
            after = self._entries.get(holder)
            # Else nothing would tell that its evidence has grown, or something already did.
            if after is not None and after.definition_revision == revision:
                self._keep_method(holder, (incarnation, selector, number), record)
        return record

    def _keep_method(self, holder: ObjectId, key: tuple[str, Selector, int], record: MethodRecord) -> None:
        self._methods.setdefault(holder, {})[key] = record
        self._room.taken += _weight(record)
        while self._room.full and len(self._methods) > 1:
            self._gone(next(iter(self._methods)))

    def _drop_methods(self, holder: ObjectId) -> None:
        for record in self._methods.pop(holder, {}).values():
            self._room.taken -= _weight(record)

    async def fetch(self, receiver: ObjectId, selector: Selector) -> None:
        """Read what a message needs that is not in memory, as far as it is there. Raises StoreUnavailable."""
        ahead, seen = [receiver], set[ObjectId]()
        while ahead:
            name = ahead.pop()
            if name in seen:
                continue
            seen.add(name)
            read = await self.definition(name)
            ahead.extend(read.definition.parents if read.definition else ())
        await self.slots(receiver)
        if (wanted := self._resolutions.wanted(receiver, selector)) is not None:
            try:
                await self.method(*wanted)
            except Conflict:
                return  # the next look finds it changed

    async def _read_method(self, holder: ObjectId, incarnation: str, selector: Selector, number: int) -> MethodRecord:
        """The store is asked by name and number; the second read says whether they are of this incarnation."""
        try:
            record, _ = await self._store.method(self._namespace, holder, selector, number)
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
        keep = object_id not in self._overtaken and self.after is not None
        self._loads[object_id] -= 1
        if not self._loads[object_id]:
            del self._loads[object_id]
            self._overtaken.discard(object_id)
        return keep

    # --- what is consistent ---

    def consistent(self, reads: Mapping[Key, int]) -> bool:
        """Whether what was read is one moment of the commits: all of it still here, and current at the newest of it."""
        if self.horizon is None:
            return False
        newest = max(reads.values(), default=0)
        return self._current(reads, 0 if self.horizon.revision >= newest else newest)

    def _current(self, reads: Mapping[Key, int], newest: int) -> bool:
        """Whether all of it is still here, and was found current at `newest`."""
        get = self._entries.get
        for (object_id, part), revision in reads.items():
            if (entry := get(object_id)) is None or not revision:
                return False
            if part is Part.DEFINITION:
                found, current = entry.definition_revision, entry.definition_current
            else:
                found, current = entry.slots_revision, entry.slots_current
            if found != revision or current < newest:
                return False
        return True

    def token(self, reads: Mapping[Key, int]) -> Token:
        """The store's clock at which consistent reads were current."""
        assert self.horizon is not None
        return Token(self.horizon.epoch, max(self.horizon.revision, *reads.values()))

    # --- what is learned ---

    def committed(self, reads: Mapping[Key, int], writes: Mapping[ObjectId, SlotValues], revision: int) -> None:
        """This dispatcher's own commit is durable: what it read was current until then."""
        if self.after is None:
            return
        for key, read in reads.items():
            if (entry := self._entries.get(key.object_id)) is not None:
                entry.confirm(key.part, read, revision)
        told = self.horizon.revision if self.horizon else revision
        for object_id, slots in writes.items():
            # Of an object that was forgotten meanwhile the watch may have told newer slots already, and tells no more.
            if object_id in self._entries or revision > told:
                self._entries.put_slots(object_id, slots, revision)

    def forget(self, reads: Mapping[Key, int], changed: Sequence[str], *, all_unless: bool = False) -> bool:
        """A commit found some of these changed, as a conflict names them: read them again.

        Where it names none of them all are forgotten, unless it had another reason. Returns whether any was.
        """
        names = set(changed)
        old = [key for key in reads if key.name in names] or ([] if all_unless else list(reads))
        for key in old:
            self._drop(key.object_id)
        return bool(old)

    def holds(self, definitions: Mapping[Key, int]) -> bool:
        """Whether these definitions are in memory with these revisions."""
        return self._current(definitions, 0)

    def tell(self, changes: Changes) -> None:
        """The watch tells what changed."""
        for change in changes.items:
            self._change(change)
        self.horizon = self.after = changes.token

    def missed(self) -> None:
        """Changes may have gone by: forget everything, what is being read too."""
        self._entries.clear()
        for holder in list(self._methods):
            self._drop_methods(holder)
        self._resolutions.clear()
        self._overtaken |= set(self._loads)
        self.horizon = self.after = None

    def _remember(self, stored: StoredObject) -> None:
        self._put_definition(stored.object_id, stored.definition, stored.definition_revision)
        if stored.slots is not None:
            self._entries.put_slots(stored.object_id, stored.slots, stored.slots_revision)

    def _put_definition(self, object_id: ObjectId, definition: Definition, revision: int) -> None:
        if self._entries.put_definition(object_id, definition, revision):
            self._drop_methods(object_id)  # a version's evidence may have grown with the definition
            self._resolutions.changed(object_id)

    def _drop(self, object_id: ObjectId) -> None:
        self._entries.drop(object_id)
        self._gone(object_id)

    def _gone(self, object_id: ObjectId) -> None:
        self._drop_methods(object_id)
        self._resolutions.changed(object_id)

    def _evictable(self, object_id: ObjectId) -> bool:
        return not self._resolutions.rests_on(object_id)

    def _change(self, change: Change) -> None:
        object_id = change.key.object_id
        if object_id in self._loads:
            self._overtaken.add(object_id)
        if change.deleted:
            self._drop(object_id)
        elif object_id not in self._entries:
            return
        elif change.definition is not None:
            self._put_definition(object_id, change.definition, change.revision)
        elif change.slots is not None:
            self._entries.put_slots(object_id, change.slots, change.revision)


def _weight(record: MethodRecord) -> int:
    return _METHOD_BYTES + 2 * len(record.method.source)
