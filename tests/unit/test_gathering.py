"""Reads that are asked for in one tick share one read of the ledger, and are answered as if alone."""

import asyncio
from collections.abc import Sequence

import pytest

from kernel.errors import StoreUnavailable
from objectstore.gathering import MOST_SPANS, READ_BYTES, GatheredReads
from objectstore.ledger import Reading, Span, Step
from objectstore.memory import MemoryLedger


class Counting(MemoryLedger):
    """A ledger in memory that keeps what it was asked to read."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[Sequence[Span]] = []
        self.away = False

    async def read(self, *spans: Span) -> Reading:
        self.asked.append(spans)
        if self.away:
            raise StoreUnavailable("so says the test")
        return await super().read(*spans)


def key(number: int) -> bytes:
    return f"/batos/k{number:04}".encode()


@pytest.fixture
async def ledger() -> Counting:
    ledger = Counting()
    await ledger.transact(Step(puts={key(number): b"%d" % number for number in range(200)}))
    return ledger


async def test_reads_of_one_tick_are_one_read_and_each_gets_its_own(ledger: Counting) -> None:
    gathered = GatheredReads(ledger)
    readings = await asyncio.gather(*(gathered.read(Span.key(key(n)), Span.key(key(n + 1))) for n in range(30)))
    assert len(ledger.asked) == 1
    assert len(ledger.asked[0]) == 31  # a key that two of them read is read once
    for number, reading in enumerate(readings):
        found = [reading.only(index) for index in range(2)]
        assert [entry and entry.value for entry in found] == [b"%d" % number, b"%d" % (number + 1)]


async def test_no_read_of_the_ledger_has_too_many_spans(ledger: Counting) -> None:
    gathered = GatheredReads(ledger)
    await asyncio.gather(*(gathered.read(Span.key(key(number))) for number in range(150)))
    assert [len(spans) for spans in ledger.asked] == [MOST_SPANS, 50]


async def test_after_large_answers_fewer_are_read_together_until_they_are_small_again(ledger: Counting) -> None:
    large = READ_BYTES // 4
    await ledger.transact(Step(puts={key(number): b"x" * large for number in range(100)}))
    gathered = GatheredReads(ledger)

    async def read(first: int) -> list[int]:
        ledger.asked.clear()
        await asyncio.gather(*(gathered.read(Span.key(key(number))) for number in range(first, first + 20)))
        return [len(spans) for spans in ledger.asked]

    assert await read(0) == [20]
    assert await read(0) == [3] * 6 + [2]
    assert await read(100) == [3] * 6 + [2]
    assert await read(100) == [6, 6, 6, 2]
    assert await read(100) == [12, 8]


async def test_reads_that_take_too_long_together_are_asked_again_in_parts(ledger: Counting) -> None:
    class Slow(Counting):
        async def read(self, *spans: Span) -> Reading:
            if len(spans) > 10:
                self.asked.append(spans)
                await asyncio.Event().wait()
            return await super().read(*spans)

    slow = Slow()
    gathered = GatheredReads(slow, split_seconds=0.05)
    async with asyncio.timeout(2):
        await asyncio.gather(*(gathered.read(Span.key(key(number))) for number in range(40)))
    assert [len(spans) for spans in slow.asked] == [40, 10, 10, 10, 10]
    slow.asked.clear()
    await asyncio.gather(*(gathered.read(Span.key(key(number))) for number in range(40)))
    assert max(len(spans) for spans in slow.asked) <= 10 * 2


async def test_a_read_sees_what_was_written_before_it_was_asked_for(ledger: Counting) -> None:
    gathered = GatheredReads(ledger)
    for number in range(5):
        before = asyncio.create_task(gathered.read(Span.key(key(0))))
        await asyncio.sleep(0)
        await gathered.transact(Step(puts={key(0): b"new %d" % number}))
        entry = (await gathered.read(Span.key(key(0)))).only(0)
        assert entry is not None
        assert entry.value == b"new %d" % number
        await before


async def test_ranges_are_read_alone(ledger: Counting) -> None:
    gathered = GatheredReads(ledger)
    one, many = await asyncio.gather(gathered.read(Span.key(key(1))), gathered.read(Span.prefix(b"/batos/k000")))
    assert (len(one.spans[0]), len(many.spans[0])) == (1, 10)
    assert len(ledger.asked) == 2


async def test_a_failure_is_told_to_all_and_one_who_leaves_takes_nothing_with_him(ledger: Counting) -> None:
    gathered = GatheredReads(ledger)
    leaving = asyncio.create_task(gathered.read(Span.key(key(1))))
    staying = asyncio.create_task(gathered.read(Span.key(key(2))))
    await asyncio.sleep(0)
    leaving.cancel()
    assert (await staying).only(0)
    ledger.away = True
    failures = await asyncio.gather(*(gathered.read(Span.key(key(n))) for n in range(3)), return_exceptions=True)
    assert all(isinstance(each, StoreUnavailable) for each in failures)
