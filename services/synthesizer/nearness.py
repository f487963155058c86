"""How much a method works like what is asked for. Law: a pure function of what is asked and what is there.

Four signs are added up, each from 0 to 1: how alike the selectors are spelled, how many of the asker's words the method
speaks of (its selector, parameters, intent, docstring, and the names and texts of its source), whether it takes the
message, and whether an example that is kept with it has the shape of one of the message's. Words weigh most: what a
method does is told by what it names. The weights order methods; nothing else depends on them.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from kernel.errors import KernelError
from kernel.messages import Example, Failure, Message
from kernel.objects import MethodVersion
from kernel.signature import bind
from kernel.values import Value
from synthesizer import disclosure

_NAME, _WORDS, _SIGNATURE, _SHAPES = 3.0, 4.0, 1.0, 2.0
_SHORTEST = 3  # letters of a word that says something
_COMMON = frozenset(
    {
        *("all", "and", "any", "are", "each", "for", "from", "give", "has", "its", "not", "one", "the", "them", "then"),
        *("this", "with", "which", "return", "self", "true", "false", "none", "def", "else", "elif", "get", "len"),
        *("lambda", "key", "changed"),
    }
)

Shape = tuple[tuple[str, ...], tuple[str, ...], str]
"""Kinds of the arguments, names of the keywords, kind of the outcome."""


@dataclass(frozen=True, slots=True)
class Shelved:
    """A method with the shapes of the examples that are kept with it."""

    method: MethodVersion
    shapes: frozenset[Shape] = frozenset()


def rank(message: Message, shelf: Iterable[Shelved]) -> tuple[Shelved, ...]:
    """The shelf, the nearest first; of those that are as near, by holder, selector, and the later version."""
    words, wanted = words_of_message(message), shapes(message.examples)

    def order(item: Shelved) -> tuple[float, str, str, int]:
        method = item.method
        return -nearness(message, words, wanted, item), method.holder, method.selector, -method.number

    return tuple(sorted(shelf, key=order))


def nearness(message: Message, words: frozenset[str], wanted: frozenset[Shape], item: Shelved) -> float:
    """From 0 to 10; `words` and `wanted` are those of the message."""
    shared = len(words & words_of_method(item.method)) / len(words) if words else 0.0
    return (
        _NAME * spelled_alike(message.selector, item.method.selector)
        + _WORDS * shared
        + _SIGNATURE * takes(item.method, message)
        + _SHAPES * bool(wanted & item.shapes)
    )


def spelled_alike(one: str, other: str) -> float:
    """From 0 to 1."""
    return SequenceMatcher(None, one, other, autojunk=False).ratio()


def takes(method: MethodVersion, message: Message) -> bool:
    """Whether the message and all its examples fit the method's signature."""
    try:
        for send in (message, *message.examples):
            bind(method.selector, method.parameters, len(send.arguments), list(send.keywords))
    except KernelError:
        return False
    return True


def words_of_message(message: Message) -> frozenset[str]:
    """What the message speaks of."""
    return _words([message.selector, message.intent, *message.keywords, *disclosure.said(message)])


def words_of_method(method: MethodVersion) -> frozenset[str]:
    """What the method speaks of; its source holds its docstring."""
    return _words([method.selector, method.provenance.intent, method.source])


def _words(texts: Sequence[str]) -> frozenset[str]:
    """The words in texts, by their stems: lower case, parts of names apart, no plural."""
    found = (word.lower() for text in texts for word in re.findall(r"[A-Z]?[a-z]+|[A-Z]+|[^\W\d_]+", text))
    return frozenset(word.removesuffix("s") for word in found if len(word) >= _SHORTEST and word not in _COMMON)


def shapes(examples: Iterable[Example]) -> frozenset[Shape]:
    """The shapes of examples."""
    return frozenset(
        (tuple(_kind(item) for item in each.arguments), tuple(sorted(each.keywords)), _outcome(each))
        for each in examples
    )


def _outcome(example: Example) -> str:
    return "failure" if isinstance(example.outcome, Failure) else _kind(example.outcome)


def _kind(value: Value) -> str:
    return type(value).__name__
