"""Reaches attributes through format fields and methods; stopped by Monty, whose fields reach plain values."""

import pytest

from fakes.guests import feed, no_call
from sandbox.errors import GuestRaised
from sandbox.host import Sandbox

pytestmark = pytest.mark.asyncio(loop_scope="module")


FIELDS = [
    "'{0.__class__}'.format(1)",
    "'{0.__class__.__mro__}'.format('')",
    "'{0.__init__.__globals__}'.format(ValueError('x'))",
    "'{x.__globals__}'.format(x=lambda: 1)",
    "f'{(1).__class__}'",
    "f'{print.__self__}'",
    "'{}'.format_map({})",
    "import string\nstring.Formatter()",
]


@pytest.mark.parametrize("code", FIELDS)
async def test_a_format_string_reaches_no_attribute(sandbox: Sandbox, code: str) -> None:
    with pytest.raises(GuestRaised):
        await sandbox.run(feed(code), no_call)
