"""Every store that must keep the promises: over memory and over etcd, in this program and behind a channel."""

from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack

import pytest

from fakes.stores import Kept, in_etcd, in_memory, served
from objectstore.store import Store


@pytest.fixture(params=["memory", "etcd", "memory behind a channel", "etcd behind a channel"])
async def kept(request: pytest.FixtureRequest) -> AsyncGenerator[Kept]:
    async with AsyncExitStack() as stack:
        where = str(request.param)
        if where.startswith("etcd"):
            found = await stack.enter_async_context(in_etcd(request.getfixturevalue("etcd_endpoint")))
        else:
            found = await stack.enter_async_context(in_memory())
        yield await stack.enter_async_context(served(found)) if "channel" in where else found


@pytest.fixture
def store(kept: Kept) -> Store:
    return kept.store
