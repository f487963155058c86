"""What failed waits, longer each time, and what is asked otherwise does not."""

from dataclasses import replace

import pytest

from kernel.errors import (
    ApprovalPending,
    AuditRejected,
    BudgetExhausted,
    Conflict,
    EndpointUnavailable,
    ExamplesNeeded,
    KernelError,
    NotUnderstood,
    SynthesisCancelled,
    SynthesisFailed,
)
from kernel.messages import Example, Message
from kernel.objects import ObjectId, Selector
from kernel.synthesis import Ended
from objectstore.flights import Setback
from synthesizer.setbacks import ANY_ASK, after, ask_of, refusal

FIRST, SECOND = Example(3, {}, (1, 2)), Example(5, {}, (2, 3))
ADD = Message(ObjectId("sum/1"), Selector("add"), (1, 2), intent="add both", examples=(FIRST, SECOND))
FAILED = SynthesisFailed("no draft of sum/1.add passed", object="sum/1", selector="add")


def in_a_row(failure: KernelError, times: int, ask: str = "a") -> list[float]:
    """How long each of so many failures in a row makes one wait, each as soon as it may be tried again."""
    before, now, waits = None, 1000.0, list[float]()
    for _ in range(times):
        before = after(failure, ask, before, now)
        assert before is not None
        waits.append(before.until - now)
        now = before.until
    return waits


@pytest.mark.parametrize("failure", [FAILED, AuditRejected("refused"), ExamplesNeeded("which?")], ids=type)
def test_what_could_not_be_written_waits_a_minute_and_twice_as_long_each_time_up_to_an_hour(
    failure: KernelError,
) -> None:
    assert in_a_row(failure, 8) == [60, 120, 240, 480, 960, 1920, 3600, 3600]


def test_an_endpoint_that_is_down_is_asked_again_after_two_seconds_and_at_least_each_minute() -> None:
    assert in_a_row(EndpointUnavailable("alfred is down"), 7) == [2, 4, 8, 16, 32, 60, 60]


def test_ten_thousand_failures_in_a_row_wait_no_longer() -> None:
    setback = after(FAILED, "a", Setback("a", Ended.of(FAILED), 0.0, 10_000), 0.0)
    assert setback is not None
    assert setback.until == 3600.0


@pytest.mark.parametrize(
    "failure",
    [
        BudgetExhausted("spent", 60.0),
        NotUnderstood("sum/1", "add"),
        SynthesisCancelled("by ada"),
        ApprovalPending("waits"),
        Conflict("changed"),
        RuntimeError("a fault"),
    ],
    ids=type,
)
def test_what_says_nothing_of_the_ask_is_not_kept(failure: Exception) -> None:
    assert after(failure, "a", None, 0.0) is None


def test_another_ask_goes_at_once_and_begins_anew() -> None:
    setback = after(FAILED, "a", after(FAILED, "a", None, 0.0), 60.0)
    assert setback is not None
    assert (setback.times, setback.until) == (2, 180.0)
    assert refusal(setback, "b", 61.0) is None
    other = after(FAILED, "b", setback, 61.0)
    assert other is not None
    assert (other.ask, other.times, other.until) == ("b", 1, 121.0)


def test_an_endpoint_that_is_down_stands_against_every_ask() -> None:
    setback = after(EndpointUnavailable("alfred is down"), "a", None, 0.0)
    assert setback is not None
    assert setback.ask == ANY_ASK
    assert isinstance(refusal(setback, "b", 1.0), EndpointUnavailable)
    assert refusal(setback, "b", 2.0) is None


def test_a_refusal_tells_the_failure_again_and_what_would_lift_it() -> None:
    refused = refusal(after(FAILED, "a", None, 1000.0), "a", 1010.25)
    assert isinstance(refused, SynthesisFailed)
    assert refused.text == (
        "no draft of sum/1.add passed (this failed once and is tried again in 50 s; another intent or other examples "
        "are tried at once)"
    )
    assert refused.fields == {"object": "sum/1", "selector": "add", "retry_seconds": "49.750", "failed_times": "1"}


def test_the_same_ask_is_the_same_however_it_is_spelled() -> None:
    same = replace(ADD, intent="  add\n both ", examples=(SECOND, FIRST, FIRST), arguments=(70, 80), request_id="x")
    assert ask_of(same, "i1") == ask_of(ADD, "i1")


@pytest.mark.parametrize(
    "other",
    [
        replace(ADD, intent="add all"),
        replace(ADD, examples=(FIRST,)),
        replace(ADD, examples=(FIRST, SECOND, Example(0, {}, (0, 0)))),
        replace(ADD, arguments=(1, "2")),
        replace(ADD, arguments=(1,)),
        replace(ADD, arguments=([1, 2],)),
        replace(ADD, arguments=(1,), keywords={"to": 2}),
    ],
    ids=["intent", "fewer examples", "more examples", "kind", "count", "list", "keyword"],
)
def test_what_a_sender_changes_makes_another_ask(other: Message) -> None:
    assert ask_of(other, "i1") != ask_of(ADD, "i1")


def test_an_object_made_anew_and_a_better_version_are_other_asks() -> None:
    assert len({ask_of(ADD, "i1"), ask_of(ADD, "i2"), ask_of(ADD, "i1", 1), ask_of(ADD, "i1", 2)}) == 4
