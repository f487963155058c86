"""Runs text as code, to get at names that the feed hides; stopped by Monty: such code is a guest as well."""

import pytest

from fakes.guests import feed, no_call
from sandbox.errors import GuestRaised
from sandbox.host import Sandbox

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.mark.parametrize(
    "text",
    ["open('/etc/passwd')", "__import__('os')", "().__class__.__bases__", "globals()", "hidden()", "import os", "f(1)"],
)
@pytest.mark.parametrize("way", ["eval({!r})", "exec({!r})", "exec({!r}, {{}})", "eval({!r}, {{'f': 1}}, {{}})"])
async def test_text_that_is_run_gets_no_further(sandbox: Sandbox, way: str, text: str) -> None:
    if text == "import os" and way.startswith("exec"):
        text += "; os.system('id')"
    with pytest.raises(GuestRaised):
        await sandbox.run(feed(way.format(text)), no_call)


@pytest.mark.parametrize(
    "code", ["compile('1', 'x', 'exec')", "import code", "import codeop", "breakpoint()", "help()"]
)
async def test_there_is_no_other_way_to_run_text(sandbox: Sandbox, code: str) -> None:
    with pytest.raises(GuestRaised):
        await sandbox.run(feed(code), no_call)
