"""Which version answers a message, remembered. Law: an answer is forgotten with any definition that it rests on.

Objects that inherit a method from the same parents share the answer, so that a hundred thousand clones of a prototype
cost as much to look up as a few, and no memory each.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol, TypeAlias

from activation.batch import isolated
from kernel.errors import BadArguments, KernelError
from kernel.lookup import holder_of, lookup_path
from kernel.messages import Message, MethodRef
from kernel.objects import Definition, MethodRecord, ObjectId, Selector
from kernel.signature import bind
from kernel.transactions import Key, Part

MAX_RESOLUTIONS = 100_000
_MAX_SHAPES = 64

Wanted: TypeAlias = tuple[ObjectId, str, Selector, int]
"""A method version: its holder, the holder's incarnation, the selector, the number."""


class Known(Protocol):
    """What is in memory of an object: its definition, and the revision that made it."""

    definition: Definition | None
    definition_revision: int


@dataclass(frozen=True, slots=True)
class Resolution:
    """The version that answers, and the definitions above the receiver that say so, with their revisions."""

    record: MethodRecord
    ref: MethodRef
    above: Mapping[Key, int]
    together: bool
    """Whether it may run together with other activations."""
    _shapes: dict[tuple[int, tuple[str, ...]], bool] = field(default_factory=dict[tuple[int, tuple[str, ...]], bool])

    def fits(self, message: Message) -> bool:
        """Whether the message's arguments fit the method's signature."""
        shape = (len(message.arguments), tuple(message.keywords))
        known = self._shapes.get(shape)
        if known is None:
            if len(self._shapes) >= _MAX_SHAPES:
                self._shapes.clear()
            known = self._shapes[shape] = self._bound(message)
        return known

    def _bound(self, message: Message) -> bool:
        method = self.record.method
        try:
            bind(method.selector, method.parameters, len(message.arguments), list(message.keywords))
        except BadArguments:
            return False
        return True


class Resolutions:
    """Answers by what is in memory."""

    def __init__(
        self,
        known: Callable[[ObjectId], Known | None],
        method: Callable[[ObjectId, str, Selector, int], MethodRecord | None],
    ) -> None:
        self._known, self._method = known, method
        # For an object that answers itself by its id, for all others by their parents.
        self._answers: dict[ObjectId | tuple[ObjectId, ...], dict[Selector, Resolution]] = {}
        self._count = 0
        self._involved: set[ObjectId] = set()

    def of(self, receiver: ObjectId, definition: Definition, selector: Selector) -> Resolution | None:
        """Which version answers; None where memory does not say, or says that none does."""
        own = definition.active(selector) or selector in definition.pins
        key = receiver if own else definition.parents
        known = self._answers.get(key)
        answer = known.get(selector) if known else None
        if answer is None and (answer := self._resolve(receiver, selector)) is not None:
            if self._count >= MAX_RESOLUTIONS:
                self.clear()
            self._answers.setdefault(key, {})[selector] = answer
            self._count += 1
            self._involved.update(each.object_id for each in answer.above)
        return answer

    def wanted(self, receiver: ObjectId, selector: Selector) -> Wanted | None:
        """The version that answers, to be read; None where the definitions in memory do not say."""
        ancestry = self._ancestry(receiver)
        if ancestry is None:
            return None
        definitions = {name: definition for name, (definition, _) in ancestry.items()}
        try:
            path = lookup_path(receiver, {name: item.parents for name, item in definitions.items()})
        except KernelError:
            return None
        answer = holder_of(selector, path, definitions)
        return answer and (answer.holder, definitions[answer.holder].incarnation, selector, answer.number)

    def rests_on(self, object_id: ObjectId) -> bool:
        """Whether what others answer rests on the object's definition."""
        return object_id in self._involved

    def changed(self, object_id: ObjectId) -> None:
        """A definition was replaced, or is no longer in memory."""
        self._count -= len(self._answers.pop(object_id, ()))
        if object_id in self._involved:
            self.clear()

    def clear(self) -> None:
        """Forget all answers."""
        self._answers.clear()
        self._count = 0
        self._involved.clear()

    def _resolve(self, receiver: ObjectId, selector: Selector) -> Resolution | None:
        wanted = self.wanted(receiver, selector)
        record = wanted and self._method(*wanted)
        ancestry = self._ancestry(receiver)
        if record is None or ancestry is None:
            return None
        method = record.method
        ref = MethodRef(method.holder, method.selector, method.number, method.digest, record.level)
        # Who answers by a method of its own does so whatever its parents are.
        others = [name for name in ancestry if name != receiver] if method.holder != receiver else ()
        above = {Key(name, Part.DEFINITION): ancestry[name][1] for name in others}
        return Resolution(record, ref, above, isolated(method))

    def _ancestry(self, receiver: ObjectId) -> dict[ObjectId, tuple[Definition, int]] | None:
        """The definitions of the receiver and all above it, with their revisions; None where one is not in memory."""
        found: dict[ObjectId, tuple[Definition, int]] = {}
        ahead: list[ObjectId] = [receiver]
        while ahead:
            name = ahead.pop()
            if name not in found:
                known = self._known(name)
                if known is None or known.definition is None:
                    return None
                found[name] = known.definition, known.definition_revision
                ahead.extend(known.definition.parents)
        return found
