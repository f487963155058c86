"""Prints without end, to fill the host's memory or its log; stopped by the limit of what a feed may print."""

import pytest

from fakes.guests import feed, no_call
from sandbox.errors import LimitExceeded
from sandbox.host import Sandbox

pytestmark = pytest.mark.asyncio(loop_scope="module")


FLOODS = [
    "while True: print('x' * 1000)",
    "while True: print()",
    "while True: print('x', end='')",
    "print('x' * 10 ** 6)",
    "import sys\nwhile True: print('x' * 1000, file=sys.stderr)",
    "try:\n  while True: print('x' * 1000)\nexcept BaseException:\n  pass",
]


@pytest.mark.parametrize("code", FLOODS)
async def test_a_flood_of_prints_ends_the_feed(sandbox: Sandbox, code: str) -> None:
    with pytest.raises(LimitExceeded) as caught:
        await sandbox.run(feed(code), no_call)
    assert caught.value.kind in {"output", "time"}  # the worker is told only when it asks for more


async def test_what_is_printed_reaches_no_stream_of_the_host(
    sandbox: Sandbox, capfd: pytest.CaptureFixture[str]
) -> None:
    code = "import sys\nprint('\\x1b[31mforged log line')\nprint('x', file=sys.stderr)\n1"
    assert await sandbox.run(feed(code), no_call) == 1
    captured = capfd.readouterr()
    assert (captured.out, captured.err) == ("", "")
