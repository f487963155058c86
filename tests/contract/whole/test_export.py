"""What a backup holds."""

import asyncio

import pytest

from fakes.filled import NS, SECONDS, put
from fakes.saved import exported, given, pairs, resealed
from fakes.stores import EVERYTHING, Kept, writing
from kernel.errors import StoreUnavailable
from kernel.objects import SYSTEM_NAMESPACE, ObjectId
from kernel.transactions import Lane
from objectstore.backups import BackupPart, Entries, Header
from objectstore.export import export
from objectstore.keys import MemberKey
from objectstore.ledger_store import LedgerStore
from objectstore.memory import MemoryLedger
from objectstore.restore import restore
from objectstore.store import NewObject, Update


async def test_a_backup_is_a_header_all_entries_in_order_and_a_footer(full: LedgerStore) -> None:
    await put(full.ledger, MemberKey(SYSTEM_NAMESPACE, "dispatcher", "one").encode(), b"", seconds=SECONDS)
    parts = await exported(full)
    header, *_, footer = parts
    reading = await full.ledger.read()
    assert header == Header(1, full.epoch, reading.revision, "1.2.3")
    entries = pairs(parts)
    assert list(entries) == sorted(entries)
    assert footer == resealed(parts)[-1]
    kinds = {key.split(b"/")[3] for key in entries}
    assert kinds == {b"c", b"d", b"e", b"m", b"o", b"r", b"x", b"y"}
    left_out = {entry.key for entry in (await full.ledger.read(EVERYTHING)).spans[0]} - entries.keys()
    assert {key.split(b"/")[3] for key in left_out} == {b"", b"l", b"w"}


async def test_a_backup_while_writes_go_on_is_of_one_moment(kept: Kept, empty: LedgerStore) -> None:
    for name in ("a", "z"):
        await empty.create(NS, NewObject(ObjectId(name), slots={"n": 0}))
    for number in range(120):  # many pages between the two
        await empty.create(NS, NewObject(ObjectId(f"m/{number}"), slots={"pad": "x" * 20_000}))
    done = asyncio.Event()

    async def write() -> int:
        number = 0
        while not done.is_set():
            number += 1
            both = [await empty.get(NS, ObjectId(name)) for name in ("a", "z")]
            await empty.commit(writing(*both, slots={"n": number}), Lane("writer", number))
            await asyncio.sleep(0)
        return number

    writing_on = asyncio.create_task(write())
    await asyncio.sleep(0.05)
    backups: list[list[BackupPart]] = []
    for _ in range(3):
        parts: list[BackupPart] = []
        async for part in export(empty.ledger, "1"):
            parts.append(part)
            await asyncio.sleep(0.005)
        backups.append(parts)
    done.set()
    assert await writing_on > 3
    for parts in backups:
        entries = pairs(parts)
        assert entries[b"/batos/default/o/a//"] == entries[b"/batos/default/o/z//"]
    assert len({pairs(parts)[b"/batos/default/o/a//"] for parts in backups}) > 1


async def test_a_backup_that_compaction_overtakes_says_to_begin_again(kept: Kept, empty: LedgerStore) -> None:
    for number in range(200):
        await empty.create(NS, NewObject(ObjectId(f"m/{number}"), slots={"pad": "x" * 20_000}))
    backup = export(empty.ledger, "1")
    await anext(backup)
    await empty.update(NS, Update(ObjectId("m/0"), slots={}))
    await kept.compact()
    with pytest.raises(StoreUnavailable, match="begin again"):
        async for _ in backup:
            pass


async def test_no_part_is_larger_than_any_client_takes(kept: Kept, empty: LedgerStore) -> None:
    for number in range(12):
        await empty.create(NS, NewObject(ObjectId(f"m/{number}"), slots={"pad": "x" * 900_000}))
    sizes = [
        sum(len(pair.key) + len(pair.value) for pair in part.pairs)
        for part in await exported(empty)
        if isinstance(part, Entries)
    ]
    assert max(sizes) < 3 << 20
    store = await LedgerStore.open(MemoryLedger())
    await restore(store, given(await exported(empty)))
    assert pairs(await exported(store)) == pairs(await exported(empty))
