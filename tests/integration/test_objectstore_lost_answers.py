"""A change whose answer is lost is settled before the caller hears of it: real etcd, and a network that loses."""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from chassis.address import Address
from chassis.client import channel
from fakes.etcd import Etcd
from fakes.proxy import Proxy
from fakes.stores import in_etcd, serving, writing
from kernel.errors import CommitUnclear, StoreUnavailable
from kernel.objects import DEFAULT_NAMESPACE, ObjectId
from kernel.transactions import Lane
from objectstore.client import StoreClient
from objectstore.etcd.connection import Connection
from objectstore.etcd.ledger import EtcdLedger
from objectstore.ledger_store import LedgerStore
from objectstore.store import NewObject, Store, StoredObject

NS = DEFAULT_NAMESPACE
A = ObjectId("a")
APPLIED = 0.3  # seconds that suffice for what was sent to be applied


@dataclass(frozen=True)
class Behind:
    """A store behind a proxy, and the truth beside it."""

    store: Store
    proxy: Proxy
    truth: Store


async def _between_store_and_etcd(stack: AsyncExitStack, endpoint: str) -> Behind:
    truth = (await stack.enter_async_context(in_etcd(endpoint))).store
    proxy = await stack.enter_async_context(Proxy(Address.parse(endpoint).port))
    ledger = EtcdLedger(Connection([Address.parse(proxy.address)], seconds=1.0))
    stack.push_async_callback(ledger.close)
    return Behind(await LedgerStore.open(ledger), proxy, truth)


async def _between_client_and_server(stack: AsyncExitStack, endpoint: str) -> Behind:
    truth = (await stack.enter_async_context(in_etcd(endpoint))).store
    address = await stack.enter_async_context(serving(truth))
    proxy = await stack.enter_async_context(Proxy(address.port))
    connected = await stack.enter_async_context(channel(proxy.address))
    return Behind(StoreClient(connected, call_seconds=1.0), proxy, truth)


@pytest.fixture(params=[_between_store_and_etcd, _between_client_and_server], ids=["to etcd", "to the server"])
async def behind(request: pytest.FixtureRequest, etcd_endpoint: str) -> AsyncGenerator[Behind]:
    async with AsyncExitStack() as stack:
        yield await request.param(stack, etcd_endpoint)


@pytest.fixture
async def a(behind: Behind) -> StoredObject:
    """An object, and lane l at number 1: the first number of a lane takes one more step."""
    made = await behind.store.create(NS, NewObject(A, slots={"n": 9}))
    await behind.store.commit(writing(made, slots={"n": 0}), Lane("l", 1))
    return await behind.store.get(NS, A)


async def disturbed(behind: Behind, disturb: Callable[[], None], a: StoredObject, lane: Lane) -> object:
    """What a commit answers when the network is disturbed from just before it, and cut a little later."""
    disturb()
    commit = asyncio.create_task(behind.store.commit(writing(a, slots={"n": 1}), lane))
    await asyncio.sleep(APPLIED)
    behind.proxy.cut()
    return (await asyncio.gather(commit, return_exceptions=True))[0]


async def test_a_commit_whose_answer_was_lost_is_answered_as_made(behind: Behind, a: StoredObject) -> None:
    token = await disturbed(behind, behind.proxy.swallow_answers, a, Lane("l", 2))
    found = await behind.truth.get(NS, A)
    assert found.slots == {"n": 1}
    assert token == replace(found.token, revision=found.slots_revision)
    await behind.store.commit(writing(found, slots={"n": 2}), Lane("l", 3))


async def test_a_commit_that_never_arrived_is_told_as_not_made(behind: Behind, a: StoredObject) -> None:
    failure = await disturbed(behind, behind.proxy.hold_requests, a, Lane("l", 2))
    assert isinstance(failure, StoreUnavailable)
    assert not isinstance(failure, CommitUnclear)
    assert await behind.truth.settle(NS, Lane("l", 2)) is None
    await behind.store.commit(writing(a, slots={"n": 2}), Lane("l", 3))
    assert (await behind.truth.get(NS, A)).slots == {"n": 2}


async def test_a_commit_that_arrives_after_it_was_settled_changes_nothing(behind: Behind, a: StoredObject) -> None:
    failure = await disturbed(behind, behind.proxy.hold_requests, a, Lane("l", 2))
    assert isinstance(failure, StoreUnavailable)
    await behind.proxy.release()
    await asyncio.sleep(APPLIED)
    found = await behind.truth.get(NS, A)
    assert (found.slots, found.slots_revision) == ({"n": 0}, a.slots_revision)


async def _made(store: Store) -> bool:
    return bool((await store.list(NS, "a", 1, "")).items)


async def test_a_change_that_is_not_answered_by_the_server_is_unclear(etcd_endpoint: str) -> None:
    async with AsyncExitStack() as stack:
        behind = await _between_client_and_server(stack, etcd_endpoint)
        await behind.store.create(NS, NewObject(ObjectId("before")))
        behind.proxy.swallow_answers()
        with pytest.raises(CommitUnclear):
            await behind.store.create(NS, NewObject(A))
        assert await _made(behind.truth)


async def test_what_cannot_be_settled_in_time_is_unclear_and_is_settled_later(tmp_path: Path) -> None:
    server = Etcd(tmp_path)
    server.start()
    try:
        ledger = EtcdLedger(Connection([Address.parse(server.endpoint)], seconds=0.3), read_seconds=0.5)
        store = await LedgerStore.open(ledger, settle_seconds=1.0)
        a = await store.create(NS, NewObject(A, slots={"n": 0}))
        await store.commit(writing(a, slots={"n": 1}), Lane("l", 1))
        a = await store.get(NS, A)
        server.kill()
        began = time.monotonic()
        with pytest.raises(CommitUnclear) as unclear:
            await store.commit(writing(a, slots={"n": 2}), Lane("l", 2))
        assert time.monotonic() - began < 3.0
        assert unclear.value.fields["unclear"] == "l"
        with pytest.raises(StoreUnavailable, match="does not answer"):
            await store.get(NS, A)
        with pytest.raises(CommitUnclear):
            await store.settle(NS, Lane("l", 2))
        server.start()
        async with asyncio.timeout(10):
            assert await store.settle(NS, Lane("l", 2)) is None
        found = await store.get(NS, A)
        assert found.slots == {"n": 1}
        await store.commit(writing(found, slots={"n": 3}), Lane("l", 3))
        await ledger.close()
    finally:
        server.kill()
