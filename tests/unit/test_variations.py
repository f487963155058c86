"""Sends made from examples: bounded, the same every time, none that an example has."""

from hypothesis import given
from hypothesis import strategies as st

from kernel.messages import Example
from kernel.values import Reference, Value
from synthesizer.variations import MAX_VARIATIONS, variations

SCALARS = st.one_of(st.none(), st.booleans(), st.integers(-(1 << 63), (1 << 63) - 1), st.floats(), st.text(max_size=9))
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=4), inner, max_size=3)),
)


def sent(*arguments: Value, before: dict[str, Value] | None = None) -> Example:
    return Example(1, before or {}, arguments)


def arguments(examples: tuple[Example, ...]) -> list[Value]:
    return [each.arguments[0] for each in examples]


@given(st.lists(st.builds(sent, VALUES, VALUES), max_size=4))
def test_they_are_few_and_new_and_always_the_same(examples: list[Example]) -> None:
    made = variations(examples)
    assert len(made) <= MAX_VARIATIONS
    keys = [replaced(each).digest() for each in (*examples, *made)]
    assert len(set(keys[len(examples) :]) - set(keys[: len(examples)])) == len(made)
    assert variations(examples) == made or [each.digest() for each in variations(examples)] == [
        each.digest() for each in made
    ]


def replaced(example: Example) -> Example:
    return Example(None, example.before, example.arguments, example.keywords)


def test_a_number_grows_is_zero_is_halved_and_turned_round() -> None:
    assert arguments(variations([sent(7)])) == [8, 0, 3, -7]
    assert arguments(variations([sent((1 << 63) - 1)])) == [0, (1 << 62) - 1, -(1 << 63) + 1]
    assert arguments(variations([sent(-(1 << 63))])) == [-(1 << 63) + 1, 0, -(1 << 62)]


def test_a_text_and_a_list_grow_are_emptied_cut_short_and_turned_round() -> None:
    assert arguments(variations([sent("abc")])) == ["abc abc", "", "a", "cba"]
    assert arguments(variations([sent([1, 2, 3])])) == [[1, 2, 3, 1, 2, 3], [], [1, 2], [3, 2, 1]]


def test_fields_and_slots_are_varied_one_at_a_time() -> None:
    made = variations([sent({"n": 1, "ok": True}, before={"count": 4})])
    assert arguments(made)[:2] == [{"n": 2, "ok": True}, {"n": 1, "ok": False}]
    assert [each.before["count"] for each in made if each.before["count"] != 4] == [5, 0, 2, -4]


def test_the_arguments_of_one_example_meet_the_state_of_another_first() -> None:
    made = variations([sent(1, before={"count": 10}), sent(2, before={"count": 20})])
    assert [(each.arguments[0], each.before["count"]) for each in made[:2]] == [(2, 10), (1, 20)]
    assert all(each.outcome is None and each.after is None for each in made)


def test_what_cannot_be_varied_is_left() -> None:
    assert variations([]) == ()
    assert variations([sent(None, Reference("tank/1"))]) == ()


def test_what_would_be_larger_than_a_value_is_left_out() -> None:
    rows: list[Value] = ["x" * 600] * 1000
    made = variations([sent(7, before={"rows": rows})])
    assert [each.arguments[0] for each in made if each.before["rows"] == rows] == [8, 0, 3, -7]
    assert max(len(str(each.before["rows"])) for each in made) <= len(str(rows))
    # Two values that may each be kept and are too large together: nothing can be told of them.
    assert variations([sent("y" * 600_000, before={"text": "x" * 600_000})])
