"""What is reserved for a synthesis is what it may take at most."""

from dataclasses import dataclass, replace

import pytest

from kernel.messages import Example, Message
from kernel.objects import ObjectId, Selector
from synthesizer.estimate import estimate
from synthesizer.personas import NAMES


@dataclass(frozen=True)
class Speaker:
    """As much of a persona as decides what a turn may cost."""

    system: str = "You write."
    max_tokens: int = 400
    context_tokens: int = 4096


CAST = {name: Speaker() for name in NAMES}
SMALL = Message(ObjectId("sum/1"), Selector("add"), (1, 2))


def test_what_senders_give_costs_a_token_a_byte_in_every_turn() -> None:
    more = replace(SMALL, intent="x" * 100)
    # Three speak, and three drafts are written in three waves.
    assert estimate(CAST, more, {}, 3) - estimate(CAST, SMALL, {}, 3) == (3 + 9) * 100


def test_a_turn_costs_at_most_what_its_model_takes_at_once() -> None:
    huge = replace(SMALL, arguments=("x" * 1_000_000,), examples=(Example(1, {"text": "x" * 100_000}),))
    assert estimate(CAST, huge, {"text": "x" * 100_000}, 3) == (3 + 9) * 4096


@pytest.mark.parametrize(
    "more",
    [
        replace(SMALL, keywords={"to": "x"}),
        replace(SMALL, examples=(Example(1),)),
        replace(SMALL, arguments=(1, 2, [3])),
        replace(SMALL, intent="ü"),
    ],
    ids=["keyword", "example", "argument", "intent"],
)
def test_whatever_a_prompt_may_show_counts(more: Message) -> None:
    assert estimate(CAST, more, {}, 1) > estimate(CAST, SMALL, {}, 1)


def test_slots_drafts_and_a_longer_codex_count() -> None:
    least = estimate(CAST, SMALL, {}, 1)
    assert estimate(CAST, SMALL, {"n": 1}, 1) > least
    assert estimate(CAST, SMALL, {}, 2) > least
    assert estimate({name: Speaker("You write. " * 20) for name in NAMES}, SMALL, {}, 1) > least
    assert estimate({name: Speaker(max_tokens=500) for name in NAMES}, SMALL, {}, 1) > least
