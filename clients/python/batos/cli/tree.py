"""A trace as a tree of text. Law: every span is told once, below its parent, in the order they began.

A span whose parent did not come is a root; that is so for the first one, whose parent is the client, which keeps none.
The two spans of one RPC, the asking service's and the answering one's, are one line; what a span has in common with the
one above it is not told again.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from rich.text import Text

from batos.cli.documents import Document
from batos.cli.terminal import one_line
from batos.local.spans import Span, Trace

# What tells most, in the order it is shown; `-v` shows all.
SHOWN = (
    *("batos.object.id", "batos.selector", "batos.understood", "batos.holder", "batos.method.version"),
    *("batos.evidence", "batos.persona", "batos.draft.index", "batos.repair.round"),
    *("gen_ai.usage.input_tokens", "gen_ai.usage.output_tokens", "batos.finding.rule", "batos.finding.count"),
    *("batos.trial.passed", "batos.example.count", "batos.flight.joined", "batos.attempt", "batos.commit.writes"),
    *("batos.commit.conflict", "batos.error.reason", "error.type"),
)
_PREFIXES = ("batos.", "gen_ai.usage.", "gen_ai.")


def tree_lines(trace: Trace, *, everything: bool = False) -> Iterable[Text]:
    """A head, then a line a span: the tree, when it began and how long it took in ms, its service, what tells most."""
    services = sorted({span.service for span in trace.spans})
    yield Text(
        f"trace {trace.trace_id}  {local(trace.start)}  {trace.milliseconds:.1f} ms  {len(trace.spans)} spans  "
        + one_line(", ".join(services)),
        style="bold",
    )
    rows = list(_rows(trace))
    width = max((len(row.name) for row in rows), default=0)
    service_width = max((len(row.service) for row in rows), default=0)
    for row in rows:
        offset = (row.span.start - trace.start) / 1e6
        line = Text(
            f"{row.name:{width}}  {offset:9.1f}  {row.span.milliseconds:9.1f} ms  {row.service:{service_width}}  "
        )
        line.append(row.told(everything=everything), style="red" if row.span.failed else "dim")
        line.rstrip()
        yield line


def summary_line(trace: Trace) -> Text:
    """One trace of a list: its id, when, how long, and what it is of."""
    first = trace.message or min(trace.spans, key=lambda span: span.start)
    what = one_line(f"{first.attributes.get('batos.object.id', '')} {first.attributes.get('batos.selector', '')}")
    failed = "  failed" if first.failed else ""
    return Text(
        f"{trace.trace_id}  {local(trace.start)}  {trace.milliseconds:9.1f} ms  {len(trace.spans):4} spans  "
        f"{one_line(first.name)}  {what}{failed}".rstrip()
    )


def tree_document(trace: Trace) -> Document:
    """A trace as JSON: spans with their children inside."""
    children = _children(trace)
    return {
        "trace": trace.trace_id,
        "milliseconds": trace.milliseconds,
        "spans": [_span_document(span, trace, children) for span in children[""]],
    }


def local(nanoseconds: int) -> str:
    """A time in the zone of who reads it."""
    return f"{datetime.fromtimestamp(nanoseconds / 1e9, UTC).astimezone():%Y-%m-%d %H:%M:%S}"


@dataclass(frozen=True, slots=True)
class _Row:
    """A line: a span, or the two of one RPC."""

    branch: str
    span: Span
    answering: Span | None
    above: Mapping[str, object]

    @property
    def name(self) -> str:
        return self.branch + one_line(self.span.name)

    @property
    def service(self) -> str:
        return one_line(self.span.service + (f" > {self.answering.service}" if self.answering else ""))

    @property
    def attributes(self) -> Mapping[str, object]:
        return {**self.span.attributes, **(self.answering.attributes if self.answering else {})}

    def told(self, *, everything: bool) -> str:
        if everything:
            words = [f"{key}={value}" for key, value in sorted(self.attributes.items())]
        else:
            known = {key: self.attributes[key] for key in SHOWN if self.attributes.get(key) not in ([], None)}
            words = [f"{_short(key)}={value}" for key, value in known.items() if self.above.get(key) != value]
        words += [f"links to {link}" for link in self.span.links]
        return one_line(" ".join([*words, self.span.status]))


def _rows(trace: Trace) -> Iterable[_Row]:
    children = _children(trace)

    def rows(span: Span, branch: str, indent: str, above: Mapping[str, object]) -> Iterable[_Row]:
        below = children.get(span.span_id, ())
        answering = below[0] if len(below) == 1 and below[0].name == span.name else None
        row = _Row(branch, span, answering, above)
        yield row
        below = children.get(answering.span_id, ()) if answering else below
        for child in below:
            last = child is below[-1]
            known = {**above, **row.attributes}
            yield from rows(child, indent + ("└─ " if last else "├─ "), indent + ("   " if last else "│  "), known)

    for root in children[""]:
        yield from rows(root, "", "", {})


def _children(trace: Trace) -> Mapping[str, Sequence[Span]]:
    """By the parent's id; the roots under the empty one."""
    spans = {span.span_id: span for span in trace.spans}
    children: dict[str, list[Span]] = {"": []}
    for span in sorted(spans.values(), key=lambda span: span.start):
        known = span.parent_id in spans and not _circles(span, spans)
        children.setdefault(span.parent_id if known else "", []).append(span)
    return children


def _circles(span: Span, spans: Mapping[str, Span]) -> bool:
    """Whether a span is its own ancestor, which no honest service sends."""
    seen = {span.span_id}
    while span.parent_id in spans:
        span = spans[span.parent_id]
        if span.span_id in seen:
            return True
        seen.add(span.span_id)
    return False


def _short(key: str) -> str:
    prefix = next((prefix for prefix in _PREFIXES if key.startswith(prefix)), "")
    return key.removeprefix(prefix)


def _span_document(span: Span, trace: Trace, children: Mapping[str, Sequence[Span]]) -> Document:
    return {
        "name": span.name,
        "service": span.service,
        "span": span.span_id,
        "offset_milliseconds": (span.start - trace.start) / 1e6,
        "milliseconds": span.milliseconds,
        "failed": span.failed,
        "attributes": dict(span.attributes),
        "links": list(span.links),
        "children": [_span_document(child, trace, children) for child in children.get(span.span_id, ())],
    }
