"""Reads frames off exceptions, coroutines and the call stack; stopped by Monty, whose exceptions carry text only."""

import pytest

from fakes.guests import feed, no_call
from sandbox.errors import GuestRaised
from sandbox.host import Sandbox

pytestmark = pytest.mark.asyncio(loop_scope="module")


ERROR = "try:\n  1 / 0\nexcept Exception as e:\n  r = e.{}\nr"
READS = [
    *[ERROR.format(name) for name in ("__traceback__", "__cause__", "__context__", "with_traceback(None)", "tb_frame")],
    "async def f(): pass\nf().cr_frame",
    "(x for x in [1]).gi_frame",
    "import sys\nsys.exc_info()",
    "import sys\nsys.settrace(print)",
    "import traceback",
    "import inspect",
    "import gc\ngc.get_objects()",
]


@pytest.mark.parametrize("code", READS)
async def test_there_is_no_frame_to_be_had(sandbox: Sandbox, code: str) -> None:
    with pytest.raises(GuestRaised):
        await sandbox.run(feed(code), no_call)
