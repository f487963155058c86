"""Walks from a value to its type, the type's bases and all loaded types; stopped by Monty, whose values have none."""

import pytest

from fakes.guests import feed, no_call
from sandbox.errors import GuestRaised
from sandbox.host import Sandbox

pytestmark = pytest.mark.asyncio(loop_scope="module")


WALKS = [
    "().__class__.__bases__[0].__subclasses__()",
    "''.__class__.__mro__",
    "type(1).__subclasses__(type)",
    "int.__base__",
    "object.__subclasses__()",
    "getattr(1, '__cl' + 'ass__')",
    "(lambda: 1).__globals__",
    "(lambda: 1).__code__",
    "(lambda: 1).__closure__",
    "print.__self__",
    "[].__reduce_ex__(4)",
    "{}.__init_subclass__",
    "__builtins__",
    "__loader__",
    "class A: pass\nA().__dict__",
    "class A: pass\nA.__mro__",
    "class A:\n  def f(self): pass\nA().f.__func__.__globals__",
    "import math\nmath.__loader__",
    "import json\njson.__dict__",
    "import json\njson.codecs.sys",
    "import re\nre.enum.sys",
    "import asyncio\nasyncio.subprocess",
    "import collections\ncollections.abc.sys",
    "import dataclasses\ndataclasses.sys",
    "import typing\ntyping.sys.modules",
    "import sys\nsys.modules",
    "import sys\nsys._getframe()",
    "vars(print)",
    "dir(print)",
    "globals()['__builtins__']",
]


@pytest.mark.parametrize("code", WALKS)
async def test_there_is_no_way_from_a_value_to_the_interpreter(sandbox: Sandbox, code: str) -> None:
    with pytest.raises(GuestRaised) as caught:
        await sandbox.run(feed(code), no_call)
    assert caught.value.type_name in {"AttributeError", "NameError", "TypeError"}


async def test_a_type_that_is_overwritten_stays_what_it_is(sandbox: Sandbox) -> None:
    code = (
        "class A:\n  def f(self): return 1\na = A()\na.__class__ = int\n[a.f(), isinstance(a, A), isinstance(a, int)]"
    )
    assert await sandbox.run(feed(code), no_call) == [1, True, False]
