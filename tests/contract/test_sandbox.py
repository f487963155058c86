"""What every sandbox promises about values, clocks and chance, with its walls and without."""

import asyncio
from datetime import datetime

import pytest

from fakes.guests import NOW, feed, no_call
from sandbox.errors import GuestRaised, LimitExceeded, UnsupportedOutput
from sandbox.guest import PLAIN, Feed, GuestObject
from sandbox.host import Sandbox

pytestmark = pytest.mark.asyncio(loop_scope="module")


# What goes in, what comes out


@pytest.mark.parametrize(
    ("code", "outcome"),
    [
        ("1 + 1", 2),
        ("x = 1", None),
        ("", None),
        ("[None, True, 1, 1.5, 'é', b'x', (1, [2])]", [None, True, 1, 1.5, "é", b"x", (1, [2])]),
        ("{'a': 1, 2: 'b', (1, 2): None}", {"a": 1, 2: "b", (1, 2): None}),
        ("10 ** 40", 10**40),
        ("import collections\ncollections.deque([1])", [1]),
    ],
)
async def test_the_outcome_is_the_value_of_the_last_expression(sandbox: Sandbox, code: str, outcome: object) -> None:
    found = await sandbox.run(feed(code), no_call)
    assert (found, type(found)) == (outcome, type(outcome))


async def test_inputs_arrive_as_they_were_sent(sandbox: Sandbox) -> None:
    x, y = (1, [(2,), True, 1.0, None, b"y", 10**30]), {1: "one", "k": [2]}
    assert await sandbox.run(feed("(x, y)", x=x, y=y), no_call) == (x, y)
    names = "[type(part).__name__ for part in [x, x[1], x[1][0], x[1][1], x[1][2], y]]"
    assert await sandbox.run(feed(names, x=x, y=y), no_call) == ["tuple", "list", "tuple", "bool", "float", "dict"]


async def test_a_shared_input_stays_shared(sandbox: Sandbox) -> None:
    shared: list[object] = []
    assert await sandbox.run(feed("x[0].append(1)\nx", x=[shared, shared]), no_call) == [[1], [1]]
    assert shared == []


async def test_an_input_that_is_not_plain_is_the_hosts_mistake(sandbox: Sandbox) -> None:
    with pytest.raises(TypeError, match="input"):
        await sandbox.run(feed("x", x=object()), no_call)


async def test_a_guests_object_arrives_with_its_attributes(sandbox: Sandbox) -> None:
    code = "class P: pass\np = P()\np.x = [1]\nq = P()\nq.p = p\nsetattr(q, 'a b', 2)\n[q, {'p': p}]"
    inner = GuestObject("P", {"x": [1]})
    assert await sandbox.run(feed(code), no_call) == [GuestObject("P", {"p": inner, "a b": 2}), {"p": inner}]


@pytest.mark.parametrize(
    ("code", "type_name"),
    [
        ("{1}", "set"),
        ("frozenset()", "frozenset"),
        ("[print]", "function"),
        ("int", "type"),
        ("[type(None)]", "type"),
        ("...", "ellipsis"),
        ("1 + 2j", "complex"),
        ("ValueError('x')", "ValueError"),
        ("import datetime\n{'d': datetime.date(2020, 1, 1)}", "date"),
        ("import decimal\ndecimal.Decimal(1)", "Decimal"),
        ("from collections import namedtuple\nnamedtuple('P', 'a')(1)", "P"),
        ("class A: pass\na = A()\na.x = {1}\na", "set"),
        ("{print: 1}", "function"),
    ],
)
async def test_what_is_not_plain_does_not_come_out(sandbox: Sandbox, code: str, type_name: str) -> None:
    with pytest.raises(UnsupportedOutput) as caught:
        await sandbox.run(feed(code), no_call)
    assert caught.value.type_name == type_name


async def test_a_guests_object_is_no_key(sandbox: Sandbox) -> None:
    with pytest.raises(UnsupportedOutput):
        await sandbox.run(feed("class A: pass\n{A(): 1}"), no_call)


@pytest.mark.parametrize(
    "value", ["range(3)", "lambda: 1", "[type(P())]", "P().go", "{'k': iter([])}", "{(slice(1),): 1}"]
)
async def test_guest_code_can_refuse_what_would_leave_as_text(sandbox: Sandbox, value: str) -> None:
    own = "class P:\n  def go(self): pass\n"
    await sandbox.run(feed(f"{own}{value}"), no_call)  # it leaves, as text
    with pytest.raises(GuestRaised) as caught:
        await sandbox.run(feed(f"{PLAIN}\n{own}plain({value})"), no_call)
    assert caught.value.type_name == "TypeError"


async def test_guest_code_can_refuse_a_cycle(sandbox: Sandbox) -> None:
    cycle = "x = []\nx.append(x)\n"
    assert await sandbox.run(feed(f"{cycle}x"), no_call) == ["[...]"]
    with pytest.raises(LimitExceeded, match="recursed"):
        await sandbox.run(feed(f"{PLAIN}\n{cycle}plain(x)"), no_call)


async def test_what_is_plain_passes_the_guests_own_check(sandbox: Sandbox) -> None:
    value: list[object] = [None, True, 1, 1.5, "x", b"y", (1,), {"k": [1], 2: 3}]
    assert await sandbox.run(feed(f"{PLAIN}\nplain(x)", x=value), no_call) == value


# Always the same


CLOCKS = """
import time, datetime
time.sleep(3600)
d = datetime.datetime.now()
u = datetime.datetime.now(datetime.timezone.utc)
[str(d), str(u), str(datetime.date.today()), time.time(), time.monotonic(), time.perf_counter(), time.process_time()]
"""


async def test_every_clock_shows_the_feeds_instant_and_sleep_takes_no_time(sandbox: Sandbox) -> None:
    instant = NOW.timestamp()
    clocks = await sandbox.run(feed(CLOCKS), no_call)
    assert clocks == [str(NOW)[:-6], str(NOW), "2026-03-04", instant, instant, instant, 0.0]


async def test_a_clock_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="zone"):
        Feed("1", {}, frozenset(), datetime(2026, 1, 1), 0)  # noqa: DTZ001 - what is refused


DRAWS = """
import random
class A: pass
[random.random(), random.Random().random(), random.randbytes(3), hash("x"), list({"a", "b", "c"}), id([]), repr(A())]
"""


async def test_the_same_feed_has_the_same_outcome_in_every_worker(sandbox: Sandbox) -> None:
    first, *others = await asyncio.gather(*[sandbox.run(feed(DRAWS), no_call) for _ in range(8)])
    assert all(other == first for other in others)
    assert await sandbox.run(feed(DRAWS, seed=8), no_call) != first


@pytest.mark.parametrize("code", ["import os\nos.urandom(4)", "import uuid", "import secrets"])
async def test_there_is_no_other_chance(sandbox: Sandbox, code: str) -> None:
    with pytest.raises(GuestRaised):
        await sandbox.run(feed(code), no_call)
