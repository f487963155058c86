"""One object, checked with all that is its own. Law: its keys come in order: definition, slots, versions, the rest."""

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final, cast

from kernel.objects import Definition, Namespace, ObjectId, Selector
from kernel.values import Reference
from objectstore import records
from objectstore.check_tree import Tree
from objectstore.keys import (
    CallKey,
    DefinitionKey,
    EvidenceKey,
    ExampleKey,
    ReplyKey,
    RetiredKey,
    SlotsKey,
    StoredKey,
    VersionKey,
)
from objectstore.ledger import Entry
from objectstore.problems import Kind, Problem, read

_TOLD: Final = 5  # numbers of missing versions that a text lists


class ObjectCheck:
    """What is known of the object whose keys are read; `place` is its id with the end that keys give it."""

    def __init__(self, namespace: Namespace, place: bytes, tree: Tree, problems: list[Problem]) -> None:
        self.place = place
        self.object_id = object_id = ObjectId(place.decode().removesuffix("//"))
        self._namespace, self._tree, self._problems = namespace, tree, problems
        self._key = DefinitionKey(namespace, object_id).encode()
        self._slots_key = SlotsKey(namespace, object_id).encode()
        self._defined = object_id in tree
        self._definition: Definition | None = None
        self._slots = False
        self._numbers: defaultdict[str, set[int]] = defaultdict(set)

    async def take(self, key: StoredKey, entry: Entry) -> None:
        """Check the next of the object's keys."""
        match key:
            case DefinitionKey():
                self._definition = read(records.definition, entry, [])  # what cannot be read was told before
                await self._check_pins()
            case SlotsKey():
                self._slots = True
                self._check_slots(entry)
            case VersionKey():
                self._check_version(key, entry)
            case EvidenceKey(version=version) | RetiredKey(version=version):
                reader = records.evidence if isinstance(key, EvidenceKey) else records.retirement
                read(reader, entry, self._problems)
                self._check_beside(version, entry)
            case ExampleKey(incarnation=incarnation) | CallKey(incarnation=incarnation):
                read(records.example if isinstance(key, ExampleKey) else records.call, entry, self._problems)
                self._is_orphan(incarnation, entry)
            case ReplyKey(incarnation=incarnation):
                read(_reply_reader(key), entry, self._problems)
                self._is_orphan(incarnation, entry)
            case _:
                pass

    def end(self) -> None:
        """Check what is known when all keys were taken."""
        if self._defined and not self._slots:
            self._tell(Kind.DEFINITION_WITHOUT_SLOTS, self._key, f"{self.object_id} has no slots")
        if self._slots and not self._defined:
            self._tell(Kind.SLOTS_WITHOUT_DEFINITION, self._slots_key, f"{self.object_id} has no definition")
        if self._definition is None:
            return
        for selector, pointer in self._definition.methods.items():
            numbers = self._numbers.pop(selector, set())
            what = f"{self.object_id}.{selector}"
            self._check_latest(what, pointer.latest, numbers)
            if pointer.active and pointer.active not in numbers:
                fact = f"version {pointer.active} of {what} answers, and is not there"
                self._tell(Kind.POINTER_DANGLES, self._key, fact)
            self._check_gaps(what, pointer.latest, numbers | {pointer.active})
        for selector, numbers in self._numbers.items():
            self._check_latest(f"{self.object_id}.{selector}", 0, numbers)

    def _check_latest(self, what: str, latest: int, numbers: set[int]) -> None:
        if numbers and max(numbers) > latest:
            fact = f"{what} has version {max(numbers)}, and its method table knows {latest} at most"
            self._tell(Kind.LATEST_BEHIND, self._key, fact)

    def _check_gaps(self, what: str, latest: int, numbers: set[int]) -> None:
        count = latest - sum(1 for number in numbers if 0 < number <= latest)
        if count <= 0:
            return
        first = _first_missing(numbers, latest)
        told = ", ".join(str(number) for number in first) + ("" if count == len(first) else ", …")
        self._tell(Kind.VERSION_MISSING, self._key, f"{what} lacks {count} of {latest} versions: {told}")

    def _check_slots(self, entry: Entry) -> None:
        slots = read(records.slots, entry, self._problems)
        for target in sorted(set(_references(slots))):
            if target not in self._tree:
                fact = f"{self.object_id} refers to {target}, and there is no such object"
                self._tell(Kind.DANGLING_REFERENCE, entry.key, fact)

    def _check_version(self, key: VersionKey, entry: Entry) -> None:
        if not self._is_orphan(key.incarnation, entry):
            self._numbers[key.selector].add(key.number)
        version = read(records.version, entry, self._problems)
        if version is None:
            return
        if (version.holder, version.selector, version.number) != (key.object_id, key.selector, key.number):
            fact = f"it says that it is {version.holder}.{version.selector} version {version.number}"
            self._tell(Kind.VERSION_MISPLACED, entry.key, fact)
        if hashlib.sha256(version.source.encode()).hexdigest() != version.digest:
            self._tell(Kind.VERSION_CHANGED, entry.key, "its source is not the one that its digest is of")

    def _check_beside(self, version: VersionKey, entry: Entry) -> None:
        if self._is_orphan(version.incarnation, entry):
            return
        if self._definition is not None and version.number not in self._numbers.get(version.selector, ()):
            fact = f"there is no version {version.number} of {self.object_id}.{version.selector}"
            self._tell(Kind.EVIDENCE_WITHOUT_VERSION, entry.key, fact)

    async def _check_pins(self) -> None:
        if self._definition is None or not self._definition.pins:
            return
        path = self._tree.path(self.object_id)
        for selector, pin in self._definition.pins.items():
            version = VersionKey(self._namespace, pin.holder, pin.incarnation, Selector(selector), pin.number)
            what = f"{self.object_id} pins {selector} to version {pin.number} of {pin.holder}"
            if await self._tree.incarnation(pin.holder) != pin.incarnation:
                self._tell(Kind.PIN_DANGLES, self._key, f"{what}, and that object is gone or was made anew")
            elif not await self._tree.holds(version.encode()):
                self._tell(Kind.PIN_DANGLES, self._key, f"{what}, and there is no such version")
            elif pin.holder not in path:
                self._tell(Kind.PIN_OFF_PATH, self._key, f"{what}, which is not on its lookup path")

    def _is_orphan(self, incarnation: str, entry: Entry) -> bool:
        if self._defined and (self._definition is None or self._definition.incarnation == incarnation):
            return False
        fact = f"it is of {'another incarnation of ' if self._defined else ''}{self.object_id}"
        self._tell(Kind.ORPHAN, entry.key, fact + ("" if self._defined else ", and there is no such object"))
        return True

    def _tell(self, kind: Kind, key: bytes, fact: str) -> None:
        self._problems.append(Problem.at(kind, key, fact))


def _reply_reader(key: ReplyKey) -> Callable[[bytes], object]:
    return lambda value: records.reply(value, key.object_id, key.incarnation, key.principal, key.request_id)


def _first_missing(numbers: set[int], latest: int) -> Sequence[int]:
    """The first few numbers up to the latest that are missing; found without counting far."""
    found: list[int] = []
    number = 0
    while len(found) < _TOLD and (number := number + 1) <= latest:
        if number not in numbers:
            found.append(number)
    return found


def _references(value: object) -> Iterator[str]:
    match value:
        case Reference(id):
            yield id
        case Mapping():
            for each in cast("Mapping[str, object]", value).values():
                yield from _references(each)
        case list():
            for each in cast("list[object]", value):
                yield from _references(each)
        case _:
            pass
