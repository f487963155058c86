"""How a span's ids travel: the W3C `traceparent` and `tracestate` headers.

Law: these functions are the only place where ids become text and text becomes ids, whether they ride in gRPC
metadata, in an HTTP request to an endpoint, or in a field of a batched frame.
"""

import re
from collections.abc import Iterable
from typing import Final

from opentelemetry.context import Context
from opentelemetry.trace import (
    INVALID_SPAN,
    NonRecordingSpan,
    Span,
    SpanContext,
    TraceFlags,
    format_span_id,
    format_trace_id,
    set_span_in_context,
)
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

_W3C = TraceContextTextMapPropagator()
_HEADERS = frozenset(_W3C.fields)
_SAMPLED: Final = 1
_TRACEPARENT = re.compile(r"00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})")


def headers_of(span: Span) -> tuple[tuple[str, str], ...]:
    """The headers that make a receiver's spans children of `span`; () where the span has no ids."""
    if span is INVALID_SPAN:
        return ()
    carrier: dict[str, str] = {}
    _W3C.inject(carrier, set_span_in_context(span, Context()))
    return tuple(carrier.items())


UNRECORDED: Final = set_span_in_context(
    NonRecordingSpan(SpanContext(1, 1, is_remote=True, trace_flags=TraceFlags(0))), Context()
)
"""The context of a caller that has decided against recording, and sends no ids to say so: these are nobody's."""


def is_sampled(traceparent: str) -> bool:
    """Whether a field of a frame says that its trace is recorded, without reading more of it."""
    try:
        return bool(int(traceparent[-2:], 16) & _SAMPLED)
    except ValueError:
        return False


def traceparent_of(span: Span) -> str:
    """The `traceparent` for a field of a frame; empty where the trace is not recorded: reading one costs."""
    of = span.get_span_context()
    if not (of.is_valid and of.trace_flags.sampled):
        return ""
    return f"00-{format_trace_id(of.trace_id)}-{format_span_id(of.span_id)}-{of.trace_flags:02x}"


def parent_of(traceparent: str) -> Context | None:
    """The context that a field of a frame describes; None where it describes none. A third of what context_of costs."""
    if (found := _TRACEPARENT.fullmatch(traceparent)) is None:
        return None
    trace, span, flags = (int(part, 16) for part in found.groups())
    parent = SpanContext(trace, span, is_remote=True, trace_flags=TraceFlags(flags))
    return set_span_in_context(NonRecordingSpan(parent), Context()) if parent.is_valid else None


def context_of(headers: Iterable[tuple[str, str | bytes]]) -> Context | None:
    """The context to start spans in that a sender's headers describe; None where they describe none."""
    carrier = {key: value for key, value in headers if key in _HEADERS and isinstance(value, str)}
    return _W3C.extract(carrier, Context()) if carrier else None
