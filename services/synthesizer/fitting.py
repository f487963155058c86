"""How a prompt is made to fit a persona's model. Law: what is left out is decided by rule, in one order.

A *ladder* of cuts goes from the whole prompt to the barest one; the first prompt that fits is asked. The same mission
gives the same prompt, byte for byte: whoever takes a flight over finds what was said before by the prompt's digest.

Tokens are estimated at three bytes each, which is more than tokenizers make of prose and code, and at eight for each
turn, which chat templates wrap in words of their own.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from kernel.errors import SynthesisFailed
from kernel.messages import Example, Failure
from kernel.objects import SYSTEM_NAMESPACE
from kernel.values import Value, same
from synthesizer import rendering
from synthesizer.endpoints import ChatMessages
from synthesizer.personas import Persona

_BYTES = 3  # of a token
_TURN = 8  # tokens around a turn
_REPAIR = 300  # tokens of what is said of a draft, beside the draft itself


@dataclass(frozen=True, slots=True)
class Cut:
    """How much of everything a prompt shows. `samples` 1: slots with a value each; `intent` is in characters."""

    examples: int
    worked: int
    samples: int
    slots: int
    intent: int


# What goes first goes soonest: a number falls to its floor before the next one is touched. Two examples are worth more
# than all worked methods but one, and an intent more than anything.
_STEPS = (
    ("examples", 2),
    ("worked", 1),
    ("samples", 0),
    ("examples", 1),
    ("worked", 0),
    ("examples", 0),
    ("slots", 0),
    ("intent", 0),
)
_HALVED = frozenset({"slots", "intent"})


def ladder(cut: Cut) -> Iterator[Cut]:
    """The cut, and ever deeper ones."""
    yield cut
    for name, floor in _STEPS:
        while (left := getattr(cut, name)) > floor:
            cut = replace(cut, **{name: left // 2 if name in _HALVED else left - 1})
            yield cut


def tokens(text: str) -> int:
    """About how many tokens a text has."""
    return -(-len(text.encode()) // _BYTES)


def cost(messages: ChatMessages) -> int:
    """About how many tokens a conversation has."""
    return sum(_TURN + tokens(each["content"]) for each in messages)


def fit(persona: Persona, prompts: Iterable[ChatMessages], *, repaired: bool = False) -> ChatMessages:
    """The first prompt that leaves room for the answer; and where it is `repaired`, for a draft and another answer.

    Raises SynthesisFailed where none does.
    """
    room = persona.context_tokens - persona.max_tokens
    if repaired:
        room -= persona.max_tokens + _REPAIR
    least = 0
    for prompt in prompts:
        least = cost(prompt)
        if least <= room:
            return prompt
    raise SynthesisFailed(
        f"{persona.name} cannot be asked: the shortest prompt has some {least} tokens and there is room for {room}; "
        f"raise the slot context_tokens of {persona.object_id} in {SYSTEM_NAMESPACE}, or lower its max_tokens"
    )


def of_most_value(examples: Sequence[Example], count: int) -> list[Example]:
    """So many examples, in their own order: first those that show what none before did, then the shorter ones."""
    seen: set[tuple[str, bool, bool]] = set()
    new: list[int] = []
    for index, each in enumerate(examples):
        if (shows := _shows(each)) not in seen:
            seen.add(shows)
            new.append(index)
    rest = sorted(set(range(len(examples))) - set(new), key=lambda index: (_length(examples[index]), index))
    return [examples[index] for index in sorted([*new, *rest][:count])]


def _shows(example: Example) -> tuple[str, bool, bool]:
    """What kind of outcome an example has, whether it is an empty one, and whether the state changes."""
    if isinstance(example.outcome, Failure):
        return example.outcome.exception or example.outcome.reason, False, False
    outcome: Value = example.outcome
    changes = any(not same(item, example.before.get(name)) for name, item in (example.after or {}).items())
    return type(outcome).__name__, not outcome, changes


def _length(example: Example) -> int:
    return len(rendering.example("", example))
