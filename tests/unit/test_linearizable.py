"""The checker of linearizability: it must pass what is one object's history, and fail what is none."""

import random
import time
from dataclasses import replace
from itertools import permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fakes.history import NEVER, Attempt, Outcome
from fakes.linearizable import REFUSED, Model, counter, explain, register


def did(selector: str, began: float, ended: float, result: object = None, *arguments: object) -> Attempt:
    return Attempt(0, "s", "d", "o", selector, arguments, began=began, ended=ended, outcome=Outcome.OK, result=result)


def lost(selector: str, began: float, *arguments: object) -> Attempt:
    return Attempt(0, "s", "d", "o", selector, arguments, began=began, outcome=Outcome.UNKNOWN)


def failed(selector: str, began: float, ended: float, *arguments: object) -> Attempt:
    return Attempt(0, "s", "d", "o", selector, arguments, began=began, ended=ended, outcome=Outcome.FAILED)


GOOD_COUNTS = {
    "one after the other": [did("increment", 0, 1, 1), did("read", 2, 3, 1), did("increment", 4, 5, 2)],
    "answers in another order than they began": [did("increment", 0, 9, 2), did("increment", 1, 9, 1)],
    "a read beside an increment sees it or not": [
        did("increment", 0, 9, 1),
        did("read", 1, 8, 0),
        did("read", 1, 8, 1),
    ],
    "what is unknown took effect late": [lost("increment", 0), did("read", 1, 2, 0), did("read", 3, 4, 1)],
    "what is unknown never took effect": [lost("increment", 0), did("increment", 1, 2, 1), did("read", 3, 4, 1)],
    "two unknown ones fill two gaps": [lost("increment", 0), lost("increment", 0), did("increment", 1, 2, 3)],
    "an unknown read means nothing": [lost("read", 0), did("increment", 1, 2, 1)],
    "what failed had no effect": [failed("increment", 0, 1), did("increment", 2, 3, 1)],
}
BAD_COUNTS = {
    "an acknowledged effect is lost": [did("increment", 0, 1, 1), did("read", 2, 3, 0)],
    "two answers are the same": [did("increment", 0, 9, 1), did("increment", 0, 9, 1)],
    "an effect is doubled": [did("increment", 0, 1, 1), did("increment", 2, 3, 3)],
    "an unknown effect is doubled": [lost("increment", 0), did("read", 1, 2, 2)],
    "a read goes back": [did("increment", 0, 9, 1), did("read", 1, 2, 1), did("read", 3, 4, 0)],
    "a read is of the future": [did("read", 0, 1, 1), did("increment", 2, 3, 1)],
    "an unknown one took effect before it began": [did("read", 0, 1, 1), lost("increment", 2)],
    "an unknown one came and went": [lost("increment", 0), did("read", 1, 2, 1), did("read", 3, 4, 0)],
    "what failed had an effect": [failed("increment", 0, 1), did("increment", 2, 3, 2)],
    "later increments answer less": [did("increment", 0, 1, 2), did("increment", 2, 3, 1)],
}
GOOD_REGISTERS = {
    "the last write is read": [did("write", 0, 1, None, 5), did("read", 2, 3, 5)],
    "writes side by side end in any order": [
        did("write", 0, 9, None, 5),
        did("write", 0, 9, None, 6),
        did("read", 10, 11, 5),
    ],
    "an unknown write is seen late": [lost("write", 0, 5), did("read", 1, 2, None), did("read", 3, 4, 5)],
    "an unknown write is never seen": [lost("write", 0, 5), did("read", 1, 2, None)],
    "an unknown write comes after another": [lost("write", 0, 5), did("write", 1, 2, None, 6), did("read", 3, 4, 5)],
}
BAD_REGISTERS = {
    "an acknowledged write is lost": [did("write", 0, 1, None, 5), did("read", 2, 3, None)],
    "an old value comes back": [
        did("write", 0, 1, None, 5),
        did("write", 2, 3, None, 6),
        did("read", 4, 5, 5),
    ],
    "two readers disagree about the order": [
        did("write", 0, 20, None, 5),
        did("write", 0, 20, None, 6),
        did("read", 1, 2, 5),
        did("read", 3, 4, 6),
        did("read", 5, 6, 5),
    ],
    "a value was never written": [did("read", 0, 1, 7)],
    "an unknown write is seen before it began": [did("read", 0, 1, 5), lost("write", 2, 5)],
    "an unknown write is taken back": [lost("write", 0, 5), did("read", 1, 2, 5), did("read", 3, 4, None)],
    "what failed is seen": [failed("write", 0, 1, 5), did("read", 2, 3, 5)],
}


