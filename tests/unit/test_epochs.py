"""A store that is another one than it was: restored by another server, or put back by its ledger."""

import asyncio
from contextlib import aclosing

import pytest

from fakes.filled import COUNTER, NS
from fakes.saved import exported, given, large, rest
from fakes.stores import LosingLedger
from kernel.errors import StaleToken, StoreUnavailable
from kernel.objects import ObjectId
from objectstore import records
from objectstore.epochs import EpochLedger
from objectstore.keys import META
from objectstore.ledger import Ledger, Step, Unclear
from objectstore.ledger_store import LedgerStore
from objectstore.memory import MemoryLedger
from objectstore.records import Meta
from objectstore.restore import restore
from objectstore.store import NewObject

A = ObjectId("a")
PATIENCE = 10.0


async def of_epoch(epoch: str) -> MemoryLedger:
    """A ledger in that epoch; two of one epoch are as a store and its snapshot."""
    ledger = MemoryLedger()
    await ledger.transact(Step(puts={META: records.encode_meta(Meta(epoch))}))
    return ledger


@pytest.mark.parametrize("epoch", ["old", "new"])
async def test_a_store_that_went_back_is_not_served_until_the_server_starts_again(epoch: str) -> None:
    ledger = LosingLedger(await of_epoch("old"))
    store = await LedgerStore.open(ledger)
    for number in range(5):
        await store.create(NS, NewObject(ObjectId(f"old/{number}")))
    ledger.ledger = await of_epoch(epoch)
    with pytest.raises(StoreUnavailable, match="went back"):
        await store.get(NS, ObjectId("root"))
    again = await LedgerStore.open(ledger)
    for number in range(20):
        await again.create(NS, NewObject(ObjectId(f"new/{number}")))
    for attempt in (store.get(NS, ObjectId("root")), store.create(NS, NewObject(A)), anext(store.watch(NS, None))):
        with pytest.raises(StoreUnavailable, match="start all objectstores again"):
            await attempt


async def test_a_ledger_without_its_epoch_is_not_served_though_another_makes_a_new_one() -> None:
    ledger = LosingLedger(await of_epoch("old"))
    store = await LedgerStore.open(ledger)
    empty = ledger.ledger = MemoryLedger()
    for _ in range(100):
        await empty.transact(Step(puts={b"/elsewhere": b""}))
    with pytest.raises(StoreUnavailable, match="lost what it held"):
        await store.get(NS, ObjectId("root"))
    await LedgerStore.open(ledger)
    with pytest.raises(StoreUnavailable, match="lost what it held"):
        await store.get(NS, ObjectId("root"))


async def test_no_step_is_taken_in_a_store_of_another_epoch_whose_revisions_are_the_same() -> None:
    ledger = LosingLedger(await of_epoch("old"))
    held = await EpochLedger.open(ledger)
    ledger.ledger = await of_epoch("new")
    assert await held.transact(Step(puts={b"/batos/default/o/a//": b""})) is None
    ledger.ledger = await of_epoch("old")
    assert await held.transact(Step(puts={b"/batos/default/o/a//": b""})) is not None


async def test_whether_a_step_was_taken_in_a_store_that_went_back_is_not_told() -> None:
    ledger = LosingLedger(await of_epoch("old"))
    held = await EpochLedger.open(ledger)
    for _ in range(5):
        await held.transact(Step(puts={b"/batos/default/o/a//": b""}))
    ledger.ledger = await of_epoch("old")
    with pytest.raises(Unclear):
        await held.transact(Step(puts={b"/batos/default/o/a//": b""}))
    with pytest.raises(StoreUnavailable, match="went back"):
        await held.transact(Step(puts={b"/batos/default/o/a//": b""}))


async def test_watchers_hear_that_the_store_went_back_though_nobody_reads() -> None:
    ledger = LosingLedger(await of_epoch("old"))
    store = await LedgerStore.open(ledger)
    made = await store.create(NS, NewObject(A))
    async with aclosing(store.watch(NS, made.token)) as watch:
        await anext(watch)
        await anext(watch)  # a beat: the hub watches
        ledger.ledger = await of_epoch("old")
        with pytest.raises((StoreUnavailable, StaleToken)):
            await asyncio.wait_for(rest(watch), PATIENCE)


async def test_a_token_of_a_restore_that_this_server_has_not_heard_of_is_taken() -> None:
    ledger = MemoryLedger()
    one, other = await LedgerStore.open(ledger), await LedgerStore.open(ledger)
    _, token = await restore(one, given(await exported(await large())))
    async with aclosing(other.watch(NS, token)) as watch:
        assert (await anext(watch)).token == token


async def test_a_token_of_before_a_restore_is_stale_for_a_server_that_has_not_heard_of_it() -> None:
    ledger = MemoryLedger()
    one, other = await LedgerStore.open(ledger), await LedgerStore.open(ledger)
    before = (await other.get(NS, ObjectId("root"))).token
    await restore(one, given(await exported(await large())))
    with pytest.raises(StaleToken):
        await rest(other.watch(NS, before))


class Held(LosingLedger):
    """A ledger that keeps the answers to deletes until it is let."""

    def __init__(self, ledger: Ledger) -> None:
        super().__init__(ledger)
        self.reached, self.go_on = asyncio.Event(), asyncio.Event()

    async def transact(self, step: Step) -> int | None:
        revision = await super().transact(step)
        if step.deletes:
            self.reached.set()
            await self.go_on.wait()
        return revision


async def test_the_token_of_a_change_is_of_its_own_epoch_however_late_its_answer_comes() -> None:
    ledger = MemoryLedger()
    held = Held(ledger)
    store, other = await LedgerStore.open(held), await LedgerStore.open(ledger)
    made = await store.create(NS, NewObject(A))
    deleting = asyncio.create_task(store.delete(NS, A))
    await held.reached.wait()
    _, restored = await restore(other, given(await exported(await large())))
    assert (await store.get(NS, COUNTER)).token.epoch == restored.epoch
    held.go_on.set()
    assert (await deleting).epoch == made.token.epoch != restored.epoch
