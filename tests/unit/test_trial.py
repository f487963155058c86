"""What is told of drafts that failed, and how they are repaired: pure."""

from collections.abc import Sequence

from activation.examples import Observation
from kernel.errors import AuditRejected, SynthesisFailed
from kernel.messages import Example, Message
from kernel.objects import Finding, ObjectId, PersonaTurn, Selector, Severity
from synthesizer.attempts import Attempt, closest, failure, nearest, repair
from synthesizer.drafts import Draft
from synthesizer.order import Order
from synthesizer.trial import Tried

TURN = PersonaTurn("ALFRED", "m", "", 1, 1, 0.1)
MESSAGE = Message(ObjectId("a"), Selector("m"))


def tried(index: int, source: str, behaviour: str = "", *, failed: str = "", passed: int = 2, total: int = 2) -> Tried:
    return Tried(Draft(index, source, TURN), (), passed, total, failed, tuple(behaviour))


def refused(index: int, source: str, *rules: str, cut: bool = False) -> Attempt:
    findings = tuple(Finding(rule, Severity.ERROR, 3, "why") for rule in rules)
    return Attempt(Draft(index, source, TURN, cut), findings, None)


def attempt(each: Tried) -> Attempt:
    return Attempt(each.draft, (), each)


def test_what_gave_a_large_value_on_a_large_state_is_compared_too() -> None:
    one, other = (Observation(letter * 900_000, "", {"text": "y" * 900_000}) for letter in "ab")
    assert one.digest() != other.digest()


def test_the_nearest_failure_passed_most_examples() -> None:
    near = attempt(tried(2, "xx", failed="b", passed=1))
    assert closest([attempt(tried(1, "x", failed="a", passed=0)), near, refused(3, "x", "BAT301")]) is near
    assert closest([refused(1, "x", "BAT301", "BAT302"), refused(2, "xx", "BAT301")]).draft.index == 2


def test_a_repair_is_asked_with_what_was_wrong_and_never_where_nothing_was_written() -> None:
    asked = [{"role": "user", "content": "task"}]
    assert "line 3: why (BAT301)" in repair(asked, refused(1, "def m", "BAT301"))[-1]["content"]
    assert "cut off" in repair(asked, refused(1, "def m", "BAT103", cut=True))[-1]["content"]
    assert nearest([refused(1, "", "BAT101")]) == []


def test_two_near_drafts_with_different_faults_are_repaired_at_once_and_none_twice() -> None:
    near, far = attempt(tried(2, "two", failed="b", passed=1)), attempt(tried(1, "one", failed="a", passed=0))
    same_fault = attempt(tried(3, "three", failed="b", passed=1))
    same_source = attempt(tried(4, "two", failed="c", passed=0))
    assert nearest([far, near, same_fault, same_source]) == [near, far]
    assert nearest([far, near, same_fault, same_source], {"two", "three"}) == [far]


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
