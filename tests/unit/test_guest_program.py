"""How a method is rewritten, and nothing else of it, before it is fed to the sandbox."""

import ast

import pytest

from activation.guest import LINES_BEFORE, inputs, program
from activation.rewriting import sends_to_self
from kernel.errors import BadValue
from kernel.objects import ObjectId
from kernel.values import Reference


@pytest.mark.parametrize(
    ("written", "fed"),
    [
        ("self.other()", 'self.send(self, "other", )'),
        ("self.other(1, by=2)", 'self.send(self, "other", 1, by=2)'),
        ("self.a(self.b(3))", 'self.send(self, "a", self.send(self, "b", 3))'),
        ("self.total(x for x in y)", 'self.send(self, "total", (x for x in y))'),
        ("self.total((x for x in y))", 'self.send(self, "total", (x for x in y))'),
        ("self.total(self.b(x) for x in y)", 'self.send(self, "total", (self.send(self, "b", x) for x in y))'),
        ("self.total (1)", 'self.send (self, "total", 1)'),
        ("self.items.append(1)", "self.items.append(1)"),
        ("self.send(other, 'x')", "self.send(other, 'x')"),
        ("self.resend(1)", "self.resend(1)"),
        ("other.x(1)", "other.x(1)"),
        ("'é' + self.u(1)", "'é' + self.send(self, \"u\", 1)"),
        ("self.ü(1)", "self.ü(1)"),
        ("'self.other()'", "'self.other()'"),
        ("(self.a # (hey\n)(1)", '(self.send # (hey\n)(self, "a", 1)'),
    ],
)
def test_a_call_on_self_is_a_send_to_self(written: str, fed: str) -> None:
    assert sends_to_self(written) == fed
    ast.parse(fed)


def test_lines_stay_where_they_are() -> None:
    source = "def m(self):\n    a = self.b(\n        1,\n        2)\n    return a  # self.c()\n"
    assert [line.strip() for line in sends_to_self(source).splitlines()][2:] == ["1,", "2)", "return a  # self.c()"]


def test_the_method_stands_where_its_lines_are_counted_from() -> None:
    lines = program("def m(self):\n    return 1\n", "m").splitlines()
    assert lines[LINES_BEFORE : LINES_BEFORE + 2] == ["def m(self):", "    return 1"]


def test_a_slot_that_is_named_only_while_it_runs_is_refused() -> None:
    with pytest.raises(BadValue):
        program("def m(self, name):\n    setattr(self, name, 1)\n", "m")


def test_a_reference_goes_in_as_what_no_other_value_can_be() -> None:
    given = inputs(ObjectId("a"), {"near": [Reference("b")]}, [[1, {"": 2}]], {"key": {"to": Reference("c")}})
    tagged = '{"near":[{"":["reference","b"]}]},[[1,{"":["map",{"":2}]}]],{"key":{"to":{"":["reference","c"]}}}'
    assert given == {"_given": f'["a",{tagged}]'}
