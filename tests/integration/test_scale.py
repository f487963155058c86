"""What must not grow with the number of objects, counted and not timed: keys gone through, reads, answers, memory."""

from collections import Counter
from collections.abc import AsyncGenerator, Sequence

import pytest
import pytest_asyncio

from bench.scale_content import MACHINE, PUMP, name, pairs_of
from dispatcher.cache import Cache
from dispatcher.caches import Caches
from dispatcher.entries import Room
from fakes.rig import NS, Rig
from kernel.messages import Message
from kernel.objects import Selector
from kernel.transactions import Key, Part
from objectstore.fences import APART
from objectstore.ledger import Entry, Reading, Span, Step
from objectstore.ledger_store import LedgerStore
from objectstore.memory import MemoryLedger
from objectstore.places import place
from objectstore.store import Change, Changes, Draft, NewObject
from sandbox.host import Sandbox

pytestmark = pytest.mark.asyncio(loop_scope="module")

FEW, MANY = 2_000, 12_000
READ, INCREMENT = Selector("read"), Selector("increment")
NEW = "def read(self):\n    return [self.count]\n"


class CountingLedger(MemoryLedger):
    """A ledger in memory that counts the keys which etcd would go through, by their kind: `d`, `o`, `m`, …"""

    def __init__(self) -> None:
        super().__init__()
        self.keys: Counter[str] = Counter()

    async def read(self, *spans: Span) -> Reading:
        reading = await super().read(*spans)
        for span, count in zip(spans, reading.counts, strict=True):
            self.keys[place(span.begin)[1].decode()] += max(count, 1)
        return reading

    async def read_at(self, revision: int, span: Span) -> Sequence[Entry]:
        return (await self.read_all_at(revision, [span]))[0]

    async def read_all_at(self, revision: int, spans: Sequence[Span]) -> Sequence[Sequence[Entry]]:
        await self.read(*spans)
        return [await super(CountingLedger, self).read_at(revision, span) for span in spans]

    def taken(self, kinds: str = "domcex") -> int:
        """How many of these kinds since it was asked the last time."""
        counted, self.keys = self.keys, Counter()
        return sum(counted[kind] for kind in kinds)


async def filled(count: int) -> tuple[LedgerStore, CountingLedger]:
    """A store of so many objects that inherit ten methods."""
    ledger = CountingLedger()
    store = await LedgerStore.open(ledger)
    await ledger.transact(Step(puts={pair.key: pair.value for pair in await pairs_of(count)}))
    return store, ledger


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def many() -> tuple[LedgerStore, CountingLedger]:
    """A store that the tests only read from."""
    return await filled(MANY)


@pytest_asyncio.fixture(loop_scope="module")
async def warm(sandbox: Sandbox) -> AsyncGenerator[tuple[Rig, CountingLedger, int]]:
    """A dispatcher that has sent to every object of a store once."""
    count = 300
    store, ledger = await filled(count)
    rig = Rig(store, sandbox)
    for number in range(count):
        assert (await rig.send(READ, to=name(number))).result == 0
    yield rig, ledger, count
    await rig.dispatch.stop()


