"""Runs for ever, and swallows every exception meanwhile; stopped by the feed's time, which no guest can catch."""

import time

import pytest

from fakes.guests import feed, no_call
from sandbox.errors import LimitExceeded
from sandbox.host import Sandbox
from sandbox.limits import Limits

pytestmark = pytest.mark.asyncio(loop_scope="module")


LOOPS = [
    "while True: pass",
    "while True:\n  try:\n    while True: pass\n  except BaseException: pass",
    "def f():\n  try: f()\n  finally: f()\nf()",
    "def f():\n  try: f()\n  except RecursionError: f()\nf()",
    "import itertools\nsum(itertools.repeat(1))",
    "sum(range(10 ** 15))",
    "max(range(10 ** 15))",
    "import time\nwhile time.time() < 1e12: time.sleep(1e6)",
    "import asyncio\nasync def f():\n  while True: await asyncio.sleep(0)\nawait f()",
    "class A:\n  def __iter__(self): return iter(A())\nlist(A())",
    "x = 'a' * 10 ** 6\nwhile True: x in x + 'b'",
    "import math\nmath.factorial(10 ** 6)",
    "import hashlib\nhashlib.pbkdf2_hmac('sha512', b'a', b'b', 10 ** 9)",
]


@pytest.mark.parametrize("code", LOOPS)
async def test_a_loop_ends_when_its_time_is_up(sandbox: Sandbox, code: str) -> None:
    began = time.monotonic()
    with pytest.raises(LimitExceeded):
        await sandbox.run(feed(code, limits=Limits(feed_seconds=0.2)), no_call)
    assert time.monotonic() - began < 3
