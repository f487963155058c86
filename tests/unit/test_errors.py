"""Failures on the wire: whatever a failure says, its reason arrives."""

import pytest

from chassis.failure import fitted, reason_of
from kernel.errors import MAX_RAISED, BudgetExhausted, KernelError, MethodRaised, NotUnderstood, SynthesisFailed
from kernel.synthesis import Ended
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


@pytest.mark.parametrize(
    "error",
    [
        SynthesisFailed("no draft passed", object="feed/acme", selector="read"),
        NotUnderstood("feed/acme", "raed", ("read",), "the policy forbids it"),
        BudgetExhausted("root allows no more", 60.0, object="root"),
    ],
    ids=lambda error: error.reason,
)
def test_a_failure_that_was_kept_is_told_again_as_it_was(error: KernelError) -> None:
    again = Ended.of(error).error()
    assert type(again) is type(error)
    assert (again.text, again.fields, str(again)) == (error.text, error.fields, str(error))


def test_a_budget_that_no_hour_renews_asks_nobody_to_come_back() -> None:
    assert "retry_seconds" not in BudgetExhausted("one synthesis needs more", None).fields
