"""What every sandbox promises about guests that fail or take too much."""

import asyncio
import time

import pytest

from fakes.guests import answering, feed, no_call
from sandbox.errors import GuestRaised, GuestSyntaxError, LimitExceeded
from sandbox.guest import Call
from sandbox.host import Sandbox
from sandbox.limits import Limits

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.mark.parametrize(
    ("code", "line"),
    [
        ("x = 1\ny = (", 2),
        ("def f(:\n  pass", 1),
        ("1\nclass A(B): pass", 2),
        ("def f():\n  yield 1", 2),
        ("x = 1\ndel x", 2),
        ("from math import *", 1),
    ],
)
async def test_what_the_guest_language_lacks_is_a_syntax_error(sandbox: Sandbox, code: str, line: int) -> None:
    with pytest.raises(GuestSyntaxError) as caught:
        await sandbox.run(feed(code), no_call)
    assert caught.value.line == line


@pytest.mark.parametrize(
    ("code", "type_name", "message", "line"),
    [
        ("1\n1 / 0", "ZeroDivisionError", "division by zero", 2),
        ("def f():\n  raise ValueError('no')\n\nf()", "ValueError", "no", 2),
        ("{}['a']", "KeyError", "a", 1),
        ("raise NotImplementedError('x')", "NotImplementedError", "x", 1),
        ("x = 1\nexec('1\\n\\n1 / 0')", "ZeroDivisionError", "division by zero", 2),
        ("1\nexec('x = (')", "SyntaxError", "unexpected EOF while parsing (<string>, line 1)", 2),
        ("raise MemoryError('mine')", "MemoryError", "mine", 1),
        ("raise TimeoutError('mine')", "TimeoutError", "mine", 1),
        ("raise RecursionError('mine')", "RecursionError", "mine", 1),
        ("assert 1 == 2, 'no'", "AssertionError", "no", 1),
        ("raise ValueError('x' * 9000)", "ValueError", "x" * 2000, 1),
    ],
)
async def test_what_a_guest_raises_is_told(
    sandbox: Sandbox, code: str, type_name: str, message: str, line: int
) -> None:
    with pytest.raises(GuestRaised) as caught:
        await sandbox.run(feed(code), no_call)
    found = caught.value
    assert (found.type_name, found.message.strip("'"), found.line) == (type_name, message, line)


SMALL = Limits(feed_seconds=0.1, grace_seconds=0.1)
PATIENT = Limits(feed_seconds=5, output_bytes=1000, output_depth=5)


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("while True: pass", "time"),
        ("x = 3\nfor i in range(40): x = x * x", "time"),
        ("while True:\n  try:\n    while True: pass\n  except BaseException: pass", "time"),
        ("[0] * 10 ** 9", "memory"),
        ("x = []\nwhile True: x.append('a' * 10 ** 6 + str(len(x)))", "memory"),
        ("def f(): return f()\nf()", "depth"),
        ("[[[[[[]]]]]]", "depth"),
        ("'x' * 2000", "size"),
        ("2 ** 20000", "size"),
        ("x = [1] * 9\n[x] * 50", "size"),
        ("f('x' * 2000)", "size"),
        ("f(x=[[[[[[]]]]]])", "depth"),
        ("for i in range(1000): print('x' * 100)", "output"),
        ("while True: f()", "calls"),
        ("for i in range(1000):\n  try: open('x')\n  except Exception: pass", "calls"),
    ],
)
async def test_a_limit_ends_the_feed_and_the_next_one_runs(sandbox: Sandbox, code: str, kind: str) -> None:
    with pytest.raises(LimitExceeded) as caught:
        await sandbox.run(feed(code, "f", limits=SMALL if kind == "time" else PATIENT), answering(lambda _: 0))
    assert caught.value.kind == kind
    assert await sandbox.run(feed("1"), no_call) == 1


async def test_recursion_alone_can_be_caught(sandbox: Sandbox) -> None:
    code = "def f(): return f()\ntry:\n  f()\nexcept RecursionError:\n  r = 1\nr"
    assert await sandbox.run(feed(code), no_call) == 1


async def test_a_guest_that_cannot_be_stopped_is_killed_after_the_grace(sandbox: Sandbox) -> None:
    began = time.monotonic()
    with pytest.raises(LimitExceeded):
        await sandbox.run(feed("x = 3\nfor i in range(40): x = x * x", limits=SMALL), no_call)
    assert 0.2 <= time.monotonic() - began < 1


async def test_the_guests_clock_stands_still_while_the_host_answers(sandbox: Sandbox) -> None:
    async def on_call(call: Call) -> object:
        await asyncio.sleep(0.15)
        return 1

    assert await sandbox.run(feed("f() + f()", "f", limits=SMALL), on_call) == 2


async def test_the_guests_time_is_summed_over_its_calls(sandbox: Sandbox) -> None:
    code = "while True:\n  for i in range(20000): pass\n  f()"
    limits = Limits(feed_seconds=0.2, suspensions=10_000)
    with pytest.raises(LimitExceeded) as caught:
        await sandbox.run(feed(code, "f", limits=limits), answering(lambda _: 0))
    assert caught.value.kind == "time"


async def test_the_deadline_runs_over_the_hosts_time_too(sandbox: Sandbox) -> None:
    cancelled = asyncio.Event()

    async def on_call(call: Call) -> object:
        try:
            await asyncio.sleep(30)
        except asyncio.CancelledError:
            cancelled.set()
            raise
        return 1

    with pytest.raises(LimitExceeded) as caught:
        await sandbox.run(feed("f()", "f", limits=Limits(deadline_seconds=1.0)), on_call)
    assert (caught.value.kind, cancelled.is_set()) == ("time", True)


async def test_the_deadline_ends_a_guest_that_runs(sandbox: Sandbox) -> None:
    with pytest.raises(LimitExceeded, match="took longer"):
        await sandbox.run(feed("while True: pass", limits=Limits(feed_seconds=30, deadline_seconds=0.1)), no_call)
