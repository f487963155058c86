"""An etcd of three members that lose each other, and one that is full or corrupt: requests go on, or say why not."""

import asyncio
import time
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing
from pathlib import Path

import pytest

from chassis.address import Address
from fakes.etcd import Cluster, Etcd
from kernel.errors import KernelError, LimitExceeded, StoreFull, StoreUnavailable
from kernel.objects import DEFAULT_NAMESPACE, ObjectId
from kernel.transactions import MAX_TRANSACTION_BYTES
from objectstore.etcd.connection import REQUEST_SECONDS
from objectstore.etcd.ledger import READ_SECONDS, EtcdLedger
from objectstore.hub import Hub
from objectstore.keys import SlotsKey, watched
from objectstore.ledger import MAX_OPERATIONS, Events, Span, Step, Unclear
from objectstore.ledger_store import LedgerStore
from objectstore.store import NewObject, Update

NS = DEFAULT_NAMESPACE
A = SlotsKey(NS, ObjectId("a")).encode()
AWAY = 8.0  # seconds in which another member leads, and the objectstore has found it


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    with Cluster(tmp_path) as cluster:
        yield cluster


async def opened(*endpoints: str) -> EtcdLedger:
    return await EtcdLedger.open([Address.parse(each) for each in endpoints])


class Writer:
    """Puts numbers, one after the other, each until it is acknowledged or unclear; and how long each took."""

    def __init__(self, ledger: EtcdLedger) -> None:
        self._ledger = ledger
        self.acknowledged: list[int] = []
        self.refused: list[KernelError | Unclear] = []
        self.longest = 0.0

    async def write(self, numbers: range) -> None:
        for n in numbers:
            began = time.monotonic()
            while True:
                try:
                    await self._ledger.transact(Step(puts={A: str(n).encode()}))
                except (StoreUnavailable, Unclear) as error:
                    self.refused.append(error)
                    await asyncio.sleep(0.05)
                else:
                    break
            self.acknowledged.append(n)
            self.longest = max(self.longest, time.monotonic() - began)


async def numbers(watch: AsyncGenerator[Events], last: int) -> list[int]:
    found: list[int] = []
    async with aclosing(watch) as batches:
        async for events in batches:
            found += [int(event.value or b"0") for event in events.events]
            if found and found[-1] == last:
                return found
    raise AssertionError("the watch ended")


def others(cluster: Cluster, one: Etcd) -> list[Etcd]:
    return [member for member in cluster.members if member is not one]


async def test_while_followers_and_leaders_are_killed_writes_go_on_and_watchers_miss_nothing(cluster: Cluster) -> None:
    ledger = await opened(*cluster.endpoints)
    start = await ledger.transact(Step(puts={A: b"0"}))
    assert start is not None
    async with asyncio.timeout(60):
        watching = asyncio.create_task(numbers(Hub(ledger).watch(watched(NS), start), 120))
        writer = Writer(ledger)
        await writer.write(range(1, 20))
        for last, victim in ((50, others(cluster, cluster.leader())[0]), (80, cluster.leader())):
            victim.kill()
            await writer.write(range(writer.acknowledged[-1] + 1, last))
            victim.launch()
            victim.wait()
        await writer.write(range(80, 121))
        told = await watching
    assert writer.longest < AWAY
    assert sorted(set(told)) == list(range(1, 121))
    assert told == sorted(told)
    await ledger.close()


@pytest.mark.parametrize("role", ["follower", "leader"])
async def test_a_member_that_hangs_is_left_within_the_time_of_a_request(cluster: Cluster, role: str) -> None:
    leader = cluster.leader()
    victim = leader if role == "leader" else others(cluster, leader)[0]
    ledger = await opened(*cluster.endpoints)
    start = await ledger.transact(Step(puts={A: b"0"}))
    assert start is not None
    async with asyncio.timeout(60):
        watching = asyncio.create_task(numbers(Hub(ledger).watch(watched(NS), start), 30))
        writer = Writer(ledger)
        await writer.write(range(1, 10))
        victim.pause()
        try:
            began = time.monotonic()
            await ledger.read(Span.key(A))
            assert time.monotonic() - began < READ_SECONDS
            await writer.write(range(10, 31))
            told = await watching
        finally:
            victim.resume()
    assert writer.longest < (AWAY if role == "leader" else 2 * REQUEST_SECONDS)
    assert sorted(set(told)) == list(range(1, 31))
    await ledger.close()


