"""Spans as they are kept: one JSON document a trace. Law: all that OTLP tells of a span, in words of its own.

Reading and writing are here, so that `batctl trace` needs neither a server nor OpenTelemetry.
"""

import json
import re
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, cast

FOLDER = "traces"
MESSAGE_SPANS = ("batos.v1.Dispatcher/SendStream", "batos.v1.Dispatcher/Send")
_ID = re.compile(r"[0-9a-f]{4,32}")
_SETTLED = 0.7  # seconds in which no service has added a span


@dataclass(frozen=True, slots=True)
class Span:
    """One span. Times are in nanoseconds since 1970; `failed` is the status ERROR; `links` are span ids."""

    trace_id: str
    span_id: str
    parent_id: str
    name: str
    service: str
    start: int
    end: int
    failed: bool = False
    status: str = ""
    attributes: Mapping[str, object] = field(default_factory=dict[str, object])
    links: Sequence[str] = ()

    @property
    def milliseconds(self) -> float:
        """How long it took."""
        return (self.end - self.start) / 1e6


@dataclass(frozen=True, slots=True)
class Trace:
    """All spans of one trace that have come so far."""

    trace_id: str
    spans: Sequence[Span]

    @property
    def start(self) -> int:
        """The begin of the first span, in nanoseconds since 1970."""
        return min((span.start for span in self.spans), default=0)

    @property
    def milliseconds(self) -> float:
        """From the first span's begin to the last one's end."""
        return (max((span.end for span in self.spans), default=0) - self.start) / 1e6

    @property
    def message(self) -> Span | None:
        """The dispatcher's span of the message that the trace is of; None where it is of something else."""
        return next((span for span in self.spans if span.name in MESSAGE_SPANS), None)

    def text(self) -> str:
        """As it is kept."""
        return json.dumps({"trace": self.trace_id, "spans": [asdict(span) for span in self.spans]}, ensure_ascii=False)


def trace_of(text: str) -> Trace:
    """The trace that was kept as `text`. Raises ValueError, KeyError or TypeError for another text."""
    document = cast("dict[str, Any]", json.loads(text))
    return Trace(document["trace"], [Span(**span) for span in document["spans"]])


class TraceFolder:
    """The traces that `batctl up` keeps, to be read."""

    def __init__(self, data: Path) -> None:
        self._folder = data / FOLDER

    def find(self, prefix: str, *, wait: float = 0.0) -> Trace | None:
        """The one trace whose id begins so; it is waited for up to `wait` seconds, until no more spans come."""
        if not _ID.fullmatch(prefix):
            return None
        deadline = time.monotonic() + wait
        while True:
            found = list(self._folder.glob(f"{prefix}*.json"))
            settled = len(found) == 1 and time.time() - found[0].stat().st_mtime > _SETTLED
            if settled or time.monotonic() >= deadline:
                return _read(found[0]) if len(found) == 1 else None
            time.sleep(0.1)

    def newest(self) -> Iterable[Trace]:
        """All traces, the one that got a span last first."""
        files = sorted(self._folder.glob("*.json"), key=_changed, reverse=True)
        return (trace for file in files if (trace := _read(file)))


def _changed(file: Path) -> float:
    try:
        return file.stat().st_mtime
    except OSError:  # it was dropped meanwhile
        return 0.0


def _read(file: Path) -> Trace | None:
    try:
        return trace_of(file.read_text())
    except (OSError, ValueError, KeyError, TypeError):
        return None
