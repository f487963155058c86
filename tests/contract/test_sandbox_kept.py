"""What a guest that is kept between feeds promises: its state, its limits anew, its end, and nobody else's workers."""

import asyncio

import pytest

from fakes.guests import NOW, answering, feed, no_call
from sandbox.errors import GuestRaised, GuestSyntaxError, LimitExceeded, SandboxError, SandboxUnavailable
from sandbox.host import Feed, Kept, Sandbox
from sandbox.limits import Limits

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def kept(sandbox: Sandbox, code: str, again: str, limits: Limits | None = None, **inputs: object) -> Kept:
    return await sandbox.keep(Feed(code, inputs, frozenset(), NOW, 7, limits or Limits()), again)


async def test_it_is_fed_again_and_again_and_keeps_its_globals(sandbox: Sandbox) -> None:
    guest = await kept(sandbox, "seen = [start]", "seen.append(x)\nseen", start=0)
    assert [await guest.run({"x": n}) for n in (1, 2)] == [[0, 1], [0, 1, 2]]
    guest.end()


async def test_two_of_the_same_code_see_nothing_of_each_other(sandbox: Sandbox) -> None:
    one, two = [await kept(sandbox, "seen = []", "seen.append(x)\nlen(seen)") for _ in range(2)]
    assert [await one.run({"x": 1}), await one.run({"x": 1}), await two.run({"x": 1})] == [1, 2, 1]
    one.end()
    two.end()


async def test_each_feed_has_its_time_anew(sandbox: Sandbox) -> None:
    limits = Limits(feed_seconds=1.0)
    guest = await kept(sandbox, "", "for _ in range(n): pass", limits)
    began = asyncio.get_running_loop().time()
    while asyncio.get_running_loop().time() - began < 1.2:
        await guest.run({"n": 200_000})
    guest.end()


async def test_each_feed_has_its_prints_anew(sandbox: Sandbox) -> None:
    guest = await kept(sandbox, "", "print('x' * 600)", Limits(printed_bytes=1000))
    for _ in range(5):
        await guest.run({})
    guest.end()


@pytest.mark.parametrize(
    ("again", "limit"),
    [
        ("while True: pass", "time"),
        ("x = 3\nwhile True: x = x * x", "time"),
        ("x = [0] * 10**9", "memory"),
        ("'x' * 2_000_000", "size"),
        ("while True: print('x' * 1000)", "output"),
        ("nothing()", "calls"),
        ("nothing", "calls"),
        ("import os\nos.listdir('/')", "calls"),
    ],
)
async def test_a_limit_ends_it(sandbox: Sandbox, again: str, limit: str) -> None:
    guest = await kept(sandbox, "", again, Limits(feed_seconds=0.1, grace_seconds=0.1))
    with pytest.raises(LimitExceeded) as reached:
        await guest.run({})
    assert reached.value.kind == limit or (limit == "output" and reached.value.kind == "time")
    assert not guest.open
    with pytest.raises(SandboxUnavailable):
        await guest.run({})


async def test_a_raise_ends_it(sandbox: Sandbox) -> None:
    guest = await kept(sandbox, "", "1 / x")
    with pytest.raises(GuestRaised):
        await guest.run({"x": 0})
    assert not guest.open


async def test_what_is_no_program_is_not_kept(sandbox: Sandbox) -> None:
    with pytest.raises(GuestSyntaxError):
        await kept(sandbox, "def", "1")


async def test_no_more_are_kept_than_agreed_and_runs_have_their_workers_all_the_same() -> None:
    async with Sandbox(roots=1, depth=0, kept=2, worker_seconds=0.2) as sandbox:
        guests = [await kept(sandbox, "", "x") for _ in range(2)]
        with pytest.raises(SandboxUnavailable, match="2 guests are kept already"):
            await kept(sandbox, "", "x")
        assert await sandbox.run(feed("f()", "f"), answering(lambda _: 1)) == 1
        guests.pop().end()
        guests.append(await kept(sandbox, "", "x"))
        assert [await guest.run({"x": 1}) for guest in guests] == [1, 1]


async def test_failing_to_keep_takes_no_place() -> None:
    async with Sandbox(roots=1, depth=0, kept=1) as sandbox:
        for code in ("def", "1 / 0", "x = [0] * 10**9"):
            with pytest.raises(SandboxError):
                await kept(sandbox, code, "1")
        assert await (await kept(sandbox, "", "1")).run({}) == 1


async def test_cancelling_ends_it_and_gives_its_worker_back() -> None:
    async with Sandbox(roots=1, depth=0, kept=1, worker_seconds=2.0) as sandbox:
        for _ in range(3):
            guest = await kept(sandbox, "", "while True: pass", Limits(feed_seconds=60.0))
            running = asyncio.ensure_future(guest.run({}))
            await asyncio.sleep(0.02)
            running.cancel()
            with pytest.raises(asyncio.CancelledError):
                await running
            assert not guest.open
        assert await sandbox.run(feed("1"), no_call) == 1


async def test_leaving_the_sandbox_ends_it() -> None:
    async with Sandbox() as sandbox:
        guest = await kept(sandbox, "", "1")
        assert await guest.run({}) == 1
    with pytest.raises(SandboxUnavailable):
        await guest.run({})
    guest.end()
