"""The objects in memory, within a bound of bytes. Law: an older revision never replaces a newer one.

What was not used since it was last looked at goes first, so that a walk through very many objects does not push out
those in use; the prototypes that others rest on stay, and what makes others go stays itself.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, Final

from kernel.objects import Definition, ObjectId
from kernel.transactions import Part
from kernel.values import SlotValues, encode

_OBJECT_BYTES: Final = 1000  # measured, of a small one
_MOST_PARENTS: Final = 10_000
_NONE: Final[Mapping[str, Any]] = MappingProxyType({})
_ROW_BYTES: Final = 300  # of a row of a method table
_BYTES_A_BYTE: Final = 8  # that Python takes for a byte of a stored value, about


@dataclass(slots=True)
class Room:
    """The bytes that all caches of a dispatcher may take together, and how many they do, about."""

    most: int
    taken: int = 0

    @property
    def full(self) -> bool:
        """Whether something has to go."""
        return self.taken > self.most


@dataclass(slots=True)
class Known:
    """What is known of an object: each part, the revision that made it, and one up to which it was found current."""

    definition: Definition | None = None
    definition_revision: int = 0
    definition_current: int = 0
    slots: SlotValues | None = None
    slots_revision: int = 0
    slots_current: int = 0
    definition_size: int = 0
    slots_size: int = 0
    used: bool = False

    @property
    def size(self) -> int:
        """Bytes that it takes, about."""
        return _OBJECT_BYTES + self.definition_size + self.slots_size

    def confirm(self, part: Part, read: int, revision: int) -> None:
        """A commit at `revision` found the part as it was read."""
        if part is Part.DEFINITION:
            if self.definition_revision == read:
                self.definition_current = max(self.definition_current, revision)
        elif self.slots_revision == read:
            self.slots_current = max(self.slots_current, revision)


class Entries:
    """The entries. `evictable` says which may go for others, `gone` is told of each that went so."""

    def __init__(self, room: Room, evictable: Callable[[ObjectId], bool], gone: Callable[[ObjectId], None]) -> None:
        self._room, self._evictable, self._gone = room, evictable, gone
        self._known: dict[ObjectId, Known] = {}
        self._parents: dict[tuple[ObjectId, ...], tuple[ObjectId, ...]] = {}
        self.size = 0
        """Bytes that they take, about."""

    def __contains__(self, object_id: ObjectId) -> bool:
        return object_id in self._known

    def __len__(self) -> int:
        return len(self._known)

    def get(self, object_id: ObjectId) -> Known | None:
        """What is known of the object."""
        return self._known.get(object_id)

    def whole(self, object_id: ObjectId) -> Known | None:
        """The same where both parts are known, which are now in use."""
        known = self._known.get(object_id)
        if known is None or known.definition is None or known.slots is None:
            return None
        known.used = True
        return known

    def put_definition(self, object_id: ObjectId, definition: Definition, revision: int) -> bool:
        """Whether it is newer than what was known."""
        known = self._entry(object_id)
        if known.definition_revision >= revision:
            return False
        definition = self._sharing(definition)
        known.definition, known.definition_revision, known.definition_current = definition, revision, revision
        size = _ROW_BYTES * (len(definition.methods) + len(definition.pins))
        self._count(size - known.definition_size)
        known.definition_size = size
        self._make_room(known)
        return True

    def put_slots(self, object_id: ObjectId, slots: SlotValues, revision: int) -> None:
        """Keep the slots, if they are newer than what was known."""
        known = self._entry(object_id)
        if known.slots_revision < revision:
            known.slots, known.slots_revision, known.slots_current = slots, revision, revision
            size = _BYTES_A_BYTE * len(encode(slots))
            self._count(size - known.slots_size)
            known.slots_size = size
            self._make_room(known)

    def drop(self, object_id: ObjectId) -> None:
        """Know nothing of the object."""
        if (known := self._known.pop(object_id, None)) is not None:
            self._count(-known.size)

    def clear(self) -> None:
        """Know nothing."""
        self._known.clear()
        self._count(-self.size)

    def _sharing(self, definition: Definition) -> Definition:
        """The same, with parents that are one in memory with those of its siblings: fewer bytes, and nearer ones."""
        if len(self._parents) >= _MOST_PARENTS:
            self._parents.clear()
        parents = self._parents.setdefault(definition.parents, definition.parents)
        methods, pins = definition.methods or _NONE, definition.pins or _NONE
        return replace(definition, parents=parents, methods=methods, pins=pins)

    def _entry(self, object_id: ObjectId) -> Known:
        if (known := self._known.get(object_id)) is None:
            known = self._known[object_id] = Known()
            self._count(known.size)
        return known

    def _count(self, more: int) -> None:
        self.size += more
        self._room.taken += more

    def _make_room(self, grown: Known) -> None:
        looks = 2 * len(self._known)
        while self._room.full and looks and len(self._known) > 1:
            self._look(next(iter(self._known)), grown)
            looks -= 1

    def _look(self, oldest: ObjectId, grown: Known) -> None:
        """Drop it, unless it was used since the last look, is the one that needs room, or others rest on it."""
        known = self._known.pop(oldest)
        if known.used or known is grown or not self._evictable(oldest):
            known.used = False
            self._known[oldest] = known
            return
        self._count(-known.size)
        self._gone(oldest)
