"""Who descends from whom, checked. Law: every parent is there, in a consistent order, and has an edge to the child."""

from collections import Counter
from collections.abc import Iterator
from typing import Final

from kernel.errors import InconsistentParents, LimitExceeded
from kernel.lookup import lookup_path
from kernel.objects import Definition, Namespace, ObjectId
from objectstore import records
from objectstore.keys import DefinitionKey, EdgeKey
from objectstore.ledger import Entry, Ledger, Span
from objectstore.problems import Kind, Problem

Parents = tuple[ObjectId, ...]
_TURN: Final = 1000


class Tree:
    """The parents of every object of a namespace at a revision; None where its definition cannot be read."""

    def __init__(self, ledger: Ledger, revision: int, namespace: Namespace, problems: list[Problem]) -> None:
        self._ledger, self._revision, self._namespace = ledger, revision, namespace
        self._problems = problems
        self._parents: dict[ObjectId, Parents] = {}
        self._unreadable: set[ObjectId] = set()
        self._alike: dict[Parents, Parents] = {}  # most objects have the same few parents
        self._first: dict[Parents, ObjectId] = {}
        self._edges: Counter[ObjectId] = Counter()

    def __contains__(self, object_id: str) -> bool:
        return object_id in self._parents or object_id in self._unreadable

    def add(self, object_id: ObjectId, definition: Definition | None) -> None:
        """Take in an object."""
        if definition is None:
            self._unreadable.add(object_id)
            return
        parents = tuple(definition.parents)
        self._parents[object_id] = self._alike.setdefault(parents, parents)
        self._first.setdefault(parents, object_id)

    def path(self, object_id: ObjectId) -> Parents:
        """The lookup path; empty where there is none."""
        try:
            return lookup_path(object_id, self._parents)
        except (InconsistentParents, LimitExceeded):
            return ()

    def check_parents(self) -> Iterator[None]:
        """Tell what is wrong between objects and their parents; yields from time to time, for others to have a turn."""
        # Whether parents are consistent depends on them alone, so each tuple of them is looked at once.
        wrong: dict[Parents, str] = {}
        for count, (parents, object_id) in enumerate(self._first.items(), 1):
            if text := self._wrong(object_id):
                wrong[parents] = text
            if not count % _TURN:
                yield
        for count, (object_id, parents) in enumerate(self._parents.items(), 1):
            if not count % _TURN:
                yield
            key = DefinitionKey(self._namespace, object_id).encode()
            for parent in parents:
                if parent not in self:
                    self._tell(Kind.PARENT_MISSING, key, f"there is no object {parent}, a parent of {object_id}")
            if parents in wrong:
                self._tell(Kind.PARENTS_INCONSISTENT, key, wrong[parents])

    def check_edge(self, edge: EdgeKey) -> None:
        """Tell what is wrong with an edge."""
        if edge.child not in self:
            self._tell(Kind.EDGE_WITHOUT_CHILD, edge.encode(), f"there is no object {edge.child}")
        elif edge.child in self._unreadable:
            return
        elif edge.parent not in self._parents[edge.child]:
            self._tell(Kind.EDGE_WITHOUT_PARENT, edge.encode(), f"{edge.parent} is no parent of {edge.child}")
        else:
            self._edges[edge.child] += 1

    async def check_missing_edges(self) -> None:
        """Tell which edges are missing, when all that are there were checked."""
        for object_id, parents in self._parents.items():
            if self._edges[object_id] == len(set(parents)):
                continue
            for parent in set(parents):
                key = EdgeKey(self._namespace, parent, object_id).encode()
                if await self._at(key) is None:
                    self._tell(Kind.PARENT_WITHOUT_EDGE, key, f"{parent} does not know its child {object_id}")

    async def incarnation(self, object_id: ObjectId) -> str | None:
        """The incarnation of an object; None where it is not there, or cannot be read."""
        if object_id not in self._parents:
            return None
        entry = await self._at(DefinitionKey(self._namespace, object_id).encode())
        return records.definition(entry.value).incarnation if entry else None

    async def holds(self, key: bytes) -> bool:
        """Whether there is such a key."""
        return await self._at(key) is not None

    async def _at(self, key: bytes) -> Entry | None:
        entries = await self._ledger.read_at(self._revision, Span.key(key))
        return entries[0] if entries else None

    def _wrong(self, object_id: ObjectId) -> str:
        """Why an object cannot have its parents; empty where it can."""
        try:
            lookup_path(object_id, self._parents)
        except (InconsistentParents, LimitExceeded) as error:
            return error.text
        return ""

    def _tell(self, kind: Kind, key: bytes, fact: str) -> None:
        self._problems.append(Problem.at(kind, key, fact))
