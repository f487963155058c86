"""Lanes settle every lost answer: whatever was lost, what the caller hears stays true."""

import asyncio
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fakes.stores import Lose, LosingLedger, writing
from kernel.errors import BadArguments, CommitUnclear, Conflict, ObjectExists, StoreFull, StoreUnavailable
from kernel.objects import DEFAULT_NAMESPACE, ROOT, ObjectId, Policy, Selector
from kernel.transactions import Lane
from objectstore.ledger import Reading, Span, Step
from objectstore.ledger_store import LedgerStore
from objectstore.memory import MemoryLedger
from objectstore.store import Draft, NewObject, StoredObject, Update

NS = DEFAULT_NAMESPACE
A = ObjectId("a")


async def opened(*losses: Lose | None) -> tuple[LosingLedger, LedgerStore, StoredObject]:
    """A store with object a, whose lane l is open, and which from then on loses these answers."""
    ledger = LosingLedger(MemoryLedger())
    store = await LedgerStore.open(ledger, settle_seconds=0.2)
    made = await store.create(NS, NewObject(A, slots={"n": 9}))
    await store.commit(writing(made, slots={"n": 0}), Lane("l", 1))
    a = await store.get(NS, A)
    ledger.lose(*losses)
    return ledger, store, a


async def test_a_lost_answer_of_a_made_commit_is_its_token() -> None:
    _, store, a = await opened(Lose.ANSWER)
    token = await store.commit(writing(a, slots={"n": 1}), Lane("l", 2))
    assert (await store.get(NS, A)).slots_revision == token.revision


@pytest.mark.parametrize("loss", [Lose.REQUEST, Lose.LATE])
async def test_a_commit_that_did_not_arrive_is_not_made_and_cannot_be_any_more(loss: Lose) -> None:
    ledger, store, a = await opened(loss)
    with pytest.raises(StoreUnavailable, match="nothing was changed"):
        await store.commit(writing(a, slots={"n": 1}), Lane("l", 2))
    assert await ledger.arrive() in ([], [None])
    assert (await store.get(NS, A)).slots == {"n": 0}
    await store.commit(writing(a, slots={"n": 2}), Lane("l", 3))


async def test_settling_outlives_lost_answers_of_its_own() -> None:
    ledger, store, a = await opened(Lose.LATE, Lose.REQUEST, Lose.ANSWER)
    with pytest.raises(StoreUnavailable, match="nothing was changed"):
        await store.commit(writing(a, slots={"n": 1}), Lane("l", 2))
    assert await ledger.arrive() == [None]


async def test_the_first_number_of_a_lane_is_settled_too() -> None:
    for loss in Lose:
        ledger, store, a = await opened(None, None, loss)  # refused, since there is no lane; opened; lost
        try:
            await store.commit(writing(a, slots={"n": 1}), Lane("new", 1))
        except StoreUnavailable:
            await ledger.arrive()
            assert (await store.get(NS, A)).slots == {"n": 0}
        else:
            assert (await store.get(NS, A)).slots == {"n": 1}


async def test_every_change_of_the_store_itself_is_settled() -> None:
    source = "def add(self):\n    return 1\n"
    ledger, store, a = await opened(*[Lose.ANSWER] * 6)
    made = await store.create(NS, NewObject(ObjectId("b"), slots={"n": 1}))
    assert made == replace(await store.get(NS, ObjectId("b")), token=made.token)
    await store.update(NS, Update(ObjectId("b"), slots={"n": 2}))
    record, _ = await store.register(NS, Draft(ObjectId("b"), Selector("add"), source), activate=True)
    assert (await store.method(NS, ObjectId("b"), Selector("add"), 0))[0] == record
    await store.activate(NS, ObjectId("b"), Selector("add"), 0)
    await store.retire(NS, ObjectId("b"), Selector("add"), 1)
    await store.delete(NS, ObjectId("b"))
    assert ledger.losses == []
    ledger.lose(Lose.LATE)
    with pytest.raises(StoreUnavailable, match="nothing was changed"):
        await store.delete(NS, A)
    assert await ledger.arrive() == [None]
    assert (await store.get(NS, A)).slots == a.slots


async def test_a_conflict_whose_answer_was_lost_is_told_as_not_made() -> None:
    ledger, store, a = await opened()
    await store.update(NS, Update(A, slots={"n": 5}))
    ledger.lose(Lose.ANSWER)
    with pytest.raises(StoreUnavailable, match="nothing was changed"):
        await store.commit(writing(a, slots={"n": 1}), Lane("l", 2))
    with pytest.raises(Conflict):
        await store.commit(writing(a, slots={"n": 1}), Lane("l", 3))


class _Silent(LosingLedger):
    """Answers nothing while `silent`."""

    silent = False

    async def read(self, *spans: Span) -> Reading:
        if self.silent:
            raise StoreUnavailable("silent")
        return await super().read(*spans)


