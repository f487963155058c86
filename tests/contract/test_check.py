"""What a check finds: each damage, planted in a store that is filled, and nothing beside it."""

from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fakes.filled import COUNTER, INCREMENT, LEAF, NS, PUMP, READ, SECONDS, SOURCE, delete, fill, put, reply_of
from fakes.stores import Kept, in_etcd, in_memory
from kernel.errors import KernelError
from kernel.objects import ROOT, Definition, Evidence, Level, MethodPointer, MethodVersion, ObjectId, Pin
from kernel.values import Reference
from objectstore import records
from objectstore.check import check
from objectstore.keys import (
    DefinitionKey,
    EdgeKey,
    EvidenceKey,
    ExampleKey,
    FlightKey,
    LaneKey,
    RetiredKey,
    SlotsKey,
    StoredKey,
    SynthesisKey,
    VersionKey,
)
from objectstore.ledger_store import LedgerStore
from objectstore.memory import MemoryLedger
from objectstore.problems import Kind, Problem
from objectstore.store import Draft, NewObject, Update


@pytest.fixture(params=["memory", "etcd"])
async def kept(request: pytest.FixtureRequest) -> AsyncGenerator[Kept]:
    async with AsyncExitStack() as stack:
        if request.param == "etcd":
            yield await stack.enter_async_context(in_etcd(request.getfixturevalue("etcd_endpoint")))
        else:
            yield await stack.enter_async_context(in_memory())


@pytest.fixture
async def store(kept: Kept) -> LedgerStore:
    assert isinstance(kept.store, LedgerStore)
    await fill(kept.store)
    return kept.store


async def problems_of(store: LedgerStore) -> list[Problem]:
    reports = [report async for report in check(store.ledger)]
    assert [report.done for report in reports].index(True) == len(reports) - 1
    return [problem for report in reports for problem in report.problems]


async def found(store: LedgerStore) -> list[tuple[str, str]]:
    return [(problem.kind, problem.key) for problem in await problems_of(store)]


def at(key: StoredKey) -> str:
    return key.encode().decode()


async def definition_of(store: LedgerStore, item: ObjectId) -> Definition:
    return (await store.get(NS, item)).definition


async def redefine(store: LedgerStore, item: ObjectId, definition: Definition) -> None:
    await put(store.ledger, DefinitionKey(NS, item).encode(), records.encode_definition(definition))


async def version_key(store: LedgerStore, number: int) -> VersionKey:
    return VersionKey(NS, COUNTER, (await definition_of(store, COUNTER)).incarnation, INCREMENT, number)


async def version_of(store: LedgerStore, number: int) -> MethodVersion:
    return (await store.method(NS, COUNTER, INCREMENT, number)).method


async def test_a_filled_store_has_no_problem_and_every_key_is_read(store: LedgerStore, kept: Kept) -> None:
    reports = [report async for report in check(store.ledger)]
    assert [problem for report in reports for problem in report.problems] == []
    assert reports[-1].keys > 30
    assert {report.revision for report in reports} == {reports[-1].revision}


@pytest.mark.parametrize(
    "key", [b"/batos/default/q/what", b"/batos/default/d/Not An Id//", b"/batos/default/d/x", b"/batos/odd\xff/d/x//"]
)
async def test_a_key_that_nobody_reads(store: LedgerStore, key: bytes) -> None:
    await put(store.ledger, key, b"\x01\x80")
    assert await found(store) == [(Kind.UNREADABLE_KEY, key.decode(errors="backslashreplace"))]


@pytest.mark.parametrize("letter", "doceml")
async def test_a_value_that_cannot_be_read(store: LedgerStore, letter: str) -> None:
    version = await version_key(store, 1)
    beside = (await store.ledger.read(version.beside())).spans[0]
    key = {
        "d": DefinitionKey(NS, LEAF).encode(),
        "o": SlotsKey(NS, LEAF).encode(),
        "c": EdgeKey(NS, PUMP, LEAF).encode(),
        "m": version.encode(),
        "e": next(entry.key for entry in beside if not entry.key.endswith(b"retired")),
        "l": LaneKey(NS, "lane").encode(),
    }[letter]
    await put(store.ledger, key, b"\x01\xc1")
    assert await found(store) == [(Kind.UNREADABLE_VALUE, key.decode())]


async def test_a_value_of_an_unknown_format(store: LedgerStore) -> None:
    key = SlotsKey(NS, LEAF).encode()
    await put(store.ledger, key, b"\x09\x80")
    assert await found(store) == [(Kind.UNKNOWN_FORMAT, key.decode())]
    await put(store.ledger, SynthesisKey(NS, "abc").encode(), b"\x09")
    assert (Kind.UNKNOWN_FORMAT, at(SynthesisKey(NS, "abc"))) in await found(store)


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


async def test_an_active_version_that_is_not_there(store: LedgerStore) -> None:
    definition = await definition_of(store, LEAF)
    await redefine(store, LEAF, replace(definition, methods={READ: MethodPointer(1, 1)}))
    assert await found(store) == [(Kind.POINTER_DANGLES, at(DefinitionKey(NS, LEAF)))]


async def test_a_version_that_is_missing_between_others(store: LedgerStore) -> None:
    definition = await definition_of(store, LEAF)
    await redefine(store, LEAF, replace(definition, methods={READ: MethodPointer(0, 1 << 60)}))
    (problem,) = await problems_of(store)
    assert (problem.kind, problem.key) == (Kind.VERSION_MISSING, at(DefinitionKey(NS, LEAF)))
    assert f"lacks {1 << 60} of {1 << 60} versions: 1, 2, 3, 4, 5, …" in problem.text


