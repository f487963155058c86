"""What an activation would change. Law: told before it is done, of one revision, in memory that does not grow with it.

The objects below the holder are walked along the edges, a page of children at a time, deepest first. An object that
several roads lead to is told once: on the road through the first of its parents that is below the holder. So only the
children on the way down that come next, and the definitions along their paths, are held. Children are read many pages
ahead, because etcd goes through all of them to count them, whatever the limit is.
"""

from collections import ChainMap
from collections.abc import AsyncGenerator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from kernel.errors import MethodNotFound, ObjectNotFound
from kernel.lookup import holder_of, lookup_paths
from kernel.objects import Definition, MethodPointer, Namespace, ObjectId, Pin, Selector
from kernel.transactions import Token
from objectstore import records
from objectstore.core import Core
from objectstore.keys import DefinitionKey, EdgeKey, RetiredKey, VersionKey, parse, span
from objectstore.ledger import Entry, Span
from objectstore.store import Preview, ResolutionChange

PAGE: Final = 200
AHEAD: Final = 25 * PAGE
_SPANS_AT_ONCE: Final = 100
_MOST_KEPT: Final = 5_000  # definitions of ancestors, kept from page to page


class Previews:
    """The part of the store that tells what an activation would change; see Store."""

    def __init__(self, core: Core) -> None:
        self._core = core

    async def preview(
        self, namespace: Namespace, holder: ObjectId, selector: Selector, number: int
    ) -> AsyncGenerator[Preview]:
        """See Store."""
        held, reading = await self._core.holder(namespace, holder)
        token = self._core.token(reading.revision)
        walk = _Walk(self._core, namespace, holder, selector, token)
        row = held.definition.methods.get(selector)
        if row is None or not 0 <= number <= row.latest:
            raise MethodNotFound(holder, selector, number)
        if number and await walk.retired(held.definition.incarnation, number):
            raise MethodNotFound(holder, selector, number, retired=True)
        if number == row.active:
            yield Preview((), 0, token)
            return
        walk.activate(held.definition, row.moved(number))
        async for part in walk.parts():
            yield part


@dataclass(slots=True)
class _Road:
    """The children of one object that were not looked at yet: those read ahead, and whether more come after a key."""

    parent: ObjectId
    ahead: list[ObjectId] = field(default_factory=list[ObjectId])
    goes_on: bool = False
    after: bytes = b""


@dataclass(slots=True)
class _Walk:
    """One walk below a holder, at the revision of the token."""

    core: Core
    namespace: Namespace
    holder: ObjectId
    selector: Selector
    token: Token
    known: dict[ObjectId, Definition] = field(default_factory=dict[ObjectId, Definition])
    """With each definition, those of all above it."""
    up: dict[ObjectId, Sequence[ObjectId]] = field(default_factory=dict[ObjectId, Sequence[ObjectId]])
    """The parents of those."""
    changed: dict[ObjectId, Definition] = field(default_factory=dict[ObjectId, Definition])
    objects: int = 0

    async def retired(self, incarnation: str, number: int) -> bool:
        """Whether the version was retired."""
        key = VersionKey(self.namespace, self.holder, incarnation, self.selector, number)
        return bool((await self._read([Span.key(RetiredKey(key).encode())]))[0])

    def activate(self, definition: Definition, row: MethodPointer) -> None:
        """Remember what the holder's definition would be."""
        methods: Mapping[str, MethodPointer] = {self.selector: row}
        self.changed[self.holder] = replace(self._slim(definition), methods=methods)

    async def parts(self) -> AsyncGenerator[Preview]:
        """The holder first, then what is below it."""
        yield Preview(await self._changes([self.holder]), self.objects, self.token)
        roads = [_Road(self.holder)]
        while roads:
            road = roads.pop()
            children = await self._next(road)
            if road.ahead or road.goes_on:
                roads.append(road)
            await self._learn(children)
            here = [child for child in children if self._is_first_road(road.parent, child)]
            yield Preview(await self._changes(here), self.objects, self.token)
            roads += [_Road(child) for child in await self._with_children(here)]
            if len(self.known) > _MOST_KEPT:
                self.known.clear()
                self.up.clear()

    async def _changes(self, items: Sequence[ObjectId]) -> list[ResolutionChange]:
        await self._learn(items)
        self.objects += len(items)
        after = ChainMap(self.changed, self.known)
        changes: list[ResolutionChange] = []
        for item, path in lookup_paths(items, self.up).items():
            old = holder_of(self.selector, path, self.known)
            new = holder_of(self.selector, path, after)
            if old != new:
                changes.append(ResolutionChange(item, old, new))
        return changes

    def _is_first_road(self, parent: ObjectId, child: ObjectId) -> bool:
        """Whether the parent is the first of the child's that is the holder, or is below it."""
        parents = self.known[child].parents
        if len(parents) == 1:
            return True
        paths = lookup_paths(parents, self.up)
        return parent == next(each for each in parents if self.holder in paths[each])

    async def _next(self, road: "_Road") -> Sequence[ObjectId]:
        """The next page of children."""
        if not road.ahead:
            edges = span(self.namespace, "c", f"{road.parent}//")
            (entries,) = await self._read([Span(road.after or edges.begin, edges.end, AHEAD, values=False)])
            keys = [parse(entry.key) for entry in entries]
            road.ahead = [key.child for key in keys if isinstance(key, EdgeKey)]
            road.goes_on = len(entries) == AHEAD
            road.after = entries[-1].key + b"\0" if entries else b""
        page, road.ahead = road.ahead[:PAGE], road.ahead[PAGE:]
        return page

    async def _with_children(self, items: Sequence[ObjectId]) -> list[ObjectId]:
        spans = [span(self.namespace, "c", f"{item}//") for item in items]
        found = await self._read([Span(each.begin, each.end, 1, values=False) for each in spans])
        return [item for item, entries in zip(items, found, strict=True) if entries]

    async def _learn(self, items: Iterable[ObjectId]) -> None:
        """Read the definitions of the objects, and of all above them, that are not known yet."""
        wanted = [item for item in dict.fromkeys(items) if item not in self.known]
        while wanted:
            found = await self._read([Span.key(DefinitionKey(self.namespace, item).encode()) for item in wanted])
            for item, entries in zip(wanted, found, strict=True):
                if not entries:
                    raise ObjectNotFound(item)
                self.known[item] = self._slim(records.definition(entries[0].value))
                self.up[item] = self.known[item].parents
            above = {parent for item in wanted for parent in self.known[item].parents}
            wanted = [parent for parent in above if parent not in self.known]

    def _slim(self, definition: Definition) -> Definition:
        """What decides here; the rest of a long method table would only take memory."""
        name = self.selector
        methods: Mapping[str, MethodPointer] = {name: definition.methods[name]} if name in definition.methods else {}
        pins: Mapping[str, Pin] = {name: definition.pins[name]} if name in definition.pins else {}
        return Definition(definition.incarnation, definition.parents, methods, pins=pins)

    async def _read(self, spans: Sequence[Span]) -> list[Sequence[Entry]]:
        found: list[Sequence[Entry]] = []
        for start in range(0, len(spans), _SPANS_AT_ONCE):
            found += await self.core.ledger.read_all_at(self.token.revision, spans[start : start + _SPANS_AT_ONCE])
        return found
