"""An etcd that is over its quota, each that is here: changes say STORE_FULL, all else goes on, and it recovers."""

import asyncio
import time
from collections.abc import AsyncGenerator, Iterator
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from batos.addresses import Addresses
from batos.client import Client
from batos.errors import BatosError
from batos.identifiers import new_request_id
from batos.local.child import Child
from batos.v1 import objectstore_pb2 as pb
from batos.v1.objectstore_pb2_grpc import ObjectStoreStub
from chassis.address import Address
from chassis.client import channel
from fakes.etcd import Etcd, free_ports, programs
from fakes.programs import filled, started
from fakes.stores import in_etcd, reads_of, writing
from kernel.errors import StoreFull
from kernel.messages import MethodRef
from kernel.objects import DEFAULT_NAMESPACE, Level, ObjectId, Selector
from kernel.transactions import KeptReply, Lane, Token, Transaction
from objectstore.etcd.ledger import EtcdLedger
from objectstore.ledger import Span, Step
from objectstore.ledger_store import LedgerStore
from objectstore.store import NewObject, Store

NS = DEFAULT_NAMESPACE
A = ObjectId("a")
TOLD_S = 3.0  # in which a change is refused
READ = "def read(self):\n    self._p_changed = True\n    return self.count\n"


@pytest.fixture(params=programs(), ids=["etcd on PATH", "etcd of pip"][-len(programs()) :])
def small(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Etcd]:
    """An etcd of two megabytes."""
    server = Etcd(tmp_path / "etcd", flags=["--quota-backend-bytes=2000000"], server=request.param)
    server.start()
    yield server
    server.kill()


async def refused(store: Store, lane: Lane) -> None:
    """A commit and a creation fail in time."""
    a = await store.get(NS, A)
    began = time.monotonic()
    with pytest.raises(StoreFull, match="disarm"):
        await store.commit(writing(a, slots={"n": -1}), lane)
    with pytest.raises(StoreFull):
        await store.create(NS, NewObject(ObjectId("b")))
    assert time.monotonic() - began < TOLD_S


async def watched(store: Store, after: Token, through: Token) -> list[object]:
    """What slots of `a` a watch tells until it has come so far."""
    told: list[object] = []
    async with asyncio.timeout(10), aclosing(store.watch(NS, after)) as watch:
        async for changes in watch:
            told += [change.slots["n"] for change in changes.items if change.slots]
            if changes.token.revision >= through.revision:
                return told
    raise AssertionError("the watch ended")


async def test_a_full_etcd_takes_no_change_answers_every_read_and_recovers_without_a_restart(small: Etcd) -> None:
    async with in_etcd(small.endpoint) as kept:
        store = kept.store
        made = await store.create(NS, NewObject(A, slots={"n": 0}))
        method = MethodRef(A, Selector("add"), 1, "00", Level.AUDITED)
        reply = KeptReply(A, made.definition.incarnation, "local", "r1", "d", 1, method)
        await store.commit(Transaction(NS, reads_of(made), replies=(reply,)), Lane("l", 1))
        last = await store.commit(writing(made, slots={"n": 1}), Lane("l", 2))
        small.fill()
        await refused(store, Lane("l", 3))
        again = await EtcdLedger.open([Address.parse(small.endpoint)])
        for each in (store, await LedgerStore.open(again)):
            found = await each.get(NS, A)
            assert found.slots == {"n": 1}
            assert [item.object_id for item in (await each.list(NS, "", 0, "")).items] == ["a", "root"]
            assert (await each.commit(Transaction(NS, reads_of(found)), Lane("l", 3))).revision >= last.revision
            assert (await each.kept_reply(NS, A, reply.incarnation, "local", "r1"))[0] == reply
            assert await each.settle(NS, Lane("l", 2)) == last
            assert await watched(each, made.token, found.token) == [1]
        small.make_room()
        last = await store.commit(writing(found, slots={"n": 2}), Lane("l", 3))
        assert await watched(store, found.token, last) == [2]
        await again.close()


