"""What the store promises of previews: all that an activation would change, and nothing else, of one revision."""

import pytest

from fakes.stores import Kept
from kernel.errors import MethodNotFound, ObjectNotFound, StaleToken
from kernel.lookup import Answer
from kernel.objects import DEFAULT_NAMESPACE, ObjectId, Selector
from objectstore import previews
from objectstore.ledger_store import LedgerStore
from objectstore.store import Draft, NewObject, Preview, Store, Update

NS = DEFAULT_NAMESPACE
BASE, ADD = ObjectId("feed"), Selector("add")


async def create(store: Store, name: str, *parents: str) -> ObjectId:
    item = ObjectId(name)
    await store.create(NS, NewObject(item, tuple(ObjectId(parent) for parent in parents)))
    return item


@pytest.fixture(autouse=True)
async def base(store: Store) -> None:
    await create(store, "feed")
    for number in (1, 2):
        await register(store, BASE, number)


async def register(store: Store, holder: ObjectId, result: int) -> None:
    await store.register(NS, Draft(holder, ADD, f"def add(self):\n    return {result}\n"), activate=True)


async def preview(store: Store, number: int, holder: ObjectId = BASE) -> list[Preview]:
    return [part async for part in store.preview(NS, holder, ADD, number)]


async def changed(store: Store, number: int) -> dict[ObjectId, tuple[Answer | None, Answer | None]]:
    parts = await preview(store, number)
    told = [(change.object_id, (change.before, change.after)) for part in parts for change in part.changes]
    assert len(told) == len(dict(told)), "an object is told twice"
    assert len({part.token for part in parts}) == 1
    return dict(told)


async def test_every_object_that_resolves_differently_is_told_and_no_other(store: Store) -> None:
    same = await create(store, "feed/own", "feed")
    await register(store, same, 5)
    pinned = await create(store, "feed/pinned", "feed")
    await store.pin(NS, pinned, ADD, 2)
    for name, *parents in (
        ("audit",),
        ("feed/a", "feed"),
        ("feed/a/b", "feed/a"),
        ("feed/both", "feed/own", "feed/a"),
        ("feed/below", "feed/pinned"),
        ("feed/late", "audit", "feed"),
        ("audit/only", "audit"),
    ):
        await create(store, name, *parents)
    names = [ObjectId(name) for name in ("feed", "feed/a", "feed/a/b", "feed/late")]
    expected = {name: (Answer(BASE, 2), Answer(BASE, 1)) for name in names}
    assert await changed(store, 1) == expected
    nothing = {name: (before, None) for name, (before, _) in expected.items()}
    assert await changed(store, 0) == nothing
    await store.activate(NS, BASE, ADD, 1)
    for name, (_, after) in expected.items():
        assert (await changed(store, 2))[name] == (after, Answer(BASE, 2))


async def test_what_is_active_already_changes_nothing(store: Store) -> None:
    assert await changed(store, 2) == {}
    await create(store, "feed/a", "feed")
    revision = (await store.get(NS, BASE)).definition_revision
    await preview(store, 1)
    assert (await store.get(NS, BASE)).definition_revision == revision


async def test_taking_a_selector_out_shows_what_answers_farther_up(store: Store) -> None:
    await register(store, ObjectId("root"), 9)
    assert await changed(store, 0) == {BASE: (Answer(BASE, 2), Answer(ObjectId("root"), 1))}


async def test_what_activation_would_refuse_is_refused(store: Store) -> None:
    for number in (3, -1):
        with pytest.raises(MethodNotFound):
            await preview(store, number)
    await store.retire(NS, BASE, ADD, 1)
    with pytest.raises(MethodNotFound, match="retired"):
        await preview(store, 1)
    with pytest.raises(ObjectNotFound):
        await preview(store, 1, ObjectId("nobody"))


async def test_an_object_that_many_roads_lead_to_is_told_once(store: Store) -> None:
    layer = ["feed"]
    for depth in range(4):
        names = [f"l{depth}/{index}" for index in range(3)]
        for name in names:
            await create(store, name, *layer)
        layer = names
    found = await changed(store, 1)
    assert len(found) == 13


async def test_a_large_tree_is_told_in_parts_of_one_revision_though_others_write_meanwhile(kept: Kept) -> None:
    store = kept.store
    many = previews.PAGE + 30
    for index in range(many):
        await create(store, f"feed/{index:03}", "feed")
    deep = await create(store, "feed/000/deep", "feed/000")
    told: set[ObjectId] = set()
    objects = 0
    parts = store.preview(NS, BASE, ADD, 1)
    async for part in parts:
        assert len(part.changes) <= previews.PAGE
        if not told:
            await store.update(NS, Update(ObjectId(f"feed/{many - 1:03}"), parents=()))
            await store.delete(NS, deep)
            await create(store, "feed/new", "feed")
        told |= {change.object_id for change in part.changes}
        objects = part.objects
    assert (len(told), objects) == (many + 2, many + 2)
    assert deep in told
    assert ObjectId("feed/new") not in told


async def test_a_revision_that_is_compacted_meanwhile_ends_the_preview(kept: Kept) -> None:
    for index in range(previews.PAGE + 1):
        await create(kept.store, f"feed/{index:03}", "feed")
    # Behind a channel the server is ahead of its reader, so the store is asked where it is.
    parts = (await LedgerStore.open(kept.ledger)).preview(NS, BASE, ADD, 1)
    await anext(parts)
    await create(kept.store, "later")
    await kept.compact()
    with pytest.raises(StaleToken):
        async for _ in parts:
            pass
