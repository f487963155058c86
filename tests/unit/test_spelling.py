"""A selector is taken for another misspelled only where it hardly means itself."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synthesizer.spelling import near

NAMES = st.from_regex(r"[a-z][a-z0-9_]{0,20}", fullmatch=True)


@pytest.mark.parametrize(
    ("sent", "meant"),
    [
        ("incremnt", "increment"),
        ("icrement", "increment"),
        ("incrementt", "increment"),
        ("incerment", "increment"),
        ("incermnet", "increment"),
        ("normalise_row", "normalize_row"),
        ("normalizeRow", "normalize_row"),
        ("normalizerow", "normalize_row"),
        ("Increment", "increment"),
        ("add_itme", "add_item"),
        ("raed", "read"),
        ("rate_19_gros", "rate_19_gross"),
    ],
)
def test_a_slip_is_near(sent: str, meant: str) -> None:
    assert near(sent, meant)
    assert near(meant, sent)


@pytest.mark.parametrize(
    ("sent", "meant"),
    [
        ("increment", "increment"),
        ("decrement", "increment"),
        ("decode", "encode"),
        ("set_row", "get_row"),
        ("min_price", "max_price"),
        ("add", "and"),
        ("rate_19", "rate_20"),
        ("version10", "version1"),
        ("add_row", "add_rows"),
        ("increment_all", "increment"),
        ("total", "total_price"),
        ("reset", "read"),
        ("is_on", "is_off"),
        ("incrmnt_x", "increment_y"),
        ("inxremxnx", "increment"),
        ("inch", "increment"),
    ],
)
def test_another_word_is_not_near(sent: str, meant: str) -> None:
    assert not near(sent, meant)
    assert not near(meant, sent)


@given(NAMES, NAMES)
def test_nearness_has_no_direction(one: str, other: str) -> None:
    assert near(one, other) == near(other, one)


@given(st.text("abcdefgh", min_size=9, max_size=20), st.data())
def test_a_letter_left_out_of_a_long_word_is_always_a_slip(word: str, data: st.DataObject) -> None:
    at = data.draw(st.integers(1, len(word) - 1))
    left = word[:at] + word[at + 1 :]
    assert near(left, word) == (left != word)
