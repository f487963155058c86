"""Pins. Law: what answers for an object is told of definitions that all still stand in the transaction that pins.

A pin is a part of the definition of the object that is pinned. Its holder is on that object's lookup path, and stays
there: see `structure`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from kernel.errors import BadArguments, Conflict, MethodNotFound
from kernel.lookup import Answer, holder_of, lookup_path
from kernel.objects import Definition, MethodPointer, Namespace, ObjectId, Pin, Selector
from kernel.transactions import Token
from objectstore import records
from objectstore.core import Core, persist
from objectstore.keys import DefinitionKey, RetiredKey, VersionKey
from objectstore.ledger import Span, Step, differing
from objectstore.structure import edges, parents_of, read_ancestors, revisions_of


@dataclass(frozen=True, slots=True)
class _Around:
    """An object's lookup path, the definitions along it, and the revisions to compare."""

    path: tuple[ObjectId, ...]
    definitions: Mapping[ObjectId, Definition]
    same: Mapping[bytes, int]


class Pins:
    """The part of the store that keeps pins; see Store for what each method promises."""

    def __init__(self, core: Core) -> None:
        self._core = core

    async def pin(
        self,
        namespace: Namespace,
        object_id: ObjectId,
        selector: Selector,
        number: int,
        *,
        holder: ObjectId | None = None,
        expected_definition: int | None = None,
    ) -> tuple[Answer | None, Answer | None, Token]:
        """See Store."""
        if holder is not None and not number:
            raise BadArguments("a holder goes with a number; 0 takes the pin away, whatever it points to")

        async def attempt() -> tuple[Answer | None, Answer | None, Token] | None:
            around = await self._around(namespace, object_id)
            if around is None:
                return None
            key = DefinitionKey(namespace, object_id).encode()
            if expected_definition not in {None, around.same[key]}:
                raise Conflict(
                    f"the definition has revision {around.same[key]}, not {expected_definition}: read it again",
                    ["definition"],
                )
            before = holder_of(selector, around.path, around.definitions)
            definition = around.definitions[object_id]
            pins: dict[str, Pin] = {name: each for name, each in definition.pins.items() if name != selector}
            if number:
                pins[selector] = _checked(around, object_id, selector, number, holder or (before and before.holder))
            after = replace(definition, pins=pins)
            answer = holder_of(selector, around.path, {**around.definitions, object_id: after})
            pin = pins.get(selector)
            version = pin and VersionKey(namespace, pin.holder, pin.incarnation, selector, pin.number)
            revision = await self._put(namespace, object_id, around, after, version)
            return None if revision is None else (answer, before, self._core.token(revision))

        return await persist(attempt)

    async def _around(self, namespace: Namespace, object_id: ObjectId) -> _Around | None:
        ancestors = await read_ancestors(self._core, namespace, [object_id], required=frozenset([object_id]))
        if ancestors is None:
            return None
        path = lookup_path(object_id, parents_of(ancestors))
        definitions = {item: each.definition for item, each in ancestors.items()}
        return _Around(path, definitions, revisions_of(namespace, ancestors))

    async def _put(
        self, namespace: Namespace, object_id: ObjectId, around: _Around, after: Definition, version: VersionKey | None
    ) -> int | None:
        """The revision at which it is as asked; None where what was read changed meanwhile."""
        same = dict(around.same)
        if after == around.definitions[object_id]:
            # Nothing to change, and yet the answer must be of one revision.
            changed, revision = await differing(self._core.ledger, same)
            return None if changed else revision
        if version is not None:
            retired = RetiredKey(version).encode()
            if (await self._core.ledger.read(Span.key(retired))).only(0):
                raise MethodNotFound(version.object_id, version.selector, version.number, retired=True)
            same[retired] = 0
        puts = {
            DefinitionKey(namespace, object_id).encode(): records.encode_definition(after),
            # So that whoever gives an ancestor other parents meanwhile hears of the pin.
            **edges(namespace, object_id, after.parents),
        }
        return (await self._core.lanes.take(Step(same, puts=puts))).revision


def _checked(around: _Around, object_id: ObjectId, selector: Selector, number: int, holder: ObjectId | None) -> Pin:
    """The pin. Raises BadArguments where the holder is off the path, MethodNotFound where it has no such version."""
    if holder is None:
        raise MethodNotFound(object_id, selector, number)
    if holder not in around.path:
        raise BadArguments(
            f"{holder} is not on the lookup path of {object_id}: {', '.join(around.path)}", field="holder"
        )
    definition = around.definitions[holder]
    if not 0 < number <= definition.methods.get(selector, MethodPointer()).latest:
        raise MethodNotFound(holder, selector, number)
    return Pin(holder, definition.incarnation, number)
