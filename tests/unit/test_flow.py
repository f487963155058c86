"""The history that all watchers share: bounded, in order, and cut off where one is too slow."""

import asyncio
from contextlib import aclosing

import pytest

from kernel.errors import StoreUnavailable
from objectstore.flow import Flow
from objectstore.ledger import Event, Events, Span

A, B = Span(b"/batos/a/d/", b"/batos/a/p/"), Span(b"/batos/b/d/", b"/batos/b/p/")


def change(revision: int, namespace: str = "a", kind: str = "o", value: bytes = b"") -> Events:
    return Events([Event(f"/batos/{namespace}/{kind}/x//".encode(), value, revision)], revision)


async def read(flow: Flow, span: Span, after: int, until: int) -> list[int]:
    """The revisions of the events in the span, told until a revision."""
    found: list[int] = []
    async with asyncio.timeout(5), aclosing(flow.read(span, after)) as told:
        async for events in told:
            found += [event.revision for event in events.events]
            if events.revision >= until:
                return found
    raise AssertionError("it ended")


async def test_each_reader_is_told_its_own_namespace_and_no_other_kinds() -> None:
    flow = Flow(10)
    flow.add([change(11), change(12, "b"), change(13, kind="l"), change(14, kind="r"), change(15, kind="d")])
    assert await read(flow, A, 10, 15) == [11, 15]
    assert await read(flow, B, 10, 15) == [12]


async def test_a_reader_goes_on_in_the_middle_of_a_batch() -> None:
    flow = Flow(10)
    flow.add([change(11), change(12), change(13)])
    flow.add([change(14)])
    assert [await read(flow, A, after, 14) for after in (10, 11, 12, 13)] == [
        [11, 12, 13, 14],
        [12, 13, 14],
        [13, 14],
        [14],
    ]


async def test_a_reader_that_is_ahead_is_told_only_what_comes_after_it() -> None:
    flow = Flow(10)
    reading = asyncio.create_task(read(flow, A, 13, 15))
    for revision in range(11, 16):
        await asyncio.sleep(0)
        flow.add([change(revision)])
    assert await reading == [14, 15]


async def test_all_readers_at_one_place_are_told_the_same_thing() -> None:
    flow = Flow(10)
    async with aclosing(flow.read(A, 10)) as one, aclosing(flow.read(A, 10)) as two:
        flow.add([change(11)])
        assert await anext(one) is await anext(two)


async def test_a_beat_tells_how_far_the_flow_is() -> None:
    flow = Flow(10)
    async with aclosing(flow.read(A, 10)) as told:
        coming = asyncio.ensure_future(anext(told))
        await asyncio.sleep(0)
        flow.beat()
        assert await coming == Events((), 10)


async def test_what_is_kept_is_bounded_and_who_is_too_slow_is_cut_off() -> None:
    flow = Flow(10, keep_bytes=100_000)
    async with aclosing(flow.read(A, 10)) as slow:
        flow.add([change(11)])
        await anext(slow)
        for revision in range(12, 52):
            flow.add([change(revision, value=b"x" * 10_000)])
        assert flow.floor > 40
        with pytest.raises(StoreUnavailable, match="too slowly"):
            await anext(slow)
    assert await read(flow, A, flow.floor, 51) == list(range(flow.floor + 1, 52))
    with pytest.raises(StoreUnavailable, match="too slowly"):
        await read(flow, A, 11, 51)


async def test_one_change_larger_than_all_that_is_kept_is_told() -> None:
    flow = Flow(10, keep_bytes=1000)
    flow.add([change(11, value=b"x" * 5000)])
    assert await read(flow, A, 10, 11) == [11]


async def test_when_a_flow_fails_all_its_readers_are_told() -> None:
    flow = Flow(10)
    readers = [asyncio.create_task(read(flow, A, 10, 20)) for _ in range(3)]
    await asyncio.sleep(0)
    flow.fail(StoreUnavailable("gone"))
    for reader in readers:
        with pytest.raises(StoreUnavailable, match="gone"):
            await reader
