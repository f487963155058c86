"""The receiver of traces, fed by OpenTelemetry's own exporter over gRPC, and `batctl trace` on what it keeps."""

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.trace import Link, Status, StatusCode, format_trace_id, set_span_in_context

from batos.local.spans import TraceFolder
from batos.local.traces import TraceKeeper, TraceReceiver
from fakes.batctl import batctl
from fakes.children import until

SEND = "batos.v1.Dispatcher/SendStream"


@asynccontextmanager
async def receiving(data: Path, said: list[str] | None = None) -> AsyncGenerator[str, None]:
    receiver = TraceReceiver(TraceKeeper(data), list[str]().append if said is None else said.append)
    endpoint = await receiver.start()
    try:
        yield endpoint
    finally:
        await receiver.stop()


def provider(service: str, endpoint: str) -> TracerProvider:
    made = TracerProvider(resource=Resource.create({"service.name": service}), shutdown_on_exit=False)
    made.add_span_processor(SimpleSpanProcessor(OTLPSpanExporter(endpoint)))
    return made


def export(endpoint: str) -> str:
    """A message's trace over two services; its id."""
    providers = {name: provider(name, endpoint) for name in ("dispatcher", "synthesizer")}
    tracers = {name: each.get_tracer("test") for name, each in providers.items()}
    root = tracers["dispatcher"].start_span(SEND, attributes={"batos.selector": "increment", "n": 3, "x": [1.5, 2.5]})
    inside = set_span_in_context(root)
    links = [Link(root.get_span_context())]
    with tracers["synthesizer"].start_as_current_span("synthesize", inside, links=links) as span:
        span.set_status(Status(StatusCode.ERROR, "it failed"))
    root.end()
    for each in providers.values():
        each.shutdown()
    return format_trace_id(root.get_span_context().trace_id)


async def test_traces_that_cannot_be_kept_are_told_once_and_break_neither_service_nor_stop(tmp_path: Path) -> None:
    said: list[str] = []
    async with receiving(tmp_path, said) as endpoint:
        (tmp_path / "traces").write_text("in the way")
        lost = await asyncio.to_thread(export, endpoint)
        assert await until(lambda: bool(said))
        (tmp_path / "traces").unlink()
        found = await asyncio.to_thread(TraceFolder(tmp_path).find, lost, wait=5.0)
        assert found is not None
        (tmp_path / "traces" / f"{found.trace_id}.json").unlink()
        (tmp_path / "traces").rmdir()
        (tmp_path / "traces").write_text("in the way again")
        await asyncio.to_thread(export, endpoint)
    assert len(said) == 1
    assert "traces cannot be kept" in said[0]


async def test_spans_of_two_services_become_one_trace_with_all_they_tell(tmp_path: Path) -> None:
    async with receiving(tmp_path) as endpoint:
        trace_id = await asyncio.to_thread(export, endpoint)
    trace = TraceFolder(tmp_path).find(trace_id)
    assert trace is not None
    spans = {span.name: span for span in trace.spans}
    root, child = spans[SEND], spans["synthesize"]
    assert (root.service, child.service) == ("dispatcher", "synthesizer")
    assert child.parent_id == root.span_id
    assert root.attributes == {"batos.selector": "increment", "n": 3, "x": [1.5, 2.5]}
    assert (child.failed, child.status, child.links) == (True, "it failed", [root.span_id])
    assert trace.message == root
    assert 0 <= root.milliseconds < 60_000


async def test_a_trace_can_be_read_while_the_receiver_runs(tmp_path: Path) -> None:
    async with receiving(tmp_path) as endpoint:
        trace_id = await asyncio.to_thread(export, endpoint)
        ran = await batctl("trace", trace_id, "--data", str(tmp_path))
    assert ran.code == 0
    assert ran.stdout.splitlines()[1].startswith(SEND)
    assert ran.stdout.splitlines()[2].startswith("└─ synthesize")


async def test_trace_shows_the_newest_message_lists_the_last_and_finds_by_a_prefix(tmp_path: Path) -> None:
    async with receiving(tmp_path) as endpoint:
        older = await asyncio.to_thread(export, endpoint)
        await asyncio.sleep(0.3)
        newer = await asyncio.to_thread(export, endpoint)
    data = ["--data", str(tmp_path)]
    assert newer in (await batctl("trace", *data)).stdout.splitlines()[0]
    document = json.loads((await batctl("trace", older[:12], "-o", "json", *data)).stdout)
    assert (document["trace"], document["spans"][0]["name"]) == (older, SEND)
    listed = (await batctl("trace", "--last", "5", *data)).stdout.splitlines()
    assert [line.split()[0] for line in listed] == [newer, older]
    verbose = (await batctl("trace", older, "-v", *data)).stdout
    assert "batos.selector=increment n=3 x=[1.5, 2.5]" in verbose


async def test_a_trace_that_is_not_kept_is_one_clear_line(tmp_path: Path) -> None:
    for command in (["trace"], ["trace", "abcdef"], ["trace", "../x"]):
        ran = await batctl(*command, "--data", str(tmp_path))
        assert (ran.code, ran.reason) == (4, "TRACE_NOT_FOUND")
        assert "batctl trace --last" in ran.stderr
