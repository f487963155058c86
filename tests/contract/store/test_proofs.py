"""What the store promises of what is appended beside a version: proofs, and that it is retired."""

import asyncio

import pytest

from fakes.stores import Kept, MeanwhileLedger
from kernel.errors import (
    BadArguments,
    LimitExceeded,
    MethodNotFound,
    ObjectNotFound,
)
from kernel.objects import (
    DEFAULT_NAMESPACE,
    Evidence,
    Level,
    MethodPointer,
    MethodRecord,
    ObjectId,
    Retirement,
    Selector,
)
from objectstore.keys import VersionKey
from objectstore.ledger import Step
from objectstore.ledger_store import LedgerStore
from objectstore.store import Draft, NewObject, Store

NS = DEFAULT_NAMESPACE
ACME = ObjectId("feed/acme")
ADD = Selector("add")
SHORT = "def add(self, a):\n    return a\n"


@pytest.fixture(autouse=True)
async def acme(store: Store) -> None:
    await store.create(NS, NewObject(ACME))


async def register(store: Store, source: str = SHORT, *, activate: bool = True) -> MethodRecord:
    return (await store.register(NS, Draft(ACME, ADD, source), activate=activate))[0]


async def pointer(store: Store) -> MethodPointer | None:
    return (await store.get(NS, ACME)).definition.methods.get(ADD)


@pytest.mark.parametrize("at", [-1.0, -0.0001, 1e10, 1e11])
async def test_evidence_of_a_time_that_no_key_holds_is_refused(store: Store, at: float) -> None:
    proof = Evidence(Level.APPROVED, "me", at)
    await register(store)
    with pytest.raises(BadArguments):
        await store.register(NS, Draft(ACME, ADD, SHORT, evidence=[proof]), activate=True)
    with pytest.raises(BadArguments):
        await store.activate(NS, ACME, ADD, 1, evidence=proof)
    found = (await store.method(NS, ACME, ADD, 0))[0]
    assert (found.method.number, found.evidence) == (1, ())


async def test_a_key_of_another_hand_beside_a_version_keeps_no_one_from_it(kept: Kept) -> None:
    made = await register(kept.store)
    incarnation = (await kept.store.get(NS, ACME)).definition.incarnation
    beside = VersionKey(NS, ACME, incarnation, ADD, 1).beside()
    await kept.ledger.transact(Step(puts={beside.begin + b"-000000000001000-00": b"?"}))
    assert (await kept.store.method(NS, ACME, ADD, 0))[0] == made
    assert list((await kept.store.methods(NS, ACME, None, 0, "")).items) == [made]
    await kept.store.activate(NS, ACME, ADD, 1, evidence=Evidence(Level.APPROVED, "me", 5.0))
    assert (await kept.store.method(NS, ACME, ADD, 0))[0].level is Level.APPROVED
    await kept.store.retire(NS, ACME, ADD, 1)


async def test_an_approval_is_appended_as_evidence_once(store: Store) -> None:
    await store.register(NS, Draft(ACME, ADD, SHORT, evidence=[Evidence(Level.AUDITED, "s", 5.0)]), activate=False)
    approval = Evidence(Level.APPROVED, "local", 9.25, "reads well")
    for _ in range(2):
        await store.activate(NS, ACME, ADD, 1, evidence=approval)
    await store.activate(NS, ACME, ADD, 1, evidence=Evidence(Level.REPLAYED, "s", 7.0))
    found = (await store.method(NS, ACME, ADD, 1))[0]
    assert [proof.level for proof in found.evidence] == [Level.AUDITED, Level.REPLAYED, Level.APPROVED]
    assert found.level is Level.APPROVED
    with pytest.raises(BadArguments):
        await store.activate(NS, ACME, ADD, 0, evidence=approval)


async def test_a_proof_is_appended_and_what_is_active_stays(store: Store) -> None:
    await register(store)
    await register(store, activate=False)
    proof = Evidence(Level.REPLAYED, "synthesizer", 9.25, "20 calls")
    for _ in range(2):
        record, token = await store.prove(NS, ACME, ADD, 2, proof)
        assert (record, record.evidence) == ((await store.method(NS, ACME, ADD, 2))[0], (proof,))
        assert token.revision <= (await store.method(NS, ACME, ADD, 2))[1].revision
    earlier = Evidence(Level.AUDITED, "synthesizer", 3.0)
    assert (await store.prove(NS, ACME, ADD, 2, earlier))[0].evidence == (earlier, proof)
    assert await pointer(store) == MethodPointer(1, 2)
    undated = (await store.prove(NS, ACME, ADD, 1, Evidence(Level.APPROVED, "ann", 0.0)))[0]
    assert undated == (await store.method(NS, ACME, ADD, 1))[0]
    assert undated.evidence[0].at > 0


async def test_a_version_has_at_most_a_hundred_proofs_however_many_come_at_once(store: Store) -> None:
    await register(store)
    for at in range(1, 97):
        await store.prove(NS, ACME, ADD, 1, Evidence(Level.REPLAYED, "synthesizer", float(at)))
    late = (store.prove(NS, ACME, ADD, 1, Evidence(Level.REPLAYED, "synthesizer", 200.0 + at)) for at in range(8))
    ended = await asyncio.gather(*late, return_exceptions=True)
    assert sum(isinstance(each, LimitExceeded) for each in ended) == 4
    found = (await store.method(NS, ACME, ADD, 1))[0]
    assert len(found.evidence) == 100
    assert (await store.prove(NS, ACME, ADD, 1, found.evidence[0]))[0] == found


async def test_what_proves_nothing_is_refused(store: Store) -> None:
    await register(store)
    proof = Evidence(Level.APPROVED, "ann", 1.0)
    with pytest.raises(MethodNotFound):
        await store.prove(NS, ACME, ADD, 2, proof)
    with pytest.raises(ObjectNotFound):
        await store.prove(NS, ObjectId("nobody"), ADD, 1, proof)
    with pytest.raises(BadArguments):
        await store.prove(NS, ACME, ADD, 0, proof)
    with pytest.raises(BadArguments):
        await store.prove(NS, ACME, ADD, 1, Evidence(Level.UNSET, "ann", 1.0))


async def test_who_retired_a_version_first_and_why_is_kept(store: Store) -> None:
    await register(store)
    await register(store)
    rejection = Retirement("ann", 12.5, "rounds down")
    await store.retire(NS, ACME, ADD, 1, retirement=rejection)
    await store.retire(NS, ACME, ADD, 1, retirement=Retirement("bob", 13.5, "no"))
    assert (await store.method(NS, ACME, ADD, 1))[0].retirement == rejection
    await store.retire(NS, ACME, ADD, 2)
    retirement = (await store.method(NS, ACME, ADD, 2))[0].retirement
    assert retirement is not None
    assert (retirement.by, retirement.reason, retirement.at > 1e9) == ("", "", True)
    with pytest.raises(BadArguments):
        await store.retire(NS, ACME, ADD, 2, retirement=Retirement("ann", 1.0, "x" * 4001))


async def test_of_two_who_retire_a_version_at_once_the_first_is_kept(kept: Kept) -> None:
    await register(kept.store, activate=False)
    ledger = MeanwhileLedger(kept.ledger)
    late = await LedgerStore.open(ledger)
    first = Retirement("ann", 12.5, "rounds down")
    ledger.meanwhile = lambda: kept.store.retire(NS, ACME, ADD, 1, retirement=first)
    await late.retire(NS, ACME, ADD, 1, retirement=Retirement("bob", 13.5, "no"))
    assert (await kept.store.method(NS, ACME, ADD, 1))[0].retirement == first
