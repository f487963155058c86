"""What every sandbox promises about calls of the host, and about runs inside them."""

import asyncio
import sys
import threading

import pytest

from fakes.guests import NOW, answering, feed, no_call
from sandbox.errors import GuestException, GuestRaised, SandboxUnavailable
from sandbox.guest import Call, GuestObject
from sandbox.host import Sandbox

pytestmark = pytest.mark.asyncio(loop_scope="module")


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
    frames = sys._current_frames()  # pyright: ignore[reportPrivateUsage] - its documented name
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


async def test_a_chain_deeper_than_agreed_finds_no_worker() -> None:
    async with Sandbox(roots=1, depth=0, kept=0, worker_seconds=0.1) as sandbox:

        async def on_call(call: Call) -> object:
            return await sandbox.run(feed("1"), no_call, nested=True)

        with pytest.raises(SandboxUnavailable):
            await sandbox.run(feed("f()", "f"), on_call)


async def test_many_roots_run_at_once_and_keep_apart(sandbox: Sandbox) -> None:
    runs = [sandbox.run(feed("f(x) + x", "f", x=n), answering(lambda call: call.args[0])) for n in range(60)]
    assert await asyncio.gather(*runs) == [2 * n for n in range(60)]
