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
_BYTES_A_BYTE: Final = 8  # that Python takes for a byte of a stored value, about


@dataclass(slots=True)
class Known:
    """What is known of an object: each part, the revision that made it, and one up to which it was found current."""

    definition: Definition | None = None
    definition_revision: int = 0
    definition_current: int = 0
    slots: SlotValues | None = None
    slots_revision: int = 0
    slots_current: int = 0
    size: int = _OBJECT_BYTES
    used: bool = False

    def confirm(self, part: Part, read: int, revision: int) -> None:
        """A commit at `revision` found the part as it was read."""
        if part is Part.DEFINITION:
            if self.definition_revision == read:
                self.definition_current = max(self.definition_current, revision)
        elif self.slots_revision == read:
            self.slots_current = max(self.slots_current, revision)


class Entries:
    """The entries. `evictable` says which may go for others, `gone` is told of each that went so."""

    def __init__(
        self, most_bytes: int, evictable: Callable[[ObjectId], bool], gone: Callable[[ObjectId], None]
    ) -> None:
        self._most, self._evictable, self._gone = most_bytes, evictable, gone
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
        self._resize(known, known.size)
        return True

    def put_slots(self, object_id: ObjectId, slots: SlotValues, revision: int) -> None:
        """Keep the slots, if they are newer than what was known."""
        known = self._entry(object_id)
        if known.slots_revision < revision:
            known.slots, known.slots_revision, known.slots_current = slots, revision, revision
            self._resize(known, _OBJECT_BYTES + _BYTES_A_BYTE * len(encode(slots)))

    def drop(self, object_id: ObjectId) -> None:
        """Know nothing of the object."""
        if (known := self._known.pop(object_id, None)) is not None:
            self.size -= known.size

    def clear(self) -> None:
        """Know nothing."""
        self._known.clear()
        self.size = 0

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
            self.size += known.size
        return known

    def _resize(self, known: Known, size: int) -> None:
        self.size += size - known.size
        known.size = size
        looks = 2 * len(self._known)
        while self.size > self._most and looks and len(self._known) > 1:
            self._look(next(iter(self._known)), known)
            looks -= 1

    def _look(self, oldest: ObjectId, grown: Known) -> None:
        """Drop it, unless it was used since the last look, is the one that needs room, or others rest on it."""
        known = self._known.pop(oldest)
        if known.used or known is grown or not self._evictable(oldest):
            known.used = False
            self._known[oldest] = known
            return
        self.size -= known.size
        self._gone(oldest)