@pytest.mark.parametrize("history", GOOD_COUNTS.values(), ids=GOOD_COUNTS)
def test_a_counters_history_passes(history: list[Attempt]) -> None:
    assert explain(history, counter()) == ""


@pytest.mark.parametrize("history", BAD_COUNTS.values(), ids=BAD_COUNTS)
def test_what_no_counter_does_fails(history: list[Attempt]) -> None:
    assert "no order explains" in explain(history, counter())


@pytest.mark.parametrize("history", GOOD_REGISTERS.values(), ids=GOOD_REGISTERS)
def test_a_registers_history_passes(history: list[Attempt]) -> None:
    assert explain(history, register()) == ""


@pytest.mark.parametrize("history", BAD_REGISTERS.values(), ids=BAD_REGISTERS)
def test_what_no_register_does_fails(history: list[Attempt]) -> None:
    assert "no order explains" in explain(history, register())


def by_trying_all(history: list[Attempt], model: Model) -> bool:
    """The definition itself: some order of the known and any of the unknown that keeps to the times and the model."""
    known = [each for each in history if each.outcome is Outcome.OK]
    maybe = [each for each in history if each.outcome is Outcome.UNKNOWN and each.selector not in model.observers]
    chosen = [[each for bit, each in enumerate(maybe) if some >> bit & 1] for some in range(1 << len(maybe))]
    return any(_explains(order, model) for some in chosen for order in permutations([*known, *some]))


def _explains(order: tuple[Attempt, ...], model: Model) -> bool:
    state, latest = model.initial, -NEVER
    for each in order:
        latest = max(latest, each.began)
        if latest > each.ended or (state := model.step(state, each)) is REFUSED:
            return False
    return True


@st.composite
def small_histories(draw: st.DrawFn, selector: str) -> list[Attempt]:
    found: list[Attempt] = []
    for number in range(draw(st.integers(1, 5))):
        began = draw(st.integers(0, 8))
        ended = began + draw(st.integers(1, 6))
        reads = draw(st.booleans())
        arguments = () if reads or selector == "increment" else (number + 1,)
        one = did("read" if reads else selector, began, ended, draw(st.integers(0, 4)), *arguments)
        found.append(one if draw(st.integers(0, 3)) else replace(one, outcome=Outcome.UNKNOWN, ended=NEVER))
    return found


@settings(max_examples=300, deadline=None)
@given(small_histories("increment"))
def test_the_search_for_counters_agrees_with_trying_every_order(history: list[Attempt]) -> None:
    assert (explain(history, counter()) == "") == by_trying_all(history, counter())


@settings(max_examples=300, deadline=None)
@given(small_histories("write"))
def test_the_search_for_registers_agrees_with_trying_every_order(history: list[Attempt]) -> None:
    assert (explain(history, register(0)) == "") == by_trying_all(history, register(0))


def made_up(kind: str, size: int, seed: int) -> list[Attempt]:
    """A linearizable history of eight senders, some of whose operations end unknown, with and without effect."""
    choice = random.Random(seed)
    free, now, state, found = [0.0] * 8, 0.0, 0, list[Attempt]()
    for number in range(size):
        sender = choice.randrange(8)
        effect = max(now, free[sender]) + choice.random() * 0.01
        began, ended = choice.uniform(free[sender], effect), effect + choice.random() * 0.05
        now, free[sender] = effect, ended
        reads, unknown = choice.random() < 0.4, choice.random() < 0.03
        applied = not reads and (not unknown or choice.random() < 0.5)
        state = (state + 1 if kind == "increment" else number + 1) if applied else state
        arguments = () if reads or kind == "increment" else (number + 1,)
        one = did("read" if reads else kind, began, ended, state, *arguments)
        found.append(replace(one, outcome=Outcome.UNKNOWN, ended=NEVER) if unknown else one)
    return found


@pytest.mark.parametrize("kind", ["increment", "write"])
@pytest.mark.parametrize("seed", range(3))
def test_four_thousand_operations_are_judged_within_seconds(kind: str, seed: int) -> None:
    history = made_up(kind, 4000, seed)
    model = counter() if kind == "increment" else register(0)
    began = time.monotonic()
    assert explain(history, model) == ""
    index = next(i for i in range(2000, 4000) if history[i].selector == "read" and history[i].outcome is Outcome.OK)
    stale = [*history[:index], replace(history[index], result=history[index].result - 40), *history[index + 1 :]]
    assert "no order explains" in explain(stale, model)
    assert time.monotonic() - began < 10
