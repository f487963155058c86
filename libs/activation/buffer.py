"""What a run has written so far. Law: every write is undone that its activation did not keep.

Three layers make the state that an activation sees, slot by slot: the snapshot; what ended activations kept; and what
the activations still under way have changed, outer before inner. An activation ends in one of three ways:

| end                                  | its changes                                                     |
|--------------------------------------|-----------------------------------------------------------------|
| returns with `_p_changed` set        | kept; they are newer than what outer activations changed        |
| returns without it                   | dropped                                                         |
| raises, and the sender may catch it  | the savepoint is restored: nothing since the send remains       |

Slots are never removed: the guest's language has no way to.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from kernel.objects import ObjectId
from kernel.values import SlotValues, Value, same


@dataclass(slots=True)
class Frame:
    """An activation under way: its object, the slots it was last given, and what it changed since it began."""

    object_id: ObjectId
    loaded: SlotValues
    changed: dict[str, Value] = field(default_factory=dict[str, Value])

    def note(self, slots: SlotValues) -> None:
        """Take the object's slots as the guest has them now."""
        for name, item in slots.items():
            if name not in self.loaded or not same(self.loaded[name], item):
                self.changed[name] = item


@dataclass(frozen=True, slots=True)
class Savepoint:
    """Everything written when a nested send began."""

    kept: dict[ObjectId, dict[str, Value]]
    changed: tuple[dict[str, Value], ...]


class WriteBuffer:
    """The writes of one root, over slots that `base` holds as the snapshot gave them."""

    def __init__(self) -> None:
        self.base: dict[ObjectId, SlotValues] = {}
        self._kept: dict[ObjectId, dict[str, Value]] = {}
        self._frames: list[Frame] = []

    def begin(self, object_id: ObjectId) -> Frame:
        """Start an activation on an object whose base is known."""
        frame = Frame(object_id, self.visible(object_id))
        self._frames.append(frame)
        return frame

    def visible(self, object_id: ObjectId) -> SlotValues:
        """The slots that an activation on the object sees now."""
        slots = {**self.base[object_id], **self._kept.get(object_id, {})}
        for frame in self._frames:
            if frame.object_id == object_id:
                slots.update(frame.changed)
        return slots

    def reload(self, frame: Frame) -> SlotValues:
        """The slots a suspended activation resumes with; what it changes from here on is compared with them."""
        frame.loaded = self.visible(frame.object_id)
        return frame.loaded

    def end(self, frame: Frame, *, keep: bool) -> None:
        """The innermost activation returned."""
        self._frames.remove(frame)
        if not keep:
            return
        self._kept.setdefault(frame.object_id, {}).update(frame.changed)
        for outer in self._frames:
            if outer.object_id == frame.object_id:
                for name in frame.changed:
                    outer.changed.pop(name, None)

    def savepoint(self) -> Savepoint:
        """What to go back to if the send about to begin raises."""
        kept = {object_id: dict(slots) for object_id, slots in self._kept.items()}
        return Savepoint(kept, tuple(dict(frame.changed) for frame in self._frames))

    def restore(self, point: Savepoint) -> None:
        """Undo everything since the savepoint; activations begun since are gone."""
        self._kept = {object_id: dict(slots) for object_id, slots in point.kept.items()}
        del self._frames[len(point.changed) :]
        for frame, changed in zip(self._frames, point.changed, strict=True):
            frame.changed = dict(changed)

    def writes(self) -> dict[ObjectId, SlotValues]:
        """The new slots of every object that differs from its base; all activations have ended."""
        return {object_id: slots for object_id, slots in self._results() if not same(slots, self.base[object_id])}

    def _results(self) -> Iterable[tuple[ObjectId, dict[str, Value]]]:
        return ((object_id, {**self.base[object_id], **kept}) for object_id, kept in self._kept.items())