async def test_a_page_of_a_list_goes_through_as_many_keys_wherever_it_is(
    many: tuple[LedgerStore, CountingLedger],
) -> None:
    store, ledger = many
    tokens, pages = [""], 0
    ledger.taken()
    while tokens[-1] or not pages:
        tokens.append((await store.list(NS, "scale/o/", 100, tokens[-1])).next_page)
        pages += 1
    assert pages == MANY // 100
    for token in (tokens[0], tokens[pages // 2], tokens[pages - 2]):
        ledger.taken()
        assert len((await store.list(NS, "scale/o/", 100, token)).items) == 100
        assert ledger.taken("d") <= 3 * APART
    ledger.taken()
    assert len((await store.list(NS, "scale/o/00777", 100, "")).items) == 10
    assert ledger.taken("d") == 10


async def test_the_first_walk_through_all_pages_goes_through_the_whole_list_a_few_times_at_most(
    many: tuple[LedgerStore, CountingLedger],
) -> None:
    _, ledger = many
    store = await LedgerStore.open(ledger)
    ledger.taken()
    token, pages = "", 0
    while token or not pages:
        token = (await store.list(NS, "", 100, token)).next_page
        pages += 1
    assert ledger.taken("d") <= pages * 3 * APART + 5 * MANY


async def test_a_preview_reads_each_object_below_once(many: tuple[LedgerStore, CountingLedger]) -> None:
    store, ledger = many
    ledger.taken()
    objects = 0
    async for part in store.preview(NS, MACHINE, READ, 0):
        objects = part.objects
    assert objects == MANY + 2
    assert ledger.taken("d") <= MANY + 10
    assert ledger.taken("c") <= 4 * MANY


async def test_what_a_change_of_one_object_goes_through_is_as_much_among_few_as_among_many(
    many: tuple[LedgerStore, CountingLedger],
) -> None:
    async def cost(store: LedgerStore, ledger: CountingLedger) -> int:
        ledger.taken()
        made = NewObject(name(MANY), [PUMP])
        await store.create(NS, made)
        await store.delete(NS, made.object_id)
        await store.clone(NS, name(0), made.object_id)
        await store.delete(NS, made.object_id)
        return ledger.taken()

    assert await cost(*many) == await cost(*await filled(10))


async def test_a_send_to_a_warm_object_reads_nothing(warm: tuple[Rig, CountingLedger, int]) -> None:
    rig, ledger, count = warm
    ledger.taken()
    for number in range(count):
        await rig.send(READ, to=name(number))
    assert ledger.taken() == 0
    await rig.send(INCREMENT, to=name(0))
    ledger.taken()
    for number in range(count):
        assert (await rig.send(INCREMENT, to=name(number))).result in (1, 2)
    assert ledger.taken() == 0


async def test_a_new_version_of_a_prototype_is_read_once_for_all_that_inherit_it(
    warm: tuple[Rig, CountingLedger, int],
) -> None:
    rig, ledger, count = warm
    await rig.store.register(NS, Draft(MACHINE, READ, NEW), activate=True)
    while (await rig.send(READ, to=name(0))).method.number != 2:
        pass
    ledger.taken()
    for number in range(1, count):
        assert (await rig.send(READ, to=name(number))).result == [0]
    assert ledger.taken() == 0


async def test_objects_of_the_same_parents_share_one_answer(many: tuple[LedgerStore, CountingLedger]) -> None:
    store, _ = many
    caches = Caches(store)
    cache = await caches.of(Message(name(0), READ))
    for number in range(FEW):
        await cache.fetch(name(number), READ)
    answers = {id(cache.resolved(name(number), READ)) for number in range(FEW)}
    assert len(answers) == 1
    assert cache.resolved(name(0), READ) is not None
    await caches.stop()


async def test_objects_with_methods_of_their_own_stay_within_the_memory_too() -> None:
    store = await LedgerStore.open(MemoryLedger())
    cache = Cache(store, NS, room=Room(100_000))
    watch = store.watch(NS, None)
    cache.tell(await anext(watch))
    for number in range(300):
        await store.create(NS, NewObject(name(number), slots={"count": 0}))
        await store.register(NS, Draft(name(number), READ, NEW), activate=True)
        await cache.fetch(name(number), READ)
        assert cache.has(name(number), READ)
    assert sum(cache.known(name(number)) is not None for number in range(300)) <= 100
    await watch.aclose()


async def test_what_one_object_learns_is_no_reason_to_ask_anew_who_answers_for_others() -> None:
    store, _ = await filled(2)
    await store.register(NS, Draft(name(1), READ, NEW), activate=True)
    caches = Caches(store)
    cache = await caches.of(Message(name(0), READ))
    for number in (0, 1):
        await cache.fetch(name(number), READ)
    shared, own = cache.resolved(name(0), READ), cache.resolved(name(1), READ)
    assert shared is not None
    assert own is not None
    assert cache.horizon is not None
    changed = Change(Key(name(1), Part.DEFINITION), cache.horizon.revision)
    cache.tell(Changes([changed], cache.horizon))
    await cache.fetch(name(1), READ)
    assert cache.resolved(name(0), READ) is shared
    assert cache.resolved(name(1), READ) is not own
    await caches.stop()


async def test_more_objects_than_memory_is_for_push_out_each_other_and_not_their_prototypes(
    many: tuple[LedgerStore, CountingLedger],
) -> None:
    store, ledger = many
    cache = Cache(store, NS, room=Room(500_000))
    watch = store.watch(NS, None)
    cache.tell(await anext(watch))
    for number in range(FEW):
        await cache.fetch(name(number), READ)
        assert cache.has(name(number), READ)
    here = sum(cache.known(name(number)) is not None for number in range(FEW))
    assert 100 < here <= 500
    ledger.taken()
    await cache.definition(MACHINE)
    await cache.definition(PUMP)
    assert ledger.taken() == 0
    await watch.aclose()
