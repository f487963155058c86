"""What logs say of an etcd that goes away and comes back: each once, however many ask for it meanwhile."""

import asyncio
import logging
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress
from pathlib import Path
from typing import Any

import pytest

from chassis.address import Address
from dispatcher.caches import Caches
from fakes.children import until
from fakes.etcd import Cluster, Etcd
from fakes.stores import in_etcd, in_memory
from kernel.errors import StoreUnavailable
from kernel.messages import Message
from kernel.objects import DEFAULT_NAMESPACE, Namespace, ObjectId, Selector
from kernel.transactions import Token
from objectstore.etcd.ledger import EtcdLedger
from objectstore.etcd.presence import Presence
from objectstore.keys import META
from objectstore.ledger import Span
from objectstore.store import Changes, NewObject, Store

NS = DEFAULT_NAMESPACE
A = ObjectId("a")
ETCD = "objectstore.etcd.presence"
WATCH = "dispatcher.caches"
AWAY_S = 7.0  # longer than any request is tried for


async def ask(store: Store, stop: asyncio.Event) -> None:
    while not stop.is_set():
        with suppress(StoreUnavailable):
            await store.get(NS, A)
        await asyncio.sleep(0.05)


def said(caplog: pytest.LogCaptureFixture, name: str) -> list[tuple[str, str]]:
    return [(each.levelname, each.getMessage()) for each in caplog.records if each.name == name]


async def test_an_etcd_that_goes_away_and_comes_back_is_logged_once_each(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    server = Etcd(tmp_path)
    server.start()
    stop = asyncio.Event()
    try:
        async with in_etcd(server.endpoint) as kept:
            await kept.store.create(NS, NewObject(A))
            asking = [asyncio.create_task(ask(kept.store, stop)) for _ in range(20)]
            for times in (1, 2):
                server.kill()
                await asyncio.sleep(AWAY_S)
                assert len(said(caplog, ETCD)) == 2 * times - 1
                server.start()
                assert await until(lambda most=2 * times: len(said(caplog, ETCD)) == most)
            stop.set()
            await asyncio.gather(*asking)
    finally:
        server.kill()
    assert [level for level, _ in said(caplog, ETCD)] == ["WARNING", "INFO"] * 2
    assert server.endpoint in said(caplog, ETCD)[0][1]


async def test_a_member_that_goes_away_is_no_etcd_that_does(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    with Cluster(tmp_path) as cluster:
        ledger = await EtcdLedger.open([Address.parse(each) for each in cluster.endpoints])
        next(member for member in cluster.members if not member.leads()).kill()
        for _ in range(12):  # seldom enough that most of what is asked of the dead one are probes
            await ledger.read(Span.key(META))
            await asyncio.sleep(0.4)
        await ledger.close()
    assert not said(caplog, ETCD)


def test_an_etcd_that_is_slow_for_a_moment_is_not_away(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    now = 0.0
    presence = Presence("there", lambda: now)
    for step in range(50):  # before its first answer
        now = step / 10
        presence.failed("not yet")
    presence.answered()
    for _ in range(5):
        presence.failed("late")
        now += 0.9
        presence.failed("late")
        presence.answered()
        now += 5.0
    assert not caplog.records
    presence.failed("late")
    now += 1.0
    presence.failed("late")
    presence.failed("late")
    now += 1.0
    presence.answered()
    assert said(caplog, ETCD) == [
        ("WARNING", "etcd at there does not answer, and nothing is read or changed until it does: late"),
        ("INFO", "etcd at there answers again, after 2.0 s"),
    ]


class Interrupted:
    """A store whose watches end after their first item, while it is `away`."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.get = store.get
        self.away = False
        self.watches = 0

    async def watch(self, namespace: Namespace, after: Token | None) -> AsyncGenerator[Changes]:
        self.watches += 1
        async with aclosing(self._store.watch(namespace, after)) as told:
            async for changes in told:
                yield changes
                if self.away:
                    raise StoreUnavailable(f"away, told {self.watches} times")


async def test_a_watch_that_is_interrupted_and_goes_on_is_logged_once_each(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    async with in_memory() as kept:
        await kept.store.create(NS, NewObject(A))
        interrupted: Any = Interrupted(kept.store)
        caches = Caches(interrupted)
        await caches.of(Message(A, Selector("x")))
        for times in (1, 2):
            interrupted.away, before = True, interrupted.watches
            assert await until(lambda before=before: interrupted.watches > before + 3)
            assert len(said(caplog, WATCH)) == 2 * times - 1
            interrupted.away = False
            assert await until(lambda most=2 * times: len(said(caplog, WATCH)) == most)
        await caches.stop()
    assert [level for level, _ in said(caplog, WATCH)] == ["WARNING", "INFO"] * 2
