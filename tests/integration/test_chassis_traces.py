"""One trace over every hop, and none where none is wanted."""

import asyncio
import logging

import grpc
import grpc.aio
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ALWAYS_ON, ParentBased
from opentelemetry.trace import Span, SpanKind, format_trace_id, get_current_span

from chassis.address import Address
from chassis.client import channel
from chassis.logs import log_handler
from chassis.propagation import context_of, headers_of
from chassis.server import Server, ServerSpec, run
from chassis.telemetry import Telemetry, in_memory, setup
from fakes.tiny import KINDS, NAME, ServicerContext, Tiny, attributes, ids, send, serve, status_of
from vocabulary import RPC_METHOD, RPC_STATUS_CODE, RPC_SYSTEM_NAME

EVERY_KIND = pytest.mark.parametrize("kind", KINDS)
SENDER = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-{flags}"


def chain(exporter: InMemorySpanExporter) -> list[ReadableSpan]:
    """The finished spans from the root down. Fails unless each but the last has exactly one child."""
    spans = exporter.get_finished_spans()
    children = {span.parent.span_id if span.parent else None: span for span in spans}
    assert len(children) == len(spans), "a span has two children"
    path: list[ReadableSpan] = []
    at = None
    while at in children:
        path.append(children[at])
        at = ids(path[-1]).span_id
    assert len(path) == len(spans), "the spans are not one trace"
    return path


class Relay:
    """A body that passes the message on, if there is somewhere to pass it to, and notes the span it ran in."""

    def __init__(self, to: grpc.aio.Channel | None = None, kind: str = "Ask") -> None:
        self.to, self.kind = to, kind
        self.spans: list[Span] = []

    async def __call__(self, context: ServicerContext) -> bytes:
        self.spans.append(get_current_span())
        return b"done" if self.to is None else await send(self.to, self.kind)


@EVERY_KIND
async def test_two_hops_are_one_trace(kind: str) -> None:
    traces, exporter = in_memory()
    async with (
        serve(Tiny(Relay()), telemetry=traces) as far,
        channel(far.address, telemetry=traces) as onward,
        serve(Tiny(Relay(onward, kind)), telemetry=traces) as near,
        channel(near.address, telemetry=traces) as to,
    ):
        assert await send(to, kind) == b"done"
    spans = chain(exporter)
    assert [(span.name, span.kind) for span in spans] == [
        (f"{NAME}/{kind}", SpanKind.CLIENT),
        (f"{NAME}/{kind}", SpanKind.SERVER),
        (f"{NAME}/{kind}", SpanKind.CLIENT),
        (f"{NAME}/{kind}", SpanKind.SERVER),
    ]
    assert len({ids(span).trace_id for span in spans}) == 1
    for span in spans:
        assert attributes(span)[RPC_SYSTEM_NAME] == "grpc"
        assert attributes(span)[RPC_METHOD] == f"{NAME}/{kind}"
        assert attributes(span)[RPC_STATUS_CODE] == "OK"
    assert attributes(spans[0])["server.port"] == near.address.port


async def test_messages_in_flight_together_keep_their_own_traces() -> None:
    traces, exporter = in_memory()
    barrier = asyncio.Barrier(8)

    async with serve(Tiny(Relay()), telemetry=traces) as far, channel(far.address, telemetry=traces) as onward:

        async def mix(context: ServicerContext) -> bytes:
            await barrier.wait()
            with traces.span("work"):
                await asyncio.sleep(0)
                return await send(onward, "Ask")

        async with serve(Tiny(mix), telemetry=traces) as near, channel(near.address, telemetry=traces) as to:
            await asyncio.gather(*(send(to, "Count") for _ in range(8)))
    spans = exporter.get_finished_spans()
    of_trace: dict[int, list[ReadableSpan]] = {}
    for span in spans:
        of_trace.setdefault(ids(span).trace_id, []).append(span)
    assert sorted(len(members) for members in of_trace.values()) == [5] * 8
    for members in of_trace.values():
        parents = {span.parent.span_id for span in members if span.parent}
        assert len(parents) == 4  # a chain: client, server, work, client, server


@EVERY_KIND
async def test_a_trace_that_its_sender_does_not_record_creates_no_spans_and_keeps_its_ids(kind: str) -> None:
    traces, exporter = in_memory()
    far_body = Relay()
    async with serve(Tiny(far_body), telemetry=traces) as far, channel(far.address, telemetry=traces) as onward:
        near_body = Relay(onward, kind)
        async with serve(Tiny(near_body), telemetry=traces) as near, channel(near.address) as to:
            await send(to, kind, metadata=(("traceparent", SENDER.format(flags="00")),))
    assert exporter.get_finished_spans() == ()
    for span in near_body.spans + far_body.spans:
        assert not span.is_recording()
        assert format_trace_id(span.get_span_context().trace_id) == "0af7651916cd43dd8448eb211c80319c"
        assert not span.get_span_context().trace_flags.sampled


async def test_a_root_that_is_not_sampled_stays_so_down_the_whole_trace() -> None:
    off, nothing = in_memory(sampler=ParentBased(ALWAYS_OFF))
    on, exporter = in_memory()
    body = Relay()
    async with serve(Tiny(body), telemetry=on) as far, channel(far.address, telemetry=off) as to:
        await send(to, "Ask")
    assert (exporter.get_finished_spans(), nothing.get_finished_spans()) == ((), ())
    assert body.spans[0].get_span_context().is_valid
    assert not body.spans[0].is_recording()