async def test_what_cannot_be_settled_in_time_is_unclear_and_settled_later() -> None:
    ledger = _Silent(MemoryLedger())
    store = await LedgerStore.open(ledger, settle_seconds=0.2)
    a = await store.create(NS, NewObject(A, slots={"n": 0}))
    await store.commit(writing(a, slots={"n": 1}), Lane("l", 1))
    a = await store.get(NS, A)
    ledger.lose(Lose.ANSWER)
    ledger.silent = True
    with pytest.raises(CommitUnclear):
        await store.commit(writing(a, slots={"n": 2}), Lane("l", 2))
    ledger.silent = False
    token = await store.settle(NS, Lane("l", 2))
    assert token is not None
    assert (await store.get(NS, A)).slots_revision == token.revision


class _Full(LosingLedger):
    """Says that it is full, as etcd does: after it has applied the step that filled it, and then before."""

    full = 0

    async def transact(self, step: Step) -> int | None:
        if self.full:
            self.full += 1
            if self.full == 2:
                await self.ledger.transact(step)
            raise StoreFull("full")
        return await super().transact(step)


class _FullAndSilent(_Full):
    """Answers no read while it is full."""

    async def read(self, *spans: Span) -> Reading:
        if self.full:
            raise StoreUnavailable("silent")
        return await super().read(*spans)


class _SilentAfter(_Silent):
    """Answers no read after the next step, once it is armed."""

    armed = False

    async def transact(self, step: Step) -> int | None:
        self.silent = self.armed
        return await super().transact(step)


async def test_the_very_commit_that_fills_the_store_is_made() -> None:
    ledger = _Full(MemoryLedger())
    store = await LedgerStore.open(ledger)
    a = await store.create(NS, NewObject(A, slots={"n": 0}))
    await store.commit(writing(a, slots={"n": 1}), Lane("l", 1))
    a = await store.get(NS, A)
    ledger.full = 1
    token = await store.commit(writing(a, slots={"n": 2}), Lane("l", 2))
    assert (await store.get(NS, A)).slots_revision == token.revision
    with pytest.raises(StoreFull):
        await store.commit(writing(await store.get(NS, A), slots={"n": 3}), Lane("l", 3))
    with pytest.raises(CommitUnclear):  # the lane cannot be marked
        await store.settle(NS, Lane("l", 4))


async def test_a_full_store_that_answers_no_more_leaves_a_commit_unclear_and_settled_later() -> None:
    ledger = _FullAndSilent(MemoryLedger())
    store = await LedgerStore.open(ledger)
    a = await store.create(NS, NewObject(A, slots={"n": 0}))
    await store.commit(writing(a, slots={"n": 1}), Lane("l", 1))
    a = await store.get(NS, A)
    ledger.full = 1
    with pytest.raises(CommitUnclear) as unclear:
        await store.commit(writing(a, slots={"n": 2}), Lane("l", 2))
    assert unclear.value.fields["unclear"] == "l"
    ledger.full = 0
    token = await store.settle(NS, Lane("l", 2))
    assert token is not None
    assert (await store.get(NS, A)).slots_revision == token.revision


async def test_an_update_that_was_made_is_told_so_though_nothing_can_be_read_after_it() -> None:
    ledger = _SilentAfter(MemoryLedger())
    store = await LedgerStore.open(ledger)
    made = await store.create(NS, NewObject(A, slots={"n": 0}))
    for update in (Update(A, slots={"n": 1}), Update(A, policy=Policy(never=("drop",))), Update(A, slots={"n": 1})):
        ledger.armed = True
        after = await store.update(NS, update)
        ledger.armed = ledger.silent = False
        found = await store.get(NS, A)
        assert after == found
    assert found.definition_revision > made.definition_revision


async def test_an_epoch_whose_answer_was_lost_is_the_epoch() -> None:
    ledger = LosingLedger(MemoryLedger(), Lose.ANSWER)
    one, other = await asyncio.gather(LedgerStore.open(ledger), LedgerStore.open(ledger))
    assert one.epoch == other.epoch
    with pytest.raises(ObjectExists):
        await one.create(NS, NewObject(ROOT))


LOSSES = st.lists(st.sampled_from([None, *Lose]), max_size=12)


@settings(max_examples=60, deadline=None)
@given(LOSSES, st.integers(1, 6))
async def test_whatever_is_lost_what_the_committer_hears_is_what_is_there(losses: list[Lose | None], many: int) -> None:
    ledger, store, _ = await opened(*losses)
    expected = 0
    for number in range(2, 2 + many):
        a = await store.get(NS, A)
        try:
            await store.commit(writing(a, slots={"n": number}), Lane("l", number))
            expected = number
        except CommitUnclear:
            expected = number if await store.settle(NS, Lane("l", number)) else expected
        except StoreUnavailable:
            pass
    assert not [revision for revision in await ledger.arrive() if revision is not None]
    assert (await store.get(NS, A)).slots == {"n": expected}
    with pytest.raises(BadArguments):
        await store.commit(writing(await store.get(NS, A), slots={}), Lane("l", 1))
