"""What the store promises of pins: which version answers for an object and for all that inherit from it."""

import asyncio

import pytest

from fakes.stores import Kept
from kernel.errors import BadArguments, Conflict, HasChildren, MethodNotFound, ObjectNotFound
from kernel.lookup import Answer, holder_of, lookup_path
from kernel.objects import DEFAULT_NAMESPACE, Definition, ObjectId, Pin, Selector
from objectstore.store import Draft, NewObject, Store, Update

NS = DEFAULT_NAMESPACE
BASE, MIDDLE, LEAF, OTHER = (ObjectId(name) for name in ("feed", "feed/eu", "feed/eu/acme", "audit"))
ADD = Selector("add")


@pytest.fixture(autouse=True)
async def tree(store: Store) -> None:
    """Two versions of `add` in `feed`, the second active; `feed/eu/acme` below `feed/eu` below it."""
    await store.create(NS, NewObject(BASE))
    await store.create(NS, NewObject(OTHER))
    await store.create(NS, NewObject(MIDDLE, (BASE,)))
    await store.create(NS, NewObject(LEAF, (MIDDLE, OTHER)))
    for number in (1, 2):
        await register(store, BASE, number)


async def register(store: Store, holder: ObjectId, result: int, *, activate: bool = True) -> int:
    draft = Draft(holder, ADD, f"def add(self):\n    return {result}\n")
    return (await store.register(NS, draft, activate=activate))[0].method.number


async def answer(store: Store, receiver: ObjectId) -> Answer | None:
    """What a sender would get, from what the store tells of each object."""
    definitions: dict[ObjectId, Definition] = {}
    ahead = [receiver]
    while ahead:
        item = ahead.pop()
        definitions[item] = (await store.get(NS, item)).definition
        ahead += definitions[item].parents
    path = lookup_path(receiver, {item: each.parents for item, each in definitions.items()})
    return holder_of(ADD, path, definitions)


async def test_a_pin_keeps_an_object_and_what_inherits_from_it_on_a_version(store: Store) -> None:
    after, before, token = await store.pin(NS, MIDDLE, ADD, 1)
    assert (after, before) == (Answer(BASE, 1, MIDDLE), Answer(BASE, 2))
    stored = await store.get(NS, MIDDLE)
    assert stored.definition.pins == {"add": Pin(BASE, (await store.get(NS, BASE)).definition.incarnation, 1)}
    assert stored.definition_revision == token.revision
    await register(store, BASE, 3)
    assert await answer(store, BASE) == Answer(BASE, 3)
    assert await answer(store, LEAF) == await answer(store, MIDDLE) == Answer(BASE, 1, MIDDLE)
    after, before, _ = await store.pin(NS, MIDDLE, ADD, 0)
    assert (after, before) == (Answer(BASE, 3), Answer(BASE, 1, MIDDLE))
    assert not (await store.get(NS, MIDDLE)).definition.pins


async def test_pinning_is_idempotent(store: Store) -> None:
    _, _, token = await store.pin(NS, MIDDLE, ADD, 1)
    after, before, again = await store.pin(NS, MIDDLE, ADD, 1, holder=BASE)
    assert after == before == Answer(BASE, 1, MIDDLE)
    assert again.revision >= token.revision
    assert (await store.get(NS, MIDDLE)).definition_revision == token.revision
    for _ in range(2):
        assert (await store.pin(NS, MIDDLE, ADD, 0))[0] == Answer(BASE, 2)


async def test_the_nearest_pin_wins_and_a_nearer_table_hides_a_farther_pin(store: Store) -> None:
    await store.pin(NS, MIDDLE, ADD, 1)
    await store.pin(NS, LEAF, ADD, 2)
    assert await answer(store, LEAF) == Answer(BASE, 2, LEAF)
    await store.pin(NS, LEAF, ADD, 0)
    await register(store, LEAF, 9)
    assert await answer(store, LEAF) == Answer(LEAF, 1)
    await store.pin(NS, LEAF, ADD, 2, holder=BASE)
    assert await answer(store, LEAF) == Answer(BASE, 2, LEAF)


async def test_an_object_is_pinned_to_a_version_of_its_own_that_is_not_active(store: Store) -> None:
    await store.pin(NS, BASE, ADD, 1)
    assert await answer(store, LEAF) == Answer(BASE, 1, BASE)
    await store.activate(NS, BASE, ADD, 0)
    assert await answer(store, LEAF) == Answer(BASE, 1, BASE)
    assert (await store.pin(NS, BASE, ADD, 0))[0] is None


