"""How a span's ids travel: the W3C `traceparent` and `tracestate` headers.

Law: these two functions are the only place where ids become text and text becomes ids, whether they ride in gRPC
metadata, in an HTTP request to an endpoint, or in a field of a batched frame.
"""

from collections.abc import Iterable

from opentelemetry.context import Context
from opentelemetry.trace import INVALID_SPAN, Span, set_span_in_context
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

_W3C = TraceContextTextMapPropagator()
_HEADERS = frozenset(_W3C.fields)


def headers_of(span: Span) -> tuple[tuple[str, str], ...]:
    """The headers that make a receiver's spans children of `span`; () where the span has no ids."""
    if span is INVALID_SPAN:
        return ()
    carrier: dict[str, str] = {}
    _W3C.inject(carrier, set_span_in_context(span, Context()))
    return tuple(carrier.items())


def context_of(headers: Iterable[tuple[str, str | bytes]]) -> Context | None:
    """The context to start spans in that a sender's headers describe; None where they describe none."""
    carrier = {key: value for key, value in headers if key in _HEADERS and isinstance(value, str)}
    return _W3C.extract(carrier, Context()) if carrier else None
