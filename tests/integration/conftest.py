"""The real sandbox, entered once a module, and a dispatcher over it."""

from collections.abc import AsyncGenerator

import pytest_asyncio

from fakes.rig import Rig
from objectstore.ledger_store import LedgerStore
from objectstore.memory import MemoryLedger
from sandbox.host import Sandbox


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def sandbox() -> AsyncGenerator[Sandbox]:
    """The sandbox; its tests run in the module's loop."""
    async with Sandbox() as sandbox:
        yield sandbox


@pytest_asyncio.fixture(loop_scope="module")
async def rig(sandbox: Sandbox) -> AsyncGenerator[Rig]:
    """A dispatcher over an empty store."""
    rig = Rig(await LedgerStore.open(MemoryLedger()), sandbox)
    yield rig
    await rig.dispatch.stop()
