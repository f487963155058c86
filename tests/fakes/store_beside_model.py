"""A store beside the plain model of it: how one asks both, and that they hold the same after each change."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from typing import TypeVar

from hypothesis.stateful import RuleBasedStateMachine, invariant

from fakes.store_model import Resolved, StoreModel, Thing
from kernel.errors import KernelError
from kernel.lookup import Answer, holder_of, lookup_path
from kernel.objects import Definition, Namespace, ObjectId, Selector
from objectstore.store import Store, StoredObject

T = TypeVar("T")
Open = Callable[[AsyncExitStack], Awaitable[Store]]

SELECTORS = [Selector("add"), Selector("drop")]
OBJECTS = [ObjectId(name) for name in ("a", "a/b", "b", "c", "d")]
ANY = [*OBJECTS, ObjectId("root")]


class StoreBesideModel(RuleBasedStateMachine):
    """What is done to both is told by the rules of who extends it."""

    open: Open
    spaces = iter(range(1 << 30))
    model: StoreModel

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.stack = AsyncExitStack()
        self.store: Store = self.run(type(self).open(self.stack))
        self.namespace = Namespace(f"model-{next(self.spaces)}")
        self.incarnations: set[str] = set()
        self.newest = 0
        self.lane = 0
        self.seen: list[StoredObject] = []

    def run(self, what: Awaitable[T]) -> T:
        async def awaited() -> T:
            return await what

        return self.runner.run(awaited())

    def tried(self, what: Awaitable[T], allowed: set[str]) -> T | None:
        """What came of it; None where it was refused, as it had to be."""
        try:
            result = self.run(what)
        except KernelError as error:
            if error.reason not in allowed:
                raise AssertionError(f"{error.text}; the model says {allowed or 'made'}") from error
            return None
        assert not allowed, f"made, where the model refuses with {allowed}"
        return result

    def made(self, name: str, stored: StoredObject, parents: list[str], slots: dict[str, int]) -> None:
        incarnation = stored.definition.incarnation
        assert incarnation not in self.incarnations
        self.incarnations.add(incarnation)
        revision = self.grown(stored.definition_revision)
        self.model.things[name] = Thing(incarnation, parents, (), dict(slots), {}, {}, revision, revision)

    def grown(self, revision: int) -> int:
        assert revision > self.newest
        self.newest = revision
        return revision

    @invariant()
    def they_hold_the_same(self) -> None:
        self.run(self._hold_the_same())

    async def _hold_the_same(self) -> None:
        page = await self.store.list(self.namespace, "", 0, "")
        listed = {each.object_id: each for each in page.items}
        assert listed.keys() == self.model.things.keys()
        definitions = {item: each.definition for item, each in listed.items()}
        for item in listed:
            stored = await self.store.get(self.namespace, item)
            thing = self.model.things[item]
            assert stored.definition == definitions[item]
            assert revisions(stored) == (thing.definition_revision, thing.slots_revision)
            assert stored.slots == thing.slots
            assert as_thing(stored.definition, definitions) == as_dict(thing)
            parents = {name: each.parents for name, each in definitions.items()}
            path = lookup_path(item, parents)
            for selector in SELECTORS:
                assert told(holder_of(selector, path, definitions)) == self.model.resolve(item, selector)

    def teardown(self) -> None:
        self.run(self.stack.aclose())
        self.runner.close()


def told(answer: Answer | None) -> Resolved:
    return (answer.holder, answer.number, answer.pinned_at or "") if answer else None


def revisions(stored: StoredObject) -> tuple[int, int]:
    return stored.definition_revision, stored.slots_revision


def as_dict(thing: Thing) -> dict[str, object]:
    return {
        "incarnation": thing.incarnation,
        "parents": thing.parents,
        "never": thing.never,
        "rows": {name: (row.active, row.latest, row.previous) for name, row in thing.rows.items()},
        "pins": thing.pins,
    }


def as_thing(definition: Definition, definitions: Mapping[ObjectId, Definition]) -> dict[str, object]:
    assert all(definitions[pin.holder].incarnation == pin.incarnation for pin in definition.pins.values())
    return {
        "incarnation": definition.incarnation,
        "parents": list(definition.parents),
        "never": definition.policy.never,
        "rows": {name: (row.active, row.latest, row.previous) for name, row in definition.methods.items()},
        "pins": {name: (pin.holder, pin.number) for name, pin in definition.pins.items()},
    }
