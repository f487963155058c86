"""What a check finds of objects and their parents, and that it finds nothing in a healthy store."""

from dataclasses import replace

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fakes.checked import at, definition_of, found, problems_of, redefine
from fakes.filled import COUNTER, INCREMENT, LEAF, NS, PUMP, SOURCE, delete, put
from kernel.errors import KernelError
from kernel.objects import ROOT, Evidence, Level, ObjectId
from kernel.values import Reference
from objectstore import records
from objectstore.keys import (
    DefinitionKey,
    EdgeKey,
    SlotsKey,
)
from objectstore.ledger_store import LedgerStore
from objectstore.memory import MemoryLedger
from objectstore.problems import Kind
from objectstore.store import Draft, NewObject, Update


async def test_a_definition_without_slots(store: LedgerStore) -> None:
    await delete(store.ledger, SlotsKey(NS, LEAF).encode())
    assert await found(store) == [(Kind.DEFINITION_WITHOUT_SLOTS, at(DefinitionKey(NS, LEAF)))]


async def test_slots_without_a_definition(store: LedgerStore) -> None:
    key = SlotsKey(NS, ObjectId("gone"))
    await put(store.ledger, key.encode(), records.encode({}))
    assert await found(store) == [(Kind.SLOTS_WITHOUT_DEFINITION, at(key))]


async def test_an_edge_to_a_child_that_is_not_there(store: LedgerStore) -> None:
    edge = EdgeKey(NS, COUNTER, ObjectId("gone"))
    await put(store.ledger, edge.encode(), records.mark())
    assert await found(store) == [(Kind.EDGE_WITHOUT_CHILD, at(edge))]


async def test_an_edge_to_a_child_with_other_parents(store: LedgerStore) -> None:
    edge = EdgeKey(NS, COUNTER, LEAF)
    await put(store.ledger, edge.encode(), records.mark())
    assert await found(store) == [(Kind.EDGE_WITHOUT_PARENT, at(edge))]


async def test_a_parent_without_an_edge_to_its_child(store: LedgerStore) -> None:
    edge = EdgeKey(NS, PUMP, LEAF)
    await delete(store.ledger, edge.encode())
    assert await found(store) == [(Kind.PARENT_WITHOUT_EDGE, at(edge))]


async def test_a_parent_that_is_not_there(store: LedgerStore) -> None:
    gone = ObjectId("gone")
    definition = await definition_of(store, LEAF)
    await redefine(store, LEAF, replace(definition, parents=(PUMP, gone)))
    await put(store.ledger, EdgeKey(NS, gone, LEAF).encode(), records.mark())
    assert await found(store) == [(Kind.PARENT_MISSING, at(DefinitionKey(NS, LEAF)))]


async def test_parents_without_a_consistent_order(store: LedgerStore) -> None:
    definition = await definition_of(store, LEAF)
    await redefine(store, LEAF, replace(definition, parents=(ROOT, PUMP)))
    await put(store.ledger, EdgeKey(NS, ROOT, LEAF).encode(), records.mark())
    assert await found(store) == [(Kind.PARENTS_INCONSISTENT, at(DefinitionKey(NS, LEAF)))]


async def test_objects_that_are_their_own_ancestors(store: LedgerStore) -> None:
    definition = await definition_of(store, PUMP)
    await redefine(store, PUMP, replace(definition, parents=(LEAF,), pins={}))
    await delete(store.ledger, EdgeKey(NS, COUNTER, PUMP).encode())
    await put(store.ledger, EdgeKey(NS, LEAF, PUMP).encode(), records.mark())
    expected = [(Kind.PARENTS_INCONSISTENT, at(DefinitionKey(NS, item))) for item in (PUMP, LEAF)]
    assert sorted(await found(store)) == sorted(expected)


NAMES = st.sampled_from([ObjectId(name) for name in ("a", "a-b", "a/b", "a.b", "b")])
Action = tuple[str, ObjectId, list[ObjectId]]
ACTIONS = st.one_of(
    st.tuples(st.just("create"), NAMES, st.lists(NAMES, max_size=2, unique=True)),
    st.tuples(st.just("delete"), NAMES, st.just([])),
    st.tuples(st.just("parents"), NAMES, st.lists(NAMES, max_size=2, unique=True)),
    st.tuples(st.just("slots"), NAMES, st.lists(NAMES, max_size=2)),
    st.tuples(st.just("register"), NAMES, st.just([])),
    st.tuples(st.just("retire"), NAMES, st.just([])),
    st.tuples(st.just("clone"), NAMES, st.lists(NAMES, min_size=1, max_size=1)),
)


async def act(store: LedgerStore, action: str, item: ObjectId, others: list[ObjectId]) -> None:
    match action:
        case "create":
            await store.create(NS, NewObject(item, others))
        case "delete":
            await store.delete(NS, item)
        case "parents":
            await store.update(NS, Update(item, parents=others))
        case "slots":
            await store.update(NS, Update(item, slots={f"s{n}": Reference(each) for n, each in enumerate(others)}))
        case "register":
            proofs = [Evidence(Level.AUDITED, "audit", 1.0)]
            await store.register(NS, Draft(item, INCREMENT, SOURCE.format(by=1), evidence=proofs), activate=True)
        case "retire":
            await store.retire(NS, item, INCREMENT, 1)
        case _:
            await store.clone(NS, others[0], item)


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(ACTIONS, max_size=40))
async def test_a_store_has_no_error_whatever_was_done_to_it(
    actions: list[tuple[str, ObjectId, list[ObjectId]]],
) -> None:
    store = await LedgerStore.open(MemoryLedger())
    for action, item, others in actions:
        try:
            await act(store, action, item, others)
        except KernelError:
            continue
    assert [problem for problem in await problems_of(store) if problem.error] == []