async def test_spans_of_a_full_etcd_are_read_at_one_revision_with_their_limits_and_counts(small: Etcd) -> None:
    ledger = await EtcdLedger.open([Address.parse(small.endpoint)])
    keys = [f"/batos/k/{n:03}".encode() for n in range(60)]
    first = await ledger.transact(Step(puts=dict.fromkeys(keys, b"1")))
    assert first is not None
    await ledger.transact(Step(puts=dict.fromkeys(keys[:30], b"2")))
    small.fill()
    reading = await ledger.read(Span.prefix(b"/batos/k/", 7), Span.key(keys[40], values=False), Span.key(b"/batos/x"))
    assert [[entry.key for entry in part] for part in reading.spans] == [keys[:7], [keys[40]], []]
    assert [reading.spans[0][0].value, reading.spans[1][0].value] == [b"2", b""]
    assert list(reading.counts) == [60, 1, 0]
    many = await ledger.read(*(Span.key(key) for key in keys))
    assert [part[0].value for part in many.spans] == [b"2"] * 30 + [b"1"] * 30
    assert many.revision == reading.revision == (await ledger.read()).revision
    past = await ledger.read_all_at(first, [Span.key(key) for key in keys])
    assert [part[0].value for part in past] == [b"1"] * 60
    await ledger.close()


@dataclass(slots=True)
class Suite:
    """An objectstore and a dispatcher over an etcd, and a client of theirs."""

    folder: Path
    etcd: str
    listen: str = field(default_factory=lambda: f"127.0.0.1:{free_ports(1)[0]}")

    async def objectstore(self) -> Child:
        """Start one, where the last was."""
        given = {"BATOS_ETCD_ENDPOINTS": self.etcd, "BATOS_LISTEN": self.listen}
        return await started(self.folder, "objectstore", **given)

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[tuple[Client, Child]]:
        async with AsyncExitStack() as stack:
            store = await self.objectstore()
            stack.push_async_callback(store.stop)
            await filled(store.address)
            async with channel(store.address) as to:
                read = pb.RegisterMethodRequest(holder="counter", selector="read", source=READ, activate=True)
                await ObjectStoreStub(to).RegisterMethod(read)
            dispatcher = await started(self.folder, "dispatcher", BATOS_OBJECTSTORE=store.address)
            stack.push_async_callback(dispatcher.stop)
            addresses = Addresses(dispatcher=dispatcher.address, objectstore=store.address)
            yield await stack.enter_async_context(Client(addresses, patience=0.0)), store


async def reads_go_on(client: Client, count: int, kept: str) -> None:
    """Reads, dry runs and replies that were kept are answered, and changes are refused in time."""
    for number in range(4):
        with pytest.raises(BatosError, match="no space left") as told:
            async with asyncio.timeout(TOLD_S):
                await client.send(f"counter/{number}", "increment")
        assert told.value.reason == "STORE_FULL"
    async with asyncio.timeout(10):
        assert (await client.send("counter/0", "read")).result == count
        assert (await client.send("counter/0", "read", consistency="full")).result == count
        assert (await client.send("counter/0", "increment", dry_run=True)).result == count + 1
        assert (await client.send("counter/0", "increment", request_id=kept)).result == count


async def test_sends_over_a_full_etcd_read_and_say_what_is_wrong_over_a_restart_too(
    small: Etcd, tmp_path: Path
) -> None:
    suite = Suite(tmp_path, small.endpoint)
    async with suite.running() as (client, store):
        kept = new_request_id()
        assert (await client.send("counter/0", "increment", request_id=kept)).result == 1
        small.fill()
        await reads_go_on(client, 1, kept)
        await store.stop()
        again = await suite.objectstore()
        try:
            async with asyncio.timeout(15):
                while True:
                    try:
                        await client.send("counter/0", "read", consistency="full")
                        break
                    except BatosError:
                        await asyncio.sleep(0.2)
            await reads_go_on(client, 1, kept)
            small.make_room()
            async with asyncio.timeout(10):
                assert (await client.send("counter/0", "increment")).result == 2
        finally:
            await again.stop()
