"""Finds by chance what nobody thought of: random methods, states and arguments, each batch held against runs alone."""

import textwrap
from collections.abc import Sequence

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from activation.batch import Batches, Chain, isolated
from fakes.batches import Alone, chain, differences, version
from kernel.values import Reference, Value
from sandbox.host import Sandbox

pytestmark = pytest.mark.asyncio(loop_scope="module")

LEAVES = [
    "x",
    "y",
    "self.a",
    "self.b",
    "getattr(self, 'c', 0)",
    "self.id",
    "0",
    "1",
    "-1",
    "2.5",
    "True",
    "None",
    "'t'",
    "[]",
    "{}",
]
JOINED = [
    "{0} + {1}",
    "{0} * 2",
    "[{0}, {1}]",
    "{{'k': {0}, 'j': {1}}}",
    "{0} == {1}",
    "{0} if {1} else None",
    "len({0})",
    "str({0})",
    "repr({0})",
    "f'{{x}} {{y}}'",
    "sorted([{0}, {1}])",
    "({0})[0]",
    "({0}).get('k')",
    "list({0})",
    "{0} or {1}",
    "[v for v in [{0}, {1}]]",
    "max([{0}, {1}], key=lambda v: str(v))",
    "{0} is None",
    "({0}, {1})",
    "{{{0}}}",
    "not {0}",
    "hasattr(self, 'c')",
    "isinstance({0}, list)",
    "dict({0})",
    "'%s' % [{0}]",
    "type({0}) is int",
]
SIMPLE = [
    "self.a = {0}",
    "self.b = {0}",
    "setattr(self, 'c', {0})",
    "self.a += {0}",
    "self.b.append({0})",
    "x.append({0})",
    "x = {0}",
    "y = self.a",
    "self.a['k'] = {0}",
    "self._p_changed = True",
    "self._p_changed = True",
    "x, y = y, x",
    "return {0}",
    "raise ValueError(str({0}))",
    "pass",
    "self.b.sort()",
    "self.b.pop()",
    "y = [{0}]\nself.a = y\nself.b = y",
]
NESTED = [
    "if {0}:\n{1}",
    "for i in [1, 2]:\n{1}",
    "try:\n{1}\nexcept Exception:\n    self.c = 1",
    "try:\n{1}\nfinally:\n    self.c = {0}",
    "def f(v):\n    return [v, {0}]\nx = f(x)\n{2}",
    "for x in list({0}):\n{1}",
]


def joined(form: str, one: str, other: str) -> str:
    return f"({form.format(one, other)})"


def filled(form: str, expression: str) -> str:
    return form.format(expression)


def nested(form: str, expression: str, block: str) -> str:
    return form.format(expression, textwrap.indent(block, "    "), block)


def longer(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.builds(joined, st.sampled_from(JOINED), inner, inner)


EXPRESSIONS = st.recursive(st.sampled_from(LEAVES), longer, max_leaves=4)


def deeper(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.builds(nested, st.sampled_from(NESTED), EXPRESSIONS, inner)


STATEMENTS = st.recursive(st.builds(filled, st.sampled_from(SIMPLE), EXPRESSIONS), deeper, max_leaves=3)
BLOCKS = st.lists(STATEMENTS, min_size=1, max_size=5).map("\n".join)


def containers(inner: st.SearchStrategy[Value]) -> st.SearchStrategy[Value]:
    return st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(["", "k", "é"]), inner))


SCALARS: st.SearchStrategy[Value] = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 3),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(),
    st.text(max_size=3),
    st.binary(max_size=3),
    st.sampled_from([Reference("x/y"), Reference("o/0")]),
)
VALUES = st.recursive(SCALARS, containers, max_leaves=5)


def chains() -> st.SearchStrategy[list[Chain]]:
    slots = st.dictionaries(st.sampled_from(["a", "b", "d"]), VALUES)
    messages = st.lists(st.tuples(VALUES, VALUES), min_size=1, max_size=4)

    def named(parts: Sequence[tuple[dict[str, Value], list[tuple[Value, Value]]]]) -> list[Chain]:
        return [chain(f"o/{n}", slots, *messages) for n, (slots, messages) in enumerate(parts)]

    return st.lists(st.tuples(slots, messages), min_size=1, max_size=3).map(named)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(block=BLOCKS, sent=chains())
async def test_a_random_method_does_in_a_batch_what_it_does_alone(
    sandbox: Sandbox, block: str, sent: list[Chain]
) -> None:
    made = version(f"def m(self, x, y=None):\n{textwrap.indent(block, '    ')}\n    return [x, y]\n")
    assert isolated(made), made.source
    batches = Batches(sandbox)
    try:
        found, _ = await differences(batches, Alone(sandbox), made, sent)
        assert found == [], made.source
    finally:
        await batches.close()
