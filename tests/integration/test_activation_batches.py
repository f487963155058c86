"""Batches of activations in the real sandbox: what a chain sees, what is left to run alone, how sessions live."""

import asyncio
import math
from collections.abc import AsyncGenerator

import pytest
import pytest_asyncio

from activation.batch import Batches, Chain, Outcome
from fakes.batches import Alone, chain, differences, version
from kernel.objects import ObjectId
from kernel.values import Reference, Value
from sandbox.host import Sandbox

pytestmark = pytest.mark.asyncio(loop_scope="module")

INCREMENT = version(
    'def increment(self, by=1):\n    self.count = getattr(self, "count", 0) + by\n'
    "    self._p_changed = True\n    return self.count\n"
)


@pytest_asyncio.fixture(loop_scope="module")
async def batches(sandbox: Sandbox) -> AsyncGenerator[Batches]:
    batches = Batches(sandbox)
    yield batches
    await batches.close()


async def results(batches: Batches, source: str, slots: dict[str, Value], *arguments: Value) -> list[Outcome | None]:
    """The outcomes of one chain of messages of one argument each."""
    return (await batches.run(version(source), "ada", [chain("o/1", slots, *((each,) for each in arguments))]))[0]


async def test_messages_to_one_object_see_one_anothers_state(batches: Batches) -> None:
    counter = Chain(ObjectId("o/1"), {"count": 4, "name": "x"}, [((), {}), ((2,), {}), ((), {"by": 3})])
    other = Chain(ObjectId("o/2"), {}, [((1,), {})])
    first, second = await batches.run(INCREMENT, "ada", [counter, other])
    assert first == [Outcome(total, {"count": total, "name": "x"}) for total in (5, 7, 10)]
    assert second == [Outcome(1, {"count": 1})]


async def test_without_the_covenant_nothing_is_written_and_the_next_sees_nothing(batches: Batches) -> None:
    source = (
        "def m(self, by):\n    self.n = self.n + by\n    if by == 2:\n        self._p_changed = True\n"
        "    return self.n\n"
    )
    assert await results(batches, source, {"n": 0}, 1, 2, 1) == [
        Outcome(1, None),
        Outcome(2, {"n": 2}),
        Outcome(3, None),
    ]


async def test_the_covenant_over_unchanged_slots_writes_nothing(batches: Batches) -> None:
    source = "def m(self, x):\n    self.n = x\n    self._p_changed = True\n"
    slots: dict[str, Value] = {"n": 1}
    found = await results(batches, source, slots, 1, True, True, 1.0, 1.0, [0.0], [-0.0], math.nan, math.nan, b"", b"")
    assert [each is not None and each.slots is not None for each in found] == [
        *(False, True, False, True, False, True, True, True, False, True, False)
    ]


async def test_a_raise_is_left_to_run_alone_and_undone_before_the_next(batches: Batches) -> None:
    source = (
        "def m(self, by):\n    self.rows.append(by)\n    self._p_changed = True\n    return 6 // by + len(self.rows)\n"
    )
    assert await results(batches, source, {"rows": []}, 1, 0, 2) == [
        Outcome(7, {"rows": [1]}),
        None,
        Outcome(5, {"rows": [1, 2]}),
    ]


async def test_what_no_value_is_is_left_to_run_alone(batches: Batches) -> None:
    source = (
        "def m(self, x):\n    self._p_changed = True\n"
        "    return {x} if x == 1 else 2**63 if x == 2 else {1: x} if x == 3 else x\n"
    )
    assert await results(batches, source, {}, 1, 2, 3, 4) == [None, None, None, Outcome(4, None)]


async def test_what_follows_a_state_that_cannot_be_is_left_to_run_alone(batches: Batches) -> None:
    source = (
        "def m(self, depth):\n    x = 1\n    for _ in range(depth):\n        x = [x]\n    self.x = x\n"
        "    self._p_changed = True\n"
    )
    found = await results(batches, source, {}, 1, 40, 1)
    assert [each is None for each in found] == [False, True, True]


async def test_all_values_go_in_and_out_as_they_do_alone(batches: Batches, sandbox: Sandbox) -> None:
    values: list[Value] = [None, True, 0, -(2**63), 2**63 - 1, 1.0, -0.0, 1e300, math.inf, -math.inf, math.nan]
    values += [
        "",
        'é\u2028\0"\\\U0001f600',
        b"",
        b"\x00\xff",
        [],
        {},
        {"": 1},
        {"": ["bytes", "00"]},
        {"b": 1, "a": {"": {}}},
    ]
    values += [Reference("x/y"), [[Reference("x/y")], {"z": b"1", "é": [None], "a": {"b": math.nan}}]]
    source = (
        "def m(self, x):\n    old = getattr(self, 'x', None)\n    self.x = x\n    self._p_changed = True\n"
        "    return [old, x, str(x)]\n"
    )
    found, given = await differences(
        batches,
        Alone(sandbox),
        version(source),
        [chain("o/1", {"x": values}, *((each,) for each in values), (values,))],
    )
    assert (found, given) == ([], len(values) + 1)


async def test_nothing_is_shared_between_arguments_slots_and_results(batches: Batches) -> None:
    source = (
        "def m(self, x):\n    x.append(1)\n    self.x = x\n    self.y = x\n    self._p_changed = True\n    return x\n"
    )
    given: list[Value] = [0]
    one, two = (await batches.run(version(source), "ada", [chain("o/1", {}, (given,), (given,))]))[0]
    assert one is not None
    assert one == two == Outcome([0, 1], {"x": [0, 1], "y": [0, 1]}) or two == Outcome([0, 1], None)
    assert given == [0]


