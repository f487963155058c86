"""What every sandbox promises, with its walls and without. The walls themselves are tried in tests/security."""

import asyncio
import os
import shutil
import signal
import sys
import threading
import time
from collections.abc import AsyncGenerator
from datetime import datetime
from pathlib import Path

import pytest
import pytest_asyncio

from fakes.guests import NOW, answering, children, feed, no_call
from sandbox.errors import (
    GuestException,
    GuestRaised,
    GuestSyntaxError,
    LimitExceeded,
    SandboxUnavailable,
    UnsupportedOutput,
)
from sandbox.guest import PLAIN, Call, Feed, GuestObject
from sandbox.host import Sandbox
from sandbox.jail import WALLS, find_worker
from sandbox.limits import Limits

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=["jailed", "unjailed"])
async def sandbox(request: pytest.FixtureRequest) -> AsyncGenerator[Sandbox]:
    async with Sandbox(jailed=request.param == "jailed") as sandbox:
        yield sandbox


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
    given = {"x": (1, [(2,), True, 1.0, None, b"y", 10**30]), "y": {1: "one", "k": {}}}
    assert await sandbox.run(feed("(x, y)", **given), no_call) == (given["x"], given["y"])
    names = "[type(part).__name__ for part in [x, x[1], x[1][0], x[1][1], x[1][2], y]]"
    assert await sandbox.run(feed(names, **given), no_call) == ["tuple", "list", "tuple", "bool", "float", "dict"]


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


# Calls


async def test_a_call_suspends_the_guest_until_the_host_answers(sandbox: Sandbox) -> None:
    calls: list[Call] = []

    def answer(call: Call) -> object:
        calls.append(call)
        return [*call.args, (1,)]

    assert await sandbox.run(feed("f(1, x=2) + f(3)", "f"), answering(answer)) == [1, (1,), 3, (1,)]
    assert calls == [Call("f", (1,), {"x": 2}), Call("f", (3,), {})]


async def test_an_object_among_the_arguments_is_read_by_the_host(sandbox: Sandbox) -> None:
    code = "class P:\n  def go(self): return f(self, [self])\np = P()\np.n = 1\nr = p.go()\np.n += r\np.n"
    seen: list[Call] = []
    assert await sandbox.run(feed(code, "f"), answering(lambda call: seen.append(call) or 4)) == 5
    assert seen == [Call("f", (GuestObject("P", {"n": 1}), [GuestObject("P", {"n": 1})]), {})]


async def test_a_function_may_be_used_as_a_value(sandbox: Sandbox) -> None:
    code = "class P: pass\nP.go = f\ng = f\n[g(1), [call(2) for call in (f, g)]]"
    assert await sandbox.run(feed(code, "f"), answering(lambda call: call.args[0])) == [1, [2, 2]]


@pytest.mark.parametrize("code", ["other(1)", "other", "vars(1)", "globals()", "__import__('os')", "g = other\ng()"])
async def test_a_name_that_nobody_gave_is_a_name_error(sandbox: Sandbox, code: str) -> None:
    with pytest.raises(GuestRaised) as caught:
        await sandbox.run(feed(code, "f"), no_call)
    assert caught.value.type_name == "NameError"
    assert "is not defined" in caught.value.message


@pytest.mark.parametrize(
    ("raised", "seen"),
    [
        (GuestException("ValueError", "no"), ["ValueError", "no"]),
        (GuestException("KeyError", "no"), ["KeyError", "'no'"]),
        (GuestException("JSONDecodeError", "no"), ["JSONDecodeError", "no"]),
        (GuestException("MyOwn", "no"), ["RuntimeError", "MyOwn: no"]),
        (GuestException("ValueError", "x" * 5000), ["ValueError", "x" * 2000]),
    ],
)
async def test_a_guest_may_catch_a_guest_exception(sandbox: Sandbox, raised: GuestException, seen: list[str]) -> None:
    async def on_call(call: Call) -> object:
        raise raised

    code = "try:\n  f()\nexcept Exception as e:\n  r = [type(e).__name__, str(e)]\nr"
    assert await sandbox.run(feed(code, "f"), on_call) == seen


SWALLOWING = """
r = []
try:
    f(1)
except BaseException as e:
    r.append(f(2))
finally:
    r.append(f(3))
r
"""


@pytest.mark.parametrize("error", [ValueError("host"), asyncio.CancelledError(), KeyError(1), TimeoutError("host")])
async def test_any_other_error_of_the_host_abandons_the_feed(sandbox: Sandbox, error: BaseException) -> None:
    calls: list[Call] = []

    async def on_call(call: Call) -> object:
        calls.append(call)
        raise error

    with pytest.raises(type(error)) as caught:
        await sandbox.run(feed(SWALLOWING, "f"), on_call)
    assert caught.value is error
    assert len(calls) == 1
    assert await sandbox.run(feed("1"), no_call) == 1


