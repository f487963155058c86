"""What a run reads. Law: a run sees the store only through a snapshot, so that it can be run again on another.

The dispatcher's snapshot is its cache over the store; a trial's is an example's state over the store's definitions.
"""

from dataclasses import dataclass
from typing import Protocol

from kernel.objects import Definition, MethodRecord, ObjectId, Selector
from kernel.values import SlotValues


@dataclass(frozen=True, slots=True)
class ReadDefinition:
    """A definition and the revision that last changed it; None and 0 where the object is absent."""

    definition: Definition | None
    revision: int


@dataclass(frozen=True, slots=True)
class ReadSlots:
    """An object's slots and the revision that last changed them; None and 0 where the object is absent."""

    slots: SlotValues | None
    revision: int


class Snapshot(Protocol):
    """Objects as of some moment. Absences are answers, not errors; StoreUnavailable is the only failure."""

    async def definition(self, object_id: ObjectId) -> ReadDefinition:
        """An object's definition."""
        ...

    async def slots(self, object_id: ObjectId) -> ReadSlots:
        """An object's slots."""
        ...

    async def method(self, holder: ObjectId, incarnation: str, selector: Selector, number: int) -> MethodRecord:
        """An immutable version that a definition points to."""
        ...