async def test_maps_are_seen_sorted_as_they_are_stored(batches: Batches, sandbox: Sandbox) -> None:
    source = (
        "def m(self, x):\n    seen = list(getattr(self, 'x', {}))\n    self.x = {'b': 1, 'a': x}\n"
        "    self._p_changed = True\n    return [seen, list(x)]\n"
    )
    one = chain("o/1", {"x": {"d": 1, "c": 2}}, ({"z": 1, "y": 2},), ({"é": 1, "a": {"k": 1, "j": 2}},))
    found, given = await differences(batches, Alone(sandbox), version(source), [one])
    assert (found, given) == ([], 2)
    outcomes = (await batches.run(version(source), "ada", [one]))[0]
    assert [outcome and outcome.result for outcome in outcomes] == [[["c", "d"], ["y", "z"]], [["a", "b"], ["a", "é"]]]


async def test_methods_that_send_are_left_to_run_alone(batches: Batches) -> None:
    assert await results(batches, "def m(self, x):\n    return self.other(x)\n", {}, 1, 2) == [None, None]


async def test_runs_of_one_method_at_a_time_wait_for_each_other(batches: Batches) -> None:
    runs = [batches.run(INCREMENT, "ada", [chain(f"o/{n}", {"count": n}, (1,))]) for n in range(20)]
    assert await asyncio.gather(*runs) == [[[Outcome(n + 1, {"count": n + 1})]] for n in range(20)]


async def test_sessions_are_bounded_and_the_least_recently_used_goes_first(sandbox: Sandbox) -> None:
    batches = Batches(sandbox, most_kept=2)
    try:
        for name in ["ada", "bob", "ada", "eve", "ada", "bob"] * 3:
            found = await batches.run(INCREMENT, name, [chain("o/1", {}, (1,), (1,))])
            assert found == [[Outcome(1, {"count": 1}), Outcome(2, {"count": 2})]]
    finally:
        await batches.close()


async def test_a_single_message_takes_no_session_that_is_in_use_again_and_again(sandbox: Sandbox) -> None:
    batches = Batches(sandbox, most_kept=1)
    one, two = [chain("o/1", {}, (1,))], [chain("o/1", {}, (1,), (1,))]
    try:
        assert await batches.run(INCREMENT, "ada", one) == [[Outcome(1, {"count": 1})]]
        assert await batches.run(INCREMENT, "bob", one) == [[None]]
        assert None not in (await batches.run(INCREMENT, "bob", two))[0]
        assert await batches.run(INCREMENT, "bob", one) == [[Outcome(1, {"count": 1})]]
    finally:
        await batches.close()


async def test_where_every_session_is_in_use_messages_run_alone(sandbox: Sandbox) -> None:
    batches = Batches(sandbox, most_kept=1)
    slow = version("def m(self, n):\n    for _ in range(n):\n        pass\n    return n\n")
    try:
        running = asyncio.ensure_future(batches.run(slow, "ada", [chain("o/1", {}, (300_000,))]))
        await asyncio.sleep(0)
        assert await batches.run(INCREMENT, "ada", [chain("o/1", {}, (1,))]) == [[None]]
        assert await running == [[Outcome(300_000, None)]]
        assert None not in (await batches.run(INCREMENT, "ada", [chain("o/1", {}, (1,), (1,))]))[0]
    finally:
        await batches.close()


async def test_a_session_is_renewed_after_many_feeds(sandbox: Sandbox) -> None:
    batches = Batches(sandbox, most_feeds=3, admits=lambda _: True)
    source = "def m(self, x):\n    type(self).seen = getattr(self, 'seen', 0) + 1\n    return self.seen\n"
    found = [(await results(batches, source, {}, 1))[0] for _ in range(7)]
    assert [each and each.result for each in found] == [1, 2, 3, 1, 2, 3, 1]
    await batches.close()


async def test_a_batch_that_is_cancelled_leaves_the_next_one_whole(batches: Batches) -> None:
    slow = version("def m(self, n):\n    for _ in range(n):\n        pass\n    return n\n")
    running = asyncio.ensure_future(batches.run(slow, "ada", [chain("o/1", {}, (10**9,))]))
    await asyncio.sleep(0.05)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert await batches.run(slow, "ada", [chain("o/1", {}, (1,))]) == [[Outcome(1, None)]]


async def test_more_than_one_feed_holds_is_run_in_several(batches: Batches) -> None:
    source = "def m(self, x):\n    return len(x)\n"
    chains = [chain(f"o/{n}", {}, ("x" * 300_000,)) for n in range(8)]
    assert await batches.run(version(source), "ada", chains) == [[Outcome(300_000, None)]] * 8


async def test_after_it_was_closed_it_begins_anew(batches: Batches) -> None:
    for _ in range(2):
        assert await batches.run(INCREMENT, "ada", [chain("o/1", {}, (1,))]) == [[Outcome(1, {"count": 1})]]
        await batches.close()


async def test_in_a_closed_sandbox_everything_is_left_to_run_alone() -> None:
    async with Sandbox() as sandbox:
        batches = Batches(sandbox)
        await batches.run(INCREMENT, "ada", [chain("o/1", {}, (1,))])
    assert await batches.run(INCREMENT, "ada", [chain("o/1", {}, (1,))]) == [[None]]
    await batches.close()
