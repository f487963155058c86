"""What the store promises of whole objects."""

import asyncio
import math
import random

import pytest

from fakes.stores import EVERYTHING, Kept
from kernel.errors import (
    BadArguments,
    BadValue,
    Conflict,
    HasChildren,
    InconsistentParents,
    KernelError,
    LimitExceeded,
    ObjectExists,
    ObjectNotFound,
)
from kernel.lookup import lookup_path
from kernel.objects import (
    DEFAULT_NAMESPACE,
    ROOT,
    SYSTEM_NAMESPACE,
    Level,
    Namespace,
    ObjectId,
    Policy,
    Synthesis,
)
from kernel.values import Reference, Value, same
from objectstore.store import NewObject, Store, Update

NS = DEFAULT_NAMESPACE
ACME = ObjectId("feed/acme")


async def make(store: Store, *names: str, parents: tuple[str, ...] = ()) -> None:
    for name in names:
        await store.create(NS, NewObject(ObjectId(name), [ObjectId(each) for each in parents]))


async def test_what_was_made_is_read_back_at_one_revision(store: Store) -> None:
    made = await store.create(
        NS, NewObject(ACME, policy=Policy(Synthesis.OFF, Level.AGREED, ("drop",)), slots={"n": 1})
    )
    found = await store.get(NS, ACME)
    assert (found.definition, found.slots) == (made.definition, made.slots) != (None, None)
    assert found.definition.policy == Policy(Synthesis.OFF, Level.AGREED, ("drop",))
    assert made.definition_revision == made.slots_revision == found.slots_revision == made.token.revision
    assert found.token.revision >= made.token.revision
    assert found.token.epoch == made.token.epoch


async def test_an_id_is_taken_once(store: Store) -> None:
    attempts = [store.create(NS, NewObject(ACME, slots={"n": n})) for n in range(4)]
    results = await asyncio.gather(*attempts, return_exceptions=True)
    assert [type(result) for result in results].count(ObjectExists) == 3


async def test_every_object_descends_from_the_root_of_its_namespace(store: Store) -> None:
    elsewhere = Namespace("elsewhere")
    assert (await store.create(elsewhere, NewObject(ACME))).definition.parents == (ROOT,)
    for namespace in (NS, SYSTEM_NAMESPACE, elsewhere):
        root = await store.get(namespace, ROOT)
        assert root.definition.policy == Policy(Synthesis.AUTO, Level.EXAMPLES)
        assert root.definition.parents == ()
    with pytest.raises(ObjectNotFound):
        await store.get(NS, ACME)


async def test_parents_must_be_there(store: Store) -> None:
    with pytest.raises(ObjectNotFound, match="feed/base"):
        await store.create(NS, NewObject(ACME, [ObjectId("feed/base")]))
    await make(store, "feed/acme")
    with pytest.raises(ObjectNotFound, match="feed/base"):
        await store.update(NS, Update(ACME, parents=[ObjectId("feed/base")]))


async def test_parents_without_a_consistent_order_are_refused(store: Store) -> None:
    await make(store, "a", "b")
    await make(store, "ab", parents=("a", "b"))
    await make(store, "ba", parents=("b", "a"))
    with pytest.raises(InconsistentParents):
        await make(store, "both", parents=("ab", "ba"))
    with pytest.raises(InconsistentParents):
        await make(store, "twice", parents=("a", "a"))
    with pytest.raises(ObjectNotFound):
        await store.get(NS, ObjectId("both"))


async def test_parents_that_leave_a_descendant_without_an_order_are_refused(store: Store) -> None:
    await make(store, "a", "b")
    await make(store, "ab", parents=("a", "b"))
    await make(store, "other", parents=("root",))
    await make(store, "both", parents=("ab", "other"))
    await make(store, "grandchild", parents=("both",))
    with pytest.raises(InconsistentParents):
        await store.update(NS, Update(ObjectId("other"), parents=[ObjectId("b"), ObjectId("a")]))
    assert (await store.get(NS, ObjectId("other"))).definition.parents == (ROOT,)
    await store.update(NS, Update(ObjectId("other"), parents=[ObjectId("b")]))


async def test_an_object_never_becomes_its_own_ancestor(store: Store) -> None:
    await make(store, "a")
    await make(store, "b", parents=("a",))
    await make(store, "c", parents=("b",))
    for parent in ("c", "a"):
        with pytest.raises(InconsistentParents):
            await store.update(NS, Update(ObjectId("a"), parents=[ObjectId(parent)]))
    with pytest.raises(InconsistentParents):
        await store.update(NS, Update(ROOT, parents=[ObjectId("a")]))


