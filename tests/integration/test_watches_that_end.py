"""A watch whose far side opens it again and again, and ends it each time: the store stays away, and that is told."""

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing, asynccontextmanager
from typing import Any

import pytest

from chassis.client import channel
from fakes.stores import serving
from kernel.errors import StoreUnavailable
from kernel.objects import DEFAULT_NAMESPACE, Namespace
from kernel.transactions import Token
from objectstore.client import MAX_MESSAGE_BYTES, StoreClient
from objectstore.etcd.connection import etcd
from objectstore.etcd.watching import watch
from objectstore.ledger import Events, Reading, Span, Step
from objectstore.ledger_store import LedgerStore
from objectstore.memory import MemoryLedger
from objectstore.store import Changes


class Away(MemoryLedger):
    """A ledger that can be away: its watches end, and no read is answered."""

    away = False

    async def read(self, *spans: Span) -> Reading:
        self._check()
        return await super().read(*spans)

    async def watch(self, span: Span, after: int) -> AsyncGenerator[Events]:
        self._check()
        async with aclosing(super().watch(span, after)) as told:
            async for events in told:
                self._check()
                yield events

    def _check(self) -> None:
        if self.away:
            raise StoreUnavailable("etcd does not answer")


class Counted(LedgerStore):
    """A store that counts how often it is watched."""

    opened = 0

    def watch(self, namespace: Namespace, after: Token | None) -> AsyncGenerator[Changes]:
        self.opened += 1
        return super().watch(namespace, after)


async def test_a_store_that_stays_away_is_told_though_its_server_answers_and_is_not_asked_all_the_time() -> None:
    ledger = Away()
    store = await Counted.open(ledger)
    async with serving(store) as address:
        connected = channel(address, max_message_bytes=MAX_MESSAGE_BYTES)
        told = asyncio.Event()

        async def follow() -> None:
            async for _ in StoreClient(connected, resume_seconds=1.0).watch(DEFAULT_NAMESPACE, None):
                told.set()

        following = asyncio.create_task(follow())
        await told.wait()
        ledger.away = True
        await ledger.transact(Step(puts={b"/batos/x//": b""}))  # which ends the watch
        async with asyncio.timeout(5):
            with pytest.raises(StoreUnavailable, match="etcd does not answer"):
                await following
        assert 2 <= store.opened < 12
        await connected.close()


async def test_a_store_that_comes_back_in_time_each_time_is_never_told() -> None:
    ledger = Away()
    store = await LedgerStore.open(ledger)
    async with serving(store) as address:
        connected = channel(address, max_message_bytes=MAX_MESSAGE_BYTES)

        async def follow() -> None:
            async for _ in StoreClient(connected, resume_seconds=1.5).watch(DEFAULT_NAMESPACE, None):
                pass

        following = asyncio.create_task(follow())
        for _ in range(3):
            await asyncio.sleep(1.2)
            ledger.away = True
            await asyncio.sleep(0.3)
            ledger.away = False
        assert not following.done()
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)
        await connected.close()


class Refusing:
    """A connection to an etcd that creates each watch, and cancels it."""

    opened = 0

    @asynccontextmanager
    async def watching(self) -> AsyncGenerator["Refusing"]:
        self.opened += 1
        self._answers = [etcd.WatchResponse(created=True), etcd.WatchResponse(canceled=True)]
        yield self

    async def write(self, _: Any) -> None:
        pass

    async def read(self) -> Any:
        return self._answers.pop(0)

    async def distrust(self) -> None:
        pass


async def test_an_etcd_that_ends_each_watch_at_once_is_told_in_time() -> None:
    connection: Any = Refusing()
    began = time.monotonic()
    async with asyncio.timeout(5):
        with pytest.raises(StoreUnavailable, match="watch again after revision 7"):
            await anext(watch(connection, Span(b"a", b"b"), 7, resume_seconds=1.0))
    assert time.monotonic() - began > 0.9
    assert 2 <= connection.opened < 12