@pytest.mark.parametrize("answer", [object(), {1}, [lambda: 1], {"k": NOW}, GuestObject("P", {}), {object(): 1}])
async def test_an_answer_that_is_not_plain_abandons_the_feed(sandbox: Sandbox, answer: object) -> None:
    with pytest.raises(TypeError, match="answer"):
        await sandbox.run(feed(SWALLOWING, "f"), answering(lambda call: answer if call.args == (1,) else 0))


async def test_an_endless_answer_abandons_the_feed(sandbox: Sandbox) -> None:
    cycle: list[object] = []
    cycle.append(cycle)
    with pytest.raises(TypeError, match="nested"):
        await sandbox.run(feed(SWALLOWING, "f"), answering(lambda _: cycle))


async def test_suspended_guests_hold_no_thread(sandbox: Sandbox) -> None:
    waiting, go_on = asyncio.Semaphore(0), asyncio.Event()

    async def on_call(call: Call) -> object:
        waiting.release()
        await go_on.wait()
        return call.args[0]

    runs = [asyncio.create_task(sandbox.run(feed(f"f({n})", "f"), on_call)) for n in range(8)]
    for _ in runs:
        await waiting.acquire()
    frames = sys._current_frames()
    threads = [thread for thread in threading.enumerate() if thread.name.startswith("sandbox")]
    assert threads
    for thread in threads:
        frame = frames.get(thread.ident or 0)
        while frame is not None:
            assert not frame.f_code.co_filename.endswith("session.py")
            frame = frame.f_back
    go_on.set()
    assert await asyncio.gather(*runs) == list(range(8))


# Nesting


async def test_runs_nest_sixteen_deep_below_every_root() -> None:
    async with Sandbox(roots=2) as sandbox:

        async def on_call(call: Call) -> object:
            depth = call.args[0]
            assert isinstance(depth, int)
            code = "f(depth - 1) + 1 if depth else 0"
            return await sandbox.run(feed(code, "f", depth=depth), on_call, nested=True)

        both = [sandbox.run(feed("f(15) + 1", "f"), on_call) for _ in range(2)]
        assert await asyncio.gather(*both) == [16, 16]


async def test_roots_queue_while_nested_runs_do_not() -> None:
    async with Sandbox(roots=1) as sandbox:
        order: list[str] = []
        started = asyncio.Event()

        async def on_call(call: Call) -> object:
            started.set()
            await asyncio.sleep(0.05)
            order.append("nested")
            return await sandbox.run(feed("1"), no_call, nested=True)

        async def second() -> None:
            await started.wait()
            await sandbox.run(feed("1"), no_call)
            order.append("second")

        waiting = asyncio.create_task(second())
        await sandbox.run(feed("f()", "f"), on_call)
        order.append("first")
        await waiting
        assert order == ["nested", "first", "second"]


async def test_a_chain_deeper_than_agreed_finds_no_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sandbox.host._CHECKOUT_SECONDS", 0.1)
    async with Sandbox(roots=1, depth=0) as sandbox:

        async def on_call(call: Call) -> object:
            return await sandbox.run(feed("1"), no_call, nested=True)

        with pytest.raises(SandboxUnavailable):
            await sandbox.run(feed("f()", "f"), on_call)


async def test_many_roots_run_at_once_and_keep_apart(sandbox: Sandbox) -> None:
    runs = [sandbox.run(feed("f(x) + x", "f", x=n), answering(lambda call: call.args[0])) for n in range(60)]
    assert await asyncio.gather(*runs) == [2 * n for n in range(60)]


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


# Failures


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


SMALL = Limits(feed_seconds=0.1, grace_seconds=0.1, deadline_seconds=5, output_bytes=1000, output_depth=5)


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
        ("for i in range(10 ** 6): print('x' * 100)", "output"),
        ("while True: f()", "calls"),
        ("for i in range(1000):\n  try: open('x')\n  except Exception: pass", "calls"),
    ],
)
async def test_a_limit_ends_the_feed_and_the_next_one_runs(sandbox: Sandbox, code: str, kind: str) -> None:
    with pytest.raises(LimitExceeded) as caught:
        await sandbox.run(feed(code, "f", limits=SMALL), answering(lambda _: 0))
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
        await sandbox.run(feed("f()", "f", limits=Limits(deadline_seconds=0.1)), on_call)
    assert (caught.value.kind, cancelled.is_set()) == ("time", True)


async def test_the_deadline_ends_a_guest_that_runs(sandbox: Sandbox) -> None:
    with pytest.raises(LimitExceeded, match="took longer"):
        await sandbox.run(feed("while True: pass", limits=Limits(feed_seconds=30, deadline_seconds=0.1)), no_call)


