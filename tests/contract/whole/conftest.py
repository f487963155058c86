"""A store over each ledger, empty, and what fills it."""

from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack

import pytest

from fakes.filled import fill
from fakes.stores import Kept, in_etcd, in_memory
from objectstore.ledger_store import LedgerStore
from objectstore.memory import MemoryLedger


@pytest.fixture(params=["memory", "etcd"])
async def kept(request: pytest.FixtureRequest) -> AsyncGenerator[Kept]:
    """The store that is restored into, empty; the one that backups are of is in memory."""
    async with AsyncExitStack() as stack:
        if request.param == "etcd":
            yield await stack.enter_async_context(in_etcd(request.getfixturevalue("etcd_endpoint")))
        else:
            yield await stack.enter_async_context(in_memory())


@pytest.fixture
def empty(kept: Kept) -> LedgerStore:
    assert isinstance(kept.store, LedgerStore)
    return kept.store


@pytest.fixture
async def full() -> LedgerStore:
    store = await LedgerStore.open(MemoryLedger())
    await fill(store)
    return store


@pytest.fixture
async def store(empty: LedgerStore) -> LedgerStore:
    """A store with something of every kind in it."""
    await fill(empty)
    return empty
