"""What a restore promises where steps are lost, come late, or the ledger goes away."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

import pytest

from fakes.filled import COUNTER, NS
from fakes.saved import Held, exported, given, large, pairs
from fakes.stores import Lose, LosingLedger
from kernel.errors import BadArguments, KernelError, ObjectNotFound, StoreUnavailable
from kernel.objects import ObjectId
from objectstore import records
from objectstore.backups import BackupPart, Footer
from objectstore.keys import META
from objectstore.ledger import Ledger, Reading, Span, Step, Unclear
from objectstore.ledger_store import LedgerStore
from objectstore.memory import MemoryLedger
from objectstore.restore import restore
from objectstore.store import NewObject


@pytest.mark.parametrize("lose", [Lose.ANSWER, Lose.REQUEST])
async def test_lost_answers_change_nothing_of_a_restore(full: LedgerStore, lose: Lose) -> None:
    parts = await exported(full)
    steps = 40
    for lost in range(0, steps, 3):
        ledger = LosingLedger(MemoryLedger())
        store = await LedgerStore.open(ledger)
        ledger.lose(*[None] * lost, lose)
        await restore(store, given(parts))
        assert pairs(await exported(store)) == pairs(parts)
        if ledger.losses:
            return
    raise AssertionError("the restore took more steps than were lost")


class Arriving(Held):
    """Parts whose last one comes only after a ledger's late steps have arrived."""

    def __init__(self, parts: Sequence[BackupPart], ledger: LosingLedger) -> None:
        super().__init__(parts, len(parts) - 1)
        self.go_on.set()
        self.ledger, self.arrived = ledger, set[int | None]()

    async def __aiter__(self) -> AsyncIterator[BackupPart]:
        async for part in super().__aiter__():
            if part is self.parts[-1]:
                self.arrived |= {*await self.ledger.arrive()}
            yield part


async def until_a_restore_took_fewer(attempt: Callable[[int], Awaitable[LosingLedger]]) -> None:
    """Lose each step of a restore in turn."""
    for lost in range(60):
        ledger = await attempt(lost)
        if ledger.losses:
            assert lost > 8
            return
    raise AssertionError("the restore took more steps than were lost")


async def test_no_step_that_was_lost_is_taken_after_what_follows_it() -> None:
    parts = await exported(await large())

    async def attempt(lost: int) -> LosingLedger:
        ledger = LosingLedger(MemoryLedger())
        store = await LedgerStore.open(ledger)
        before = Held(parts, len(parts) - 1)
        hanging = asyncio.create_task(restore(store, before))
        await before.reached.wait()
        ledger.lose(*[None] * lost, Lose.LATE)
        arriving = Arriving(parts, ledger)
        await restore(store, arriving)
        assert arriving.arrived | {*await ledger.arrive()} <= {None}
        assert pairs(await exported(store)) == pairs(parts)
        before.go_on.set()
        await asyncio.gather(hanging, return_exceptions=True)
        return ledger

    await until_a_restore_took_fewer(attempt)


async def test_no_step_that_was_lost_is_taken_after_a_restore_was_abandoned() -> None:
    whole = await exported(await large())
    parts = [*whole[:-1], Footer(1, "00")]

    async def attempt(lost: int) -> LosingLedger:
        ledger = LateAtTheEnd(MemoryLedger())
        store = await LedgerStore.open(ledger)
        ledger.lose(*[None] * lost, Lose.LATE)
        with pytest.raises(BadArguments, match="no whole backup"):
            await restore(store, given(parts))
        await restore(store, given(whole))  # else it would not be empty
        assert pairs(await exported(store)) == pairs(whole)
        return ledger

    await until_a_restore_took_fewer(attempt)


async def test_a_restore_that_is_cancelled_while_a_step_is_under_way_leaves_an_empty_store() -> None:
    parts = await exported(await large())

    async def attempt(lost: int) -> LosingLedger:
        ledger = Slow(MemoryLedger())
        store = await LedgerStore.open(ledger)
        ledger.lose(*[None] * lost, Lose.LATE)
        task = asyncio.create_task(restore(store, given(parts)))
        reached = asyncio.create_task(ledger.reached.wait())
        await asyncio.wait({task, reached}, return_when=asyncio.FIRST_COMPLETED)
        reached.cancel()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        if not ledger.losses:
            await ledger.arrive()
            await store.create(NS, NewObject(ObjectId("mine")))
            with pytest.raises(ObjectNotFound):
                await store.get(NS, COUNTER)
        return ledger

    await until_a_restore_took_fewer(attempt)


class LateAtTheEnd(LosingLedger):
    """A ledger whose late steps arrive when a restore is about to end."""

    async def transact(self, step: Step) -> int | None:
        if META in step.puts and not records.meta(step.puts[META]).restoring:
            await self.arrive()
        return await super().transact(step)


class Slow(LosingLedger):
    """A ledger of which a step that is late is waited for, as long as nobody goes away."""

    def __init__(self, ledger: Ledger) -> None:
        super().__init__(ledger)
        self.reached = asyncio.Event()

    async def transact(self, step: Step) -> int | None:
        try:
            return await super().transact(step)
        except Unclear:
            self.reached.set()
            await asyncio.Event().wait()
            raise


class Failing(MemoryLedger):
    """A ledger that goes away as soon as META is put without a restore."""

    away = False

    async def read(self, *spans: Span) -> Reading:
        if self.away:
            raise StoreUnavailable("it is away")
        return await super().read(*spans)

    async def transact(self, step: Step) -> int | None:
        revision = await super().transact(step)
        self.away = META in step.puts and not records.meta(step.puts[META]).restoring
        return revision


async def test_a_restore_that_has_ended_is_told_so_though_the_store_goes_away_then(full: LedgerStore) -> None:
    ledger = Failing()
    await ledger.transact(Step(puts={META: records.encode_meta(records.Meta("e"))}))
    ledger.away = False
    store = await LedgerStore.open(ledger)
    parts = await exported(full)
    count, token = await restore(store, given(parts))
    ledger.away = False
    assert count == len(pairs(parts))
    assert (await store.get(NS, COUNTER)).token.epoch == token.epoch


async def test_a_late_step_of_before_never_applies(full: LedgerStore) -> None:
    ledger = LosingLedger(MemoryLedger())
    store = await LedgerStore.open(ledger)
    ledger.lose(Lose.LATE)
    with pytest.raises(KernelError):
        await store.create(NS, NewObject(ObjectId("late")))
    await restore(store, given(await exported(full)))
    assert set(await ledger.arrive()) == {None}
    with pytest.raises(ObjectNotFound):
        await store.get(NS, ObjectId("late"))
