"""Is everything in the store as it should be? Law: every key of one revision is read, in pages, and nothing is changed.

Three rounds: all keys, without their values; for each namespace all definitions, for who descends from whom; then all
values, object by object, since the keys of each kind come in the order of the objects. What is kept in memory grows
with the objects alone: their ids and parents.
"""

from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import Final

from kernel.errors import KernelError
from kernel.objects import Namespace, parse_namespace, parse_object_id
from objectstore import records
from objectstore.check_flights import KINDS, ApartCheck
from objectstore.check_objects import ObjectCheck
from objectstore.check_tree import Tree
from objectstore.epochs import EpochLedger
from objectstore.keys import (
    EVERYTHING,
    META,
    DefinitionKey,
    EdgeKey,
    StoredKey,
    parse,
    span,
)
from objectstore.ledger import Entry, Span
from objectstore.pages import pages
from objectstore.places import is_leased, place
from objectstore.problems import Kind, Problem, read

_OBJECTS: Final = "domexyr"  # the kinds that belong to objects; a definition first, a version before its evidence
_TOGETHER: Final = 500  # problems in one part of the report
_TURN: Final = 100  # objects, between two parts of it


@dataclass(frozen=True, slots=True)
class Report:
    """A part of the report: problems, how many keys were read, of which revision, and whether that is all."""

    problems: Sequence[Problem]
    keys: int
    revision: int
    done: bool = False


async def check(ledger: EpochLedger) -> AsyncGenerator[Report]:
    """The report in parts, one a page or so. StoreUnavailable, also where the revision is no longer kept."""
    found = _Check(ledger, (await ledger.read()).revision)
    async with aclosing(found.rounds()) as rounds:
        async for _ in rounds:
            for problems in found.drain():
                yield Report(problems, found.keys, found.revision)
    *parts, last = [*found.drain()] or [[]]
    for problems in parts:
        yield Report(problems, found.keys, found.revision)
    yield Report(last, found.keys, found.revision, done=True)


@dataclass(frozen=True, slots=True)
class _Known:
    """An entry of an object, and where it comes: ids sort as their keys do, in which "//" ends them."""

    place: tuple[bytes, int]
    key: StoredKey
    entry: Entry


class _Check:
    """One check under way. Each round yields after every page, so that its problems can be told."""

    def __init__(self, ledger: EpochLedger, revision: int) -> None:
        self._ledger, self.revision = ledger, revision
        self.keys = 0
        self._problems: list[Problem] = []
        self._apart = ApartCheck(self._problems)
        self._namespaces: dict[Namespace, None] = {}
        self._refused: set[bytes] = set()

    def drain(self) -> Iterator[Sequence[Problem]]:
        """The problems that were not told yet, in parts; one that is empty where there is none."""
        told, self._problems[:] = list(self._problems), []
        for start in range(0, len(told) or 1, _TOGETHER):
            yield told[start : start + _TOGETHER]

    async def rounds(self) -> AsyncGenerator[None]:
        """All rounds."""
        async for page in self._pages(replace(EVERYTHING, values=False)):
            for entry in page:
                self._check_key(entry)
            self.keys += len(page)
            yield
        for namespace in self._namespaces:
            tree = Tree(self._ledger, self.revision, namespace, self._problems)
            async for page in self._pages(span(namespace, "d")):
                for key, entry in self._known(page):
                    if isinstance(key, DefinitionKey):
                        tree.add(key.object_id, read(records.definition, entry, self._problems))
                yield
            async for _ in self._tree(namespace, tree):
                yield
            async for _ in self._objects(namespace, tree):
                yield
            async for _ in self._others(namespace):
                yield
        self._apart.end()

    def _check_key(self, entry: Entry) -> None:
        if entry.key == META:
            return
        key = _parsed(entry.key)
        if key is None:
            self._refused.add(entry.key)
            self._problems.append(Problem.at(Kind.UNREADABLE_KEY, entry.key, "it is no key of the store"))
            return
        self._namespaces[Namespace(place(entry.key)[0].decode())] = None
        if is_leased(entry.key) and not entry.passing:
            self._problems.append(Problem.at(Kind.LEASE_MISSING, entry.key, "it does not end by itself"))

    async def _tree(self, namespace: Namespace, tree: Tree) -> AsyncGenerator[None]:
        for _ in tree.check_parents():
            yield
        async for page in self._pages(span(namespace, "c")):
            for key, entry in self._known(page):
                read(records.slots, entry, self._problems)
                if isinstance(key, EdgeKey):
                    tree.check_edge(key)
            yield
        await tree.check_missing_edges()
        yield

    async def _objects(self, namespace: Namespace, tree: Tree) -> AsyncGenerator[None]:
        checked: ObjectCheck | None = None
        count = 0
        streams = [self._stream(namespace, letter, order) for order, letter in enumerate(_OBJECTS)]
        async with aclosing(_merged(streams)) as merged:
            async for known in merged:
                if checked is None or checked.place != known.place[0]:
                    if checked is not None:
                        checked.end()
                    if not (count := count + 1) % _TURN:
                        yield
                    checked = ObjectCheck(namespace, known.place[0], tree, self._problems)
                await checked.take(known.key, known.entry)
        if checked is not None:
            checked.end()

    async def _others(self, namespace: Namespace) -> AsyncGenerator[None]:
        for letter in KINDS:
            async for page in self._pages(span(namespace, letter)):
                for key, entry in self._known(page):
                    self._apart.take(key, entry)
                yield

    async def _stream(self, namespace: Namespace, letter: str, order: int) -> AsyncGenerator[_Known]:
        async for page in self._pages(span(namespace, letter)):
            for key, entry in self._known(page):
                yield _Known((_place(entry.key), order), key, entry)

    def _known(self, page: Sequence[Entry]) -> Iterator[tuple[StoredKey, Entry]]:
        """The entries whose keys can be read; the others were told in the first round."""
        for entry in page:
            if entry.key not in self._refused:
                yield parse(entry.key), entry

    def _pages(self, wanted: Span) -> AsyncGenerator[Sequence[Entry]]:
        return pages(self._ledger, self.revision, wanted)


async def _merged(streams: Sequence[AsyncGenerator[_Known]]) -> AsyncGenerator[_Known]:
    """All of several streams in the order of the objects; each stream is in that order itself."""
    heads = {stream: head for stream in streams if (head := await anext(stream, None)) is not None}
    while heads:
        stream = min(heads, key=lambda each: heads[each].place)
        yield heads[stream]
        if (head := await anext(stream, None)) is None:
            del heads[stream]
        else:
            heads[stream] = head


def _place(key: bytes) -> bytes:
    """The object that a key is of, with the end of its id."""
    rest = key.split(b"/", 4)[4]
    return rest[: rest.index(b"//") + 2]


def _parsed(key: bytes) -> StoredKey | None:
    """What the key stands for; None for one that nobody who keeps the rules would write."""
    try:
        found = parse(key)
        parse_namespace(place(key)[0].decode())
        if isinstance(object_id := getattr(found, "object_id", None), str):
            parse_object_id(object_id)
    except (ValueError, KernelError):
        return None
    return found if found.encode() == key else None
