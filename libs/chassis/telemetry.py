"""Spans that carry one trace through every service, and where metrics go.

Law: whether a trace is recorded is decided once, before its first span is made; everything below an unrecorded parent
costs a look at the context and no more. Without an OTLP endpoint there is no exporter and no recording, yet ids that a
caller sent are still passed on, so that a service without telemetry does not break its neighbours' traces. No global
provider is set: a Telemetry is handed to whoever makes spans. Texts that senders or models wrote are recorded only
where `content` is true.
"""

import asyncio
import logging
import threading
import time
import uuid
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Self, cast
from urllib.parse import urlsplit

from opentelemetry.context import Context, attach, detach
from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_INSTANCE_ID, SERVICE_NAME, Resource
from opentelemetry.sdk.trace import SpanProcessor
from opentelemetry.sdk.trace import TracerProvider as RecordingProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ALWAYS_ON, ParentBased, Sampler, TraceIdRatioBased
from opentelemetry.trace import (
    Link,
    NonRecordingSpan,
    NoOpTracerProvider,
    Span,
    SpanKind,
    Status,
    StatusCode,
    Tracer,
    TracerProvider,
    get_current_span,
    set_span_in_context,
)
from opentelemetry.util.types import Attributes

import vocabulary
from chassis.address import Address
from chassis.config import between, boolean, load, number, one_of, setting, text
from chassis.metrics import Exporting, Metrics

_SCOPE = "chassis"
_SAMPLERS = ("always_on", "always_off", "traceidratio")
_PARENT_BASED = "parentbased_"

log = logging.getLogger(__name__)


def _url(value: str) -> str:
    url = text(value)
    if not url.startswith(("http://", "https://")):
        raise ValueError("expected a URL with http:// or https://, such as http://127.0.0.1:4317")
    return url


def _captures(value: str) -> bool:
    """The convention's words; EVENT_ONLY is off, because content is recorded on spans alone."""
    word = one_of("true", "false", "NO_CONTENT", "SPAN_ONLY", "EVENT_ONLY", "SPAN_AND_EVENT")(value)
    return word in {"true", "SPAN_ONLY", "SPAN_AND_EVENT"}


@dataclass(frozen=True, slots=True)
class TelemetryConfig:
    """The standard OTEL_* variables that are served here; the exporter reads headers, TLS and batch sizes by itself."""

    endpoint: str | None = setting(
        "OTEL_EXPORTER_OTLP_ENDPOINT", default=None, parse=_url, help="where spans and metrics go, OTLP over gRPC"
    )
    traces_endpoint: str | None = setting(
        "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", default=None, parse=_url, help="the same, for traces alone"
    )
    metrics_endpoint: str | None = setting(
        "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", default=None, parse=_url, help="the same, for metrics alone"
    )
    protocol: str = setting("OTEL_EXPORTER_OTLP_PROTOCOL", default="grpc", parse=one_of("grpc"), help="only grpc")
    exporter: str = setting(
        "OTEL_TRACES_EXPORTER", default="otlp", parse=one_of("otlp", "none"), help="otlp, or none for no spans"
    )
    metrics_exporter: str = setting(
        "OTEL_METRICS_EXPORTER", default="otlp", parse=one_of("otlp", "none"), help="otlp, or none for no metrics"
    )
    metrics_interval: float = setting(
        "OTEL_METRIC_EXPORT_INTERVAL",
        default=60_000.0,
        parse=between(number, 1),
        help="milliseconds from one export of metrics to the next",
    )
    disabled: bool = setting("OTEL_SDK_DISABLED", default=False, parse=boolean, help="true for no spans and no metrics")
    sampler: str = setting(
        "OTEL_TRACES_SAMPLER",
        default="parentbased_always_on",
        parse=one_of(
            *(based + kind for based in ("", "parentbased_") for kind in ("always_on", "always_off", "traceidratio"))
        ),
        help="which traces are recorded",
    )
    sampler_ratio: float = setting(
        "OTEL_TRACES_SAMPLER_ARG", default=1.0, parse=between(number, 0, 1), help="the share that traceidratio records"
    )
    service_name: str | None = setting("OTEL_SERVICE_NAME", default=None, help="the service's name in traces")
    trace_content: bool = setting(
        "BATOS_TRACE_CONTENT", default=False, parse=boolean, help="record prompts, arguments and source in spans"
    )
    genai_content: bool = setting(
        "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT", default=False, parse=_captures, help="the same"
    )


