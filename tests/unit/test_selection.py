"""Which draft is registered, on what evidence, and when the caller is asked instead: pure."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from activation.examples import Observation
from kernel.errors import ExamplesNeeded
from kernel.messages import Example, Failure, Message
from kernel.objects import Level, ObjectId, Selector
from synthesizer.drafts import Draft
from synthesizer.selection import choose, enough
from synthesizer.trial import Choice, Tried

MESSAGE = Message(ObjectId("counter/main"), Selector("add"))
INPUTS = (Example(None, {"count": 1}, (12345,)), Example(None, {}, (2,)), Example(None, {"count": 1}, (2,)))


def tried(index: int, source: str, behaviour: str = "", *, failed: str = "", total: int = 2, held: int = 0) -> Tried:
    """A draft that did what the letters say, input for input; a dot is where it only raised."""
    seen = [Observation(each, "", {}) for each in behaviour]
    silent = tuple("" if each == "." else each for each in behaviour)
    inputs = INPUTS[: len(behaviour)]
    return Tried(Draft(index, source), (), total, total, failed, silent, inputs, tuple(seen), held)


def all_like(*behaviours: str, total: int = 2) -> list[Tried]:
    return [tried(index, "x" * index, each, total=total) for index, each in enumerate(behaviours, start=1)]


def chosen(drafts: Sequence[Tried]) -> Choice:
    choice = choose(drafts, MESSAGE)
    assert choice is not None
    return choice


@pytest.mark.parametrize(
    ("drafts", "index", "agreeing", "dissent"),
    [
        ([tried(1, "xxx", "ab"), tried(2, "x", "ac"), tried(3, "xx", "ab")], 3, 2, 1),
        ([tried(1, "xx", "a"), tried(2, "xx", "a")], 1, 2, 0),
        ([tried(1, "x", "a", failed="no"), tried(2, "xxx", "b")], 2, 1, 0),
        ([tried(1, "x", "a."), tried(2, "xxx", "ab")], 2, 1, 0),
        ([tried(1, "x", "ab"), tried(2, "x", "ac"), tried(3, "xx", "ac", held=1), tried(4, "xx", "ab")], 2, 2, 1),
        ([replace(tried(1, "x", "a"), beyond=("writes log",)), tried(2, "xx", "a")], 2, 2, 0),
    ],
    ids=[
        "the largest group, and the shortest of it",
        "else the first",
        "only those that pass",
        "the one that answers, before the one that only raises",
        "properties, between equals",
        "those that keep to the spec, before the shortest",
    ],
)
def test_the_draft_that_is_chosen(drafts: list[Tried], index: int, agreeing: int, dissent: int) -> None:
    if index == 2 and dissent:  # both groups have two; ROBIN's property holds for all of one
        drafts = [replace(each, held=1) if each.behaviour == ("a", "c") else each for each in drafts]
    choice = chosen(drafts)
    assert (choice.tried.draft.index, choice.agreeing, choice.dissent) == (index, agreeing, dissent)


def test_none_is_chosen_where_none_passed() -> None:
    assert choose([tried(1, "x", failed="no")], MESSAGE) is None
    assert choose([], MESSAGE) is None


@pytest.mark.parametrize(
    ("drafts", "levels"),
    [
        ([tried(1, "x", total=0)], (Level.AUDITED,)),
        (all_like("a", "a", total=0), (Level.AUDITED, Level.AGREED)),
        ([tried(1, "x")], (Level.AUDITED, Level.EXAMPLES)),
        (all_like("a", "a"), (Level.AUDITED, Level.AGREED, Level.EXAMPLES)),
    ],
)
def test_evidence_is_what_was_proved_and_no_more(drafts: list[Tried], levels: tuple[Level, ...]) -> None:
    assert chosen(drafts).levels == levels


@pytest.mark.parametrize(
    ("behaviours", "total", "is_enough"),
    [
        ("", 2, False),
        ("aa", 2, True),
        ("aa", 0, False),
        ("aaa", 0, True),
        ("a", 2, False),
        ("ab", 2, False),
        ("aba", 2, False),
        ("abaa", 2, True),
        ("abcaa", 2, True),
        ("abcdaaa", 2, True),
        ("abcdeaa", 2, False),
    ],
)
def test_no_more_drafts_are_written_once_two_agree_or_three_without_examples_and_lead(
    behaviours: str, total: int, *, is_enough: bool
) -> None:
    assert enough(all_like(*behaviours, total=total)) is is_enough


def written(*drafts: str, total: int = 2) -> list[Tried]:
    """Drafts as `source:behaviour`."""
    pairs = [each.split(":") for each in drafts]
    return [tried(index, source, does, total=total) for index, (source, does) in enumerate(pairs, start=1)]


@pytest.mark.parametrize(
    ("drafts", "total", "is_enough"),
    [
        (["x:a", "x:a"], 2, False),
        (["x:a", "y:a"], 2, True),
        (["x:a", "x # again:a"], 2, False),
        (["f(x, y):a", "f(x,\n  y)  # again:a"], 2, False),
        (["x:a", "x:a", "y:a"], 2, True),
        (["x:a", "x:a", "x:a"], 2, True),
        (["x:a", "x:a", "y:a"], 0, True),
        (["x:a", "x:a", "x:a"], 0, True),
        (["x:a", "y:a"], 0, False),
        (["x:a", "x:a", "x:a", "z:b"], 2, False),
        (["x:a", "x:a", "y:a", "z:b"], 2, False),
        (["x:a", "x:a", "x:a", "y:a", "z:b"], 2, True),
    ],
)
def test_a_source_that_is_written_twice_is_one_opinion_and_three_times_two(
    drafts: Sequence[str], total: int, *, is_enough: bool
) -> None:
    assert enough(written(*drafts, total=total)) is is_enough


def test_the_same_source_twice_proves_no_agreement_and_outvotes_nobody() -> None:
    assert chosen(written("x:a", "x:a")).levels == (Level.AUDITED, Level.EXAMPLES)
    assert chosen(written("x:a", "x:a", "x:a")).levels == (Level.AUDITED, Level.AGREED, Level.EXAMPLES)
    assert chosen(written("x:a", "x:a")).agreeing == 2
    with pytest.raises(ExamplesNeeded, match=r"3 drafts passed and disagree: on .*, 2 give"):
        choose(written("x:a", "x:a", "y:b"), MESSAGE)
    assert chosen(written("x:a", "x:a", "yyy:b", "zz:b")).tried.draft.source == "zz"
    with pytest.raises(ExamplesNeeded, match=r"the 2 drafts that passed are the same: on"):
        choose(written("x:ab", "x:ab", total=1), MESSAGE)


@pytest.mark.parametrize("behaviours", [("ab", "ac"), ("a", "b", "c"), ("ab", "ab", "ac", "ac"), ("a", "a", *"bcde")])
def test_without_a_clear_majority_the_caller_is_asked(behaviours: Sequence[str]) -> None:
    with pytest.raises(ExamplesNeeded):
        choose(all_like(*behaviours), MESSAGE)


def test_one_that_raises_where_nobody_said_what_must_come_is_no_dissent() -> None:
    assert chosen(all_like("ab", "a.")).dissent == 0
    assert enough(all_like("ab", "a."))
    assert not enough(all_like("abc", "..."))  # it speaks for nothing


def test_the_caller_is_told_the_smallest_send_that_tells_the_drafts_apart() -> None:
    with pytest.raises(ExamplesNeeded) as asked:
        choose(all_like("ace", "bdf", "ace", "bdf"), MESSAGE)
    assert asked.value.text == (
        "counter/main.add is not certain: 4 drafts passed and disagree: on add(2), "
        '2 give "c", 2 give "d"; send the message again with an example that says which is meant'
    )
    assert asked.value.fields == {
        "object": "counter/main",
        "selector": "add",
        "send": "add(2)",
        "before": "",
        "first": '"c"',
        "second": '"d"',
    }


def test_what_differs_in_the_state_after_is_told_too() -> None:
    one, other = all_like("a", "b")
    one = replace(one, seen=(Observation(Failure("METHOD_RAISED", "ValueError"), "", {"count": 1}),))
    other = replace(other, seen=(Observation(3, "", {"count": 3}),))
    with pytest.raises(ExamplesNeeded) as asked:
        choose([one, other], MESSAGE)
    assert asked.value.fields["before"] == '{"count": 1}'
    assert asked.value.fields["first"] == "ValueError raised"
    assert asked.value.fields["second"] == '3 and slots {"count": 3}'


def test_one_that_passed_a_single_example_alone_is_asked_about() -> None:
    with pytest.raises(ExamplesNeeded, match=r"only one draft passed: on add.2. on .*, it gives .b.; send") as asked:
        choose(all_like("xab", total=1), MESSAGE)
    assert (asked.value.fields["first"], asked.value.fields["second"]) == ('"b"', "")
    assert chosen(all_like("xab", "xab", total=1)).agreeing == 2
    assert chosen(all_like("xab", total=2)).agreeing == 1
    assert chosen(all_like("xab", total=0)).levels == (Level.AUDITED,)
