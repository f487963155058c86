"""Ends with a small value that grows when it is copied; stopped by counting depth and bytes while it is copied."""

import time

import pytest

from fakes.guests import answering, feed
from sandbox.errors import LimitExceeded, UnsupportedOutput
from sandbox.host import Sandbox

pytestmark = pytest.mark.asyncio(loop_scope="module")


BOMBS = [
    ("x = [1] * 10\nfor i in range(9): x = [x] * 10\nx", "size"),
    ("x = 'a' * 100000\n[x] * 100000", "size"),
    ("x = (1,) * 10\nfor i in range(9): x = {n: x for n in range(10)}\nx", "size"),
    ("class A: pass\na = A()\na.x = 'a' * 1000\n[a] * 10000", "size"),
    ("x = []\nfor i in range(500): x = [x]\nx", "depth"),
    ("x = []\nfor i in range(100000): x = [x]\nx", "depth"),
    ("x = 1\nfor i in range(500): x = {'x': x}\nx", "depth"),
    ("class A: pass\na = None\nfor i in range(500):\n  b = A()\n  b.a = a\n  a = b\na", "depth"),
    ("2 ** (8 * 2 ** 21)", "size"),
    ("b'x' * 2 ** 21", "size"),
    ("'\\U0001f600' * 2 ** 19", "size"),
]


@pytest.mark.parametrize(("code", "kind"), BOMBS)
async def test_an_outcome_is_measured_while_it_is_copied(sandbox: Sandbox, code: str, kind: str) -> None:
    began = time.monotonic()
    with pytest.raises(LimitExceeded) as caught:
        await sandbox.run(feed(code, "f"), answering(lambda _: 0))
    assert caught.value.kind == kind
    assert time.monotonic() - began < 5


@pytest.mark.parametrize(("code", "kind"), BOMBS)
async def test_so_are_the_arguments_of_a_call(sandbox: Sandbox, code: str, kind: str) -> None:
    *before, last = code.split("\n")
    with pytest.raises(LimitExceeded) as caught:
        await sandbox.run(feed("\n".join([*before, f"f({last})"]), "f"), answering(lambda _: 0))
    assert caught.value.kind == kind


async def test_an_object_that_holds_itself_comes_out_cut(sandbox: Sandbox) -> None:
    code = "class A: pass\na = A()\na.me = a\na.all = [a, {'a': a}]\n[a.me.me is a, f(a)]"
    assert await sandbox.run(feed(code, "f"), answering(lambda call: len(call.args))) == [True, 1]


async def test_a_value_that_python_cannot_build_harms_nobody(sandbox: Sandbox) -> None:
    for code in ("class A: pass\n{A(): 1}", "class A: pass\n{(A(),): 1}", "class A: pass\n{A()}"):
        with pytest.raises(UnsupportedOutput):
            await sandbox.run(feed(code), answering(lambda _: 0))
