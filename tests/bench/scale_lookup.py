"""What one lookup costs in the dispatcher's memory, with no send around it. Law: CPU of this thread, no awaiting."""

import time
from collections.abc import Sequence
from contextlib import aclosing

from bench.scale_content import name, pairs_of
from dispatcher.cache import Cache
from kernel.objects import DEFAULT_NAMESPACE, ObjectId, Selector
from objectstore.ledger import Step
from objectstore.ledger_store import LedgerStore
from objectstore.memory import MemoryLedger

READ = Selector("read")
LOOKUPS = 300_000
ROUNDS = 5


async def lookups(few: int, many: int) -> dict[str, list[float]]:
    """Microseconds of a lookup, a round each: of few objects, of as many among many, and of many."""
    small, large = await _cache(few), await _cache(many)
    loads = {"few": (small, few), "first": (large, few), "all": (large, many)}
    ids = {which: [name(number) for number in _shuffled(count)] for which, (_, count) in loads.items()}
    found: dict[str, list[float]] = {which: [] for which in loads}
    for _ in range(ROUNDS):
        for which, (cache, _) in loads.items():
            found[which].append(_timed(cache, ids[which]))
    return found


def _shuffled(count: int) -> Sequence[int]:
    """All numbers, far from each other in turn."""
    return sorted(range(count), key=lambda number: number * 7919 % 100_003)


async def _cache(count: int) -> Cache:
    """A cache that knows so many objects."""
    ledger = MemoryLedger()
    store = await LedgerStore.open(ledger)
    await ledger.transact(Step(puts={pair.key: pair.value for pair in await pairs_of(count)}))
    cache = Cache(store, DEFAULT_NAMESPACE)
    async with aclosing(store.watch(DEFAULT_NAMESPACE, None)) as watch:
        cache.tell(await anext(watch))
        for number in range(count):
            await cache.fetch(name(number), READ)
    return cache


def _timed(cache: Cache, ids: Sequence[ObjectId]) -> float:
    times = max(1, LOOKUPS // len(ids))
    began = time.thread_time()
    for _ in range(times):
        for each in ids:
            cache.resolved(each, READ)
    return (time.thread_time() - began) / (times * len(ids)) * 1e6