@dataclass(frozen=True, slots=True)
class Telemetry:
    """What a service makes its spans with, and what it measures.

    `content` tells whether spans may hold prompts, arguments and source. Where metrics are not exported, measuring goes
    on, and nobody reads it.
    """

    tracer_provider: TracerProvider
    tracer: Tracer
    content: bool = False
    # None: nothing is ever recorded. Its spans are then never made.
    sampler: Sampler | None = None
    metrics: Metrics = field(default_factory=Metrics)
    exporting: Exporting | None = None

    @classmethod
    def off(cls, *, content: bool = False) -> Self:
        """Records nothing; passes on the ids that callers sent."""
        provider = NoOpTracerProvider()
        return cls(provider, provider.get_tracer(_SCOPE), content=content)

    @classmethod
    def recorded(cls, service_name: str, processor: SpanProcessor, *, sampler: Sampler, content: bool = False) -> Self:
        """Records what the sampler picks and hands finished spans to the processor."""
        provider = RecordingProvider(sampler=sampler, resource=_resource(service_name), shutdown_on_exit=False)
        provider.add_span_processor(processor)
        return cls(provider, provider.get_tracer(_SCOPE), content=content, sampler=sampler)

    def start(
        self,
        name: str,
        attributes: Attributes = None,
        kind: SpanKind = SpanKind.INTERNAL,
        *,
        context: Context | None = None,
        links: Sequence[Link] = (),
    ) -> Span:
        """A new span, child of the one in `context` (or of the current one). Whoever starts it ends it.

        Where nothing would be recorded no span is made: what comes back passes the parent's ids on.
        """
        parent = get_current_span(context)
        of = parent.get_span_context()
        unsampled = of.is_valid and not of.trace_flags.sampled
        if self.sampler is None or (unsampled and isinstance(self.sampler, ParentBased)):
            return NonRecordingSpan(of) if parent.is_recording() else parent
        return self.tracer.start_span(name, context, kind, attributes, links)

    @property
    def recording(self) -> bool:
        """Whether spans are recorded below the current one."""
        return get_current_span().is_recording()

    def begin(self, name: str, attributes: Attributes = None) -> Span:
        """A new span, and the current one for as long as this context is used. Whoever begins it ends it."""
        span = self.start(name, attributes)
        attach(set_span_in_context(span))
        return span

    @contextmanager
    def span(
        self,
        name: str,
        attributes: Attributes = None,
        kind: SpanKind = SpanKind.INTERNAL,
        *,
        context: Context | None = None,
        links: Sequence[Link] = (),
    ) -> Generator[Span]:
        """The current span while the block runs.

        An exception leaves it failed, with the exception's type and not its text (texts may hold what senders wrote).
        Cancellation is marked and is no failure. Never hold it open across the `yield` of an async generator: the next
        step may run in another context.
        """
        span = self.start(name, attributes, kind, context=context, links=links)
        if span is get_current_span():
            yield span
            return
        token = attach(set_span_in_context(span, context))
        try:
            yield span
        except asyncio.CancelledError:
            span.set_attribute(vocabulary.ERROR_TYPE, vocabulary.ERROR_TYPE_CANCELLED)
            raise
        except Exception as error:
            fail(span, type(error).__qualname__)
            raise
        finally:
            detach(token)
            span.end()

    def shutdown(self, timeout: float = 3.0) -> None:
        """Hands over what is recorded and stops. Blocks, at most `timeout` seconds even where no collector listens."""
        provider = self.tracer_provider
        ends: list[Callable[[], None]] = [provider.shutdown] if isinstance(provider, RecordingProvider) else []
        if self.exporting is not None:
            ends.append(partial(self.exporting.shutdown, timeout))
        # The exporters' own limits add up to half a minute; daemon threads let the rest of them go.
        flushes = [threading.Thread(target=end, name="telemetry-shutdown", daemon=True) for end in ends]
        until = time.monotonic() + timeout
        for flush in flushes:
            flush.start()
        for flush in flushes:
            flush.join(max(until - time.monotonic(), 0))
        if any(flush.is_alive() for flush in flushes):
            log.warning("the last telemetry was not handed over within %g s: is the OTLP endpoint up?", timeout)


