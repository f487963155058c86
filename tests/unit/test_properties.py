"""ROBIN's properties: parsed into terms, judged by what a method did; nothing of them runs."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from activation.examples import Observation
from kernel.messages import Example, Failure
from kernel.values import Value
from synthesizer.properties import parse, read_properties

ROWS: list[Value] = [{"name": "a", "price": 2}, {"name": "b", "price": 3}]
SEEN = Observation([1, 2], "", {"count": 4, "limit": 9, "rows": ROWS, "prices": [2, 3.5]})
EXAMPLE = Example(None, {"count": 3, "limit": 9}, (ROWS,), {"by": 2})


def holds(text: str, seen: Observation = SEEN, example: Example | None = EXAMPLE) -> bool | None:
    found = parse(text, ("orders",))
    assert found is not None, text
    return found.holds(seen, example)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("len(result) == len(rows)", True),
        ("len(result) == len(orders)", True),
        ("len(result) > 2", False),
        ("type(result) == list", True),
        ("type(result) == str", False),
        ("type(result) != dict", True),
        ("result == [1, 2]", True),
        ("1 in result", True),
        ("7 not in result", True),
        ("count unchanged", False),
        ("self.limit stays unchanged", True),
        ("limit is unchanged", True),
        ("self.count <= self.limit", True),
        ("count == 4.0", True),
        ("count == True", False),
        ("count > 'a'", False),
        ("sum(prices) == 5.5", True),
        ("max(result) <= 2", True),
        ("min(result) >= by", False),
        ("result is not None", True),
        ("'count' in rows", False),
    ],
)
def test_a_property_holds_or_does_not(text: str, told: bool) -> None:
    assert holds(text) is told


@pytest.mark.parametrize("text", ["nothing == 1", "len(count) == 1", "sum(rows) == 1", "nothing unchanged"])
def test_a_property_says_nothing_of_what_is_not_there(text: str) -> None:
    assert holds(text) is None


@pytest.mark.parametrize("text", ["sum(result) == 'x'", "sum(result) != result", "sum(result) is None"])
def test_a_sum_that_is_no_value_says_nothing(text: str) -> None:
    assert holds(text, Observation([1 << 62] * 4, "", {})) is None


@pytest.mark.parametrize("text", ["result == {[]: 1}", "result in {[1]}"])
def test_what_python_itself_cannot_make_is_no_property(text: str) -> None:
    assert parse(text) is None


def test_a_property_says_nothing_of_a_method_that_raised() -> None:
    raised = Observation(Failure("METHOD_RAISED", "ValueError"), "no", {"count": 3})
    assert holds("result >= 0", raised) is None
    assert holds("count unchanged", raised) is None


def test_without_the_example_arguments_and_the_state_before_are_not_known() -> None:
    for text in ("len(result) == len(orders)", "by == 2", "limit unchanged"):
        assert holds(text, example=None) is None
    assert holds("count == 4", example=None) is True


@pytest.mark.parametrize(
    "text",
    [
        "",
        "be kind",
        "result",
        "result == x()",
        "open('x') == 1",
        "result.__class__ == 1",
        "self.a.b == 1",
        "len(result, 1) == 1",
        "len(len(len(len(len(len(result)))))) == 1",
        "1 < result < 2",
        "result == 1; import os",
        "result == 10**100",
        "result == {1: 2}",
        "result == f'{result}'",
        "result == (lambda: 1)()",
        "result == " + "1" * 200,
        "result == '\ud800'",
        "(" * 60 + "result" + ")" * 60 + " == 1" * 9,
    ],
)
def test_what_is_no_property_is_none(text: str) -> None:
    assert parse(text) is None


@given(st.text(max_size=130))
def test_no_text_makes_the_parser_raise(text: str) -> None:
    for each in (text, f"{text} == 1", f"len({text}) == result"):
        found = parse(each)
        assert found is None or found.holds(SEEN, EXAMPLE) in {True, False, None}


def test_at_most_three_are_read_of_an_answer_and_sends_are_none() -> None:
    said = (
        "- increment(by=0)\n"
        "increment(by=1) == 2\n"
        "1. Always: result >= 0\n"
        "always: `type(result) == int`\n"
        "always: result >= 0\n"
        "It is kind, and result >= 0\n"
        "* property: limit unchanged\n"
        "always: result < 10\n"
    )
    assert [each.text for each in read_properties(said.splitlines(), "increment", "increment(self, by)")] == [
        "result >= 0",
        "type(result) == int",
        "limit unchanged",
    ]


def test_positional_arguments_have_the_names_of_the_signature() -> None:
    (found,) = read_properties(["result == by + 0", "result == by"], "increment", "increment(self, by)")
    assert found.holds(Observation(2, "", {}), Example(None, {}, (2,))) is True
    assert found.holds(Observation(3, "", {}), Example(None, {}, (2,))) is False
