"""Spans of our own making, what the OTEL_* variables ask for, and log records that carry ids."""

import asyncio
import io
import json
import logging
from collections.abc import Mapping

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ALWAYS_ON, ParentBased
from opentelemetry.trace import Link, SpanKind, StatusCode, format_span_id, format_trace_id, get_current_span

from chassis.config import ConfigError
from chassis.logs import log_handler
from chassis.telemetry import Telemetry, in_memory, setup
from fakes.tiny import attributes, ids

ENDPOINT = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9", "OTEL_METRICS_EXPORTER": "none"}


def test_a_span_is_current_inside_its_block_and_a_child_of_the_one_around_it() -> None:
    traces, exporter = in_memory()
    with traces.span("outer", {"a": 1}, SpanKind.CLIENT) as outer:
        assert get_current_span() is outer
        with traces.span("inner", links=(Link(outer.get_span_context()),)):
            pass
        assert get_current_span() is outer
    inner_done, outer_done = exporter.get_finished_spans()
    assert inner_done.parent is not None
    assert inner_done.parent.span_id == ids(outer_done).span_id
    assert inner_done.links[0].context.span_id == ids(outer_done).span_id
    assert (outer_done.kind, attributes(outer_done), outer_done.parent) == (SpanKind.CLIENT, {"a": 1}, None)
    assert outer_done.status.status_code is StatusCode.UNSET


def test_an_exception_fails_the_span_with_its_type_and_without_its_text() -> None:
    traces, exporter = in_memory()
    with pytest.raises(ZeroDivisionError), traces.span("work"):
        raise ZeroDivisionError("a secret")
    (span,) = exporter.get_finished_spans()
    assert span.status.status_code is StatusCode.ERROR
    assert attributes(span) == {"error.type": "ZeroDivisionError"}
    assert "secret" not in span.to_json()


def test_cancellation_is_marked_and_is_no_failure() -> None:
    traces, exporter = in_memory()
    with pytest.raises(asyncio.CancelledError), traces.span("work"):
        raise asyncio.CancelledError
    (span,) = exporter.get_finished_spans()
    assert span.status.status_code is StatusCode.UNSET
    assert attributes(span) == {"error.type": "cancelled"}


def test_an_unsampled_root_makes_no_spans_below_it() -> None:
    traces, exporter = in_memory(sampler=ParentBased(ALWAYS_OFF))
    with traces.span("root") as root:
        assert root.get_span_context().is_valid
        with traces.span("child") as child:
            assert child is root
    assert exporter.get_finished_spans() == ()


def test_telemetry_that_is_off_makes_no_span_and_never_ends_a_neighbours() -> None:
    traces, exporter = in_memory()
    with traces.span("recorded") as outer, Telemetry.off().span("not") as inner:
        assert not inner.is_recording()
        assert inner.get_span_context() == outer.get_span_context()
        inner.end()
        assert outer.is_recording()
    assert [span.name for span in exporter.get_finished_spans()] == ["recorded"]


def test_no_endpoint_means_no_exporter() -> None:
    telemetry = setup("tiny", {})
    assert not isinstance(telemetry.tracer_provider, TracerProvider)
    assert telemetry.sampler is None
    telemetry.shutdown()


@pytest.mark.parametrize(
    "off", [{"OTEL_SDK_DISABLED": "true"}, {"OTEL_TRACES_EXPORTER": "none"}], ids=["disabled", "none"]
)
def test_an_endpoint_can_be_overruled(off: Mapping[str, str]) -> None:
    assert setup("tiny", {**ENDPOINT, **off}).sampler is None


@pytest.mark.parametrize("variable", ["OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"])
def test_either_endpoint_records_under_the_services_name(variable: str) -> None:
    for environ, name in (({}, "tiny"), ({"OTEL_SERVICE_NAME": "other"}, "other")):
        telemetry = setup("tiny", {variable: "http://127.0.0.1:9", "OTEL_METRICS_EXPORTER": "none"} | environ)
        assert isinstance(telemetry.tracer_provider, TracerProvider)
        assert telemetry.tracer_provider.resource.attributes["service.name"] == name
        telemetry.shutdown()


