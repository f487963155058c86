"""What a rule is. Law: a pure function of a source, with an id that never changes and an example that it refuses.

A source is read in three steps, and the rules of one step run only where the step before found no error, so that each
finding stands on what is already known: the text, the module it parses to, the one function in it.
"""

import ast
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from kernel.messages import Example, Message
from kernel.objects import Finding, Severity

T = TypeVar("T")

Found = Iterator[tuple[int, str]]
"""Lines (from 1; 0 for the whole source) and reasons in words that say what to change."""

Paths = frozenset[tuple[bool, bool]]
"""What the paths that reach a point have done: (kept the covenant, wrote to the state). Empty: nothing reaches it."""

Method = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True, slots=True)
class Given:
    """What a source was written for: the sender's own words, and the sends that were shown. Empty: not known.

    `sends` are the examples, and the message itself on the receiver's state; its outcome is not known and None.
    """

    words: str = ""
    sends: tuple[Example, ...] = ()

    @classmethod
    def of(cls, message: Message, live: Example) -> "Given":
        """That of a message, which is `live` on the receiver's state."""
        return cls(f"{message.selector} {message.intent}", (*message.examples, live))


@dataclass(frozen=True, slots=True)
class Subject:
    """One function that claims to answer a selector. `nodes` is all of it, in no particular order.

    `returns` is what its paths have done at each line where they return.
    """

    selector: str
    method: Method
    free_names: frozenset[str]
    nodes: tuple[ast.AST, ...] = field(repr=False)
    returns: Mapping[int, Paths] = field(repr=False)
    given: Given = Given()


@dataclass(frozen=True, slots=True)
class Module:
    """A source that parses."""

    selector: str
    tree: ast.Module


@dataclass(frozen=True, slots=True)
class Text:
    """A source as it came."""

    source: str


@dataclass(frozen=True, slots=True)
class About:
    """What is told of every rule: its id, whether it refuses, what it is for, and a method `example` it refuses.

    `given` is what that method was written for, where the rule asks for it.
    """

    id: str
    reason: str
    refused: str
    severity: Severity = Severity.ERROR
    given: Given = Given()


@dataclass(frozen=True, slots=True)
class Rule(Generic[T]):
    """A rule about a Text, a Module or a Subject."""

    about: About
    check: Callable[[T], Found]

    def findings(self, of: T) -> list[Finding]:
        """All that it has against one."""
        return [Finding(self.about.id, self.about.severity, line, reason) for line, reason in self.check(of)]


def line_of(node: ast.AST) -> int:
    """Where a node stands, from 1; 0 where it has no place."""
    return getattr(node, "lineno", 0)
