"""What the store promises of calls that are recorded."""

import asyncio

import pytest

from fakes.stores import Kept
from kernel.errors import ObjectNotFound
from kernel.messages import Example, Failure
from kernel.objects import DEFAULT_NAMESPACE, ObjectId, Selector
from objectstore.keys import span
from objectstore.proving import RecordedCall
from objectstore.store import NewObject, Store

NS = DEFAULT_NAMESPACE
ACME = ObjectId("feed/acme")
ADD, ADDS = Selector("add"), Selector("adds")


@pytest.fixture(autouse=True)
async def acme(store: Store) -> None:
    await store.create(NS, NewObject(ACME))


def call(number: int, *, padding: int = 0) -> RecordedCall:
    return RecordedCall(Example(number, arguments=("x" * padding,)), 2, 1000.0 + number)


async def numbers(store: Store, selector: Selector = ADD) -> list[object]:
    return [each.example.outcome for each in await store.recorded(NS, ACME, selector)]


async def test_a_call_is_kept_whole_with_the_version_that_answered(store: Store) -> None:
    example = Example(Failure("METHOD_RAISED", "KeyError"), {"n": 1}, (2,), {"by": 3}, 5.25, 7, after={"n": 1})
    await store.record(NS, ACME, ADD, [RecordedCall(example, 4, 12.5), call(1)])
    assert list(await store.recorded(NS, ACME, ADD)) == [call(1), RecordedCall(example, 4, 12.5)]
    assert await numbers(store, ADDS) == []


async def test_the_newest_twenty_are_kept_the_newest_first(store: Store) -> None:
    for first in range(0, 33, 3):
        await store.record(NS, ACME, ADD, [call(first + 1), call(first), call(first + 2)])
    assert await numbers(store) == list(range(32, 12, -1))
    await store.record(NS, ACME, ADDS, [call(number) for number in range(50)])
    assert await numbers(store, ADDS) == list(range(49, 29, -1))
    assert len(await numbers(store)) == 20


async def test_what_is_too_large_or_nothing_is_let_go(store: Store) -> None:
    await store.record(NS, ACME, ADD, [call(1), call(2, padding=16 << 10), call(3, padding=15 << 10)])
    await store.record(NS, ACME, ADD, [])
    assert await numbers(store) == [3, 1]


async def test_many_who_record_at_once_keep_twenty(kept: Kept) -> None:
    store = kept.store
    await asyncio.gather(*(store.record(NS, ACME, ADD, [call(number), call(number + 1)]) for number in range(0, 12, 2)))
    assert sorted(map(str, await numbers(store))) == sorted(map(str, range(12)))
    await asyncio.gather(*(store.record(NS, ACME, ADD, [call(number)]) for number in range(20, 26)))
    await store.record(NS, ACME, ADD, [call(number) for number in range(40, 55)])
    assert len(await numbers(store)) == 20
    assert len((await kept.ledger.read(span(NS, "y"))).spans[0]) == 20


async def test_calls_go_with_their_object(store: Store) -> None:
    await store.record(NS, ACME, ADD, [call(1)])
    await store.delete(NS, ACME)
    with pytest.raises(ObjectNotFound):
        await store.recorded(NS, ACME, ADD)
    with pytest.raises(ObjectNotFound):
        await store.record(NS, ACME, ADD, [call(1)])
    await store.create(NS, NewObject(ACME))
    assert await numbers(store) == []
