"""Bytes that someone sent are slots exactly where packing what they hold gives the same bytes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.errors import BadValue, LimitExceeded
from kernel.objects import ObjectId
from kernel.transactions import Key, Part, ReplyName, parse_changed, reply_name
from kernel.values import MAX_DEPTH, Reference, Value, canonical, check_packed, checked, encode, pack, unpack

SCALARS = st.none() | st.booleans() | st.integers(-(1 << 63), (1 << 63) - 1) | st.floats() | st.text(max_size=9)
VALUES = st.recursive(
    SCALARS | st.binary(max_size=9) | st.just(Reference("feed/acme")),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=9), inner, max_size=4),
)


def nested(levels: int) -> Value:
    value: Value = 1
    for _ in range(levels):
        value = [value]
    return value


@given(VALUES)
def test_what_was_packed_is_accepted_and_comes_back(value: Value) -> None:
    data = encode(canonical(value))
    assert encode(checked(data)) == data
    packed = pack({"n": canonical(value)})
    assert check_packed(packed) == packed
    assert pack(unpack(packed)) == packed


@given(st.binary(max_size=40))
def test_any_other_bytes_are_refused_as_a_bad_value(data: bytes) -> None:
    try:
        value = checked(data)
    except (BadValue, LimitExceeded):
        return
    assert encode(canonical(value)) == data


def test_bytes_go_as_deep_as_values_do() -> None:
    assert check_packed(pack({"n": nested(MAX_DEPTH)}))
    assert checked(encode(nested(MAX_DEPTH)))
    for too_deep in (nested(MAX_DEPTH + 1), nested(500)):
        with pytest.raises(LimitExceeded):
            check_packed(pack({"n": too_deep}))
        with pytest.raises(LimitExceeded):
            checked(encode(too_deep))
    with pytest.raises(BadValue):
        checked(b"\x91" * 100_000 + b"\x01")


@given(st.text(min_size=1, max_size=20), st.text(min_size=1, max_size=20))
def test_the_name_of_what_changed_can_be_read_back(principal: str, request_id: str) -> None:
    receiver = ObjectId("reply")
    name = reply_name(receiver, principal, request_id)
    assert parse_changed(name) == ReplyName(receiver, principal, request_id)
    assert "," not in name
    for part in Part:
        assert parse_changed(Key(receiver, part).name) == Key(receiver, part)


def test_what_names_nothing_is_refused() -> None:
    for text in ("", "a", "a:b", "reply:a:b", "a:slots:x"):
        with pytest.raises(ValueError, match="names nothing"):
            parse_changed(text)
