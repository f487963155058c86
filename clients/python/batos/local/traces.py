"""Where the services of `batctl up` send their spans, by OTLP. Law: the last traces, no more, and never half a file.

Spans of one trace come from several services, a few at a time; each time the trace's file is written anew, beside the
old one, and put in its place. A folder that cannot be written is told once, and tried again with the next spans: it
takes no message with it, and no stop.
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

import grpc
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1 import trace_pb2

from batos.local.private import private_file, private_folder
from batos.local.spans import FOLDER, Span, Trace, trace_of

TRACES = 500
SPANS = 50_000  # of all of them: about 50 MB
SPANS_OF_ONE = 5_000
_PAUSE = 0.2  # seconds between two times of writing, at least
_SHARE = 0.1  # of the time may be spent on writing
_SERVICE = "opentelemetry.proto.collector.trace.v1.TraceService"


class TraceKeeper:
    """The last traces, in memory and in a folder."""

    def __init__(self, data: Path, *, limit: int = TRACES) -> None:
        self._folder = data / FOLDER
        self._limit = limit
        self._traces: OrderedDict[str, list[Span]] = OrderedDict()
        self._changed: set[str] = set()
        self._dropped: set[str] = set()
        self._spans = 0
        for file in sorted(self._folder.glob("*.json"), key=lambda file: file.stat().st_mtime):
            self._load(file)
        self._drop()

    def keep(self, spans: Iterable[Span]) -> None:
        """Add spans; the traces that got none for the longest time are dropped beyond the limit."""
        for span in spans:
            kept = self._traces.setdefault(span.trace_id, [])
            self._traces.move_to_end(span.trace_id)
            if len(kept) < SPANS_OF_ONE:
                kept.append(span)
                self._spans += 1
                self._changed.add(span.trace_id)
        self._drop()

    def write(self) -> None:
        """Bring the folder up to date; what could not be written is, the next time. Raises OSError."""
        if not (self._dropped or self._changed):
            return
        private_folder(self._folder)
        for trace_id in list(self._dropped):
            if trace_id not in self._traces:
                self._file(trace_id).unlink(missing_ok=True)
            self._dropped.discard(trace_id)
        for trace_id in list(self._changed):
            if trace_id in self._traces:
                scratch = private_file(self._folder / f".{trace_id}")
                scratch.write_text(Trace(trace_id, self._traces[trace_id]).text())
                scratch.replace(self._file(trace_id))
            self._changed.discard(trace_id)

    def _file(self, trace_id: str) -> Path:
        return self._folder / f"{trace_id}.json"

    def _load(self, file: Path) -> None:
        try:
            trace = trace_of(file.read_text())
        except (OSError, ValueError, KeyError, TypeError):
            file.unlink(missing_ok=True)
            return
        self._traces[trace.trace_id] = list(trace.spans)
        self._spans += len(trace.spans)

    def _drop(self) -> None:
        while len(self._traces) > self._limit or self._spans > SPANS:
            trace_id, spans = self._traces.popitem(last=False)
            self._spans -= len(spans)
            self._dropped.add(trace_id)


class TraceReceiver:
    """An OTLP server that hands what it gets to a keeper. `say` is told, once, that nothing can be kept."""

    def __init__(self, keeper: TraceKeeper, say: Callable[[str], None]) -> None:
        self._keeper = keeper
        self._say = say
        self._said = False
        self._server = grpc.aio.server()
        self._writing: asyncio.Task[None] | None = None
        export = grpc.unary_unary_rpc_method_handler(
            self._export,
            request_deserializer=ExportTraceServiceRequest.FromString,
            response_serializer=ExportTraceServiceResponse.SerializeToString,
        )
        self._server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(_SERVICE, {"Export": export}),))

    async def start(self) -> str:
        """Serve on a free port of the loopback; where."""
        port = self._server.add_insecure_port("127.0.0.1:0")
        await self._server.start()
        self._writing = asyncio.create_task(self._write())
        return f"http://127.0.0.1:{port}"

    async def stop(self) -> None:
        """Take what is under way, write it, and end."""
        await self._server.stop(1.0)
        if self._writing:
            self._writing.cancel()
            with suppress(asyncio.CancelledError):
                await self._writing
        self._bring_up_to_date()

    async def _export(
        self,
        request: ExportTraceServiceRequest,
        context: "grpc.aio.ServicerContext[ExportTraceServiceRequest, ExportTraceServiceResponse]",
    ) -> ExportTraceServiceResponse:
        del context
        self._keeper.keep(spans_of(request))
        return ExportTraceServiceResponse()

    async def _write(self) -> None:
        pause = _PAUSE
        while True:
            await asyncio.sleep(pause)
            began = time.monotonic()
            self._bring_up_to_date()
            pause = max(_PAUSE, (time.monotonic() - began) / _SHARE)

    def _bring_up_to_date(self) -> None:
        try:
            self._keeper.write()
        except OSError as error:
            if not self._said:
                self._say(f"traces cannot be kept for now, but all else goes on: {error}")
            self._said = True


def spans_of(request: ExportTraceServiceRequest) -> Iterable[Span]:
    """The spans of one export; those without a trace are left out."""
    for resource in request.resource_spans:
        service = str(_attributes(resource.resource.attributes).get("service.name", "unknown"))
        for scope in resource.scope_spans:
            for span in scope.spans:
                if len(span.trace_id) == 16:  # noqa: PLR2004 - bytes of a trace id
                    yield _span(span, service)


def _span(span: trace_pb2.Span, service: str) -> Span:
    return Span(
        trace_id=span.trace_id.hex(),
        span_id=span.span_id.hex(),
        parent_id=span.parent_span_id.hex(),
        name=span.name,
        service=service,
        start=span.start_time_unix_nano,
        end=span.end_time_unix_nano,
        failed=span.status.code == trace_pb2.Status.STATUS_CODE_ERROR,
        status=span.status.message,
        attributes=_attributes(span.attributes),
        links=[link.span_id.hex() for link in span.links],
    )


def _attributes(pairs: Iterable[KeyValue]) -> dict[str, object]:
    return {pair.key: _value(pair.value) for pair in pairs}


def _value(value: AnyValue) -> object:
    match value.WhichOneof("value"):
        case "array_value":
            return [_value(item) for item in value.array_value.values]
        case "kvlist_value":
            return _attributes(value.kvlist_value.values)
        case "bytes_value":
            return value.bytes_value.hex()
        case None:
            return None
        case kind:
            return getattr(value, kind)
