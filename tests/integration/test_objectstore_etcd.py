"""What the ledger in etcd does when etcd goes away, is full, or lets leases end; and what it tells of itself."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing, asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import aetcd
import pytest

import vocabulary
from chassis.address import Address
from chassis.telemetry import in_memory
from fakes.etcd import Etcd, free_ports
from fakes.proxy import Proxy
from fakes.stores import in_etcd, reads_of, writing
from kernel.errors import LimitExceeded, StoreFull, StoreUnavailable
from kernel.messages import MethodRef
from kernel.objects import DEFAULT_NAMESPACE, Level, ObjectId, Selector
from kernel.transactions import KeptReply, Lane, Token, Transaction
from objectstore.commits import REPLY_SECONDS
from objectstore.etcd.connection import Connection, target_of
from objectstore.etcd.ledger import EtcdLedger
from objectstore.keys import ReplyKey
from objectstore.ledger import Span, Step
from objectstore.ledger_store import LedgerStore
from objectstore.store import Changes, NewObject, Store, StoredObject

NS = DEFAULT_NAMESPACE
A = ObjectId("a")


@asynccontextmanager
async def client_of(endpoint: str) -> AsyncGenerator[Any]:
    address = Address.parse(endpoint)
    untyped: Any = aetcd.Client(address.host, address.port)
    async with untyped as client:
        yield client


async def write(store: Store, numbers: range) -> Token:
    """A commit for each number, in slot n, tried until it is made."""
    token = (await store.get(NS, A)).token
    for n in numbers:
        while True:
            try:
                token = await store.commit(writing(await store.get(NS, A), slots={"n": n}), Lane(f"w{n}", 1))
                break
            except StoreUnavailable:
                await asyncio.sleep(0.05)
    return token


async def numbers(watch: AsyncGenerator[Changes], last: int) -> list[object]:
    found: list[object] = []
    async for changes in watch:
        found += [change.slots["n"] for change in changes.items if change.slots]
        if last in found:
            return found
    raise AssertionError("the watch ended")


async def test_a_watch_misses_nothing_while_etcd_is_killed_and_comes_back(tmp_path: Path) -> None:
    server = Etcd(tmp_path)
    server.start()
    try:
        async with in_etcd(server.endpoint) as kept, asyncio.timeout(30):
            start = (await kept.store.create(NS, NewObject(A, slots={"n": 0}))).token
            async with aclosing(kept.store.watch(NS, start)) as watch:
                watching = asyncio.create_task(numbers(watch, 30))
                await write(kept.store, range(1, 11))
                for through in (21, 31):
                    server.kill()
                    await asyncio.sleep(0.2)
                    server.start()
                    await write(kept.store, range(through - 10, through))
                assert await watching == list(range(1, 31))
    finally:
        server.kill()


async def test_a_watch_misses_nothing_when_its_connection_is_cut(etcd_endpoint: str) -> None:
    async with in_etcd(etcd_endpoint) as kept, Proxy(Address.parse(etcd_endpoint).port) as proxy, asyncio.timeout(30):
        ledger = EtcdLedger(Connection([Address.parse(proxy.address)]))
        behind = await LedgerStore.open(ledger)
        start = (await kept.store.create(NS, NewObject(A, slots={"n": 0}))).token
        async with aclosing(behind.watch(NS, start)) as watch:
            watching = asyncio.create_task(numbers(watch, 60))
            for first in range(1, 61, 10):
                await write(kept.store, range(first, first + 5))
                proxy.cut()
                await write(kept.store, range(first + 5, first + 10))
            assert await watching == list(range(1, 61))
        await ledger.close()


async def reply_for(store: Store) -> tuple[StoredObject, KeptReply]:
    a = await store.create(NS, NewObject(A))
    method = MethodRef(A, Selector("add"), 1, "00", Level.AUDITED)
    return a, KeptReply(A, a.definition.incarnation, "local", "r1", "d", 1, method)


async def test_kept_replies_end_by_themselves_after_a_quarter_of_an_hour(etcd_endpoint: str) -> None:
    async with in_etcd(etcd_endpoint) as kept, client_of(etcd_endpoint) as client:
        a, reply = await reply_for(kept.store)
        await kept.store.commit(Transaction(NS, reads_of(a), replies=(reply,)), Lane("l", 1))
        await kept.store.commit(Transaction(NS, reads_of(a), replies=(replace(reply, request_id="r2"),)), Lane("l", 2))
        keys = [ReplyKey(NS, A, reply.incarnation, reply.principal, request_id).encode() for request_id in ("r1", "r2")]
        leases = {(await client.get(key)).lease for key in keys}
        assert len(leases) == 1
        ends = (await client.get_lease_info(leases.pop())).TTL
        assert REPLY_SECONDS - 5 < ends <= REPLY_SECONDS + 60


async def test_a_lease_that_etcd_no_longer_knows_is_replaced(etcd_endpoint: str) -> None:
    async with in_etcd(etcd_endpoint) as kept, client_of(etcd_endpoint) as client:
        a, reply = await reply_for(kept.store)
        await kept.store.commit(Transaction(NS, reads_of(a), replies=(reply,)), Lane("l", 1))
        key = (A, reply.incarnation, reply.principal, "r1")
        await client.revoke_lease((await client.get(ReplyKey(NS, *key).encode())).lease)
        assert (await kept.store.kept_reply(NS, *key))[0] is None
        await kept.store.commit(Transaction(NS, reads_of(a), replies=(reply,)), Lane("l", 2))
        assert (await kept.store.kept_reply(NS, *key))[0] == reply


async def test_a_full_store_says_so_and_goes_on_reading(etcd_endpoint: str) -> None:
    async with in_etcd(etcd_endpoint) as kept, client_of(etcd_endpoint) as client:
        a = await kept.store.create(NS, NewObject(A, slots={"n": 0}))
        await client.create_alarm()
        try:
            with pytest.raises(StoreFull):
                await kept.store.commit(writing(a, slots={"n": 1}), Lane("l", 1))
            with pytest.raises(StoreFull):
                await kept.store.create(NS, NewObject(ObjectId("b")))
            assert (await kept.store.get(NS, A)).slots == {"n": 0}
        finally:
            await client.disarm_alarm()
        await kept.store.commit(writing(a, slots={"n": 1}), Lane("l", 1))


async def test_what_etcd_finds_too_large_is_a_limit(etcd_endpoint: str) -> None:
    async with in_etcd(etcd_endpoint) as kept:
        with pytest.raises(LimitExceeded):
            await kept.ledger.transact(Step(puts={b"/batos/large": b"x" * (1 << 21)}))


async def test_of_several_endpoints_one_that_answers_is_enough(etcd_endpoint: str) -> None:
    dead = Address("127.0.0.1", free_ports(1)[0])
    ledger = await EtcdLedger.open([dead, Address.parse(etcd_endpoint)], ready_seconds=5.0)
    try:
        store = await LedgerStore.open(ledger)
        for n in range(5):
            await store.create(NS, NewObject(ObjectId(f"x{n}")))
    finally:
        await ledger.close()


def test_an_endpoint_with_a_name_is_resolved_again_and_again() -> None:
    assert target_of(Address("10.0.0.1", 1)) == "10.0.0.1:1"
    assert target_of(Address("::1", 1)) == "[::1]:1"
    assert target_of(Address("etcd.internal", 1)) == "dns:///etcd.internal:1"


async def test_no_etcd_is_told_with_where_it_was_looked_for() -> None:
    dead = Address("127.0.0.1", free_ports(1)[0])
    with pytest.raises(StoreUnavailable, match=f"no etcd answers at {dead} within 0.3 s"):
        await EtcdLedger.open([dead], ready_seconds=0.3)


async def test_several_servers_open_one_empty_store_at_once(etcd_endpoint: str) -> None:
    ledgers = [await EtcdLedger.open([Address.parse(etcd_endpoint)]) for _ in range(4)]
    stores = await asyncio.gather(*(LedgerStore.open(ledger) for ledger in ledgers))
    assert len({store.epoch for store in stores}) == 1
    assert len({(await store.list(NS, "", 0, "")).items[0].definition.incarnation for store in stores}) == 1
    for ledger in ledgers:
        await ledger.close()


async def test_each_request_to_etcd_is_a_span_below_the_current_one(etcd_endpoint: str) -> None:
    telemetry, exporter = in_memory()
    ledger = await EtcdLedger.open([Address.parse(etcd_endpoint)], telemetry)
    store = await LedgerStore.open(ledger)
    a = await store.create(NS, NewObject(A))
    exporter.clear()
    with telemetry.span("test") as current:
        await store.commit(writing(a, slots={"n": 1}), Lane("l", 1))
        await ledger.read(Span.key(b"/batos/"))
    parent = current.get_span_context().span_id
    spans = [span for span in exporter.get_finished_spans() if span.parent and span.parent.span_id == parent]
    assert {span.name for span in spans} == {"Txn", "Range"}
    for span in spans:
        assert span.attributes is not None
        assert span.attributes[vocabulary.DB_SYSTEM_NAME] == "etcd"
        assert span.attributes[vocabulary.DB_OPERATION_NAME] == span.name
    await ledger.close()
