"""Objects and their methods change, in a store and in a plain model. Law: both refuse the same and hold the same."""

import asyncio
from collections.abc import Coroutine
from copy import deepcopy
from typing import Any, TypeVar

from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
)

from fakes.rig import NS, Rig
from fakes.worlds import TEMPLATES, Thing, World
from kernel.errors import KernelError
from kernel.messages import Message
from kernel.objects import ObjectId, Selector
from objectstore.ledger_store import LedgerStore
from objectstore.memory import MemoryLedger
from objectstore.store import Draft, NewObject, Update
from sandbox.host import Sandbox

T = TypeVar("T")
NAMES = ("a", "b", "c", "d", "e")
names = st.sampled_from(NAMES)


class ObjectsModel(RuleBasedStateMachine):
    """Two dispatchers over one store, and all worlds there were."""

    runner: asyncio.Runner
    sandbox: Sandbox

    def __init__(self) -> None:
        super().__init__()
        self.rig = Rig(self.do(LedgerStore.open(MemoryLedger())), self.sandbox)
        self.dispatches = [self.rig.dispatch, self.rig.another()]
        self.worlds = [World()]
        self.kept: dict[str, tuple[Message, object]] = {}

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(work)

    def teardown(self) -> None:
        for dispatch in self.dispatches:
            self.do(dispatch.stop())

    @property
    def now(self) -> World:
        return self.worlds[-1]

    def became(self, world: World, revision: int) -> None:
        world.revision = revision
        self.worlds.append(world)

    @initialize()
    def begin_with_a_family(self) -> None:
        """One object that knows everything, and two whose parent it is."""
        for name, parents in (("a", []), ("b", ["a"]), ("c", ["a"])):
            self.create(name, parents, 1)
        for template in ("add", "get", "boom", "forget", "relay", "caught", "twice"):
            self.register("a", template)

    # --- objects ---

    @rule(name=names, parents=st.lists(names, max_size=2, unique=True), count=st.integers(0, 5))
    def create(self, name: str, parents: list[str], count: int) -> None:
        world = deepcopy(self.now)
        wanted = "" if all(parent in world.things for parent in parents) else "OBJECT_NOT_FOUND"
        if name in world.things:
            wanted = "OBJECT_EXISTS"
        if not wanted:
            world.things[name] = Thing(tuple(parents), {"count": count})
            wanted = "" if world.consistent else "INCONSISTENT_PARENTS"
        new = NewObject(ObjectId(name), [ObjectId(parent) for parent in parents], slots={"count": count})
        if made := self.change(self.rig.store.create(NS, new), wanted):
            self.became(world, made.token.revision)

    @rule(name=names, parents=st.lists(names, max_size=2, unique=True))
    def give_parents(self, name: str, parents: list[str]) -> None:
        world = deepcopy(self.now)
        if name not in world.things or not all(parent in world.things for parent in parents):
            return
        world.things[name].parents = tuple(parents)
        wanted = "" if world.consistent else "INCONSISTENT_PARENTS"
        update = Update(ObjectId(name), parents=[ObjectId(parent) for parent in parents] or [ObjectId("root")])
        if made := self.change(self.rig.store.update(NS, update), wanted):
            self.became(world, made.token.revision)

    @rule(name=names, count=st.integers(0, 5))
    def overwrite(self, name: str, count: int) -> None:
        world = deepcopy(self.now)
        if name in world.things:
            world.things[name].slots = {"count": count}
            made = self.do(self.rig.store.update(NS, Update(ObjectId(name), slots={"count": count})))
            self.became(world, made.token.revision)

    @rule(name=st.sampled_from(NAMES[2:]))
    def delete(self, name: str) -> None:
        world = deepcopy(self.now)
        wanted = "" if name in world.things else "OBJECT_NOT_FOUND"
        wanted = "HAS_CHILDREN" if world.children(name) else wanted
        if made := self.change(self.rig.store.delete(NS, ObjectId(name)), wanted):
            del world.things[name]
            self.became(world, made.revision)
            self.kept = {identity: kept for identity, kept in self.kept.items() if kept[0].receiver != name}

    def change(self, work: Coroutine[Any, Any, T], wanted: str) -> T | None:
        made = self.do(ended(work))
        reason = made.reason if isinstance(made, KernelError) else ""
        assert reason == wanted
        return None if isinstance(made, KernelError) else made

    # --- methods ---

    @rule(name=names, template=st.sampled_from(sorted(TEMPLATES)))
    def register(self, name: str, template: str) -> None:
        world = deepcopy(self.now)
        if name not in world.things:
            return
        selector = TEMPLATES[template].selector
        world.things[name].methods[selector] = template
        world.things[name].versions.setdefault(selector, []).append(template)
        draft = Draft(ObjectId(name), Selector(selector), TEMPLATES[template].source)
        _, token = self.do(self.rig.store.register(NS, draft, activate=True))
        self.became(world, token.revision)

    @rule(name=names, choice=st.integers(0, 50))
    def activate(self, name: str, choice: int) -> None:
        world = deepcopy(self.now)
        if name not in world.things or not world.things[name].versions:
            return
        versions = world.things[name].versions
        selector = sorted(versions)[choice % len(versions)]
        number = choice % (len(versions[selector]) + 1)
        world.things[name].methods.pop(selector, None)
        if number:
            world.things[name].methods[selector] = versions[selector][number - 1]
        *_, token = self.do(self.rig.store.activate(NS, ObjectId(name), Selector(selector), number))
        self.became(world, token.revision)

    @invariant()
    def the_store_has_the_slots_of_the_model(self) -> None:
        if not hasattr(self, "worlds"):
            return
        for name, thing in self.now.things.items():
            assert self.do(self.rig.store.get(NS, ObjectId(name))).slots == thing.slots


async def ended(work: Coroutine[Any, Any, T]) -> T | KernelError:
    """What it gives, or what it fails with."""
    try:
        return await work
    except KernelError as error:
        return error