@pytest.mark.parametrize(
    ("sampler", "argument", "described"),
    [
        ("always_on", "", "AlwaysOnSampler"),
        ("always_off", "", "AlwaysOffSampler"),
        ("traceidratio", "0.25", "TraceIdRatioBased{0.25}"),
        ("parentbased_always_off", "", "ParentBased{root:AlwaysOffSampler"),
        ("parentbased_traceidratio", "0", "ParentBased{root:TraceIdRatioBased{0.0}"),
        ("", "", "ParentBased{root:AlwaysOnSampler"),
    ],
)
def test_the_standard_samplers_are_served(sampler: str, argument: str, described: str) -> None:
    telemetry = setup("tiny", ENDPOINT | {"OTEL_TRACES_SAMPLER": sampler, "OTEL_TRACES_SAMPLER_ARG": argument})
    assert telemetry.sampler is not None
    assert telemetry.sampler.get_description().startswith(described)
    telemetry.shutdown()


def test_what_is_not_served_is_refused_all_at_once() -> None:
    environ = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": "localhost:4317",  # the SDK would try TLS and lose every span without a word
        "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
        "OTEL_TRACES_EXPORTER": "zipkin",
        "OTEL_TRACES_SAMPLER": "jaeger_remote",
        "OTEL_TRACES_SAMPLER_ARG": "2",
    }
    with pytest.raises(ConfigError) as failure:
        setup("tiny", environ)
    assert {mistake.partition(":")[0] for mistake in failure.value.mistakes} == set(environ)


@pytest.mark.parametrize(
    ("environ", "content"),
    [
        ({}, False),
        ({"BATOS_TRACE_CONTENT": "1"}, True),
        ({"BATOS_TRACE_CONTENT": "0"}, False),
        ({"OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT": "true"}, True),
        ({"OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT": "span_only"}, True),
        ({"OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT": "EVENT_ONLY"}, False),
        ({"OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT": "NO_CONTENT"}, False),
    ],
)
def test_content_is_recorded_only_where_it_is_switched_on(environ: Mapping[str, str], *, content: bool) -> None:
    assert setup("tiny", environ).content is content


def test_a_shutdown_without_a_collector_ends_in_its_time(caplog: pytest.LogCaptureFixture) -> None:
    telemetry = setup("tiny", ENDPOINT | {"OTEL_METRICS_EXPORTER": "otlp"})
    with telemetry.span("lost"):
        pass
    loop_clock = asyncio.new_event_loop()
    began = loop_clock.time()
    telemetry.shutdown(timeout=0.2)
    assert loop_clock.time() - began < 1
    loop_clock.close()
    assert "not handed over within 0.2 s" in caplog.text


class Written:
    """A logger whose lines are kept."""

    def __init__(self, *, as_json: bool) -> None:
        self.stream = io.StringIO()
        self.log = logging.Logger("tiny.part", logging.DEBUG)  # noqa: LOG001 - not shared with other tests
        self.log.addHandler(log_handler("tiny", json=as_json, stream=self.stream))

    def lines(self) -> list[str]:
        return self.stream.getvalue().splitlines()


def test_a_json_record_holds_its_fields_and_the_ids_of_its_span() -> None:
    written = Written(as_json=True)
    traces, _ = in_memory()
    with traces.span("work") as span:
        written.log.warning("lost %d", 3, extra={"object": "feed/acme", "why": {1}})
    line = json.loads(written.lines()[0])
    of = span.get_span_context()
    assert line.pop("time").endswith("+00:00")
    assert line == {
        "level": "WARNING",
        "service": "tiny",
        "logger": "tiny.part",
        "message": "lost 3",
        "trace_id": format_trace_id(of.trace_id),
        "span_id": format_span_id(of.span_id),
        "object": "feed/acme",
        "why": "{1}",
    }


def test_a_record_outside_any_span_carries_no_ids() -> None:
    written = Written(as_json=True)
    written.log.info("hello")
    assert "trace_id" not in json.loads(written.lines()[0])


def test_an_exception_stays_one_json_line() -> None:
    written = Written(as_json=True)
    written.log.error("cannot divide", exc_info=ZeroDivisionError("nothing to share"))
    (line,) = written.lines()
    assert "ZeroDivisionError: nothing to share" in json.loads(line)["exception"]


def test_a_text_record_names_the_service_and_ends_with_its_fields() -> None:
    written = Written(as_json=False)
    traces, _ = in_memory(sampler=ALWAYS_ON)
    with traces.span("work") as span:
        written.log.info("100 %% of %s", "it", extra={"object": "feed/acme"})
    of = span.get_span_context()
    ids = f"trace_id={format_trace_id(of.trace_id)} span_id={format_span_id(of.span_id)}"
    assert written.lines()[0].endswith(f"INFO tiny tiny.part: 100 % of it {ids} object=feed/acme")
