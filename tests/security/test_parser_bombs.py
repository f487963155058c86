"""Breaks the parser with nesting or length; stopped by Monty's nesting limit and the worker's own stack and memory."""

import pytest

from fakes.guests import feed, no_call
from sandbox.errors import GuestRaised, GuestSyntaxError, LimitExceeded
from sandbox.host import Sandbox

pytestmark = pytest.mark.asyncio(loop_scope="module")


SOURCES = {
    "parentheses": "(" * 5000 + ")" * 5000,
    "brackets": "[" * 100000,
    "signs": "-" * 50000 + "1",
    "sum": "1" + "+1" * 50000,
    "attributes": "a" + ".b" * 50000,
    "calls": "a" + "()" * 50000,
    "lambdas": "lambda: " * 20000 + "1",
    "blocks": "\n".join(" " * depth + "if 1:" for depth in range(2000)) + "\n" + " " * 2000 + "pass",
    "strings": "f'{" * 2000 + "1" + "}'" * 2000,
    "nul": "x = 1\0",
    "surrogate": "x = '\\ud800",
    "comprehensions": "[" * 1000 + "1" + " for x in y]" * 1000,
    "unfinished": '"' * 3 + "x" * 10**6,
}


@pytest.mark.parametrize("name", SOURCES)
async def test_a_source_that_bursts_the_parser_ends_in_an_error(sandbox: Sandbox, name: str) -> None:
    with pytest.raises((GuestSyntaxError, GuestRaised, LimitExceeded)):
        await sandbox.run(feed(SOURCES[name]), no_call)
    assert await sandbox.run(feed("1"), no_call) == 1


async def test_a_long_source_is_only_slow(sandbox: Sandbox) -> None:
    assert await sandbox.run(feed("x = 1\n" * 20000 + "x"), no_call) == 1
