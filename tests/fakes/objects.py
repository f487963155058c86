"""Objects and methods in the domain's words, for tests of runs without a store."""

from dataclasses import dataclass, field

from activation.snapshot import ReadDefinition, ReadSlots
from kernel.objects import Definition, MethodPointer, MethodRecord, MethodVersion, ObjectId, Selector
from kernel.signature import parse_method
from kernel.values import Value


def method(holder: str, source: str, number: int = 1) -> MethodVersion:
    """A method version from its source; the selector is the function's name."""
    selector = Selector(source.split("def ", 1)[1].split("(", 1)[0])
    parameters = parse_method(source, selector)
    return MethodVersion(ObjectId(holder), selector, number, source, f"{holder}.{selector}.{number}", parameters)


@dataclass
class World:
    """A snapshot that tests write down: objects, their slots, parents and methods, all at revision 1."""

    slots_of: dict[str, dict[str, Value]] = field(default_factory=dict[str, dict[str, Value]])
    parents_of: dict[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    sources_of: dict[str, list[str]] = field(default_factory=dict[str, list[str]])

    def put(self, name: str, *sources: str, parents: tuple[str, ...] = (), **slots: Value) -> None:
        """An object with methods, parents and slots."""
        self.slots_of[name], self.parents_of[name], self.sources_of[name] = slots, parents, list(sources)

    async def definition(self, object_id: ObjectId) -> ReadDefinition:
        if object_id not in self.slots_of:
            return ReadDefinition(None, 0)
        versions = [method(object_id, source) for source in self.sources_of[object_id]]
        methods: dict[str, MethodPointer] = {version.selector: MethodPointer(1, 1) for version in versions}
        parents = tuple(ObjectId(name) for name in self.parents_of[object_id])
        return ReadDefinition(Definition(f"incarnation of {object_id}", parents, methods), 1)

    async def slots(self, object_id: ObjectId) -> ReadSlots:
        slots = self.slots_of.get(object_id)
        return ReadSlots(slots, 0 if slots is None else 1)

    async def method(self, holder: ObjectId, incarnation: str, selector: Selector, number: int) -> MethodRecord:
        assert incarnation == f"incarnation of {holder}"
        versions = [method(holder, source, number) for source in self.sources_of[holder]]
        return MethodRecord(next(version for version in versions if version.selector == selector))
