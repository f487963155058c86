"""Exhausts the stack of the worker; stopped by the guest's recursion limit, also inside the interpreter's own code."""

import pytest

from fakes.guests import feed, no_call
from sandbox.errors import GuestRaised, LimitExceeded
from sandbox.host import Sandbox

pytestmark = pytest.mark.asyncio(loop_scope="module")


DEEP = [
    "def f(): return f()\nf()",
    "f = lambda: f()\nf()",
    "class A:\n  def __call__(self): return self()\nA()()",
    "class A:\n  def __repr__(self): return repr(self)\nrepr(A())",
    "class A:\n  def __eq__(self, other): return self == other\nA() == A()",
    "async def f(): return await f()\nawait f()",
    "x = []\ny = []\nfor i in range(50000):\n  x = [x]\n  y = [y]\nx == y",
    "x = []\nfor i in range(50000): x = [x]\nimport copy\ncopy.deepcopy(x)",
    "x = ()\nfor i in range(50000): x = (x,)\nhash(x)",
    "x = []\nfor i in range(50000): x = [x]\nimport json\njson.dumps(x)",
    "import tomllib\ntomllib.loads('a=' + '[' * 10000)",
]


@pytest.mark.parametrize("code", DEEP)
async def test_depth_ends_before_the_stack_does(sandbox: Sandbox, code: str) -> None:
    with pytest.raises((LimitExceeded, GuestRaised)) as caught:
        await sandbox.run(feed(code), no_call)
    error = caught.value
    assert error.kind == "depth" if isinstance(error, LimitExceeded) else isinstance(error, GuestRaised)
    assert await sandbox.run(feed("1"), no_call) == 1


async def test_dropping_what_is_deep_harms_nobody(sandbox: Sandbox) -> None:
    code = "x = []\nfor i in range(50000): x = [x]\nx = None\n1"
    assert await sandbox.run(feed(code), no_call) == 1
