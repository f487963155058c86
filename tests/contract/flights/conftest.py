"""Flights that must keep the promises: over memory and over etcd, behind a channel, and asked everything twice."""

from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack

import pytest

from fakes.boarded import Boarded, in_etcd, in_memory, served, twice
from objectstore.flights import Flights


@pytest.fixture(params=["memory", "etcd", "memory behind a channel", "etcd behind a channel", "memory asked twice"])
async def boarded(request: pytest.FixtureRequest) -> AsyncGenerator[Boarded]:
    async with AsyncExitStack() as stack:
        where = str(request.param)
        if where.startswith("etcd"):
            found = await stack.enter_async_context(in_etcd(request.getfixturevalue("etcd_endpoint")))
        else:
            found = await stack.enter_async_context(in_memory())
        if "channel" in where:
            found = await stack.enter_async_context(served(found))
        yield twice(found) if "twice" in where else found


@pytest.fixture
def flights(boarded: Boarded) -> Flights:
    return boarded.flights
