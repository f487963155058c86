"""Who descends from whom. Law: at every revision the parents of each object exist and have a consistent order.

And the holder of each pin is on the lookup path of the object that is pinned. So nobody goes, and no parents change,
where that would leave a pin pointing off the path.

An object's ancestors are read and compared one by one. What changes an object with children concerns its descendants
and their other ancestors too: these are compared likewise, and no descendant may have come between. Where they are too
many for one transaction, the edges of the whole namespace must have stayed as they were instead, which etcd looks
through one by one. For this each change of an object's parents or pins puts all its edges anew; nothing else touches
them.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from kernel.errors import BadArguments, LimitExceeded, ObjectNotFound
from kernel.lookup import lookup_path, lookup_paths
from kernel.objects import ROOT, Definition, Namespace, ObjectId, Pin
from objectstore import records
from objectstore.core import Core
from objectstore.keys import DefinitionKey, EdgeKey, parse, span
from objectstore.ledger import Span

MAX_PARENTS: Final = 16
MAX_DESCENDANTS: Final = 10_000
MAX_COMPARES: Final = 100  # leaves room for what else a step compares


@dataclass(frozen=True, slots=True)
class Compares:
    """What must still hold when new parents are committed."""

    same: Mapping[bytes, int] = field(default_factory=dict[bytes, int])
    quiet: Sequence[tuple[Span, int]] = ()


@dataclass(frozen=True, slots=True)
class ReadAncestor:
    """An object's definition, and the revision it was read at."""

    definition: Definition
    revision: int


def checked_parents(object_id: ObjectId, parents: Sequence[ObjectId]) -> tuple[ObjectId, ...]:
    """The parents, `root` where there are none. Raises LimitExceeded."""
    if len(parents) > MAX_PARENTS:
        raise LimitExceeded("parents", f"an object has at most {MAX_PARENTS} parents")
    return tuple(parents) or (() if object_id == ROOT else (ROOT,))


def edges(namespace: Namespace, object_id: ObjectId, parents: Iterable[ObjectId]) -> dict[bytes, bytes]:
    """What is put where an object gets parents."""
    return {EdgeKey(namespace, parent, object_id).encode(): records.mark() for parent in parents}


async def check_new(
    core: Core, namespace: Namespace, object_id: ObjectId, parents: Sequence[ObjectId]
) -> Compares | None:
    """What to compare where a new object gets these parents; None where they changed while they were read.

    Raises ObjectNotFound (a parent), InconsistentParents, LimitExceeded.
    """
    ancestors = await read_ancestors(core, namespace, parents, required=frozenset(parents))
    if ancestors is None:
        return None
    lookup_path(object_id, {**parents_of(ancestors), object_id: parents})
    return Compares(revisions_of(namespace, ancestors))


async def check_changed(
    core: Core,
    namespace: Namespace,
    object_id: ObjectId,
    parents: Sequence[ObjectId],
    *,
    pins: Mapping[str, Pin],
    revision: int,
) -> Compares | None:
    """As check_new, for an object that is there, and its descendants. `pins` are its own; `revision` of the first read.

    Raises BadArguments where a pin's holder would be off the path.
    """
    ancestors = await read_ancestors(core, namespace, parents, required=frozenset(parents))
    if ancestors is None:
        return None
    lookup_path(object_id, {**parents_of(ancestors), object_id: parents})  # refuses cycles before descendants are read
    descendants = await _descendants(core, namespace, object_id)
    above = await read_ancestors(core, namespace, descendants)
    if above is None:
        return None
    tree = {**parents_of(ancestors), **parents_of(above), object_id: parents}
    paths = lookup_paths((object_id, *descendants), tree)
    _check_pins(object_id, pins, paths[object_id])
    for descendant in descendants:
        _check_pins(descendant, above[descendant].definition.pins, paths[descendant])
    same = revisions_of(namespace, {**ancestors, **above})
    quiet = [(span(namespace, "c", f"{item}//"), revision) for item in (object_id, *descendants)]
    if len(same) + len(quiet) <= MAX_COMPARES:
        return Compares(same, quiet)
    return Compares(revisions_of(namespace, ancestors), [(span(namespace, "c"), revision)])


async def read_ancestors(
    core: Core, namespace: Namespace, objects: Sequence[ObjectId], required: frozenset[ObjectId] = frozenset()
) -> Mapping[ObjectId, ReadAncestor] | None:
    """The objects and all above them, each read by itself.

    None where one went while they were read; ObjectNotFound where it is required.
    """
    known: dict[ObjectId, ReadAncestor] = {}
    wanted = list(dict.fromkeys(objects))
    while wanted:
        keys = [Span.key(DefinitionKey(namespace, item).encode()) for item in wanted]
        for item, entries in zip(wanted, await core.read_all(keys), strict=True):
            if not entries:
                if item in required:
                    raise ObjectNotFound(item)
                return None
            known[item] = ReadAncestor(records.definition(entries[0].value), entries[0].revision)
        above = [parent for item in wanted for parent in known[item].definition.parents]
        wanted = [parent for parent in dict.fromkeys(above) if parent not in known]
    return known


async def _descendants(core: Core, namespace: Namespace, object_id: ObjectId) -> Sequence[ObjectId]:
    known: dict[ObjectId, None] = {}
    wanted = [object_id]
    while wanted:
        found = await core.read_all([span(namespace, "c", f"{item}//") for item in wanted])
        keys = [parse(entry.key) for entries in found for entry in entries]
        children = dict.fromkeys(key.child for key in keys if isinstance(key, EdgeKey))
        wanted = [child for child in children if child not in known]
        known |= children
        if len(known) > MAX_DESCENDANTS:
            raise LimitExceeded(
                "descendants", f"{object_id} has more than {MAX_DESCENDANTS} descendants; its parents stay as they are"
            )
    return list(known)


def _check_pins(item: ObjectId, pins: Mapping[str, Pin], path: Sequence[ObjectId]) -> None:
    for selector, pin in pins.items():
        if pin.holder not in path:
            raise BadArguments(
                f"{item} is pinned to version {pin.number} of {pin.holder}.{selector}, and would lose {pin.holder} "
                f"from its lookup path: first, batctl method unpin {item} {selector}",
                field="parents",
            )


def parents_of(read: Mapping[ObjectId, ReadAncestor]) -> dict[ObjectId, Sequence[ObjectId]]:
    """The parents of each object that was read."""
    return {item: each.definition.parents for item, each in read.items()}


def revisions_of(namespace: Namespace, read: Mapping[ObjectId, ReadAncestor]) -> dict[bytes, int]:
    """What to compare so that they still are what was read."""
    return {DefinitionKey(namespace, item).encode(): each.revision for item, each in read.items()}
