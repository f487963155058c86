"""Fences change what a read costs, and never what it finds."""

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from objectstore.fences import Fences
from objectstore.ledger import Entry, Reading, Span, Step
from objectstore.memory import MemoryLedger

APART = 4


class Counting(MemoryLedger):
    """A ledger in memory that counts the keys which etcd would go through."""

    def __init__(self) -> None:
        super().__init__()
        self.gone_through = 0
        self.asked = 0

    async def read(self, *spans: Span) -> Reading:
        reading = await super().read(*spans)
        self.gone_through += sum(reading.counts)
        return reading

    async def read_at(self, revision: int, span: Span) -> Sequence[Entry]:
        self.asked += 1
        self.gone_through += sum((await super().read(span)).counts)
        return await super().read_at(revision, span)


def key(number: int) -> bytes:
    return f"/k/{number:05}".encode()


async def put(ledger: MemoryLedger, numbers: range) -> None:
    await ledger.transact(Step(puts={key(number): b"" for number in numbers}))


async def first(ledger: MemoryLedger, fences: Fences, begin: int, end: int, limit: int) -> list[bytes]:
    reading = await fences.first(ledger, Span(key(begin), key(end), limit))
    return [entry.key for entry in reading.spans[0]]


numbers = st.integers(0, 300)
changes = st.tuples(st.sampled_from(["put", "delete", "read"]), numbers, numbers, st.integers(1, 12))


@given(st.lists(changes, max_size=40))
async def test_whatever_came_and_went_a_read_finds_what_is_there(changes: list[tuple[str, int, int, int]]) -> None:
    ledger, fences = MemoryLedger(), Fences(APART)
    for kind, one, other, limit in changes:
        begin, end = min(one, other), max(one, other) + 1
        if kind == "put":
            await put(ledger, range(begin, end))
        elif kind == "delete":
            await ledger.transact(Step(deletes=[Span(key(begin), key(end))]))
        else:
            there = (await ledger.read(Span(key(begin), key(end), limit))).spans[0]
            assert await first(ledger, fences, begin, end, limit) == [entry.key for entry in there]


async def test_a_long_span_is_gone_through_as_a_whole_once_and_then_a_few_keys_at_a_time() -> None:
    ledger, fences = Counting(), Fences(APART)
    await put(ledger, range(1000))
    costs: list[int] = []
    for begin in range(990):
        ledger.gone_through = 0
        assert await first(ledger, fences, begin, 10_000, 3) == [key(begin + each) for each in range(3)]
        costs.append(ledger.gone_through)
    assert costs[0] > 1000
    assert sum(cost > 100 for cost in costs) <= 1000 / (8 * APART)
    ledger.gone_through = 0
    await first(ledger, fences, 500, 10_000, 3)
    assert ledger.gone_through <= 4 * APART


async def test_where_many_keys_come_between_two_fences_there_will_be_more_fences() -> None:
    ledger, fences = Counting(), Fences(APART)
    await ledger.transact(Step(puts={key(each): b"" for each in range(0, 10_000, 100)}))
    await first(ledger, fences, 0, 10_000, 3)
    await put(ledger, range(101, 200))
    await first(ledger, fences, 101, 10_000, 3)
    ledger.gone_through = 0
    await first(ledger, fences, 101, 10_000, 3)
    assert ledger.gone_through <= 4 * APART


async def test_parts_that_are_empty_are_passed_over_once() -> None:
    ledger, fences = Counting(), Fences(APART)
    await put(ledger, range(400))
    for begin in range(0, 400, 5):
        await first(ledger, fences, begin, 10_000, 3)
    await ledger.transact(Step(deletes=[Span(key(0), key(390))]))
    ledger.asked = 0
    assert await first(ledger, fences, 0, 10_000, 3) == [key(each) for each in (390, 391, 392)]
    assert ledger.asked > 10
    ledger.asked = 0
    assert await first(ledger, fences, 0, 10_000, 3) == [key(each) for each in (390, 391, 392)]
    assert ledger.asked <= 2