async def test_two_changes_that_would_make_a_cycle_together_are_not_both_made(store: Store) -> None:
    for turn in range(5):
        a, b = ObjectId(f"a{turn}"), ObjectId(f"b{turn}")
        await make(store, a, b)
        changes = store.update(NS, Update(a, parents=[b])), store.update(NS, Update(b, parents=[a]))
        results = await asyncio.gather(*changes, return_exceptions=True)
        assert sorted(isinstance(result, KernelError) for result in results) == [False, True]


async def test_racing_changes_leave_every_object_with_parents_in_a_consistent_order(store: Store) -> None:
    seed = random.Random(7)
    names = [ObjectId(name) for name in "abcdefgh"]

    async def change() -> None:
        name, parents = seed.choice(names), seed.sample(names, seed.randint(1, 2))
        kind = seed.randrange(4)
        try:
            if kind == 0:
                await store.delete(NS, name)
            elif kind == 1:
                await store.update(NS, Update(name, parents=parents))
            else:
                await store.create(NS, NewObject(name, parents))
        except (ObjectNotFound, ObjectExists, HasChildren, InconsistentParents, Conflict):
            pass

    await make(store, "a", "b", "c")
    for _ in range(12):
        await asyncio.gather(*(change() for _ in range(6)))
    objects = (await store.list(NS, "", 0, "")).items
    parents = {each.object_id: each.definition.parents for each in objects}
    assert {parent for each in parents.values() for parent in each} <= parents.keys()
    assert all(lookup_path(each, parents)[-1] == ROOT for each in parents)
    for each in parents:
        children = [name for name in parents if each in parents[name]]
        if children:
            with pytest.raises(HasChildren):
                await store.delete(NS, each)


async def test_a_clone_has_the_slots_and_is_free_of_the_prototype_after(store: Store) -> None:
    await store.create(NS, NewObject(ACME, slots={"n": 1}))
    clone = await store.clone(NS, ACME, ObjectId("feed/copy"))
    await store.update(NS, Update(ACME, slots={"n": 2}))
    found = await store.get(NS, clone.object_id)
    assert (found.slots, found.definition.parents) == ({"n": 1}, (ACME,))
    with pytest.raises(ObjectNotFound):
        await store.clone(NS, ObjectId("nobody"), ObjectId("feed/other"))
    with pytest.raises(ObjectExists):
        await store.clone(NS, ACME, clone.object_id)


async def test_an_update_leaves_what_it_does_not_name(store: Store) -> None:
    made = await store.create(NS, NewObject(ACME, slots={"n": 1}))
    slots = await store.update(NS, Update(ACME, slots={"m": 2}))
    assert (slots.slots, slots.definition_revision) == ({"m": 2}, made.definition_revision)
    policy = await store.update(NS, Update(ACME, policy=Policy(Synthesis.REVIEW)))
    assert (policy.slots, policy.slots_revision) == (slots.slots, slots.slots_revision)
    assert policy.definition.parents == (ROOT,)
    assert policy.definition_revision > made.definition_revision


async def test_an_update_that_expects_another_revision_is_a_conflict(store: Store) -> None:
    made = await store.create(NS, NewObject(ACME))
    await store.update(NS, Update(ACME, slots={"n": 1}, expected_slots=made.slots_revision))
    with pytest.raises(Conflict):
        await store.update(NS, Update(ACME, slots={"n": 2}, expected_slots=made.slots_revision))
    with pytest.raises(Conflict):
        await store.update(NS, Update(ACME, policy=Policy(), expected_definition=made.definition_revision + 1))
    assert (await store.get(NS, ACME)).slots == {"n": 1}


async def test_an_object_with_children_stays(store: Store) -> None:
    await make(store, "base")
    await make(store, "child", parents=("base",))
    with pytest.raises(HasChildren, match="child"):
        await store.delete(NS, ObjectId("base"))
    await store.delete(NS, ObjectId("child"))
    await store.delete(NS, ObjectId("base"))
    with pytest.raises(ObjectNotFound):
        await store.delete(NS, ObjectId("base"))


