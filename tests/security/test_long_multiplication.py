"""Enters one operation that never looks at the clock; stopped by killing the worker after the grace."""

import time

import pytest

from fakes.guests import feed, no_call
from sandbox.errors import LimitExceeded
from sandbox.host import Sandbox
from sandbox.limits import Limits

pytestmark = pytest.mark.asyncio(loop_scope="module")


LONG = [
    "x = 3\nfor i in range(40): x = x * x",
    "x = 7 ** 100000\nwhile True: x = x * x % (10 ** 300000 + 1)",
    "while True: pow(3, 10 ** 6, 10 ** 4000)",
]


@pytest.mark.parametrize("code", LONG)
async def test_the_worker_is_killed_and_replaced(sandbox: Sandbox, code: str) -> None:
    began = time.monotonic()
    with pytest.raises(LimitExceeded) as caught:
        await sandbox.run(feed(code, limits=Limits(feed_seconds=0.2, grace_seconds=0.1)), no_call)
    assert caught.value.kind in {"time", "memory"}
    assert time.monotonic() - began < 3
    assert await sandbox.run(feed("1"), no_call) == 1
