"""Which object answers a message. Law: pure functions of definitions; who holds the definitions is not asked here.

The lookup path is the C3 linearisation over ordered parents (Barrett et al., 1996): every object comes before its
parents, and parents keep their order. The holder's method then runs with the receiver as `self` (delegation).
On the path an object's pin answers before its method table, so the nearest of all pins and tables decides. Policies
apply along the path, and the strictest wins.
"""

import difflib
from collections import Counter, deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from kernel.errors import InconsistentParents, LimitExceeded
from kernel.objects import Definition, Level, ObjectId, Policy, Selector, Synthesis

MAX_PATH = 32


@dataclass(frozen=True, slots=True)
class Answer:
    """Which version answers a selector: its holder, its number, and the object whose pin decides, where one does."""

    holder: ObjectId
    number: int
    pinned_at: ObjectId | None = None


def lookup_path(receiver: ObjectId, parents: Mapping[ObjectId, Sequence[ObjectId]]) -> tuple[ObjectId, ...]:
    """The objects asked for a method, in order. `parents` holds every ancestor's parents.

    Raises InconsistentParents where there is a cycle, or no order keeps every object before its parents;
    LimitExceeded beyond 32 objects.
    """
    return lookup_paths((receiver,), parents)[receiver]


def lookup_paths(
    receivers: Iterable[ObjectId], parents: Mapping[ObjectId, Sequence[ObjectId]]
) -> dict[ObjectId, tuple[ObjectId, ...]]:
    """The lookup path of each, what they share computed once. As lookup_path."""
    linearization = _Linearization(parents)
    return {receiver: tuple(linearization.of(receiver, ())) for receiver in receivers}


class _Linearization:
    """The linearisations under one lookup, each made once: in layers of objects there are more roads than objects."""

    def __init__(self, parents: Mapping[ObjectId, Sequence[ObjectId]]) -> None:
        self._parents = parents
        self._known: dict[ObjectId, list[ObjectId]] = {}

    def of(self, item: ObjectId, below: tuple[ObjectId, ...]) -> list[ObjectId]:
        """The linearisation of an object that was reached through those below it."""
        if item in self._known:
            return self._known[item]
        if item in below:
            raise InconsistentParents(f"{item} would be its own ancestor: {' -> '.join((*below, item))}", object=item)
        if len(below) > MAX_PATH:
            raise LimitExceeded("path", f"the parents of {below[0]} are nested deeper than {MAX_PATH}")
        own = list(self._parents.get(item, ()))
        sequences = [self.of(parent, (*below, item)) for parent in own]
        path = [item, *_merge(item, [*sequences, own])]
        if len(path) > MAX_PATH:  # whatever is below has a longer one
            raise LimitExceeded(
                "path", f"the lookup path of {item} has {len(path)} objects; at most {MAX_PATH} are served"
            )
        self._known[item] = path
        return path


def _merge(item: ObjectId, sequences: list[list[ObjectId]]) -> list[ObjectId]:
    merged: list[ObjectId] = []
    remaining: list[deque[ObjectId]] = [deque(sequence) for sequence in sequences if sequence]
    behind = Counter(each for sequence in sequences for each in sequence[1:])
    while remaining:
        head = next((sequence[0] for sequence in remaining if not behind[sequence[0]]), None)
        if head is None:
            names = ", ".join(sorted({sequence[0] for sequence in remaining}))
            raise InconsistentParents(f"the parents of {item} have no consistent order: {names}", object=item)
        merged.append(head)
        for sequence in remaining:
            if sequence[0] == head:
                sequence.popleft()
                if sequence:
                    behind[sequence[0]] -= 1
        remaining = [sequence for sequence in remaining if sequence]
    return merged


def holder_of(
    selector: Selector, path: Sequence[ObjectId], definitions: Mapping[ObjectId, Definition]
) -> Answer | None:
    """What answers the selector along a lookup path, or the rest of one; None where nobody on it does.

    A pin whose holder is not on the path, or was made anew since, decides nothing. One whose version is retired still
    decides: retired means never activated again.
    """
    for item in path:
        if (definition := definitions.get(item)) is None:
            continue
        if (pin := definition.pins.get(selector)) is not None and pin.holder in path:
            holder = definitions.get(pin.holder)
            if holder is not None and holder.incarnation == pin.incarnation:
                return Answer(pin.holder, pin.number, item)
        if number := definition.active(selector):
            return Answer(item, number)
    return None


def strictest(policies: Sequence[Policy]) -> Policy:
    """What all of them together allow: AUTO and EXAMPLES where nobody says otherwise.

    Budgets are left out: each object's own is counted for itself, and all of them must have room.
    """
    return Policy(
        synthesis=max((p.synthesis for p in policies), default=Synthesis.UNSET) or Synthesis.AUTO,
        min_evidence=max((p.min_evidence for p in policies), default=Level.UNSET) or Level.EXAMPLES,
        never=tuple(sorted({selector for p in policies for selector in p.never})),
    )


def understood(path: Sequence[ObjectId], definitions: Mapping[ObjectId, Definition]) -> tuple[Selector, ...]:
    """All selectors that something along the path answers, in order."""
    along = [definitions[item] for item in path if item in definitions]
    named = {Selector(name) for definition in along for name in (*definition.methods, *definition.pins)}
    return tuple(sorted(name for name in named if holder_of(name, path, definitions) is not None))


def near_selectors(
    selector: str, path: Sequence[ObjectId], definitions: Mapping[ObjectId, Definition]
) -> tuple[str, ...]:
    """Selectors understood along the path that are spelled nearly so; at most three."""
    return tuple(difflib.get_close_matches(selector, understood(path, definitions), n=3, cutoff=0.6))