async def test_a_deleted_object_leaves_no_key(kept: Kept) -> None:
    await make(kept.store, "warm-up")  # lanes of the store's own
    await kept.store.delete(NS, ObjectId("warm-up"))
    first = await kept.store.create(NS, NewObject(ACME))
    await kept.store.delete(NS, ACME)
    keys = [entry.key for entry in (await kept.ledger.read(EVERYTHING)).spans[0]]
    assert not [key for key in keys if b"acme" in key or b"warm-up" in key]
    assert (await kept.store.create(NS, NewObject(ACME))).definition.incarnation != first.definition.incarnation


async def test_lists_are_sorted_and_cut_into_pages_that_lose_and_repeat_nothing(store: Store) -> None:
    names = ["a", "a/b", "a/b/c", "a-b", "ab", "b", "b.c"]
    await make(store, *reversed(names))
    found: list[str] = []
    page = await store.list(NS, "", 2, "")
    while True:
        assert len(page.items) <= 2
        assert all(item.slots is None for item in page.items)
        found += [item.object_id for item in page.items]
        if not page.next_page:
            break
        page = await store.list(NS, "", 2, page.next_page)
    assert found == sorted([*names, "root"], key=lambda name: f"{name}//")
    below = (await store.list(NS, "a/", 0, "")).items
    assert [item.object_id for item in below] == ["a/b", "a/b/c"]


async def test_a_page_token_of_another_list_is_refused(store: Store) -> None:
    await make(store, "a1", "a2", "b")
    token = (await store.list(NS, "a", 1, "")).next_page
    for prefix, size, page in (("b", 1, token), ("", 0, "nonsense!"), ("", -1, ""), ("a//", 0, "")):
        with pytest.raises(BadArguments):
            await store.list(NS, prefix, size, page)


async def test_values_come_back_as_they_went_in(store: Store) -> None:
    values: dict[str, Value] = {
        "yes": True,
        "one": 1,
        "also_one": 1.0,
        "large": [(1 << 63) - 1, -(1 << 63)],
        "nan": math.nan,
        "text": "ä€",
        "raw": b"\0\xff",
        "nested": {"b": [None, {"": Reference("feed/other")}], "a": {}},
    }
    await store.create(NS, NewObject(ACME, slots={**values, "pair": (1, 2)}))
    found = (await store.get(NS, ACME)).slots
    assert found is not None
    assert same(found, {**values, "pair": [1, 2]})


async def test_what_is_no_value_is_refused(store: Store) -> None:
    wrong: list[dict[str, Value]] = [{"send": 1}, {"not a name": 1}, {"n": 1 << 63}]
    for slots in wrong:
        with pytest.raises(BadValue):
            await store.create(NS, NewObject(ACME, slots=slots))


async def test_what_is_too_large_is_refused(store: Store) -> None:
    with pytest.raises(LimitExceeded):
        await store.create(NS, NewObject(ACME, slots={"n": "x" * (1 << 20)}))
    with pytest.raises(LimitExceeded):
        await store.create(NS, NewObject(ACME, [ObjectId(f"p{n}") for n in range(17)]))


async def test_the_largest_slots_come_back(store: Store) -> None:
    slots = {"numbers": [-1] * 20_000, "text": "x" * 1_000_000}
    await store.create(NS, NewObject(ACME, slots=slots))
    assert (await store.get(NS, ACME)).slots == slots


async def test_parents_of_an_object_with_many_descendants_are_changed_and_checked(store: Store) -> None:
    await make(store, "a", "b", "base")
    for n in range(120):
        await make(store, f"child/{n}", parents=("base",))
    await make(store, "both", parents=("base", "a"))
    await store.update(NS, Update(ObjectId("base"), parents=[ObjectId("b")]))
    with pytest.raises(InconsistentParents, match="both"):
        await store.update(NS, Update(ObjectId("a"), parents=[ObjectId("base")]))


async def test_budgets_are_kept_and_one_that_is_no_count_is_refused(store: Store) -> None:
    policy = Policy(tokens_per_hour=50_000, syntheses_per_hour=0)
    await store.create(NS, NewObject(ACME, policy=policy))
    assert (await store.get(NS, ACME)).definition.policy == policy
    for wrong in (Policy(tokens_per_hour=-1), Policy(syntheses_per_hour=-1)):
        with pytest.raises(BadArguments, match="count"):
            await store.update(NS, Update(ACME, policy=wrong))
        with pytest.raises(BadArguments):
            await store.create(NS, NewObject(ObjectId("other"), policy=wrong))
    await store.update(NS, Update(ACME, policy=Policy()))
    assert (await store.get(NS, ACME)).definition.policy == Policy()
