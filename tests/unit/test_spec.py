"""BRICK's spec: read as a whole, or replaced by what the message says."""

import json
from typing import Any

import pytest

from kernel.messages import Example, Message
from kernel.objects import EffectSet, ObjectId, Selector
from kernel.values import Value
from synthesizer.spec import SCHEMA, Spec, by_rule, read_spec

WHOLE: dict[str, Any] = {
    "does": "Raises the count and returns it.",
    "parameters": ["step"],
    "reads": ["count"],
    "writes": ["self.count"],
    "sends": ["notify"],
}


def message(*arguments: Value, examples: tuple[Example, ...] = (), **keywords: Value) -> Message:
    return Message(ObjectId("counter/main"), Selector("increment"), arguments, keywords, examples=examples)


def said(**changed: object) -> str:
    return json.dumps({**WHOLE, **changed})


@pytest.mark.parametrize(
    "answer",
    [said(), f"```json\n{said()}\n```", f"Here it is:\n{said()}\nThat is all."],
    ids=["bare", "fenced", "in prose"],
)
def test_a_spec_says_signature_and_effects(answer: str) -> None:
    assert read_spec(answer, message(2)) == Spec(
        "increment(self, step)",
        "Raises the count and returns it.",
        EffectSet(("count",), ("count",), ("notify",)),
        said=True,
    )


@pytest.mark.parametrize(
    "answer",
    [
        "",
        "I refuse.",
        "Signature: increment(self, step)\nDoes: adds",
        said()[:-20],
        json.dumps([WHOLE, WHOLE]),
        json.dumps({name: WHOLE[name] for name in WHOLE if name != "sends"}),
        said(more="x"),
        said(does=7),
        said(reads="count"),
        said(reads=["count", 7]),
        said(reads=["count()"]),
        said(writes=["_p_changed"]),
        said(sends=["class"]),
        said(sends=["a"] * 17),
        "{" * 100_000 + "}" * 100_000,
    ],
)
def test_what_is_no_spec_is_replaced_by_what_the_message_says(answer: str) -> None:
    sent = message(2, examples=(Example(6, {"count": 4, "limit": 9}, (2,), after={"count": 6, "limit": 9}),))
    spec = read_spec(answer, sent)
    assert spec == by_rule(sent)
    assert spec == Spec("increment(self, number)", "", EffectSet(("count", "limit"), ("count",)), said=False)


def test_what_examples_show_belongs_to_the_effects_and_what_is_not_there_is_not_read() -> None:
    sent = message(2, examples=(Example(6, {"count": 4}, (2,), after={"count": 6, "last": 2}),))
    spec = read_spec(said(reads=["counter", "step", "seen"], writes=["seen"]), sent, ["step", "other"])
    assert spec.effects == EffectSet(("count", "step", "seen"), ("count", "last", "seen"), ("notify",))


@pytest.mark.parametrize(
    ("parameters", "signature"),
    [
        (["step"], "increment(self, step)"),
        (["self", "step"], "increment(self, step)"),
        (["step", "unit"], "increment(self, number)"),  # the message has one argument
        (["step=2"], "increment(self, number)"),
        (["1"], "increment(self, number)"),
        (["def"], "increment(self, number)"),
        (["step): pass\n\ndef evil(x"], "increment(self, number)"),
        ([], "increment(self, number)"),
    ],
)
def test_parameters_are_taken_if_the_message_fits_them(parameters: list[str], signature: str) -> None:
    spec = read_spec(said(parameters=parameters), message(2))
    assert (spec.signature, spec.said) == (signature, True)


def test_parameters_have_to_fit_the_examples_too() -> None:
    sent = message(2, examples=(Example(3, {}, (), {"by": 2}),))
    assert read_spec(said(parameters=["step"]), sent).signature == "increment(self, number)"
    assert read_spec(said(parameters=["by"]), sent).signature == "increment(self, by)"


def test_a_long_text_is_one_line_and_cut() -> None:
    spec = read_spec(said(does="adds\n\nand " + "x" * 500 + "\ud800"), message(2))
    assert spec.does.startswith("adds and xxx")
    assert len(spec.does) == 200


def test_the_schema_asks_for_all_that_is_read() -> None:
    assert SCHEMA["required"] == list(WHOLE)
    assert SCHEMA["additionalProperties"] is False