async def test_without_most_of_its_members_etcd_changes_nothing_and_says_so_in_time(cluster: Cluster) -> None:
    ledger = await opened(*cluster.endpoints)
    for member in cluster.members[:2]:
        member.kill()
    began = time.monotonic()
    with pytest.raises(StoreUnavailable):
        await ledger.read(Span.key(A))
    with pytest.raises((Unclear, StoreUnavailable)):
        await ledger.transact(Step(puts={A: b"1"}))
    assert time.monotonic() - began < READ_SECONDS + 3 * REQUEST_SECONDS
    await ledger.close()


async def fill(store: LedgerStore, object_id: ObjectId, written: list[int]) -> None:
    for n in range(100):
        await store.update(NS, Update(object_id, slots={"n": n, "x": "x" * 900_000}))
        written.append(n)


async def test_a_store_that_fills_up_refuses_writes_goes_on_reading_and_recovers_while_it_runs(tmp_path: Path) -> None:
    server = Etcd(tmp_path, flags=["--quota-backend-bytes=20000000"])
    server.start()
    try:
        ledger = await opened(server.endpoint)
        store = await LedgerStore.open(ledger)
        a = ObjectId("a")
        await store.create(NS, NewObject(a))
        written: list[int] = []
        with pytest.raises(StoreFull, match="compact"):
            await fill(store, a, written)
        found = await store.get(NS, a)
        assert found.slots is not None
        assert found.slots["n"] == written[-1]
        assert [each.object_id for each in (await store.list(NS, "", 0, "")).items] == ["a", "root"]
        server.make_room()
        after = await store.update(NS, Update(a, slots={"n": 1000}))
        assert after.slots == {"n": 1000}
        await ledger.close()
    finally:
        server.kill()


async def test_a_corrupt_etcd_is_told_at_once_in_words_that_say_what_to_do(tmp_path: Path) -> None:
    server = Etcd(tmp_path)
    server.start()
    try:
        ledger = await opened(server.endpoint)
        await ledger.transact(Step(puts={A: b"1"}))
        server.post("/v3/maintenance/alarm", {"action": "ACTIVATE", "memberID": 1, "alarm": "CORRUPT"})
        began = time.monotonic()
        with pytest.raises(StoreUnavailable, match=r"CORRUPT.*restore a backup"):
            await ledger.transact(Step(puts={A: b"2"}))
        assert time.monotonic() - began < 1.0
        server.post("/v3/maintenance/alarm", {"action": "DEACTIVATE", "memberID": 1, "alarm": "CORRUPT"})
        assert await ledger.transact(Step(puts={A: b"3"}))
        await ledger.close()
    finally:
        server.kill()


async def test_the_largest_steps_that_pass_the_check_are_taken_by_etcd(etcd_endpoint: str) -> None:
    ledger = await opened(etcd_endpoint)
    most = MAX_OPERATIONS - 2
    keys = [f"/batos/{n:0>100}".encode() for n in range(most)]
    each = MAX_TRANSACTION_BYTES // most - len(keys[0])
    step = Step(same=dict.fromkeys(keys, 0), puts=dict.fromkeys(keys, b"x" * each))
    step.check()
    assert await ledger.transact(step) is not None
    large = Step(puts={b"/batos/x": b"x" * (MAX_TRANSACTION_BYTES - len(b"/batos/x"))})
    large.check()
    assert await ledger.transact(large) is not None
    await ledger.close()


def test_what_is_larger_is_refused_before_it_reaches_etcd() -> None:
    for step in (
        Step(puts={b"x": b"x" * MAX_TRANSACTION_BYTES}),
        Step(puts={str(n).encode(): b"" for n in range(MAX_OPERATIONS - 1)}),
        Step(same={str(n).encode(): 0 for n in range(MAX_OPERATIONS - 1)}),
    ):
        with pytest.raises(LimitExceeded):
            step.check()
