"""Which methods may share a session: what honest methods do is, what could reach a neighbour is not.

That it stops attacks is tried in the real sandbox (tests/security/test_batches_equal_alone.py); here is where it draws
the line, and that it takes most of what people write.
"""

from dataclasses import replace
from pathlib import Path

import pytest

from activation.isolation import BUILTINS, MODULES, isolated
from fakes.batches import version
from fakes.catalogue import ANSWERS
from fakes.honest import METHODS
from synthesizer.rules import constructs, names


def judged(body: str, head: str = "def m(self, x=1):\n") -> bool:
    return isolated(version(f"{head}    {body}\n"))


@pytest.mark.parametrize("path", sorted(ANSWERS.glob("*.py")), ids=lambda path: path.stem)
def test_what_a_good_model_writes_is_isolated(path: Path) -> None:
    assert isolated(version(path.read_text(encoding="utf-8")))


@pytest.mark.parametrize(
    "body",
    [
        "self.rows = [row for row in self.rows if row['n'] > x]",
        "return sorted(self.rows, key=lambda row: row['n'])",
        "self.rows.sort(key=lambda row: row['n'])",
        "return list(map(lambda n: n + x, self.rows))",
        "def double(n):\n        return 2 * n\n    return double(x)",
        "import re, math\n    return re.sub('a', 'b', x) + str(math.pi)",
        "from collections import Counter, defaultdict\n    return dict(Counter(x))",
        "setattr(self, 'n', getattr(self, 'n', 0) + x)",
        "return type(x) is int",
        "return None if x is None or x is True else x",
        "try:\n        return int(x)\n    except (ValueError, TypeError) as error:\n        return str(error)",
        "for _ in range(3):\n        x += 1\n    return x",
        "return f'{x:.2f} {self.id}'",
        "return (n := x) + n",
        "assert x > 0, 'too small'\n    return x",
        "self._cache = x",
        "return getattr(self, '_cache', x)",
    ],
)
def test_plain_work_is_isolated(body: str) -> None:
    assert judged(body)


@pytest.mark.parametrize(
    "body",
    [
        "return _x",
        "_x = 1",
        "def _f():\n        pass",
        "return [_x for _x in x]",
        "import re as _re",
        "return m",
        "return print(x)",
        "return x.__class__",
        "return x._place",
        "return getattr(x, '_place')",
        "return [y async for y in x]",
        "return getattr(x, '__class__')",
        "return getattr(x, 'a' + 'b')",
        "return getattr(self, x)",
        "get = getattr\n    return get(x, 'send')",
        "return hasattr(*x)",
        "setattr(x, 'a', 1)",
        "setattr(self, 'send', 1)",
        "self.id = x",
        "self.send = x",
        "x.a = 1",
        "x.a += 1",
        "self.a.b = 1",
        "[0 for x.a in [1]]",
        "x = self",
        "self = x",
        "return [self]",
        "return self == x",
        "import re as self",
        "def f(self):\n        return 1",
        "for self in x:\n        pass",
        "return self.total(x)",
        "return self.rows(key=x)",
        "return x.send('y')",
        "return x.resend()",
        "return '{0.a}'.format(x)",
        "return x is self.y",
        "return x is not 1",
        "return str(lambda: 0)",
        "return (lambda: 0, 1)[1]",
        "def f():\n        pass\n    return f",
        "def f():\n        pass\n    g = f",
        "map = x\n    return map(lambda: 0, [])",
        "def sorted(key):\n        return str(key)\n    return sorted(key=lambda: 0)",
        "return max(lambda: 0, x)",
        "nonlocal_ = 1\n    global y\n    y = 1",
        "class C:\n        pass",
        "@staticmethod\n    def f():\n        pass",
        "async def f():\n        pass",
        "import datetime",
        "import random",
        "import re, time",
        "from decimal import getcontext",
        "from collections import *",
        "from json import __name__ as n",
        "import collections.abc",
        "yield x",
        "with x:\n        pass",
        "match x:\n        case int(real=y):\n            return y",
        "return iter(x)",
        "return id(x)",
        "return hash(x)",
        "return object()",
        "return eval('1')",
    ],
)
def test_what_could_reach_a_neighbour_is_not_isolated(body: str) -> None:
    assert not judged(body)


@pytest.mark.parametrize("default", ["[]", "{}", "()", "([],)", "list()", "lambda: 0", "-x", "f'{1}'"])
def test_defaults_are_constants(default: str) -> None:
    assert not judged("return 1", f"def m(self, x={default}):\n")
    assert not judged("return 1", f"def m(self, *, x={default}):\n")


def test_a_name_that_python_reads_in_another_form_is_not_isolated() -> None:
    honest = version("def m(self, x):\n    return str(x)\n")
    assert isolated(honest)
    assert not isolated(replace(honest, source=honest.source.replace("str", "\u017ftr")))  # a long s


def test_annotations_are_names_too() -> None:
    assert judged("return x", "def m(self, x: list[int] | None = None) -> int:\n")
    assert not judged("return x", "def m(self, x: _run = None):\n")


def test_it_admits_less_than_the_audit() -> None:
    assert BUILTINS - {"BaseException", "RecursionError"} <= names.BUILTINS
    assert MODULES - {"binascii"} <= constructs.MODULES


def test_most_honest_methods_are_isolated() -> None:
    assert sum(map(isolated, map(version, METHODS))) >= len(METHODS) // 2
