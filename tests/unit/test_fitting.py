"""Prompts that fit: the same mission gives the same prompt, within its budget; what goes first is decided by rule."""

from dataclasses import replace

import pytest

from kernel.errors import SynthesisFailed
from kernel.messages import Example, Failure, Message
from kernel.objects import EffectSet, MethodVersion, ObjectId, Provenance, Selector
from kernel.signature import parse_method
from kernel.values import Value
from synthesizer.drafts import prompt, repair
from synthesizer.endpoints import ChatMessages
from synthesizer.fitting import Cut, cost, ladder, of_most_value, tokens
from synthesizer.mission import Mission
from synthesizer.panel import Minutes
from synthesizer.panel import prompt as asked_of
from synthesizer.personas import ALFRED, BABS, FULL, NAMES, Persona, codex
from synthesizer.spec import Spec, by_rule

CAST = {each.name: each for each in codex()}


def method(selector: str, body: str = "") -> MethodVersion:
    source = f"def {selector}(self):\n    self._p_changed = True\n{body}"
    parameters = parse_method(source, selector)
    about = Provenance(intent=f"Do {selector}.")
    return MethodVersion(ObjectId("feed/a"), Selector(selector), 1, source, selector, parameters, about)


def mission(examples: int = 8, intent: str = "Total the rows.", slots: int = 3, length: int = 10) -> Mission:
    row: Value = {"name": "x" * length, "price": 2}
    given = tuple(Example(number, {"rows": [row] * (1 + number % 3)}, (), {"by": number}) for number in range(examples))
    message = Message(ObjectId("feed/acme"), Selector("total"), (), {"by": 3}, intent=intent, examples=given)
    return Mission(
        message,
        {f"slot{number}": ["a" * length] for number in range(slots)},
        [method(f"sum_{letter}") for letter in "abcdef"],
    )


def minutes(*found: MethodVersion) -> Minutes:
    effects = EffectSet(("rows",), (), ("notify",))
    return Minutes(Spec("total(self, by)", "Adds.", effects, said=True), found, (), (), ())


def asked(persona: Persona, of: Mission) -> ChatMessages:
    return prompt(persona, minutes(*of.known[:1]), of) if persona.name == ALFRED else asked_of(persona, of)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("context", [900, 1100, 1500, 2000, 4096, 32_000])
@pytest.mark.parametrize("intent", [20, 4000])
def test_every_prompt_fits_its_budget_and_is_the_same_each_time(name: str, context: int, intent: int) -> None:
    persona = replace(CAST[name], context_tokens=context, max_tokens=100)
    of = mission(32, "Total. " * (intent // 7), 40, 80)
    first, again = asked(persona, of), asked(persona, mission(32, "Total. " * (intent // 7), 40, 80))
    assert first == again
    assert cost(first) <= context - 100


@pytest.mark.parametrize("name", NAMES)
def test_a_prompt_does_not_depend_on_the_order_that_maps_came_in(name: str) -> None:
    def of(*names: str) -> Mission:
        row: Value = {each: dict.fromkeys(names, 1) for each in names}
        state = {each: [row] for each in names}
        example = Example(row, state, (row,), dict.fromkeys(names, row), after=state)
        sent = Message(ObjectId("a/b"), Selector("total"), (row,), dict.fromkeys(names, 1), examples=(example,))
        return Mission(sent, state, ())

    for examples in (1, 0):
        one, other = of("x", "y", "z"), of("z", "x", "y")
        if not examples:
            one, other = (replace(each, message=replace(each.message, examples=())) for each in (one, other))
        assert asked(CAST[name], one) == asked(CAST[name], other)
        assert by_rule(one.message) == by_rule(other.message)


def test_a_repair_fits_what_was_kept_free_for_it() -> None:
    alfred = replace(CAST[ALFRED], context_tokens=1400, max_tokens=200)
    written = "def total(self, by):\n" + "    x = 1\n" * 55
    assert tokens(written) <= 200
    going_on = repair(asked(alfred, mission(32)), written, "expected 6, got 2 " * 100)
    assert cost(going_on) <= 1400 - 200


def test_where_nothing_fits_the_slot_is_named() -> None:
    small = replace(CAST[BABS], context_tokens=60, max_tokens=40)
    with pytest.raises(SynthesisFailed, match=r"BABS cannot be asked: .* room for 20; raise the slot context_tokens"):
        asked(small, mission())


def test_a_ladder_leaves_two_examples_and_one_worked_method_before_it_takes_the_rest() -> None:
    steps = list(ladder(Cut(examples=4, worked=3, samples=1, slots=4, intent=4)))
    told = [(cut.examples, cut.worked, cut.samples, cut.slots, cut.intent) for cut in steps]
    assert told == [
        (4, 3, 1, 4, 4),
        (3, 3, 1, 4, 4),
        (2, 3, 1, 4, 4),
        (2, 2, 1, 4, 4),
        (2, 1, 1, 4, 4),
        (2, 1, 0, 4, 4),
        (1, 1, 0, 4, 4),
        (1, 0, 0, 4, 4),
        (0, 0, 0, 4, 4),
        (0, 0, 0, 2, 4),
        (0, 0, 0, 1, 4),
        (0, 0, 0, 0, 4),
        (0, 0, 0, 0, 2),
        (0, 0, 0, 0, 1),
        (0, 0, 0, 0, 0),
    ]


def test_the_nearest_worked_method_goes_last() -> None:
    # Just too small for all three.
    alfred = CAST[ALFRED]
    whole = asked(alfred, mission(2))
    room = cost(whole) - 1 + 2 * alfred.max_tokens + 300
    cut = asked(replace(alfred, context_tokens=room), mission(2))
    assert cut == [whole[0], *whole[3:]]
    assert "sum_a" in cut[-3]["content"]


def test_a_very_long_method_is_not_shown_as_a_worked_one() -> None:
    long = method("sum_long", "    x = 1\n" * 300)
    assert "sum_long" not in str(prompt(CAST[ALFRED], minutes(long), mission()))


def test_examples_that_show_something_new_come_first_and_then_the_shorter_ones() -> None:
    usual = [Example(number, {}, ("x" * (9 - number),)) for number in range(1, 5)]
    empty, failing = Example(0, {}, ("x",)), Example(Failure("METHOD_RAISED", "ValueError"), {}, ("y" * 50,))
    changing = Example(7, {"n": 1}, ("z",), after={"n": 2})
    given = [*usual, empty, failing, changing]
    assert of_most_value(given, 4) == [usual[0], empty, failing, changing]
    assert of_most_value(given, 5) == [usual[0], usual[3], empty, failing, changing]
    assert of_most_value(given, 99) == given
    assert of_most_value(given, 0) == []


def test_a_full_style_shows_the_whole_spec_and_more_examples() -> None:
    of = mission(12)
    short = asked(CAST[ALFRED], of)[-1]["content"]
    full = asked(replace(CAST[ALFRED], style=FULL, context_tokens=32_000), of)[-1]["content"]
    assert (short.count(">>> self.total("), full.count(">>> self.total(")) == (6, 12)
    assert "Reads: rows" in full
    assert "Sends: notify" in full
    assert "Reads" not in short
