"""What a check finds: each damage, planted in a store that is filled, and nothing beside it."""

from dataclasses import replace
from pathlib import Path

import pytest

from fakes.checked import at, definition_of, found, problems_of, redefine
from fakes.filled import COUNTER, INCREMENT, LEAF, NS, PUMP, READ, SECONDS, put, reply_of
from fakes.stores import Kept
from kernel.messages import Example, Message
from kernel.objects import ROOT, Evidence, Level, MethodPointer, MethodVersion, ObjectId, Pin
from kernel.synthesis import Started, State, SynthesisRecord
from kernel.values import Reference
from objectstore import flight_records, records
from objectstore.check import check
from objectstore.flight_keys import AgeKey, EventKey, FlightKey, SpentKey, SynthesisKey
from objectstore.flight_records import Holding, Spent
from objectstore.keys import (
    CallKey,
    DefinitionKey,
    EdgeKey,
    EvidenceKey,
    ExampleKey,
    LaneKey,
    RetiredKey,
    SlotsKey,
    VersionKey,
    span,
)
from objectstore.ledger_store import LedgerStore
from objectstore.problems import Kind
from objectstore.proving import KeptExample, RecordedCall
from objectstore.store import Update


async def version_key(store: LedgerStore, number: int) -> VersionKey:
    return VersionKey(NS, COUNTER, (await definition_of(store, COUNTER)).incarnation, INCREMENT, number)


async def version_of(store: LedgerStore, number: int) -> MethodVersion:
    return (await store.method(NS, COUNTER, INCREMENT, number))[0].method


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


@pytest.mark.parametrize("letter", "docemxyl")
async def test_a_value_that_cannot_be_read(store: LedgerStore, letter: str) -> None:
    version = await version_key(store, 1)
    beside = (await store.ledger.read(version.beside())).spans[0]
    key = {
        "d": DefinitionKey(NS, LEAF).encode(),
        "o": SlotsKey(NS, LEAF).encode(),
        "c": EdgeKey(NS, PUMP, LEAF).encode(),
        "m": version.encode(),
        "e": next(entry.key for entry in beside if not entry.key.endswith(b"retired")),
        "x": (await store.ledger.read(span(NS, "x"))).spans[0][0].key,
        "y": (await store.ledger.read(span(NS, "y"))).spans[0][0].key,
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
    call = CallKey(NS, COUNTER, "0123456789abcdef", INCREMENT, 7)
    await put(store.ledger, earlier.encode(), records.encode(await version_of(store, 1)))
    await put(store.ledger, proof.encode(), records.encode(Evidence(Level.AUDITED, "audit", 1.0)))
    example_given = Example(3, arguments=(1,))
    await put(store.ledger, example.encode(), records.encode_example(KeptExample(example_given, "ann", 1.0)))
    await put(store.ledger, call.encode(), records.encode_call(RecordedCall(example_given, 1, 1.0)))
    reply, value = reply_of(COUNTER, "0123456789abcdef")
    await put(store.ledger, reply, value, seconds=SECONDS)
    orphans = {(Kind.ORPHAN, at(key)) for key in (earlier, proof, example, call)} | {(Kind.ORPHAN, reply.decode())}
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


async def test_a_flight_and_its_synthesis_are_there_together(store: LedgerStore) -> None:
    record = SynthesisRecord("s-1", Message(PUMP, READ), "ann", 1.5)
    synthesis, flight = SynthesisKey(NS, "s-1"), FlightKey(NS, PUMP, READ)
    await put(store.ledger, synthesis.encode(), flight_records.encode_synthesis(record))
    assert await found(store) == [(Kind.SYNTHESIS_WITHOUT_FLIGHT, at(synthesis))]
    await put(store.ledger, flight.encode(), records.encode(Holding("s-1", "m", "s-1")))
    assert await found(store) == []
    ended = replace(record, state=State.FAILED, ended=2.5)
    await put(store.ledger, synthesis.encode(), flight_records.encode_synthesis(ended), seconds=SECONDS)
    assert await found(store) == [(Kind.FLIGHT_WITHOUT_SYNTHESIS, at(flight))]
    await put(store.ledger, AgeKey(synthesis, 1).encode(), b"\x01\xc1")
    assert (Kind.UNREADABLE_VALUE, at(AgeKey(synthesis, 1))) in await found(store)


async def test_what_should_end_by_itself_and_would_stay_for_ever(store: LedgerStore) -> None:
    reply, value = reply_of(PUMP, (await definition_of(store, PUMP)).incarnation, "r2")
    record = SynthesisRecord("s-1", Message(PUMP, READ), "ann", 1.5)
    ended, runs = (SynthesisKey(NS, each) for each in ("s-1", "s-2"))
    failed = replace(record, state=State.FAILED, ended=2.5)
    stays = {
        reply.decode(): value,
        at(ended): flight_records.encode_synthesis(failed),
        at(AgeKey(ended, 1)): records.encode(State.FAILED),
        at(EventKey(ended, 1)): flight_records.encode_event(Started("s-1", PUMP)),
        at(SpentKey(NS, PUMP, 7)): records.encode(Spent(1, 1)),
    }
    may_stay = {
        at(runs): flight_records.encode_synthesis(replace(record, synthesis_id="s-2")),
        at(AgeKey(runs, 1)): records.encode(State.RUNNING),
        at(FlightKey(NS, PUMP, READ)): records.encode(Holding("s-2", "m", "s-2")),
    }
    for key, each in (stays | may_stay).items():
        await put(store.ledger, key.encode(), each)
    assert set(await found(store)) == {(Kind.LEASE_MISSING, key) for key in stays}


def test_every_kind_of_problem_is_planted_here() -> None:
    source = "".join(file.read_text() for file in Path(__file__).parent.glob("test_check*.py"))
    assert [kind for kind in Kind if f"Kind.{kind}" not in source] == []
