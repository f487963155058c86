"""Which draft is chosen, on what evidence, and what is told of those that failed: pure."""

from collections.abc import Sequence

import pytest

from kernel.errors import AuditRejected, SynthesisFailed
from kernel.messages import Example, Message
from kernel.objects import Finding, Level, ObjectId, PersonaTurn, Selector, Severity
from synthesizer.attempts import Attempt, closest, failure, repair
from synthesizer.drafts import Draft
from synthesizer.order import Order
from synthesizer.trial import Tried, choose

TURN = PersonaTurn("ALFRED", "m", "", 1, 1, 0.1)
MESSAGE = Message(ObjectId("a"), Selector("m"))


def tried(index: int, source: str, behaviour: str = "", *, failed: str = "", passed: int = 2, total: int = 2) -> Tried:
    return Tried(Draft(index, source, TURN), (), passed, total, failed, tuple(behaviour))


def refused(index: int, source: str, *rules: str, cut: bool = False) -> Attempt:
    findings = tuple(Finding(rule, Severity.ERROR, 3, "why") for rule in rules)
    return Attempt(Draft(index, source, TURN, cut), findings, None)


def attempt(each: Tried) -> Attempt:
    return Attempt(each.draft, (), each)


@pytest.mark.parametrize(
    ("drafts", "chosen", "agreeing"),
    [
        ([tried(1, "xxx", "ab"), tried(2, "x", "ac"), tried(3, "xx", "ab")], 3, 2),
        ([tried(1, "xx", "a"), tried(2, "x", "b")], 2, 1),
        ([tried(1, "xx", "a"), tried(2, "xx", "a")], 1, 2),
        ([tried(1, "x", "a", failed="no"), tried(2, "xxx", "b")], 2, 1),
    ],
    ids=["the largest group", "alone, the shortest", "else the first", "only those that pass"],
)
def test_the_shortest_of_the_largest_group_is_chosen(drafts: list[Tried], chosen: int, agreeing: int) -> None:
    choice = choose(drafts)
    assert choice is not None
    assert (choice.tried.draft.index, choice.agreeing) == (chosen, agreeing)


def test_none_is_chosen_where_none_passed() -> None:
    assert choose([tried(1, "x", failed="no")]) is None
    assert choose([]) is None


@pytest.mark.parametrize(
    ("drafts", "levels"),
    [
        ([tried(1, "x", total=0)], (Level.AUDITED,)),
        ([tried(1, "x", "a", total=0), tried(2, "y", "a", total=0)], (Level.AUDITED, Level.AGREED)),
        ([tried(1, "x")], (Level.AUDITED, Level.EXAMPLES)),
        ([tried(1, "x", "a"), tried(2, "y", "a")], (Level.AUDITED, Level.AGREED, Level.EXAMPLES)),
    ],
)
def test_evidence_is_what_was_proved_and_no_more(drafts: list[Tried], levels: tuple[Level, ...]) -> None:
    choice = choose(drafts)
    assert choice is not None
    assert choice.levels == levels


def test_the_nearest_failure_passed_most_examples() -> None:
    near = attempt(tried(2, "xx", failed="b", passed=1))
    assert closest([attempt(tried(1, "x", failed="a", passed=0)), near, refused(3, "x", "BAT301")]) is near
    assert closest([refused(1, "x", "BAT301", "BAT302"), refused(2, "xx", "BAT301")]).draft.index == 2


def test_a_repair_is_asked_with_what_was_wrong_or_anew_where_nothing_was_written() -> None:
    asked = [{"role": "user", "content": "task"}]
    assert "line 3: why (BAT301)" in repair(asked, [refused(1, "def m", "BAT301")])[-1]["content"]
    assert "cut off" in repair(asked, [refused(1, "def m", "BAT103", cut=True)])[-1]["content"]
    assert repair(asked, [refused(1, "", "BAT101")]) == asked


def test_the_reason_is_the_audits_where_no_draft_reached_a_trial_and_the_trials_else() -> None:
    all_refused = failure(MESSAGE, [refused(1, "x", "BAT301"), refused(2, "y", "BAT201", "BAT301")])
    assert isinstance(all_refused, AuditRejected)
    assert "refused all 2 drafts of a.m (BAT201, BAT301)" in all_refused.text
    assert all_refused.fields["rules"] == "BAT201,BAT301"
    one_tried = failure(MESSAGE, [refused(1, "x", "BAT301"), attempt(tried(2, "y", failed="m() -> 1: got 2"))])
    assert isinstance(one_tried, SynthesisFailed)
    assert "the nearest: m() -> 1: got 2" in one_tried.text


async def test_the_examples_of_those_who_joined_are_with_the_messages_own_each_once() -> None:
    one, two = Example(1), Example(2)

    async def joined() -> Sequence[Example]:
        return [two, one]

    order = Order("0" * 32, Message(ObjectId("a"), Selector("m"), examples=(one,)), "ada", close=joined)
    assert (await order.begin_drafting()).examples == (one, two)