def setup(service_name: str, environ: Mapping[str, str]) -> Telemetry:
    """The telemetry that the OTEL_* variables in `environ` ask for; off where they name no OTLP endpoint.

    Raises ConfigError with every variable that is wrong or asks for what is not served.
    """
    config = load(TelemetryConfig, environ)
    content = config.trace_content or config.genai_content
    name = config.service_name or service_name
    telemetry = Telemetry.off(content=content)
    endpoint = config.traces_endpoint or config.endpoint
    if endpoint is not None and not config.disabled and config.exporter != "none":
        processor = BatchSpanProcessor(OTLPSpanExporter(endpoint, channel_options=_options(endpoint)))
        telemetry = Telemetry.recorded(name, processor, sampler=_sampler(config), content=content)
    endpoint = config.metrics_endpoint or config.endpoint
    if endpoint is None or config.disabled or config.metrics_exporter == "none":
        return telemetry
    exporter = OTLPMetricExporter(endpoint, channel_options=_options(endpoint))
    seconds = config.metrics_interval / 1000
    return replace(telemetry, exporting=Exporting(telemetry.metrics, exporter, _resource(name), seconds))


def _options(endpoint: str) -> tuple[tuple[str, str]]:
    # A proxy that the environment names is for the way out: it would lose the telemetry of a collector next door.
    next_door = Address(urlsplit(endpoint).hostname or "", 0).is_loopback
    return cast("tuple[tuple[str, str]]", (("grpc.enable_http_proxy", int(not next_door)),))  # its type is wrong


def _resource(service_name: str) -> Resource:
    """Who tells: each process another, for the totals of one are not those of another."""
    given = Resource.create({SERVICE_NAME: service_name})
    return Resource({SERVICE_INSTANCE_ID: str(uuid.uuid4())}).merge(given)


def in_memory(
    service_name: str = "test", *, sampler: Sampler | None = None, content: bool = False
) -> tuple[Telemetry, InMemorySpanExporter]:
    """For tests: telemetry whose finished spans are read with `exporter.get_finished_spans()`, at once."""
    exporter = InMemorySpanExporter()
    sampler = sampler or ParentBased(ALWAYS_ON)
    return Telemetry.recorded(service_name, SimpleSpanProcessor(exporter), sampler=sampler, content=content), exporter


def fail(span: Span, error_type: str, description: str | None = None) -> None:
    """Marks the span failed. `error_type` has few values: a type's name, a status code, never a message."""
    span.set_attribute(vocabulary.ERROR_TYPE, error_type)
    span.set_status(Status(StatusCode.ERROR, description))


def _sampler(config: TelemetryConfig) -> Sampler:
    kind = config.sampler.removeprefix(_PARENT_BASED)
    root = {"always_on": ALWAYS_ON, "always_off": ALWAYS_OFF}.get(kind) or TraceIdRatioBased(config.sampler_ratio)
    return ParentBased(root) if config.sampler.startswith(_PARENT_BASED) else root
