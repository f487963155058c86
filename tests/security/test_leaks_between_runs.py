"""Leaves something behind for the next run in the same worker; stopped by a fresh session for every feed."""

import asyncio

import pytest

from fakes.guests import answering, feed, no_call
from sandbox.errors import GuestRaised, LimitExceeded
from sandbox.host import Sandbox
from sandbox.limits import Limits

pytestmark = pytest.mark.asyncio(loop_scope="module")


LEFT = [
    ("secret = 1", "secret"),
    ("global secret\nsecret = 1", "secret"),
    ("import random\nrandom.seed(99)", "import random\nassert random.getstate() == state"),
    ("int = str", "assert int('1') == 1"),
    ("print = len\nlen = print", "assert len([1]) == 1"),
    ("class A: pass\nA.x = 1", "class A: pass\nassert not hasattr(A(), 'x')"),
    ("import sys\nsys.argv.append('x')", "import sys\nassert sys.argv == ['feed']"),
    ("import decimal\ndecimal.getcontext().prec = 3", "import decimal\nassert decimal.getcontext().prec == 28"),
    ("import functools\n@functools.cache\ndef f(x): return 1\nf(1)", "f(1)"),
]


@pytest.mark.parametrize(("first", "second"), LEFT)
async def test_nothing_that_a_run_leaves_is_found_by_the_next(sandbox: Sandbox, first: str, second: str) -> None:
    state = "import random\nrandom.getstate()"
    given = await sandbox.run(feed(state), no_call)
    await sandbox.run(feed(first), no_call)
    if second.startswith(("secret", "f")):
        with pytest.raises(GuestRaised, match="NameError"):
            await sandbox.run(feed(second), no_call)
    else:
        await sandbox.run(feed(second, state=given), no_call)


@pytest.mark.parametrize(
    "code",
    [
        "import json\njson.loads = lambda text: 'stolen'",
        "import math\nmath.pi = 3",
        "import json\nsetattr(json, 'secret', 1)",
        "import collections\ncollections.deque = list",
        "int.secret = 1",
        "setattr(str, 'upper', len)",
        "import os\nos.chdir('/tmp')",
        "import os\nos.environ['X'] = '1'",
        "def f(): pass\nf.secret = 1",
    ],
)
async def test_modules_and_types_cannot_be_changed_at_all(sandbox: Sandbox, code: str) -> None:
    with pytest.raises(GuestRaised):
        await sandbox.run(feed(code), no_call)


async def test_a_mutable_default_starts_anew(sandbox: Sandbox) -> None:
    code = "def f(seen=[]):\n  seen.append(x)\n  return seen\nf()"
    assert [await sandbox.run(feed(code, x=n), no_call) for n in range(3)] == [[0], [1], [2]]


async def test_an_input_is_a_copy(sandbox: Sandbox) -> None:
    given = {"k": [1]}
    await sandbox.run(feed("x['k'].append(2)\nx['new'] = 1\nx", x=given), no_call)
    assert given == {"k": [1]}


async def test_an_answer_is_a_copy(sandbox: Sandbox) -> None:
    answer = [1]
    assert await sandbox.run(feed("x = f()\nx.append(2)\nf()", "f"), answering(lambda _: answer)) == [1]


async def test_a_run_that_was_abandoned_leaves_nothing(sandbox: Sandbox) -> None:
    async def gone(call: object) -> object:
        raise KeyError(call)

    for _ in range(5):
        with pytest.raises(KeyError):
            await sandbox.run(feed("secret = 1\nf()", "f"), gone)
        with pytest.raises(LimitExceeded):
            await sandbox.run(feed("secret = 1\nwhile True: pass", limits=Limits(feed_seconds=0.05)), no_call)
    looks = [sandbox.run(feed("secret"), no_call) for _ in range(8)]
    assert {type(error) for error in await asyncio.gather(*looks, return_exceptions=True)} == {GuestRaised}


async def test_runs_that_wait_beside_each_other_see_only_their_own(sandbox: Sandbox) -> None:
    async def slow(call: object) -> object:
        await asyncio.sleep(0.01)
        return None

    code = "mine = [x]\nfor i in range(5):\n  f()\n  mine.append(x)\nmine"
    runs = [sandbox.run(feed(code, "f", x=n), slow) for n in range(20)]
    assert await asyncio.gather(*runs) == [[n] * 6 for n in range(20)]
