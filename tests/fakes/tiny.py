"""A service of four methods, one of each kind, over raw bytes: what the chassis is tried with."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import grpc
import grpc.aio
from google.protobuf.any_pb2 import Any as AnyMessage
from google.rpc import code_pb2
from google.rpc.error_details_pb2 import ErrorInfo
from google.rpc.status_pb2 import Status
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import SpanContext

from chassis.address import Address
from chassis.client import ending
from chassis.server import Server, ServerSpec

NAME = "test.v1.Tiny"
KINDS = ("Ask", "Count", "Gather", "Talk")
"""Unary-unary, unary-stream, stream-unary, stream-stream."""

ServicerContext = grpc.aio.ServicerContext[Any, Any]


class Known(Exception):
    """A failure that the tiny service knows."""


def status_of(error: BaseException) -> Status | None:
    """The tiny service's table of failures."""
    if not isinstance(error, Known):
        return None
    detail = AnyMessage()
    detail.Pack(ErrorInfo(reason="TINY_KNOWN", domain="tiny", metadata={"why": "asked to"}))
    return Status(code=code_pb2.FAILED_PRECONDITION, message=str(error), details=[detail])


Body = Callable[[ServicerContext], Awaitable[bytes]]


@dataclass
class Tiny:
    """Every method runs `body` and answers its bytes: once, or as two replies around it."""

    body: Body
    encode: Callable[[bytes], bytes] | None = None
    decode: Callable[[bytes], bytes] | None = None

    async def ask(self, request: bytes, context: ServicerContext) -> bytes:
        return await self.body(context)

    async def count(self, request: bytes, context: ServicerContext) -> AsyncIterator[bytes]:
        yield b"first"
        yield await self.body(context)

    async def gather(self, requests: AsyncIterator[bytes], context: ServicerContext) -> bytes:
        await anext(requests)
        return await self.body(context)

    async def talk(self, requests: AsyncIterator[bytes], context: ServicerContext) -> AsyncIterator[bytes]:
        yield await anext(requests)
        yield await self.body(context)

    def register(self, server: grpc.aio.Server) -> None:
        coding = {"request_deserializer": self.decode, "response_serializer": self.encode}
        methods = {
            "Ask": grpc.unary_unary_rpc_method_handler(self.ask, **coding),
            "Count": grpc.unary_stream_rpc_method_handler(self.count, **coding),
            "Gather": grpc.stream_unary_rpc_method_handler(self.gather, **coding),
            "Talk": grpc.stream_stream_rpc_method_handler(self.talk, **coding),
        }
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(NAME, methods),))


class Writing(Tiny):
    """The same service, whose streams are read and written through the context instead of iterated."""

    async def count(self, request: bytes, context: ServicerContext) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
        await context.write(b"first")
        await context.write(await self.body(context))

    async def talk(self, requests: AsyncIterator[bytes], context: ServicerContext) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
        await context.write(await context.read())
        await context.write(await self.body(context))


def serve(service: Tiny, **options: Any) -> Server:
    """A server of the tiny service on a free loopback port."""
    options = {"listen": Address("127.0.0.1", 0), "status_of": status_of, "grace": 2.0} | options
    return Server(ServerSpec(services={NAME: service.register}, **options))


def call(channel: grpc.aio.Channel, kind: str, **options: Any) -> Any:
    """Starts a call of the method: gRPC's own call object."""
    to: Any = channel
    method = f"/{NAME}/{kind}"
    if kind == "Ask":
        return to.unary_unary(method)(b"?", **options)
    if kind == "Count":
        return to.unary_stream(method)(b"?", **options)
    if kind == "Gather":
        return to.stream_unary(method)(iter((b"?",)), **options)
    return to.stream_stream(method)(iter((b"first",)), **options)


def call_as_stream(channel: grpc.aio.Channel, kind: str) -> Any:
    """Starts a call of a unary method as if it streamed one reply: the same on the wire."""
    to: Any = channel
    return to.unary_stream(f"/{NAME}/{kind}")(b"?")


async def last(started: Any) -> bytes:
    """The call's last reply. Raises AioRpcError where it failed."""
    if hasattr(started, "__await__"):
        return await started
    with ending(started):
        replies = [reply async for reply in started]
    return replies[-1]


async def send(channel: grpc.aio.Channel, kind: str, **options: Any) -> bytes:
    """Calls the method and waits for its last reply."""
    return await last(call(channel, kind, **options))


@dataclass
class Waiting:
    """A body that waits for ever and tells when it began and how it ended."""

    began: asyncio.Event = field(default_factory=asyncio.Event)
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    cancelled: bool = False

    async def __call__(self, context: ServicerContext) -> bytes:
        self.began.set()
        try:
            return await asyncio.Event().wait() and b""
        except asyncio.CancelledError:
            self.cancelled = True
            raise
        finally:
            self.ended.set()


def ids(span: ReadableSpan) -> SpanContext:
    """The ids of a finished span."""
    context = span.get_span_context()
    assert context is not None
    return context


def attributes(span: ReadableSpan) -> dict[str, Any]:
    """The attributes of a finished span."""
    return dict(span.attributes or {})
