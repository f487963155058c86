"""What a restore promises, from a store in memory into each."""

import asyncio
from collections.abc import Callable
from dataclasses import replace

import pytest

from fakes.filled import COUNTER, INCREMENT, LEAF, NS, PUMP, SOURCE, put
from fakes.saved import Held, exported, given, in_small_parts, large, pairs, resealed, rest
from fakes.stores import EVERYTHING, Kept, writing
from kernel.errors import BadArguments, Conflict, ObjectNotFound, StaleToken, StoreUnavailable
from kernel.objects import SYSTEM_NAMESPACE, ObjectId
from kernel.transactions import Lane
from objectstore.backups import BackupPart, Entries, Header, Pair
from objectstore.check import check
from objectstore.keys import META, LaneKey
from objectstore.ledger import Step
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


async def test_roots_personas_and_the_switch_are_replaced_by_those_of_the_backup(
    full: LedgerStore, empty: LedgerStore
) -> None:
    alfred = ObjectId("persona/alfred")
    await full.create(SYSTEM_NAMESPACE, NewObject(alfred, slots={"core_identity": "edited"}))
    for name in ("persona/alfred", "persona/brick", "synthesis"):
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
