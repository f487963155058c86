"""What of values may be shown: what callers said, what objects allow, and samples made up by rule."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.messages import Example, Message
from kernel.objects import ObjectId, Selector
from kernel.values import Reference, SlotValues, Value, canonical
from synthesizer.disclosure import allowed, said, sample, shown_message, shown_slots
from synthesizer.mission import Mission, case_file

SECRET = "hunter2-hunter2"


@pytest.mark.parametrize(
    ("along", "names"),
    [
        ([], set[str]()),
        ([{"a": 1}], set[str]()),
        ([{"disclosed_slots": ["a", "b"]}, {}], {"a", "b"}),
        ([{}, {"disclosed_slots": "*"}], {"*"}),
        ([{"disclosed_slots": ["*"]}], {"*"}),
        ([{"disclosed_slots": "*"}, {"disclosed_slots": ["a"]}], {"a"}),
        ([{"disclosed_slots": ["a", "b"]}, {"disclosed_slots": ["b", "c"]}], {"b"}),
        ([{"disclosed_slots": "*"}, {"disclosed_slots": "a"}], set[str]()),  # spoilt: nothing
        ([{"disclosed_slots": ["a", 7]}], set[str]()),
        ([{"disclosed_slots": None}], set[str]()),
    ],
)
def test_the_strictest_along_the_path_decides_which_slots_are_shown(along: list[SlotValues], names: set[str]) -> None:
    assert allowed(along) == names


@pytest.mark.parametrize(
    ("value", "made"),
    [
        (None, None),
        (False, True),
        (0, 7),
        (9, 7),
        (10, 42),
        (-12_345, -42_000),
        (9**18, 420_000_000),
        (3.25, 7.5),
        (-120.5, -420 + 0.5),
        (math.inf, 7.5),
        ("", ""),
        ("x", "text"),
        (SECRET, "a line of text"),
        (b"", b"bytes"),
        (Reference("vault/secret"), Reference("other/one")),
        ([], []),
        ([SECRET] * 9, ["a line of text"] * 2),
        ({"price": 3, "anna": "x", SECRET: 4}, {"price": 7, "key1": "text", "key2": 7}),
        ([{"price": 1}], [{"price": 7}]),
    ],
)
def test_a_sample_has_the_type_and_the_class_of_length_and_nothing_else(value: Value, made: Value) -> None:
    assert sample(value, frozenset({"price", "unused"})) == made


values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats() | st.text() | st.binary(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
)


@given(values)
def test_a_sample_is_a_value_of_the_same_type_and_made_the_same_again(value: Value) -> None:
    made = sample(value, frozenset())
    assert type(made) is type(value)
    assert canonical(made) == made
    assert sample(value, frozenset()) == made


def message(*arguments: Value, examples: tuple[Example, ...] = (), intent: str = "", **keywords: Value) -> Message:
    return Message(ObjectId("a/b"), Selector("add_price"), arguments, keywords, intent=intent, examples=examples)


def test_what_callers_said_are_words_of_the_intent_and_names_in_examples() -> None:
    example = Example({"total": [{"net": 1}]}, {"rows": [{"sku": "s"}]}, ({"id": {"deep": 1}},), {"by": 2})
    words = said(message(intent="Add the Prc of e-mail.", examples=(example,)))
    assert words >= {"Add", "Prc", "mail", "add", "price", "total", "net", "rows", "sku", "id", "deep", "by"}
    assert "s" not in words


def test_arguments_are_shown_only_as_they_stand_in_examples() -> None:
    example = Example(1, {}, ("public",), {"by": 2})
    shown = shown_message(message("public", SECRET, examples=(example,), by=2, more=12345))
    assert (shown.arguments, shown.keywords) == (("public", "a line of text"), {"by": 2, "more": 42_000})


def test_slots_are_shown_where_they_are_disclosed_and_the_list_itself_is_not() -> None:
    slots: SlotValues = {"title": "Emma", "pin": 1234, "disclosed_slots": ["title"]}
    assert shown_slots(slots, frozenset({"title"}), frozenset()) == {"title": "Emma", "pin": 4200}
    assert shown_slots(slots, frozenset({"*"}), frozenset()) == {"title": "Emma", "pin": 1234}


def test_a_case_file_tells_samples_from_what_is_disclosed() -> None:
    mission = Mission(
        message(SECRET), {"title": "Emma", "pin": 1234, "disclosed_slots": ["title"]}, (), frozenset({"title"})
    )
    assert case_file(mission).splitlines() == [
        "Mission: not said",
        'Message: add_price("a line of text") to "a/b"',
        'Slots: self.pin (number, such as 4200), self.title (text, now "Emma")',
    ]
