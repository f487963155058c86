"""What a restore promises, from a store in memory into each."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import replace

import pytest

from fakes.filled import COUNTER, INCREMENT, LEAF, NS, PUMP, SOURCE, put
from fakes.saved import Held, exported, given, in_small_parts, large, pairs, resealed, rest
from fakes.stores import EVERYTHING, Kept, Lose, LosingLedger, writing
from kernel.errors import BadArguments, Conflict, KernelError, ObjectNotFound, StaleToken, StoreUnavailable
from kernel.objects import SYSTEM_NAMESPACE, ObjectId
from kernel.transactions import Lane
from objectstore import records
from objectstore.backups import BackupPart, Entries, Footer, Header, Pair
from objectstore.check import check
from objectstore.keys import META, LaneKey
from objectstore.ledger import Ledger, Reading, Span, Step, Unclear
from objectstore.ledger_store import LedgerStore
from objectstore.memory import MemoryLedger
from objectstore.restore import restore
from objectstore.store import Draft, NewObject

PATIENCE = 10.0


async def test_a_restored_store_holds_every_entry_and_goes_on(full: LedgerStore, empty: LedgerStore) -> None:
    parts = await exported(full)
    old = await empty.create(NS, NewObject(ObjectId("x")))
    await empty.delete(NS, ObjectId("x"))
    count, token = await restore(empty, given(parts))
    assert count == len(pairs(parts))
    assert token.epoch == empty.epoch
    assert token.epoch not in {old.token.epoch, full.epoch}
    assert pairs(await exported(empty)) == pairs(parts)
    assert [report.problems async for report in check(empty.ledger) if report.problems] == []
    for item in (COUNTER, PUMP, LEAF):
        before, after = await full.get(NS, item), await empty.get(NS, item)
        assert (after.definition, after.slots) == (before.definition, before.slots)
    record, _ = await empty.register(NS, Draft(COUNTER, INCREMENT, SOURCE.format(by=9)), activate=True)
    assert record.method.number == 4
    reply, _ = await empty.kept_reply(NS, PUMP, (await empty.get(NS, PUMP)).definition.incarnation, "local", "r1")
    assert reply is not None
    assert reply.result == [1, None]


async def test_a_store_that_is_not_empty_is_left_as_it_is(full: LedgerStore, empty: LedgerStore) -> None:
    made = await empty.create(NS, NewObject(ObjectId("mine"), slots={"n": 1}))
    with pytest.raises(BadArguments, match="into an empty store, and this one holds /batos/default/"):
        await restore(empty, given(await exported(full)))
    found = await empty.get(NS, ObjectId("mine"))
    assert (found.slots, found.token.epoch) == ({"n": 1}, made.token.epoch)


async def test_roots_and_personas_are_replaced_by_those_of_the_backup(full: LedgerStore, empty: LedgerStore) -> None:
    alfred = ObjectId("persona/alfred")
    await full.create(SYSTEM_NAMESPACE, NewObject(alfred, slots={"core_identity": "edited"}))
    for name in ("persona/alfred", "persona/brick"):
        await empty.create(SYSTEM_NAMESPACE, NewObject(ObjectId(name), slots={"core_identity": "new"}))
    await restore(empty, given(await exported(full)))
    assert (await empty.get(SYSTEM_NAMESPACE, alfred)).slots == {"core_identity": "edited"}
    with pytest.raises(ObjectNotFound):
        await empty.get(SYSTEM_NAMESPACE, ObjectId("persona/brick"))


def cut_short(parts: list[BackupPart]) -> list[BackupPart]:
    return parts[:-1]


def one_byte_changed(parts: list[BackupPart]) -> list[BackupPart]:
    first = parts[1]
    assert isinstance(first, Entries)
    *rest, last = first.pairs
    changed = Pair(last.key, last.value[:-1] + bytes([last.value[-1] ^ 1]))
    return [parts[0], Entries([*rest, changed]), *parts[2:]]


def one_entry_left_out(parts: list[BackupPart]) -> list[BackupPart]:
    first = parts[1]
    assert isinstance(first, Entries)
    return [parts[0], Entries(first.pairs[:-1]), *parts[2:]]


def without_header(parts: list[BackupPart]) -> list[BackupPart]:
    return parts[1:]


def of_a_later_format(parts: list[BackupPart]) -> list[BackupPart]:
    header = parts[0]
    assert isinstance(header, Header)
    return [replace(header, format=99), *parts[1:]]


def in_another_order(parts: list[BackupPart]) -> list[BackupPart]:
    first = parts[1]
    assert isinstance(first, Entries)
    return resealed([parts[0], Entries([*reversed(first.pairs)]), *parts[2:]])


def with_a_lane(parts: list[BackupPart]) -> list[BackupPart]:
    return resealed([parts[0], Entries([Pair(LaneKey(NS, "l").encode(), b"\x01\xc0")])])


def with_an_epoch(parts: list[BackupPart]) -> list[BackupPart]:
    return resealed([*parts[:-1], Entries([Pair(META, b"\x01\xc0")])])


def going_on(parts: list[BackupPart]) -> list[BackupPart]:
    return [*parts, parts[-1]]


DAMAGES = [
    *(cut_short, one_byte_changed, one_entry_left_out, without_header, of_a_later_format, in_another_order),
    *(with_a_lane, with_an_epoch, going_on),
]


@pytest.mark.parametrize("damage", DAMAGES)
async def test_what_is_no_whole_backup_leaves_an_empty_store(
    full: LedgerStore, empty: LedgerStore, damage: Callable[[list[BackupPart]], list[BackupPart]]
) -> None:
    parts = await exported(full)
    with pytest.raises(BadArguments, match="no whole backup"):
        await restore(empty, given(damage(parts)))
    for item in (COUNTER, PUMP):
        with pytest.raises(ObjectNotFound):
            await empty.get(NS, item)
    await restore(empty, given(parts))
    assert pairs(await exported(empty)) == pairs(parts)


async def test_until_the_end_every_server_says_that_the_store_is_being_restored(kept: Kept, empty: LedgerStore) -> None:
    other = await LedgerStore.open(kept.ledger)
    parts = in_small_parts(await exported(await large()))
    held = Held(parts, len(parts) - 2)
    task = asyncio.create_task(restore(empty, held))
    await held.reached.wait()
    for store in (empty, other, await LedgerStore.open(kept.ledger)):
        with pytest.raises(StoreUnavailable, match="being restored"):
            await store.get(NS, COUNTER)
        with pytest.raises(StoreUnavailable, match="being restored"):
            await store.create(NS, NewObject(ObjectId("mine")))
        with pytest.raises(StoreUnavailable, match="being restored"):
            await anext(store.watch(NS, None))
        with pytest.raises(StoreUnavailable, match="being restored"):
            await exported(store)
    held.go_on.set()
    _, token = await task
    for store in (empty, other):
        found = await store.get(NS, COUNTER)
        assert found.token.epoch == token.epoch == store.epoch


async def test_what_was_read_before_a_restore_is_not_committed_after_it(kept: Kept, full: LedgerStore) -> None:
    one, other = await LedgerStore.open(kept.ledger), await LedgerStore.open(kept.ledger)
    root = await other.get(NS, ObjectId("root"))
    await restore(one, given(await exported(full)))
    with pytest.raises((Conflict, StoreUnavailable)):
        await other.commit(writing(root, slots={"n": 1}), Lane("l", 1))
    assert (await one.get(NS, ObjectId("root"))).slots == {}


async def test_tokens_of_before_are_stale_and_watchers_list_again(kept: Kept, full: LedgerStore) -> None:
    one, other = await LedgerStore.open(kept.ledger), await LedgerStore.open(kept.ledger)
    before = (await one.get(NS, ObjectId("root"))).token
    watches = [store.watch(NS, before) for store in (one, other)]
    assert [(await anext(watch)).token for watch in watches] == [before, before]
    following = [asyncio.create_task(rest(watch)) for watch in watches]
    await asyncio.sleep(0.05)  # for etcd to know of them
    await restore(one, given(await exported(full)))
    async with asyncio.timeout(PATIENCE):
        for task in following:
            with pytest.raises(StaleToken):
                await task
    await other.get(NS, COUNTER)
    for store in (one, other):
        with pytest.raises(StaleToken):
            await anext(store.watch(NS, before))


async def test_a_restore_that_was_killed_is_begun_anew(kept: Kept, empty: LedgerStore) -> None:
    parts = in_small_parts(await exported(await large()))
    held = Held(parts, len(parts) - 2)
    killed = asyncio.create_task(restore(empty, held))
    await held.reached.wait()
    later = await LedgerStore.open(kept.ledger)  # the first is still there, as one would be that only hangs
    count, token = await restore(later, given(parts))
    held.go_on.set()
    with pytest.raises(Conflict, match="another restore"):
        await killed
    assert count == len(pairs(parts))
    assert pairs(await exported(later)) == pairs(parts)
    assert (await empty.get(NS, COUNTER)).token.epoch == token.epoch


async def test_a_restore_whose_caller_goes_away_leaves_an_empty_store(empty: LedgerStore) -> None:
    parts = in_small_parts(await exported(await large()))
    held = Held(parts, len(parts) - 2)
    task = asyncio.create_task(restore(empty, held))
    await held.reached.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    with pytest.raises(ObjectNotFound):
        await empty.get(NS, COUNTER)
    await empty.create(NS, NewObject(ObjectId("mine")))


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


async def test_many_namespaces_are_restored(empty: LedgerStore) -> None:
    full = await LedgerStore.open(MemoryLedger())
    for number in range(150):
        await put(full.ledger, f"/batos/n{number}/o/x//".encode(), b"\x01\x80")
    parts = await exported(full)
    await restore(empty, given(parts))
    assert pairs(await exported(empty)) == pairs(parts)


async def test_etcd_that_lost_what_it_held_is_not_taken_for_an_empty_store(kept: Kept, empty: LedgerStore) -> None:
    await kept.ledger.transact(Step(deletes=[EVERYTHING]))
    with pytest.raises(StoreUnavailable, match="lost what it held"):
        await empty.get(NS, COUNTER)
