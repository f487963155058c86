"""What a trial sees of the store. Law: read once for a synthesis, so that all drafts are tried on the same objects."""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress

from activation.snapshot import ReadDefinition, ReadSlots
from kernel.errors import LimitExceeded, ObjectNotFound
from kernel.lookup import MAX_PATH, lookup_path
from kernel.objects import ROOT, Definition, MethodRecord, Namespace, ObjectId, Selector
from objectstore.store import Store, StoredObject


class StoreSnapshot:
    """The objects of one namespace, each as it was when it was first read. Absences are kept too."""

    def __init__(self, store: Store, namespace: Namespace) -> None:
        self._store, self._namespace = store, namespace
        self._objects: dict[ObjectId, StoredObject | None] = {}
        self._methods: dict[tuple[ObjectId, str, Selector, int], MethodRecord] = {}
        self._lists: dict[tuple[str, int], Sequence[StoredObject]] = {}

    async def object(self, object_id: ObjectId) -> StoredObject | None:
        """An object; None where there is none. Raises StoreUnavailable."""
        if object_id not in self._objects:
            found: StoredObject | None = None
            with suppress(ObjectNotFound):
                found = await self._store.get(self._namespace, object_id)
            self._objects.setdefault(object_id, found)  # of two who read it at once, both see what came first
        return self._objects[object_id]

    async def definition(self, object_id: ObjectId) -> ReadDefinition:
        """As the Snapshot of activation promises."""
        found = await self.object(object_id)
        return ReadDefinition(found.definition, found.definition_revision) if found else ReadDefinition(None, 0)

    async def slots(self, object_id: ObjectId) -> ReadSlots:
        """As the Snapshot of activation promises."""
        found = await self.object(object_id)
        return ReadSlots(found.slots, found.slots_revision) if found else ReadSlots(None, 0)

    async def method(self, holder: ObjectId, incarnation: str, selector: Selector, number: int) -> MethodRecord:
        """As the Snapshot of activation promises."""
        # The store finds the versions of the object that is there: of another incarnation it is another.
        key = holder, incarnation, selector, number
        if key not in self._methods:
            self._methods.setdefault(key, (await self._store.method(self._namespace, holder, selector, number))[0])
        return self._methods[key]

    async def listed(self, prefix: str, most: int) -> Sequence[StoredObject]:
        """The first objects whose ids begin so. Raises StoreUnavailable."""
        if (prefix, most) not in self._lists:
            page = await self._store.list(self._namespace, prefix, most, "")
            self._lists.setdefault((prefix, most), page.items)
        return self._lists[prefix, most]

    async def path(self, receiver: ObjectId) -> tuple[tuple[ObjectId, ...], Mapping[ObjectId, Definition]]:
        """The lookup path of an object, and the definitions along it. Raises ObjectNotFound, LimitExceeded."""
        definitions: dict[ObjectId, Definition] = {}
        ahead = [receiver]
        # The root object is on every path: read beside the first, it costs no round of its own.
        await asyncio.gather(*map(self.object, {receiver, ROOT}))
        while ahead:
            level = await asyncio.gather(*map(self.object, ahead))
            for name, found in zip(ahead, level, strict=True):
                if found is None:
                    raise ObjectNotFound(name)
                definitions[name] = found.definition
            if len(definitions) > MAX_PATH:
                raise LimitExceeded("path", f"{receiver} has more than {MAX_PATH} ancestors")
            parents = (parent for name in ahead for parent in definitions[name].parents)
            ahead = [name for name in dict.fromkeys(parents) if name not in definitions]
        return lookup_path(receiver, {name: item.parents for name, item in definitions.items()}), definitions
