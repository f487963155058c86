"""The one watch that a hub holds of a real etcd, and all who are told from it."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, aclosing

import pytest

from chassis.address import Address
from fakes.etcd import Etcd
from fakes.stores import writing
from kernel.errors import StaleToken, StoreUnavailable
from kernel.objects import DEFAULT_NAMESPACE, SYSTEM_NAMESPACE, ObjectId
from kernel.transactions import Lane
from objectstore.etcd.ledger import EtcdLedger
from objectstore.hub import Hub
from objectstore.keys import SlotsKey, watched
from objectstore.ledger import Events, Span, Step
from objectstore.ledger_store import LedgerStore
from objectstore.memory import MemoryLedger
from objectstore.store import NewObject

WATCHERS = "etcd_debugging_mvcc_watcher_total"
OURS = watched(DEFAULT_NAMESPACE)
A = SlotsKey(DEFAULT_NAMESPACE, ObjectId("a")).encode()


@pytest.fixture
async def ledger(etcd_endpoint: str) -> AsyncGenerator[EtcdLedger]:
    ledger = await EtcdLedger.open([Address.parse(etcd_endpoint)])
    yield ledger
    await ledger.close()


async def put(ledger: EtcdLedger | MemoryLedger, value: str, key: bytes = A) -> int:
    revision = await ledger.transact(Step(puts={key: value.encode()}))
    assert revision is not None
    return revision


async def values_of(watch: AsyncGenerator[Events], until: int) -> list[str]:
    """What a watch tells until a revision."""
    found: list[str] = []
    async with asyncio.timeout(20):
        async for events in watch:
            found += [(event.value or b"").decode() for event in events.events]
            if events.revision >= until:
                return found
    raise AssertionError("the watch ended")


async def values(watch: AsyncGenerator[Events], until: int) -> list[str]:
    """The same, of a watch that is left then."""
    async with aclosing(watch):
        return await values_of(watch, until)


async def until_watches(server: Etcd, count: float) -> None:
    """Wait until etcd has so many watches."""
    async with asyncio.timeout(10):
        while server.metric(WATCHERS) != count:  # noqa: ASYNC110 - etcd tells it only to who asks
            await asyncio.sleep(0.05)


async def test_two_hundred_watchers_hold_one_watch_of_etcd(ledger: EtcdLedger, etcd_server: Etcd) -> None:
    hub = Hub(ledger)
    before = etcd_server.metric(WATCHERS)
    start = await put(ledger, "start")
    watching = [asyncio.create_task(values(hub.watch(OURS, start), start + 51)) for _ in range(200)]
    await until_watches(etcd_server, before + 1)
    for n in range(50):
        await put(ledger, str(n))
    assert etcd_server.metric(WATCHERS) == before + 1
    await put(ledger, "last")
    assert all(each == [*map(str, range(50)), "last"] for each in await asyncio.gather(*watching))
    await until_watches(etcd_server, before)


async def test_watchers_with_old_tokens_catch_up_a_few_at_a_time_and_then_hold_no_watch(
    ledger: EtcdLedger, etcd_server: Etcd
) -> None:
    before = etcd_server.metric(WATCHERS)
    start = await put(ledger, "start")
    for n in range(30):
        await put(ledger, f"{n} {'x' * 50_000}")
    hub = Hub(ledger)
    most = 0.0

    async def count() -> None:
        nonlocal most
        while True:
            most = max(most, await asyncio.to_thread(etcd_server.metric, WATCHERS) - before)
            await asyncio.sleep(0.02)

    counting = asyncio.create_task(count())
    async with AsyncExitStack() as stack:
        watches = [await stack.enter_async_context(aclosing(hub.watch(OURS, start))) for _ in range(40)]
        told = await asyncio.gather(*(values_of(watch, start + 30) for watch in watches))
        counting.cancel()
        await asyncio.gather(counting, return_exceptions=True)
        assert all([each.split()[0] for each in found] == [str(n) for n in range(30)] for found in told)
        for watch in watches:
            await anext(watch)  # from the flow
        await until_watches(etcd_server, before + 1)
    assert 1 < most <= 9


async def test_a_watcher_that_is_cut_off_goes_on_from_its_last_token(ledger: EtcdLedger) -> None:
    hub = Hub(ledger, keep_bytes=50_000)
    start = await put(ledger, "start")
    async with aclosing(hub.watch(OURS, start)) as held, aclosing(hub.watch(OURS, start)) as slow:
        await anext(held)  # a beat: both are in the flow
        await anext(slow)
        following = asyncio.create_task(values_of(held, start + 60))
        await put(ledger, "first")
        after = (await anext(slow)).revision
        for n in range(59):
            await put(ledger, f"{n} {'x' * 10_000}")
        await following
        with pytest.raises(StoreUnavailable, match="too slowly"):
            await values_of(slow, start + 1000)
        again = await values(hub.watch(OURS, after), start + 60)
    assert [each.split()[0] for each in again][-59:] == [str(n) for n in range(59)]


@pytest.mark.parametrize("where", [b"/elsewhere", b"/batos/other/o/x//", b"/batos/default/l/lane//"])
async def test_watchers_hear_soon_how_far_the_clock_is_wherever_it_moved(ledger: EtcdLedger, where: bytes) -> None:
    hub = Hub(ledger)
    start = await put(ledger, "start")
    async with asyncio.timeout(4), aclosing(hub.watch(OURS, start)) as watch:
        await anext(watch)
        revision = await put(ledger, "x", where)
        while (await anext(watch)).revision < revision:
            pass


async def test_no_committer_can_name_the_lane_in_which_the_hub_moves_the_clock(
    ledger: EtcdLedger,
) -> None:
    store = await LedgerStore.open(ledger)
    made = await store.create(SYSTEM_NAMESPACE, NewObject(ObjectId("a")))
    committed = await store.commit(writing(made, slots={"n": 1}, namespace=SYSTEM_NAMESPACE), Lane("hub", 5))
    async with asyncio.timeout(10), aclosing(store.watch(DEFAULT_NAMESPACE, committed)) as watch:
        await anext(watch)
        moved = await ledger.transact(Step(puts={b"/elsewhere": b""}))
        assert moved is not None
        while (await anext(watch)).token.revision <= moved:
            pass  # until the hub has moved it
    assert await store.settle(SYSTEM_NAMESPACE, Lane("hub", 5)) == committed


async def test_an_idle_watch_is_told_so_every_second(ledger: EtcdLedger) -> None:
    hub = Hub(ledger)
    start = await put(ledger, "start")
    async with aclosing(hub.watch(OURS, start)) as watch:
        for _ in range(4):
            async with asyncio.timeout(1.0):
                assert await anext(watch) == Events((), start)


async def test_a_token_that_is_yet_to_come_is_stale_and_one_that_the_hub_has_not_heard_of_is_not(
    ledger: EtcdLedger,
) -> None:
    hub = Hub(ledger)
    start = await put(ledger, "start")
    async with aclosing(hub.watch(OURS, start)) as held:
        await anext(held)
        newest = await put(ledger, "new")
        async with asyncio.timeout(5), aclosing(hub.watch(OURS, newest)) as watch:
            await anext(watch)
        with pytest.raises(StaleToken):
            await anext(hub.watch(OURS, newest + 1000))


class Hanging(MemoryLedger):
    """Its watches of this moment hang when they are told to."""

    hung = asyncio.Event()
    begun = 0

    async def watch(self, span: Span, after: int) -> AsyncGenerator[Events]:
        self.begun += 1
        hung = self.hung
        async with aclosing(super().watch(span, after)) as watch:
            async for events in watch:
                if hung.is_set():
                    await asyncio.Event().wait()
                yield events


async def test_a_watch_that_hangs_is_begun_again_within_seconds_and_nothing_is_lost() -> None:
    ledger = Hanging()
    ledger.hung = asyncio.Event()
    hub = Hub(ledger)
    start = await put(ledger, "start")
    watching = asyncio.create_task(values(hub.watch(OURS, start), start + 3))
    await asyncio.sleep(0.05)
    await put(ledger, "0")
    await asyncio.sleep(0.05)
    ledger.hung.set()
    ledger.hung = asyncio.Event()
    await put(ledger, "1")
    await put(ledger, "2")
    async with asyncio.timeout(6):
        assert await watching == ["0", "1", "2"]
    assert ledger.begun == 2


class Compacted(MemoryLedger):
    """Its watches of this moment break, and what they have not told is compacted."""

    broken = False

    async def watch(self, span: Span, after: int) -> AsyncGenerator[Events]:
        async with aclosing(super().watch(span, after)) as watch:
            async for events in watch:
                if self.broken:
                    self.compact()
                    raise StaleToken("compacted")
                yield events


async def test_a_hub_that_etcd_compacted_away_lets_its_watchers_begin_again() -> None:
    ledger = Compacted()
    hub = Hub(ledger)
    start = await put(ledger, "start")
    async with aclosing(hub.watch(OURS, start)) as watch:
        await anext(watch)
        ledger.broken = True
        last = await put(ledger, "lost")
        with pytest.raises(StoreUnavailable, match="watch again"):
            await values_of(watch, last)
    ledger.broken = False
    with pytest.raises(StaleToken):
        await anext(hub.watch(OURS, start))
    following = asyncio.create_task(values(hub.watch(OURS, last), last + 1))
    await asyncio.sleep(0.05)
    await put(ledger, "next")
    assert await following == ["next"]


class Broken(MemoryLedger):
    """Its watches of what is older break with what nobody foresees."""

    broken = False

    async def watch(self, span: Span, after: int) -> AsyncGenerator[Events]:
        async with aclosing(super().watch(span, after)) as watch:
            async for events in watch:
                if self.broken:
                    raise ValueError("a bug")
                yield events


async def test_whatever_breaks_the_hub_is_told_to_its_watchers() -> None:
    ledger = Broken()
    start = await put(ledger, "start")
    last = await put(ledger, "last")
    hub = Hub(ledger)
    async with aclosing(hub.watch(OURS, last)) as watch:
        await anext(watch)
        ledger.broken = True
        with pytest.raises(StoreUnavailable, match="watch again"):
            await asyncio.wait_for(values_of(hub.watch(OURS, start), last), 5)
        await put(ledger, "new")
        with pytest.raises(StoreUnavailable, match="watch again"):
            await asyncio.wait_for(values_of(watch, last + 1), 5)


async def test_readers_that_take_their_time_do_not_keep_others_from_catching_up() -> None:
    ledger = MemoryLedger()
    start = await put(ledger, "start")
    for n in range(30):
        await put(ledger, str(n))
    hub = Hub(ledger)
    async with AsyncExitStack() as stack:
        slow = [await stack.enter_async_context(aclosing(hub.watch(OURS, start))) for _ in range(20)]
        for watch in slow[:8]:
            await anext(watch)
        async with asyncio.timeout(5):
            assert await values(hub.watch(OURS, start), start + 30) == [*map(str, range(30))]
            for watch in slow[8:]:
                await values_of(watch, start + 30)
        for watch in slow[:8]:  # each goes on where it was
            assert (await values_of(watch, start + 30))[-29:] == [*map(str, range(1, 30))]
