"""What goes into a guest and what comes out.

Law: values only; nothing here runs. A guest is code in the language of Monty (docs/adr/0002-monty.md).
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from sandbox.limits import Limits


@dataclass(frozen=True, slots=True)
class Feed:
    """One run of a guest.

    ``inputs`` become its globals: None, bool, int, float, str, bytes, lists, tuples and dicts of these; tuples stay
    tuples, shared values stay shared. ``functions`` are the names it may call on the host. ``now`` (aware, UTC) is the
    only instant its clocks ever show, and ``seed`` starts its random numbers: the same feed has the same outcome.
    """

    code: str
    inputs: Mapping[str, object]
    functions: frozenset[str]
    now: datetime
    seed: int
    limits: Limits = field(default_factory=Limits)

    def __post_init__(self) -> None:
        if self.now.utcoffset() is None:
            raise ValueError("a feed's clock needs a time zone; give an aware datetime in UTC")


@dataclass(frozen=True, slots=True)
class GuestObject:
    """An object of a type that the guest defined, as it was when it left: a copy, all attributes read.

    Cycles come out cut: where the object holds itself, the attribute is the text ``'...'``.
    """

    type_name: str
    attributes: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Call:
    """The guest stands still in ``name(*args, **kwargs)`` and waits for the host's answer."""

    name: str
    args: tuple[object, ...]
    kwargs: Mapping[str, object]


OnCall = Callable[[Call], Awaitable[object]]
"""Answers one call: with a plain value, or GuestException; anything else it raises abandons the feed."""


PLAIN = """
def plain(value):
    kind = type(value)
    if value is None or kind in (bool, int, float, str, bytes):
        return value
    if kind in (list, tuple):
        for item in value:
            plain(item)
        return value
    if kind is dict:
        for key, item in value.items():
            plain(key)
            plain(item)
        return value
    raise TypeError(f"{kind.__name__} is not a plain value")
"""
"""Guest code that refuses what would leave the guest as a text.

Monty hands out functions, ranges, slices, iterators and cycles as their ``repr``, and the host cannot tell such a text
from one that the guest made. Code that ends with ``plain(value)`` raises TypeError (RecursionError for a cycle)
instead. A guest that redefines ``plain`` deceives itself only.
"""
