"""The demonstration's messages can be learned: an honest method passes what each asks, on plain Python."""

import copy
from collections import Counter
from types import SimpleNamespace
from typing import Any

import pytest

from fakes.catalogue import ANSWERS, Entry, catalogue
from kernel.messages import Example, Failure
from kernel.values import encode
from synthesizer.audit import audit
from synthesizer.drafts import built_in

CATALOGUE = catalogue()
by_name = pytest.mark.parametrize("entry", CATALOGUE, ids=[entry.name for entry in CATALOGUE])


def run(entry: Entry, example: Example) -> tuple[Any, dict[str, Any]]:
    """The result, and the slots after it."""
    namespace: dict[str, Any] = {}
    exec(compile(entry.source, entry.name, "exec"), namespace)  # our own file
    receiver = SimpleNamespace(**copy.deepcopy(dict(example.before)))
    arguments, keywords = copy.deepcopy((example.arguments, dict(example.keywords)))
    result = namespace[entry.selector](receiver, *arguments, **keywords)
    assert receiver.__dict__.pop("_p_changed") is True
    return result, receiver.__dict__


def test_there_are_enough_messages_for_each_of_the_three_objects() -> None:
    groups = Counter(entry.name.split("_", 1)[0] for entry in CATALOGUE)
    assert set(groups) == {"counter", "feed", "text"}
    assert min(groups.values()) >= 10
    assert groups.total() >= 40


def test_no_two_messages_have_the_same_selector_and_each_answer_belongs_to_one() -> None:
    assert len({entry.selector for entry in CATALOGUE}) == len(CATALOGUE)
    assert {file.stem for file in ANSWERS.glob("*.py")} == {entry.name for entry in CATALOGUE}


def test_no_worked_method_in_the_prompt_gives_an_answer_away() -> None:
    shown = {worked.source.removeprefix("def ").split("(", 1)[0] for worked in built_in()}
    assert not shown & {entry.selector for entry in CATALOGUE}


@by_name
def test_a_message_has_an_intent_and_two_examples_that_are_not_the_message_itself(entry: Entry) -> None:
    assert 20 <= len(entry.intent) <= 200
    assert len({example.digest() for example in (*entry.examples, entry.sent)}) == 3


@by_name
def test_an_honest_method_gives_what_the_examples_and_the_message_expect(entry: Entry) -> None:
    for example in (*entry.examples, entry.sent):
        result, after = run(entry, example)
        assert not isinstance(example.outcome, Failure)
        assert encode(result) == encode(example.outcome)
        if example.after is not None:
            assert encode(after) == encode(dict(example.after))


@by_name
def test_an_example_tells_the_state_after_wherever_an_honest_method_changes_it(entry: Entry) -> None:
    for example in entry.examples:
        _, after = run(entry, example)
        assert example.after is not None or encode(after) == encode(dict(example.before))


@by_name
def test_the_audit_has_nothing_against_an_honest_method(entry: Entry) -> None:
    assert audit(entry.source, entry.selector) == ()
