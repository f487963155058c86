"""What of callers' and objects' values reaches a prompt. Law: what callers said, and what an object allows.

- Callers chose what they put into an intent and into examples: that is shown.
- A slot is shown as it is where its object allows it: the slot `disclosed_slots` of the receiver, or of an object on
  its path, is a list of names, or `*` for all. Where several have one, the strictest wins: all of them must allow it.
  One that is anything else allows nothing.
- All else is made up by rule: a sample has the type of the value and the class of its length, and nothing else of it.
  Keys of maps are values too, unless callers said them.
- The arguments of the message are made up likewise, but for those that stand in one of its examples.
"""

import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import reduce
from typing import Final

from kernel.messages import Example, Failure, Message
from kernel.values import Reference, SlotValues, Value, same

SLOT = "disclosed_slots"
ALL = "*"
_MOST_ITEMS = 2  # of a list in a sample
_MOST_KEYS = 8
_SHORT, _LINE = 8, 32  # characters
_MOST_DIGITS = 9  # of a sample; a longer number is of the same class
_MADE: Final[Mapping[type, Value]] = {bool: True, bytes: b"bytes", Reference: Reference("other/one")}


def allowed(along: Iterable[SlotValues]) -> frozenset[str]:
    """The names of slots that may be shown, by the slots of the objects along a path; `*` stands for all."""
    given = [_names(slots[SLOT]) for slots in along if SLOT in slots]
    limits = [names for names in given if ALL not in names]
    if not given:
        return frozenset()
    return reduce(frozenset[str].intersection, limits) if limits else frozenset({ALL})


def _names(value: Value) -> frozenset[str]:
    if value == ALL:
        return frozenset({ALL})
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return frozenset(str(item) for item in value)
    return frozenset()


def discloses(names: frozenset[str], slot: str) -> bool:
    """Whether a slot may be shown."""
    return slot in names or ALL in names


def said(message: Message) -> frozenset[str]:
    """The words that callers said to the personas: in the intent, the selector, and as names and keys in examples."""
    keys = [key for each in message.examples for value in _values(each) for key in _keys(value)]
    return frozenset([*re.findall(r"\w+", message.intent), *message.selector.split("_"), *keys])


def _values(example: Example) -> Iterator[Value]:
    yield from (dict(example.before), list(example.arguments), dict(example.keywords), dict(example.after or {}))
    if not isinstance(example.outcome, Failure):
        yield example.outcome


def _keys(value: Value) -> Iterator[str]:
    match value:
        case str() | bytes():
            pass
        case Mapping():
            yield from value
            for item in value.values():
                yield from _keys(item)
        case Sequence():
            for item in value:
                yield from _keys(item)
        case _:
            pass


def shown_slots(slots: SlotValues, names: frozenset[str], words: frozenset[str]) -> SlotValues:
    """The slots as they may be shown: their own values, or samples."""
    return {
        name: value if discloses(names, name) else sample(value, words) for name, value in slots.items() if name != SLOT
    }


def shown_message(message: Message) -> Message:
    """The message as it may be shown: arguments as they are in its examples, else samples."""
    words = said(message)
    given = [item for each in message.examples for item in (*each.arguments, *each.keywords.values())]

    def shown(value: Value) -> Value:
        return value if any(same(value, item) for item in given) else sample(value, words)

    return replace(
        message,
        arguments=tuple(shown(item) for item in message.arguments),
        keywords={name: shown(item) for name, item in message.keywords.items()},
    )


def sample(value: Value, words: frozenset[str]) -> Value:
    """A value of the same type and class of length; `words` are the keys that may be shown."""
    match value:
        case Mapping():
            return _map(value, words)
        case list():
            return [sample(item, words) for item in value[:_MOST_ITEMS]]
        case str():
            return _text(len(value))
        case int() | float() if not isinstance(value, bool):
            return _number(value)
        case _:
            return _MADE.get(type(value))


def _number(value: float) -> Value:
    """A number of as many digits, with its sign: 7, 42, 420..."""
    digits = min(len(str(int(abs(value)))), _MOST_DIGITS) if math.isfinite(value) else 1
    made = 7 if digits == 1 else 42 * 10 ** (digits - 2)
    signed = -made if value < 0 else made
    return signed if isinstance(value, int) else signed + 0.5


def _text(length: int) -> str:
    if not length:
        return ""
    if length <= _SHORT:
        return "text"
    return "a line of text" if length <= _LINE else "a longer text, of several words, and of more than one line"


def _map(value: SlotValues, words: frozenset[str]) -> Value:
    """Keys that callers said come first; others are numbered."""
    spoken = sorted(key for key in value if key in words)
    hidden = sorted(key for key in value if key not in words)
    names = {**{key: key for key in spoken}, **{key: f"key{number}" for number, key in enumerate(hidden, 1)}}
    return {name: sample(value[key], words) for key, name in list(names.items())[:_MOST_KEYS]}
