"""While the kill switch holds, no synthesis activates what it registers, up to the very transaction."""

import asyncio

import pytest

from kernel.errors import Conflict
from kernel.objects import DEFAULT_NAMESPACE, SYSTEM_NAMESPACE, ObjectId, Policy, Provenance, Selector, Synthesis
from kernel.values import Value
from objectstore.store import Draft, NewObject, Store, Update
from objectstore.switch import SLOT, SWITCH

NS = DEFAULT_NAMESPACE
FEED, ADD = ObjectId("feed"), Selector("add")
SOURCE = "def add(self):\n    return 1\n"


def written(holder: ObjectId = FEED) -> Draft:
    """A draft that a synthesis wrote."""
    return Draft(holder, ADD, SOURCE, Provenance(synthesis_id="s1"))


async def switched(store: Store, held: Value) -> None:
    policy = Policy(synthesis=Synthesis.OFF)
    await store.create(SYSTEM_NAMESPACE, NewObject(SWITCH, policy=policy, slots={SLOT: held}))
    await store.create(NS, NewObject(FEED))


@pytest.mark.parametrize("held", [True, 1, "no"], ids=repr)
async def test_what_a_synthesis_wrote_waits_while_the_switch_holds(store: Store, held: Value) -> None:
    await switched(store, held)
    with pytest.raises(Conflict, match="synthesis is frozen"):
        await store.register(NS, written(), activate=True)
    assert not (await store.methods(NS, FEED, ADD, 0, "")).items
    record, _ = await store.register(NS, written(), activate=False)
    assert not record.active


async def test_what_a_person_registers_or_activates_is_theirs(store: Store) -> None:
    await switched(store, True)
    assert (await store.register(NS, Draft(FEED, ADD, SOURCE), activate=True))[0].active
    waiting, _ = await store.register(NS, written(), activate=False)
    await store.activate(NS, FEED, ADD, waiting.method.number)


@pytest.mark.parametrize("held", [False, None], ids=repr)
async def test_an_open_switch_is_none(store: Store, held: Value) -> None:
    await switched(store, held)
    assert (await store.register(NS, written(), activate=True))[0].active


async def test_a_store_that_has_no_switch_is_open(store: Store) -> None:
    await store.create(NS, NewObject(FEED))
    assert (await store.register(NS, written(), activate=True))[0].active


async def test_nothing_is_activated_after_the_revision_that_froze_it(store: Store) -> None:
    await switched(store, False)
    names = [ObjectId(f"feed/{number}") for number in range(20)]
    for name in names:
        await store.create(NS, NewObject(name))

    async def freeze() -> int:
        await asyncio.sleep(0.005)
        return (await store.update(SYSTEM_NAMESPACE, Update(SWITCH, slots={SLOT: True}))).slots_revision

    registered = (store.register(NS, written(name), activate=True) for name in names)
    frozen, *outcomes = await asyncio.gather(freeze(), *registered, return_exceptions=True)
    assert isinstance(frozen, int)
    refused = [each for each in outcomes if isinstance(each, BaseException)]
    assert all(isinstance(each, Conflict) for each in refused)
    active = [each for each in [await store.get(NS, name) for name in names] if each.definition.active(ADD)]
    assert len(active) == len(names) - len(refused)
    assert all(each.definition_revision < frozen for each in active)