async def test_what_cannot_be_pinned_is_refused(store: Store) -> None:
    for number in (3, -1):
        with pytest.raises(MethodNotFound):
            await store.pin(NS, MIDDLE, ADD, number)
    with pytest.raises(MethodNotFound):
        await store.pin(NS, OTHER, ADD, 1)  # nothing answers there, and no holder is named
    with pytest.raises(MethodNotFound):
        await store.pin(NS, LEAF, ADD, 1, holder=OTHER)
    with pytest.raises(BadArguments, match="lookup path"):
        await store.pin(NS, OTHER, ADD, 1, holder=BASE)
    with pytest.raises(BadArguments):
        await store.pin(NS, MIDDLE, ADD, 0, holder=BASE)
    with pytest.raises(ObjectNotFound):
        await store.pin(NS, ObjectId("nobody"), ADD, 1)
    revision = (await store.get(NS, MIDDLE)).definition_revision
    with pytest.raises(Conflict):
        await store.pin(NS, MIDDLE, ADD, 1, expected_definition=revision - 1)
    assert not (await store.get(NS, MIDDLE)).definition.pins
    await store.pin(NS, MIDDLE, ADD, 1, expected_definition=revision)


async def test_a_version_that_is_retired_after_it_was_pinned_answers_on_and_cannot_be_pinned_anew(store: Store) -> None:
    await store.pin(NS, MIDDLE, ADD, 1)
    await store.retire(NS, BASE, ADD, 1)
    assert await answer(store, LEAF) == Answer(BASE, 1, MIDDLE)
    assert (await store.method(NS, BASE, ADD, 1))[0].retired
    await store.pin(NS, MIDDLE, ADD, 1)  # as it is already
    with pytest.raises(MethodNotFound, match="retired"):
        await store.pin(NS, LEAF, ADD, 1)


async def test_a_clone_has_no_pins_of_its_own_and_inherits_its_prototype_s(store: Store) -> None:
    await store.pin(NS, MIDDLE, ADD, 1)
    clone = await store.clone(NS, MIDDLE, ObjectId("feed/us"))
    assert not clone.definition.pins
    assert await answer(store, clone.object_id) == Answer(BASE, 1, MIDDLE)


async def test_parents_that_would_take_a_pin_s_holder_off_the_path_are_refused(store: Store) -> None:
    await store.pin(NS, LEAF, ADD, 1)
    with pytest.raises(BadArguments, match="batctl method unpin feed/eu/acme add"):
        await store.update(NS, Update(LEAF, parents=(OTHER,)))
    with pytest.raises(BadArguments, match="batctl method unpin feed/eu/acme add"):
        await store.update(NS, Update(MIDDLE, parents=()))
    with pytest.raises(HasChildren):
        await store.delete(NS, BASE)
    await store.update(NS, Update(LEAF, parents=(OTHER, BASE)))
    assert await answer(store, LEAF) == Answer(BASE, 1, LEAF)
    await store.pin(NS, LEAF, ADD, 0)
    await store.update(NS, Update(LEAF, parents=(OTHER,)))
    assert await answer(store, LEAF) is None


async def test_a_holder_made_anew_does_not_answer_old_pins(store: Store) -> None:
    await store.pin(NS, LEAF, ADD, 1)
    for item in (LEAF, MIDDLE, BASE):
        await store.delete(NS, item)
    await store.create(NS, NewObject(BASE))
    await store.create(NS, NewObject(LEAF, (BASE,)))
    await register(store, BASE, 7)
    assert await answer(store, LEAF) == Answer(BASE, 1)
    assert not (await store.get(NS, LEAF)).definition.pins


async def test_a_pin_and_new_parents_that_race_never_leave_a_pin_off_the_path(store: Store) -> None:
    for _ in range(5):
        results = await asyncio.gather(
            store.pin(NS, LEAF, ADD, 1, holder=BASE),
            store.update(NS, Update(MIDDLE, parents=())),
            return_exceptions=True,
        )
        assert [isinstance(each, BadArguments) for each in results].count(True) == 1
        pins = (await store.get(NS, LEAF)).definition.pins
        assert bool(pins) == (await answer(store, LEAF) is not None)
        await store.pin(NS, LEAF, ADD, 0)
        await store.update(NS, Update(MIDDLE, parents=(BASE,)))


async def test_a_pin_is_heard_of_by_new_parents_of_an_ancestor_with_too_many_descendants_to_compare(kept: Kept) -> None:
    store = kept.store
    for index in range(60):
        await store.create(NS, NewObject(ObjectId(f"many/{index}"), (MIDDLE,)))
    pin = asyncio.create_task(store.pin(NS, ObjectId("many/7"), ADD, 1))
    update = asyncio.create_task(store.update(NS, Update(MIDDLE, parents=())))
    await asyncio.wait({pin, update})
    refused = [task for task in (pin, update) if task.exception() is not None]
    assert len(refused) == 1
    found = (await store.get(NS, ObjectId("many/7"))).definition.pins
    assert bool(found) == (refused == [update])


async def test_racing_pins_of_one_object_are_all_kept(store: Store) -> None:
    selectors = [Selector(f"s{index}") for index in range(6)]
    for selector in selectors:
        await store.register(NS, Draft(BASE, selector, f"def {selector}(self):\n    return 1\n"), activate=True)
    await asyncio.gather(*(store.pin(NS, LEAF, selector, 1) for selector in selectors))
    assert (await store.get(NS, LEAF)).definition.pins.keys() == set(selectors)
