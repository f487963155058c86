"""One canonical form for every value; equality is equality of its bytes."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.errors import BadValue, LimitExceeded
from kernel.values import INT64_MAX, INT64_MIN, MAX_DEPTH, Reference, Value, canonical, decode, encode, same

references = st.builds(Reference, st.from_regex(r"[a-z]{1,5}(/[a-z]{1,5})?", fullmatch=True))
text = st.text(st.characters(exclude_categories=["Cs"]))
leaves = st.none() | st.booleans() | st.integers(INT64_MIN, INT64_MAX) | st.floats() | text | st.binary() | references
values = st.recursive(
    leaves, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(text, inner, max_size=4), max_leaves=20
)


@given(values)
def test_a_value_comes_back_from_its_bytes_as_it_was(value: Value) -> None:
    again = decode(encode(canonical(value)))
    assert repr(again) == repr(canonical(value)) or same(again, canonical(value))
    assert encode(again) == encode(canonical(value))


@given(values, values)
def test_two_values_are_the_same_when_python_says_so_of_everything_in_them(one: Value, other: Value) -> None:
    assert same(canonical(one), canonical(one))
    if repr(canonical(one)) == repr(canonical(other)):
        assert same(canonical(one), canonical(other))


@given(st.dictionaries(text, leaves))
def test_the_order_of_a_map_does_not_matter(entries: dict[str, Value]) -> None:
    backwards = dict(reversed(entries.items()))
    assert encode(canonical(entries)) == encode(canonical(backwards))


@pytest.mark.parametrize(
    ("one", "other"),
    [(True, 1), (1, 1.0), (False, 0), (0, None), ("a", b"a"), (Reference("a"), "a"), (Reference("a"), {"id": "a"})],
)
def test_values_of_different_kinds_are_never_the_same(one: Value, other: Value) -> None:
    assert not same(one, other)


def test_every_nan_is_one_nan_and_zeros_keep_their_sign() -> None:
    assert encode(canonical(math.nan)) == encode(canonical(-math.nan))
    assert not same(0.0, -0.0)


def test_a_tuple_becomes_a_list() -> None:
    assert canonical(((1, 2), [3])) == [[1, 2], [3]]


@pytest.mark.parametrize("thing", [2**63, -(2**63) - 1, {1}, {1: 2}, object(), 1j, "\ud800", {"\ud800": 1}])
def test_what_is_no_value_is_refused(thing: object) -> None:
    with pytest.raises(BadValue):
        canonical(thing)


@pytest.mark.parametrize("name", ["", "Feed/acme", "feed//acme", "feed/acme/", "a" * 257, "\ud800"])
def test_a_reference_names_an_object(name: str) -> None:
    with pytest.raises(BadValue, match="not an object id"):
        canonical([Reference(name)])


def test_nesting_has_a_limit() -> None:
    deep: Value = 0
    for _ in range(MAX_DEPTH):
        deep = [deep]
    canonical(deep)
    with pytest.raises(LimitExceeded):
        canonical([deep])


def test_size_has_a_limit() -> None:
    with pytest.raises(LimitExceeded):
        encode("x" * (1 << 20))
