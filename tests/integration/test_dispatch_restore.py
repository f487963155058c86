"""Dispatchers that run while a backup is restored under them: they notice, and go on with what is there now."""

import asyncio
from collections.abc import AsyncGenerator

import pytest
import pytest_asyncio

from fakes.filled import SOURCE
from fakes.rig import INCREMENT, NS, PUMP, READ, Rig
from kernel.errors import StaleToken
from kernel.messages import Consistency
from kernel.objects import ObjectId, Selector
from objectstore.backups import BackupPart
from objectstore.export import export
from objectstore.ledger_store import LedgerStore
from objectstore.memory import MemoryLedger
from objectstore.restore import restore
from objectstore.store import Draft, NewObject
from sandbox.host import Sandbox

pytestmark = pytest.mark.asyncio(loop_scope="module")
COUNT = Selector("increment")
PATIENCE = 10.0


@pytest_asyncio.fixture(loop_scope="module")
async def saved() -> list[BackupPart]:
    """A backup of one object that has learned two methods."""
    store = await LedgerStore.open(MemoryLedger())
    await store.create(NS, NewObject(PUMP, slots={"count": 40}))
    for source in (INCREMENT, READ):
        selector = Selector(source.split("def ", 1)[1].split("(", 1)[0])
        await store.register(NS, Draft(PUMP, selector, source), activate=True)
    return [part async for part in export(store.ledger, "")]


async def given(parts: list[BackupPart]) -> AsyncGenerator[BackupPart]:
    for part in parts:
        yield part


async def test_a_running_dispatcher_serves_what_was_restored(rig: Rig, saved: list[BackupPart]) -> None:
    root = (await rig.store.get(NS, ObjectId("root"))).token
    await rig.put("gone/first", READ, count=1)
    assert (await rig.send("read", to="gone/first")).result == 1
    before = (await rig.store.get(NS, ObjectId("gone/first"))).token
    await rig.store.delete(NS, ObjectId("gone/first"))
    await restore(rig.store, given(saved))
    assert (await rig.send("increment", 2)).result == 42
    assert await rig.slots(PUMP) == {"count": 42}
    for token in (root, before):
        with pytest.raises(StaleToken):
            await rig.send("read", consistency=Consistency.AT_LEAST, token=str(token))
    now = (await rig.store.get(NS, ObjectId(PUMP))).token
    assert (await rig.send("read", consistency=Consistency.AT_LEAST, token=str(now))).result == 42


async def test_a_version_number_given_again_is_the_new_version(sandbox: Sandbox, saved: list[BackupPart]) -> None:
    rig = Rig(await LedgerStore.open(MemoryLedger()), sandbox)
    try:
        await restore(rig.store, given(saved))
        await rig.store.register(NS, Draft(ObjectId(PUMP), COUNT, SOURCE.format(by=100)), activate=True)
        assert (await rig.send("increment")).result == 140  # version 2 of an incarnation that comes again
        await rig.store.delete(NS, ObjectId(PUMP))
        await restore(rig.store, given(saved))
        await rig.store.register(NS, Draft(ObjectId(PUMP), COUNT, SOURCE.format(by=7)), activate=True)
        async with asyncio.timeout(PATIENCE):
            assert (await rig.send("increment", consistency=Consistency.FULL)).result == 47
            assert (await rig.send("increment")).result == 54
    finally:
        await rig.dispatch.stop()