# Cancelling and closing


async def test_cancelling_kills_a_guest_that_runs(sandbox: Sandbox) -> None:
    run = asyncio.create_task(sandbox.run(feed("while True: pass", limits=Limits(feed_seconds=60)), no_call))
    await asyncio.sleep(0.1)
    workers = children()
    run.cancel()
    began = time.monotonic()
    with pytest.raises(asyncio.CancelledError):
        await run
    while workers.keys() <= children().keys():
        assert time.monotonic() - began < 1, "the worker lives on"
        await asyncio.sleep(0.01)


async def test_leaving_ends_every_guest() -> None:
    suspended = asyncio.Event()

    async def on_call(call: Call) -> object:
        suspended.set()
        await asyncio.sleep(0.2)
        return 1

    long = Limits(feed_seconds=60, deadline_seconds=60)
    async with Sandbox() as sandbox:
        before = children()
        runs = [
            asyncio.create_task(sandbox.run(feed("while True: pass", limits=long), no_call)),
            asyncio.create_task(sandbox.run(feed("f()", "f", limits=long), on_call)),
        ]
        await suspended.wait()
        await asyncio.sleep(0.05)
        assert len(children()) >= len(before)
    assert [type(error) for error in await asyncio.gather(*runs, return_exceptions=True)] == [SandboxUnavailable] * 2
    with pytest.raises(SandboxUnavailable):
        await sandbox.run(feed("1"), no_call)


async def test_a_root_that_queued_while_the_sandbox_closed_does_not_run() -> None:
    async with Sandbox(roots=1) as sandbox:
        long = Limits(feed_seconds=60, deadline_seconds=60)
        runs = [asyncio.create_task(sandbox.run(feed("while True: pass", limits=long), no_call)) for _ in range(3)]
        await asyncio.sleep(0.1)
    assert [type(error) for error in await asyncio.gather(*runs, return_exceptions=True)] == [SandboxUnavailable] * 3


async def test_leaving_leaves_no_worker_and_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    before = children().keys()
    async with Sandbox(warm=3) as sandbox:
        await sandbox.run(feed("1"), no_call)
        assert len(children().keys() - before) >= 3
        assert list(tmp_path.iterdir())
    began = time.monotonic()
    while children().keys() - before:
        assert time.monotonic() - began < 1, "a worker lives on"
        await asyncio.sleep(0.01)
    assert list(tmp_path.iterdir()) == []


async def test_a_sandbox_that_was_not_entered_runs_nothing() -> None:
    sandbox = Sandbox()
    with pytest.raises(SandboxUnavailable):
        await sandbox.run(feed("1"), no_call)
    with pytest.raises(SandboxUnavailable):
        _ = sandbox.jail


async def test_a_worker_that_died_idle_is_replaced() -> None:
    before = children().keys()
    async with Sandbox(warm=2) as sandbox:
        await asyncio.gather(*[sandbox.run(feed("1"), no_call) for _ in range(4)])
        for pid in children().keys() - before:
            os.kill(pid, signal.SIGKILL)
        assert await asyncio.gather(*[sandbox.run(feed("1"), no_call) for _ in range(4)]) == [1] * 4


# The jail's report


async def test_the_level_names_every_wall_once(sandbox: Sandbox) -> None:
    level = sandbox.jail
    assert level.applied | level.missing.keys() == WALLS.keys()
    assert not level.applied & level.missing.keys()
    assert all(level.missing.values())
    for name in WALLS:
        assert name in str(level)


async def test_a_required_wall_that_does_not_stand_stops_the_sandbox() -> None:
    with pytest.raises(SandboxUnavailable, match="seccomp"):
        await Sandbox(jailed=False, require=frozenset({"seccomp"})).__aenter__()
    with pytest.raises(ValueError, match="moat"):
        await Sandbox(require=frozenset({"moat"})).__aenter__()


async def test_all_that_stands_may_be_required(sandbox: Sandbox) -> None:
    level = sandbox.jail
    async with Sandbox(jailed=bool(level.applied), require=level.applied) as other:
        assert other.jail.applied == level.applied


async def test_a_worker_in_a_private_folder_starts(tmp_path: Path) -> None:
    shutil.copy(find_worker(), tmp_path / "monty")
    tmp_path.chmod(0o700)
    async with Sandbox(binary=tmp_path / "monty") as sandbox:
        assert await sandbox.run(feed("1"), no_call) == 1


@pytest.mark.parametrize("program", ["/bin/false", "/nonexistent"])
@pytest.mark.parametrize("jailed", [True, False])
async def test_a_program_that_is_no_worker_is_unavailable(program: str, *, jailed: bool) -> None:
    with pytest.raises(SandboxUnavailable):
        await Sandbox(jailed=jailed, binary=Path(program)).__aenter__()