async def test_a_method_table_that_is_behind_its_versions(store: LedgerStore) -> None:
    definition = await definition_of(store, COUNTER)
    await redefine(store, COUNTER, replace(definition, methods={INCREMENT: MethodPointer(1, 2)}))
    assert await found(store) == [(Kind.LATEST_BEHIND, at(DefinitionKey(NS, COUNTER)))]
    await redefine(store, COUNTER, replace(definition, methods={}))
    assert await found(store) == [(Kind.LATEST_BEHIND, at(DefinitionKey(NS, COUNTER)))]


async def test_a_version_whose_source_was_changed(store: LedgerStore) -> None:
    version = await version_of(store, 1)
    key = await version_key(store, 1)
    await put(store.ledger, key.encode(), records.encode(replace(version, source=version.source + "#")))
    assert await found(store) == [(Kind.VERSION_CHANGED, at(key))]


@pytest.mark.parametrize("what", ["holder", "selector", "number"])
async def test_a_version_that_says_it_is_another(store: LedgerStore, what: str) -> None:
    version = await version_of(store, 1)
    key = await version_key(store, 1)
    moved = {"holder": PUMP, "selector": READ, "number": 3}[what]
    await put(store.ledger, key.encode(), records.encode(replace(version, **{what: moved})))
    assert await found(store) == [(Kind.VERSION_MISPLACED, at(key))]


async def test_what_an_earlier_incarnation_left(store: LedgerStore) -> None:
    earlier = VersionKey(NS, COUNTER, "0123456789abcdef", INCREMENT, 1)
    proof = EvidenceKey(earlier, 1, "ab")
    example = ExampleKey(NS, COUNTER, "0123456789abcdef", INCREMENT, "ab")
    await put(store.ledger, earlier.encode(), records.encode(await version_of(store, 1)))
    await put(store.ledger, proof.encode(), records.encode(Evidence(Level.AUDITED, "audit", 1.0)))
    await put(store.ledger, example.encode(), records.encode({}))
    reply, value = reply_of(COUNTER, "0123456789abcdef")
    await put(store.ledger, reply, value, seconds=SECONDS)
    orphans = {(Kind.ORPHAN, at(key)) for key in (earlier, proof, example)} | {(Kind.ORPHAN, reply.decode())}
    assert set(await found(store)) == orphans
    assert len(await found(store)) == len(orphans)


async def test_what_a_deleted_object_left(store: LedgerStore) -> None:
    reply, value = reply_of(ObjectId("gone"), "0123456789abcdef")
    await put(store.ledger, reply, value, seconds=SECONDS)
    assert await found(store) == [(Kind.ORPHAN, reply.decode())]


async def test_evidence_and_a_mark_beside_no_version(store: LedgerStore) -> None:
    none = replace(await version_key(store, 1), number=9)
    proof = EvidenceKey(none, 1, "ab")
    await put(store.ledger, proof.encode(), records.encode(Evidence(Level.AUDITED, "audit", 1.0)))
    await put(store.ledger, RetiredKey(none).encode(), records.mark())
    expected = [(Kind.EVIDENCE_WITHOUT_VERSION, at(proof)), (Kind.EVIDENCE_WITHOUT_VERSION, at(RetiredKey(none)))]
    assert await found(store) == expected


@pytest.mark.parametrize("gone", ["holder", "incarnation", "number", "path"])
async def test_a_pin_that_answers_nothing_is_told_and_no_error(store: LedgerStore, gone: str) -> None:
    incarnation = (await definition_of(store, COUNTER)).incarnation
    pin = Pin(COUNTER, incarnation, 1)
    pins = {
        "holder": replace(pin, holder=ObjectId("gone")),
        "incarnation": replace(pin, incarnation="0123456789abcdef"),
        "number": replace(pin, number=9),
        "path": pin,
    }
    on = PUMP if gone != "path" else ROOT
    await redefine(store, on, replace(await definition_of(store, on), pins={INCREMENT: pins[gone]}))
    (problem,) = await problems_of(store)
    kind = Kind.PIN_OFF_PATH if gone == "path" else Kind.PIN_DANGLES
    assert (problem.kind, problem.key, problem.error) == (kind, at(DefinitionKey(NS, on)), False)


async def test_a_dangling_reference_is_told_once_and_no_error(store: LedgerStore) -> None:
    deep = {"one": Reference("gone"), "more": [{"deep": [Reference("gone")]}, Reference(str(COUNTER))]}
    await store.update(NS, Update(LEAF, slots=deep))
    (problem,) = await problems_of(store)
    assert (problem.kind, problem.key, problem.error) == (Kind.DANGLING_REFERENCE, at(SlotsKey(NS, LEAF)), False)
    assert "gone" in problem.text


async def test_a_reply_and_a_flight_that_would_stay_for_ever(store: LedgerStore) -> None:
    reply, value = reply_of(PUMP, (await definition_of(store, PUMP)).incarnation, "r2")
    await put(store.ledger, reply, value)
    flight = FlightKey(NS, PUMP, READ)
    await put(store.ledger, flight.encode(), records.encode("who"))
    expected = {(Kind.LEASE_MISSING, reply.decode()), (Kind.LEASE_MISSING, at(flight))}
    assert set(await found(store)) == expected


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


def test_every_kind_of_problem_is_planted_here() -> None:
    source = Path(__file__).read_text()
    assert [kind for kind in Kind if f"Kind.{kind}" not in source] == []
