"""What one synthesis may cost. Law: pure, and rather too much than too little: what is left over goes back.

Reserved is the panel, and all waves of as many drafts as are written at a time. A turn takes what we say, what the
senders gave and the answer, and at most what its persona's model takes at once (`context_tokens`). What senders gave
counts one token a byte, the bound for a vocabulary of bytes: digits come near it (Qwen2.5-Coder: numbers 1.0 bytes a
token, rows of JSON 2.1, prose 3.3 to 5). What we say counts one token two bytes, with room for the worked methods.
"""

from collections.abc import Mapping, Sequence
from typing import Final, Protocol

from kernel.messages import Example, Failure, Message
from kernel.values import SlotValues, Value
from synthesizer.personas import ALFRED, BABS, BRICK, ROBIN
from synthesizer.selection import WAVES

_COMPLAINT: Final = 600  # characters of what is said of a draft that failed
_BYTES: Final = 2  # of a token of our own
_WORKED: Final[Mapping[str, int]] = {BRICK: 200, BABS: 2000, ROBIN: 200, ALFRED: 1500}  # what a prompt says beside


class Speaks(Protocol):
    """What of a persona decides how much a turn may cost; sizes in tokens."""

    @property
    def system(self) -> str: ...  # noqa: D102 - as personas.Persona

    @property
    def max_tokens(self) -> int: ...  # noqa: D102

    @property
    def context_tokens(self) -> int: ...  # noqa: D102


def estimate(cast: Mapping[str, Speaks], message: Message, slots: SlotValues, drafts: int) -> int:
    """Tokens, in and out, that a method for the message may take at most; `slots` are the receiver's.

    `cast` has the four personas, by name; `drafts` are written at a time.
    """
    shown = _shown(message, slots)
    panel = sum(_turn(name, cast[name], shown) for name in (BRICK, BABS, ROBIN))
    alfred = cast[ALFRED]
    first = _turn(ALFRED, alfred, shown)
    # A wave of repair shows a draft, and what is wrong with it.
    again = _turn(ALFRED, alfred, shown + alfred.max_tokens + _COMPLAINT)
    return panel + drafts * (first + (WAVES - 1) * again)


def _turn(name: str, persona: Speaks, shown: int) -> int:
    ours = _WORKED[name] + len(persona.system.encode()) // _BYTES
    return min(ours + shown + persona.max_tokens, persona.context_tokens)


def _shown(message: Message, slots: SlotValues) -> int:
    """Bytes of what senders gave, as it would be spelled."""
    sizes = [len(message.intent.encode()), _size([message.receiver, message.selector, *message.arguments])]
    sizes += [_size(message.keywords), _size(slots)]
    return sum(sizes) + sum(map(_example, message.examples))


def _example(example: Example) -> int:
    outcome: Value = example.outcome.reason if isinstance(example.outcome, Failure) else example.outcome
    state = [outcome, example.before, example.after, list(example.others.values())]
    return _size(state) + _size([*example.arguments, example.keywords])


def _size(value: Sequence[Value] | Mapping[str, Value]) -> int:
    return len(repr(value).encode(errors="replace"))
