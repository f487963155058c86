"""Which calls are kept, how often they are written, and that nobody notices where they cannot be."""

import asyncio
from collections.abc import Sequence
from typing import Any, cast

import pytest

from chassis.telemetry import in_memory
from dispatcher.recorder import FIRST, MAX_PENDING, Call, Recorder
from fakes.objects import method
from kernel.errors import StoreUnavailable
from kernel.messages import Message
from kernel.objects import DEFAULT_NAMESPACE as NS
from kernel.objects import Namespace, ObjectId, Selector
from kernel.values import Value
from objectstore.proving import RecordedCall

GET = method("pump", "def get(self):\n    return self.n\n")
OTHER = method("pump", "def get(self):\n    return self.n\n", 2)
Written = tuple[Namespace, ObjectId, Selector, Sequence[RecordedCall]]


class Records:
    """The one method of a store that is asked; fails with `error` where there is one."""

    def __init__(self, error: Exception | None = None) -> None:
        self.written: list[Written] = []
        self.times: list[float] = []
        self._error = error

    async def record(self, *written: Any) -> None:
        self.times.append(asyncio.get_running_loop().time())
        self.written.append(written)
        if self._error is not None:
            raise self._error


def recorder(store: Records, *, enabled: bool = True, seconds: float = 0.2, first: float = 0.0) -> Recorder:
    return Recorder(cast("Any", store), enabled=enabled, seconds=seconds, first_seconds=first)


def call(number: int = 0, result: Value = None) -> Call:
    message = Message(ObjectId("pump/1"), Selector("get"), (number,))
    return Call(GET, message, {"n": number}, {"n": number + 1}, result)


def numbers(keeper: Recorder, groups: Sequence[int]) -> list[int]:
    """The numbers of the calls that are kept, where calls come in such groups."""
    found, begin = list[int](), 0
    for size in groups:
        found += [begin + place for place in keeper.due(NS, GET, size)]
        begin += size
    return found


def test_the_first_five_calls_of_each_version_are_kept() -> None:
    keeper = recorder(Records())
    assert numbers(keeper, [1] * 6)[:FIRST] == [0, 1, 2, 3, 4]
    assert list(keeper.due(NS, OTHER, 3)) == [0, 1, 2]
    assert list(keeper.due(Namespace("else"), GET, 1)) == [0]


def test_then_about_one_in_a_hundred_is_kept_in_no_rhythm_and_the_same_ones_again() -> None:
    kept = numbers(recorder(Records()), [1] * 100_000)
    assert 800 < len(kept) < 1200
    gaps = [after - before for before, after in zip(kept[FIRST:], kept[FIRST + 1 :], strict=False)]
    assert max(gaps) < 200
    assert len(set(gaps)) > 100
    assert numbers(recorder(Records()), [1] * 100_000) == kept


def test_calls_that_run_together_count_one_by_one() -> None:
    assert numbers(recorder(Records()), [7, 64, 1, 300, 100] * 200) == numbers(recorder(Records()), [1] * 94_400)


def test_nothing_is_due_where_it_is_switched_off() -> None:
    assert numbers(recorder(Records(), enabled=False), [1] * 1000) == []


async def test_a_method_is_written_at_most_once_in_the_time_that_is_set() -> None:
    store = Records()
    keeper = recorder(store)
    for number in range(8):
        keeper.keep([call(number)])
        await asyncio.sleep(0.04)
    await keeper.stop()
    assert 2 <= len(store.written) <= 3
    assert store.times[1] - store.times[0] > 0.19
    kept = [each for *_, calls in store.written for each in calls]
    assert [each.example.arguments for each in kept] == [(number,) for number in range(8)]


async def test_what_is_written_is_an_example_of_what_happened() -> None:
    store = Records()
    keeper = recorder(store)
    keeper.keep([call(3, "three")])
    await keeper.stop()
    ((namespace, holder, selector, (kept,)),) = store.written
    assert (namespace, holder, selector, kept.number) == (NS, "pump", "get", 1)
    example = kept.example
    assert (example.before, example.arguments, example.outcome) == ({"n": 3}, (3,), "three")
    assert (example.after, example.after_exact) == ({"n": 4}, True)


async def test_a_call_that_is_too_large_is_let_go_and_the_others_are_written() -> None:
    store = Records()
    keeper = recorder(store)
    keeper.keep([call(1, "x" * 20_000), call(2, "small")])
    await keeper.stop()
    assert [each.example.outcome for each in store.written[0][3]] == ["small"]


@pytest.mark.parametrize(
    "large",
    ["x" * 20_000, b"x" * 20_000, [0] * 20_000, {str(n): None for n in range(9000)}, "x" * (2 << 20)],
    ids=["text", "bytes", "list", "map", "no value at all"],
)
async def test_calls_that_are_too_large_take_no_room_from_others_while_they_wait(large: Value) -> None:
    store = Records()
    keeper = recorder(store)
    keeper.keep([*[call(number, large) for number in range(MAX_PENDING)], call(2, "small")])
    await keeper.stop()
    assert [each.example.outcome for *_, calls in store.written for each in calls] == ["small"]


async def test_a_call_of_nearly_the_most_that_the_store_takes_is_written() -> None:
    store = Records()
    keeper = recorder(store)
    keeper.keep([call(1, ["x" * 100, {"y": 2.5, "z": b"b" * 200}] * 50)])
    await keeper.stop()
    assert len(store.written) == 1


async def test_of_a_busy_method_few_calls_wait() -> None:
    store = Records()
    keeper = recorder(store, first=60.0)
    keeper.keep([call(number) for number in range(1000)])
    await keeper.stop()
    assert len(store.written[0][3]) == MAX_PENDING


@pytest.mark.parametrize("error", [StoreUnavailable("it is away"), RuntimeError("a bug")])
async def test_a_store_that_cannot_take_them_is_nobodys_failure(error: Exception) -> None:
    store = Records(error)
    keeper = recorder(store)
    keeper.keep([call()])
    await asyncio.sleep(0.05)
    keeper.keep([call()])
    await keeper.stop()
    assert len(store.written) == 2


async def test_what_is_written_is_in_no_trace() -> None:
    telemetry, spans = in_memory()

    class Traced(Records):
        async def record(self, *written: Any) -> None:
            with telemetry.span("record"):
                await super().record(*written)

    store = Traced()
    keeper = recorder(store)
    with telemetry.span("message"):
        keeper.keep([call()])
        await asyncio.sleep(0.02)
        keeper.keep([call()])
        await keeper.stop()
    assert len(store.written) == 2
    assert [span.name for span in spans.get_finished_spans()] == ["message"]


async def test_a_stop_does_not_wait_for_a_store_that_hangs() -> None:
    class Hanging(Records):
        async def record(self, *written: Any) -> None:
            await asyncio.Event().wait()

    keeper = recorder(Hanging())
    keeper.keep([call()])
    await asyncio.wait_for(keeper.stop(), 2.0)
