"""The spans of messages that run in batches. Law: each recorded message has the spans it would have alone.

What many messages share (a run, a commit) is one thing that happens; it is told once for each of them that is recorded,
below its own span. What the store does is told below the first of them.
"""

from collections.abc import Mapping, Sequence
from contextvars import Context
from typing import Protocol

import vocabulary
from dispatcher.mailbox import Letter
from dispatcher.resolution import Resolution


class Span(Protocol):
    """A span that was begun."""

    def end(self) -> None:
        """End it."""
        ...


class Tracing(Protocol):
    """Where spans are made; `chassis.telemetry.Telemetry` is one."""

    def start(self, name: str, attributes: Mapping[str, str | int] | None = None) -> Span:
        """A new span under the current one."""
        ...

    def begin(self, name: str, attributes: Mapping[str, str | int] | None = None) -> Span:
        """As start, and the current span from here on."""
        ...


class Spans:
    """Makes the spans of letters."""

    def __init__(self, tracing: Tracing) -> None:
        self._tracing = tracing

    def activation(self, letter: Letter, resolution: Resolution) -> Span:
        """The span of an activation, after one that tells of the lookup."""
        method = resolution.record.method
        names: dict[str, str | int] = {
            vocabulary.OBJECT_ID: letter.message.receiver,
            vocabulary.SELECTOR: letter.message.selector,
        }
        letter.context.run(self._tracing.start, vocabulary.SPAN_LOOKUP, names).end()
        names |= {vocabulary.HOLDER: method.holder, vocabulary.METHOD_VERSION: method.number}
        names[vocabulary.ACTIVATION_DEPTH] = 0
        return letter.context.run(self._tracing.start, vocabulary.SPAN_ACTIVATE, names)

    def commits(self, letters: Sequence[Letter], reads: int, writes: int) -> tuple[Sequence[Span], Context | None]:
        """Begins the commit's span of each recorded letter; with them the context in which the first is current."""
        names = {vocabulary.COMMIT_READS: reads, vocabulary.COMMIT_WRITES: writes, vocabulary.BATCH_SIZE: len(letters)}
        contexts = [letter.context.copy() for letter in letters if letter.recorded]
        spans = [context.run(self._tracing.begin, vocabulary.SPAN_COMMIT, names) for context in contexts]
        return spans, contexts[0] if contexts else None
