"""The store beside a plain model: whatever is done, both refuse the same for the same reason, and hold the same.

Hypothesis looks for a sequence of changes that tells them apart, over memory and over etcd.
"""

from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import Any

import hypothesis.strategies as st
from hypothesis import HealthCheck, settings
from hypothesis.stateful import initialize, rule, run_state_machine_as_test

from fakes.store_beside_model import ANY, OBJECTS, SELECTORS, Open, StoreBesideModel, revisions, told
from fakes.store_model import Row, StoreModel, Thing
from fakes.stores import in_etcd, in_memory, writing
from kernel.objects import ObjectId, Policy, Selector
from kernel.transactions import Lane
from objectstore.store import Draft, NewObject, Store, Update

objects = st.sampled_from(OBJECTS)
anything = st.sampled_from(ANY)
parent_lists = st.lists(anything, max_size=3).map(tuple)
selectors = st.sampled_from([*SELECTORS[:1] * 3, *SELECTORS])
numbers = st.sampled_from([0, 1, 1, 2, 2, 3])
holders = st.one_of(st.none(), st.none(), anything)
aheads = st.sampled_from([0, 0, 1])
slot_maps = st.dictionaries(st.sampled_from(["x", "y"]), st.integers(-2, 2), max_size=2)


class Changes(StoreBesideModel):
    """Every change that the store knows, done to both."""

    @initialize(layers=st.lists(st.lists(st.integers(0, 5), max_size=2), min_size=5, max_size=5))
    def begin(self, layers: list[list[int]]) -> None:
        """A tree whose first object has two versions, so that most of what follows is about something."""
        made = self.run(self.store.create(self.namespace, NewObject(OBJECTS[0])))
        root = self.run(self.store.get(self.namespace, ObjectId("root")))
        thing = Thing(root.definition.incarnation, [], (), {}, {}, {}, root.definition_revision, root.slots_revision)
        self.model = StoreModel(thing)
        self.newest = root.definition_revision
        self.made(OBJECTS[0], made, ["root"], {})
        for index, layer in enumerate(layers[1:], 1):
            self.create(OBJECTS[index], tuple(OBJECTS[each % index] for each in layer) or OBJECTS[:1], {"x": index})
        for _ in range(2):
            self.register(OBJECTS[0], SELECTORS[0], True, OBJECTS[0], 0)

    @rule(name=objects, parents=parent_lists, slots=slot_maps)
    def create(self, name: ObjectId, parents: Sequence[ObjectId], slots: dict[str, int]) -> None:
        refused = self.model.refused_new(name, parents or ("root",))
        stored = self.tried(self.store.create(self.namespace, NewObject(name, parents, slots=slots)), refused)
        if stored:
            self.made(name, stored, list(parents or ("root",)), slots)

    @rule(prototype=anything, name=objects)
    def clone(self, prototype: ObjectId, name: ObjectId) -> None:
        stored = self.tried(
            self.store.clone(self.namespace, prototype, name), self.model.refused_new(name, (prototype,))
        )
        if stored:
            self.made(name, stored, [prototype], self.model.things[prototype].slots)

    @rule(name=objects, parents=parent_lists)
    def give_other_parents(self, name: ObjectId, parents: tuple[ObjectId, ...]) -> None:
        refused = self.model.refused_parents(name, parents or ("root",))
        stored = self.tried(self.store.update(self.namespace, Update(name, parents=parents)), refused)
        if stored:
            thing = self.model.things[name]
            if thing.parents != list(parents or ("root",)):
                thing.parents = list(parents or ("root",))
                thing.definition_revision = self.grown(stored.definition_revision)

    @rule(name=objects, never=st.lists(selectors, max_size=1).map(tuple), ahead=st.integers(-1, 1))
    def give_another_policy(self, name: ObjectId, never: tuple[str, ...], ahead: int) -> None:
        thing = self.model.things.get(name)
        refused = {"OBJECT_NOT_FOUND"} if thing is None else {"CONFLICT"} if ahead else set[str]()
        expected = (thing.definition_revision if thing else 1) + ahead
        update = Update(name, policy=Policy(never=never), expected_definition=expected)
        stored = self.tried(self.store.update(self.namespace, update), refused)
        if stored and thing and thing.never != never:
            thing.never, thing.definition_revision = never, self.grown(stored.definition_revision)

    @rule(name=objects, slots=slot_maps)
    def write_slots(self, name: ObjectId, slots: dict[str, int]) -> None:
        refused = set[str]() if name in self.model.things else {"OBJECT_NOT_FOUND"}
        stored = self.tried(self.store.update(self.namespace, Update(name, slots=slots)), refused)
        if stored:
            thing = self.model.things[name]
            thing.slots, thing.slots_revision = slots, self.grown(stored.slots_revision)

    @rule(name=objects)
    def delete(self, name: ObjectId) -> None:
        refused = set[str]() if name in self.model.things else {"OBJECT_NOT_FOUND"}
        if self.model.children(name):
            refused = {"HAS_CHILDREN"}
        if token := self.tried(self.store.delete(self.namespace, name), refused):
            self.grown(token.revision)
            del self.model.things[name]

    @rule(
        name=anything, selector=selectors, activate=st.booleans(), compared=anything, ahead=st.sampled_from([0, 0, 1])
    )
    def register(self, name: ObjectId, selector: Selector, activate: bool, compared: ObjectId, ahead: int) -> None:
        thing, other = self.model.things.get(name), self.model.things.get(compared)
        refused = set[str]() if thing else {"OBJECT_NOT_FOUND"}
        if ahead or not other:
            refused.add("CONFLICT")
        expected = {compared: (other.definition_revision if other else 1) + ahead}
        draft = Draft(name, selector, f"def {selector}(self):\n    return 1\n")
        done = self.tried(self.store.register(self.namespace, draft, activate=activate, expected=expected), refused)
        if done and thing:
            record, token = done
            row = thing.rows.setdefault(selector, Row())
            row.latest += 1
            if activate:
                row.move(row.latest)
            assert (record.method.number, record.active) == (row.latest, activate)
            thing.definition_revision = self.grown(token.revision)

    @rule(name=anything, selector=selectors, number=numbers)
    def activate(self, name: ObjectId, selector: Selector, number: int) -> None:
        refused = self.model.refused_version(name, selector, number)
        done = self.tried(self.store.activate(self.namespace, name, selector, number), refused)
        if done:
            row = self.model.things[name].rows[selector]
            moves = row.active != number
            row.move(number)
            assert (done[0].active, done[0].latest, done[0].previous) == (row.active, row.latest, row.previous)
            if moves:
                self.model.things[name].definition_revision = self.grown(done[2].revision)

    @rule(name=anything, selector=selectors)
    def roll_back(self, name: ObjectId, selector: Selector) -> None:
        row = self.model.things[name].rows.get(selector) if name in self.model.things else None
        if row and row.previous:
            before, after = row.active, row.previous
            self.activate(name, selector, after)
            if after not in row.retired:
                assert (row.active, row.previous) == (after, before)

    @rule(name=anything, selector=selectors, number=st.integers(1, 3))
    def retire(self, name: ObjectId, selector: Selector, number: int) -> None:
        thing = self.model.things.get(name)
        row = thing.rows.get(selector) if thing else None
        refused = {"METHOD_NOT_FOUND"} if row is None or number > row.latest else set[str]()
        if thing is None:
            refused = {"OBJECT_NOT_FOUND"}
        done = self.tried(self.store.retire(self.namespace, name, selector, number), refused)
        if done and thing and row:
            row.retired.add(number)
            if row.active == number:
                row.active = 0
                thing.definition_revision = self.grown(done[1].revision)
            self.newest = max(self.newest, done[1].revision)

    @rule(name=anything, selector=selectors, number=numbers, holder=holders)
    def pin(self, name: ObjectId, selector: Selector, number: int, holder: ObjectId | None) -> None:
        refused = self.model.refused_pin(name, selector, number, holder or "")
        wanted = (holder or self.model.answering(name, selector)) if not refused else ""
        before = self.model.resolve(name, selector) if not refused else None
        done = self.tried(self.store.pin(self.namespace, name, selector, number, holder=holder), refused)
        if done:
            thing = self.model.things[name]
            old = dict(thing.pins)
            thing.pins.pop(selector, None)
            if number:
                thing.pins[selector] = (wanted, number)
            assert (told(done[0]), told(done[1])) == (self.model.resolve(name, selector), before)
            if thing.pins != old:
                thing.definition_revision = self.grown(done[2].revision)

    @rule(name=anything, selector=selectors)
    def pin_to_what_answers(self, name: ObjectId, selector: Selector) -> None:
        if name in self.model.things and (answer := self.model.resolve(name, selector)):
            self.pin(name, selector, answer[1], ObjectId(answer[0]))

    @rule(pick=st.integers(0, 5), parents=parent_lists)
    def give_other_parents_to_what_is_pinned(self, pick: int, parents: tuple[ObjectId, ...]) -> None:
        pinned = [item for item in OBJECTS if item in self.model.things and self.model.things[item].pins]
        if pinned:
            self.give_other_parents(pinned[pick % len(pinned)], parents)

    @rule(name=anything, selector=selectors, number=numbers)
    def preview(self, name: ObjectId, selector: Selector, number: int) -> None:
        refused = self.model.refused_version(name, selector, number)

        async def asked() -> list[Any]:
            return [part async for part in self.store.preview(self.namespace, name, selector, number)]

        parts = self.tried(asked(), refused)
        if parts is None:
            return
        row = self.model.things[name].rows[selector]
        before = {item: self.model.resolve(item, selector) for item in self.model.things}
        active, row.active = row.active, number
        after = {item: self.model.resolve(item, selector) for item in self.model.things}
        row.active = active
        expected = {item: (before[item], after[item]) for item in before if before[item] != after[item]}
        changes = [change for part in parts for change in part.changes]
        assert {each.object_id: (told(each.before), told(each.after)) for each in changes} == expected
        assert len(changes) == len(expected)
        if active != number:
            assert parts[-1].objects == len(self.model.below(name))

    @rule(name=anything)
    def read(self, name: ObjectId) -> None:
        """Remember how an object stands, for a commit that comes later."""
        if name in self.model.things:
            self.seen = [*self.seen[-5:], self.run(self.store.get(self.namespace, name))]

    @rule(most=st.integers(1, 3), slots=slot_maps)
    def commit(self, most: int, slots: dict[str, int]) -> None:
        chosen = {each.object_id: each for each in self.seen[-most:]}
        if not chosen:
            return
        things = {item: self.model.things.get(item) for item in chosen}
        stale = any(
            thing is None or (thing.definition_revision, thing.slots_revision) != revisions(chosen[item])
            for item, thing in things.items()
        )
        self.lane += 1
        transaction = replace(writing(*chosen.values(), slots=slots), namespace=self.namespace)
        token = self.tried(
            self.store.commit(transaction, Lane("model", self.lane)), {"CONFLICT"} if stale else set[str]()
        )
        settled = self.run(self.store.settle(self.namespace, Lane("model", self.lane)))
        assert settled == token
        if token:
            revision = self.grown(token.revision)
            for thing in things.values():
                assert thing
                thing.slots, thing.slots_revision = slots, revision

    @rule(slots=slot_maps)
    def commit_with_a_number_that_was_settled(self, slots: dict[str, int]) -> None:
        if not self.seen:
            return
        self.lane += 1
        lane = Lane("model", self.lane)
        assert self.run(self.store.settle(self.namespace, lane)) is None
        transaction = replace(writing(self.seen[-1], slots=slots), namespace=self.namespace)
        self.tried(self.store.commit(transaction, lane), {"BAD_ARGUMENTS"})

    @rule(name=anything)
    def list_versions(self, name: ObjectId) -> None:
        thing = self.model.things.get(name)
        page = self.tried(
            self.store.methods(self.namespace, name, None, 0, ""), set[str]() if thing else {"OBJECT_NOT_FOUND"}
        )
        if page and thing:
            expected = [
                (selector, number, number == row.active, number in row.retired)
                for selector, row in sorted(thing.rows.items())
                for number in range(1, row.latest + 1)
            ]
            found = [(item.method.selector, item.method.number, item.active, item.retired) for item in page.items]
            assert found == expected


def tell_apart(open_store: Open, examples: int) -> None:
    machine = type("Machine", (Changes,), {"open": staticmethod(open_store)})
    chosen = settings(
        max_examples=examples, stateful_step_count=40, deadline=None, suppress_health_check=[HealthCheck.too_slow]
    )
    run_state_machine_as_test(machine, settings=chosen)


def test_nothing_tells_the_store_over_memory_from_the_model() -> None:
    async def open_store(stack: AsyncExitStack) -> Store:
        return (await stack.enter_async_context(in_memory())).store

    tell_apart(open_store, 100)


def test_nothing_tells_the_store_over_etcd_from_the_model(etcd_endpoint: str) -> None:
    async def open_store(stack: AsyncExitStack) -> Store:
        return (await stack.enter_async_context(in_etcd(etcd_endpoint))).store

    tell_apart(open_store, 8)
