"""Failures on the wire: whatever a failure says, its reason arrives."""

import pytest

from chassis.failure import fitted, reason_of
from kernel.errors import MAX_RAISED, MethodRaised
from wire.errors import error_of, status_of


@pytest.mark.parametrize("character", ["x", "ä", "漢", "😀"])
def test_what_an_exception_says_at_length_is_cut_and_the_reason_kept(character: str) -> None:
    raised = MethodRaised("feed/acme", "read", "ValueError", character * 1_900, 3)
    assert raised.message == character * MAX_RAISED + "…"
    status = status_of(raised)
    assert status is not None
    arrived = fitted(status)
    assert reason_of(arrived) == "METHOD_RAISED"
    error = error_of(arrived)
    assert isinstance(error, MethodRaised)
    assert (error.fields["exception"], error.fields["line"]) == ("ValueError", "3")
    assert error.fields["message"].startswith(character * 75)
