"""Which object answers a message. Law: pure functions of definitions; who holds the definitions is not asked here.

The lookup path is the C3 linearisation over ordered parents (Barrett et al., 1996): every object comes before its
parents, and parents keep their order. The holder's method then runs with the receiver as `self` (delegation).
Policies apply along the path, and the strictest wins.
"""

import difflib
from collections import Counter, deque
from collections.abc import Mapping, Sequence

from kernel.errors import InconsistentParents, LimitExceeded
from kernel.objects import Definition, Level, ObjectId, Policy, Selector, Synthesis

MAX_PATH = 32


def lookup_path(receiver: ObjectId, parents: Mapping[ObjectId, Sequence[ObjectId]]) -> tuple[ObjectId, ...]:
    """The objects asked for a method, in order. `parents` holds every ancestor's parents.

    Raises InconsistentParents where there is a cycle, or no order keeps every object before its parents;
    LimitExceeded beyond 32 objects.
    """
    return tuple(_Linearization(parents).of(receiver, ()))


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
) -> tuple[ObjectId, int] | None:
    """Who answers the selector, and with which version; None where nobody on the path does."""
    for item in path:
        definition = definitions.get(item)
        if definition is not None and (number := definition.active(selector)):
            return item, number
    return None


def strictest(policies: Sequence[Policy]) -> Policy:
    """What all of them together allow: AUTO and EXAMPLES where nobody says otherwise."""
    return Policy(
        synthesis=max((p.synthesis for p in policies), default=Synthesis.UNSET) or Synthesis.AUTO,
        min_evidence=max((p.min_evidence for p in policies), default=Level.UNSET) or Level.EXAMPLES,
        never=tuple(sorted({selector for p in policies for selector in p.never})),
    )


def near_selectors(
    selector: str, path: Sequence[ObjectId], definitions: Mapping[ObjectId, Definition]
) -> tuple[str, ...]:
    """Selectors understood along the path that are spelled nearly so; at most three."""
    known = {
        name for item in path if item in definitions for name, row in definitions[item].methods.items() if row.active
    }
    return tuple(difflib.get_close_matches(selector, sorted(known), n=3, cutoff=0.6))