async def test_a_sampler_that_ignores_parents_is_asked_even_below_an_unrecorded_one() -> None:
    traces, exporter = in_memory(sampler=ALWAYS_ON)
    async with serve(Tiny(Relay()), telemetry=traces) as server, channel(server.address) as to:
        await send(to, "Ask", metadata=(("traceparent", SENDER.format(flags="00")),))
    assert len(exporter.get_finished_spans()) == 1


@EVERY_KIND
async def test_a_service_without_telemetry_passes_the_senders_trace_on(kind: str) -> None:
    traces, exporter = in_memory()
    async with (
        serve(Tiny(Relay()), telemetry=traces) as far,
        channel(far.address) as onward,
        serve(Tiny(Relay(onward, kind))) as near,
        channel(near.address, telemetry=traces) as to,
    ):
        await send(to, kind)
    assert [span.kind for span in chain(exporter)] == [SpanKind.CLIENT, SpanKind.SERVER]


async def test_the_callers_own_metadata_travels_beside_the_trace() -> None:
    seen: dict[str, str | bytes] = {}

    async def note(context: ServicerContext) -> bytes:
        seen.update(dict(context.invocation_metadata() or ()))
        return b""

    traces, _ = in_memory()
    async with serve(Tiny(note)) as server, channel(server.address, telemetry=traces) as to:
        await send(to, "Ask", metadata=(("tenant", "t-1"),))
    assert seen["tenant"] == "t-1"
    assert "traceparent" in seen


async def test_a_malformed_traceparent_starts_a_trace_of_its_own() -> None:
    traces, exporter = in_memory()
    async with serve(Tiny(Relay()), telemetry=traces) as server, channel(server.address) as to:
        await send(to, "Ask", metadata=(("traceparent", "00-zz-zz-01"),))
    (span,) = exporter.get_finished_spans()
    assert span.parent is None


async def test_untraced_methods_have_no_span_on_either_side() -> None:
    traces, exporter = in_memory()
    untraced = frozenset({f"/{NAME}/Talk"})
    async with (
        serve(Tiny(Relay()), telemetry=traces, untraced=untraced) as server,
        channel(server.address, telemetry=traces, untraced=untraced) as to,
    ):
        await send(to, "Talk")
        assert exporter.get_finished_spans() == ()
        await send(to, "Ask")
    assert len(exporter.get_finished_spans()) == 2


async def test_ids_travel_in_a_field_as_they_do_in_metadata() -> None:
    traces, exporter = in_memory()
    with traces.span("send") as outer:
        field = headers_of(outer)
    with traces.span("apply", context=context_of(field)):
        pass
    assert [span.name for span in chain(exporter)] == ["send", "apply"]
    assert context_of(()) is None
    assert headers_of(get_current_span()) == ()


async def test_a_record_logged_by_a_servicer_carries_the_ids_of_its_span(capsys: pytest.CaptureFixture[str]) -> None:
    logger = logging.getLogger("tiny")
    logger.addHandler(log_handler("tiny", json=False))

    async def tell(context: ServicerContext) -> bytes:
        logger.warning("at work")
        return b""

    traces, exporter = in_memory()
    async with serve(Tiny(tell), telemetry=traces) as server, channel(server.address, telemetry=Telemetry.off()) as to:
        await send(to, "Count")
    logger.handlers.clear()
    (span,) = exporter.get_finished_spans()
    assert f"trace_id={format_trace_id(ids(span).trace_id)}" in capsys.readouterr().err


async def test_spans_reach_a_collector_before_a_server_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    received: list[ExportTraceServiceRequest] = []

    async def export(request: ExportTraceServiceRequest, context: ServicerContext) -> ExportTraceServiceResponse:
        received.append(request)
        return ExportTraceServiceResponse()

    def register(server: grpc.aio.Server) -> None:
        method = grpc.unary_unary_rpc_method_handler(
            export,
            request_deserializer=ExportTraceServiceRequest.FromString,
            response_serializer=ExportTraceServiceResponse.SerializeToString,
        )
        service = "opentelemetry.proto.collector.trace.v1.TraceService"
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service, {"Export": method}),))

    here = Address("127.0.0.1", 0)
    async with Server(ServerSpec({"Collector": register}, here, status_of, reflection=False)) as collector:
        telemetry = setup("tiny", {"OTEL_EXPORTER_OTLP_ENDPOINT": f"http://{collector.address}"})
        ready: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        stop = asyncio.Event()
        spec = ServerSpec({NAME: Tiny(Relay()).register}, here, status_of, telemetry, ready.set_result)
        running = asyncio.create_task(run(spec, stop))
        async with channel(await ready) as to:
            await send(to, "Ask")
        stop.set()
        await asyncio.wait_for(running, 5)
    (resource_spans,) = received[0].resource_spans
    (name,) = (pair.value for pair in resource_spans.resource.attributes if pair.key == "service.name")
    assert name.string_value == "tiny"
    assert resource_spans.scope_spans[0].spans[0].name == f"{NAME}/Ask"
