"""Calls the host without end, or out of turn; stopped by the limit of suspensions and by answering known names only."""

import pytest

from fakes.guests import answering, feed, no_call
from sandbox.errors import GuestRaised, LimitExceeded
from sandbox.guest import Call
from sandbox.host import Sandbox

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.mark.parametrize(
    "code",
    [
        "while True: f()",
        "while True:\n  try: f()\n  except BaseException: pass",
        "while True:\n  try: unknown()\n  except NameError: pass",
        "while True:\n  try: unknown\n  except NameError: pass",
        "while True:\n  try: open('x')\n  except PermissionError: pass",
        "while True:\n  try:\n    import unknown\n  except ImportError: pass",
    ],
)
async def test_the_host_is_asked_only_so_often(sandbox: Sandbox, code: str) -> None:
    calls: list[Call] = []
    with pytest.raises(LimitExceeded) as caught:
        await sandbox.run(feed(code, "f"), answering(calls.append))
    assert caught.value.kind == "calls"
    assert len(calls) <= 128


@pytest.mark.parametrize(
    "code",
    [
        "__getattr__(1)",
        "print.f()",
        "f.__call__(1)",
        "'x'.f()",
        "exec('g(1)')",
        "import f\nf.f()",
        "from f import f\nf()",
    ],
)
async def test_only_the_names_that_were_given_reach_the_host(sandbox: Sandbox, code: str) -> None:
    with pytest.raises(GuestRaised):
        await sandbox.run(feed(code, "f"), no_call)


async def test_a_guest_that_gathers_calls_gets_its_answers_in_turn(sandbox: Sandbox) -> None:
    code = "import asyncio\nasync def g(n): return f(n)\nawait asyncio.gather(g(1), g(2), g(3))"
    assert await sandbox.run(feed(code, "f"), answering(lambda call: call.args[0])) == [1, 2, 3]
