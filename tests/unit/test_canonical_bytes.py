"""Values keep their canonical bytes on every road: stored and read, over the wire and back."""

import math
import struct
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.errors import BadValue, LimitExceeded
from kernel.values import INT64_MAX, INT64_MIN, MAX_BYTES, MAX_DEPTH, Reference, Value, canonical, decode, encode, same
from wire.values import value_from_wire, value_to_wire

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(INT64_MIN, INT64_MAX)
    | st.floats()
    | TEXT
    | st.binary(max_size=12)
    | st.builds(Reference, st.sampled_from(["a", "feed/acme"]))
)
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4))


def equal(one: Value, other: Value) -> bool:
    """Equality said another way: of types and parts, one by one."""
    if isinstance(one, float) and isinstance(other, float):
        return struct.pack("d", one) == struct.pack("d", other) or (math.isnan(one) and math.isnan(other))
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return one.keys() == other.keys() and all(equal(item, other[key]) for key, item in one.items())
    if isinstance(one, list) and isinstance(other, list):
        parts: list[tuple[Value, Value]] = list(zip(one, other, strict=False))
        return len(one) == len(other) and all(equal(*pair) for pair in parts)
    return type(one) is type(other) and one == other


@given(VALUES)
def test_decoding_canonical_bytes_gives_the_value(value: Value) -> None:
    assert equal(decode(encode(canonical(value))), canonical(value))


@given(VALUES)
def test_the_wire_gives_the_value(value: Value) -> None:
    assert equal(value_from_wire(value_to_wire(value)), canonical(value))


@given(VALUES)
def test_canonical_bytes_are_the_same_after_a_round_trip(value: Value) -> None:
    data = encode(canonical(value))
    assert encode(canonical(decode(data))) == data


@given(VALUES, VALUES)
def test_two_values_have_the_same_bytes_only_if_they_are_equal(one: Value, other: Value) -> None:
    assert same(canonical(one), canonical(other)) == equal(canonical(one), canonical(other))


def test_values_are_bounded_in_depth_and_size() -> None:
    nested: Value = 1
    for _ in range(MAX_DEPTH):
        nested = [nested]
    canonical(nested)
    with pytest.raises(LimitExceeded):
        canonical([nested])
    with pytest.raises(LimitExceeded):
        encode("x" * MAX_BYTES)


def test_an_unknown_extension_in_stored_bytes_is_refused() -> None:
    with pytest.raises(BadValue, match="extension 7"):
        decode(b"\xd4\x07\x00")
