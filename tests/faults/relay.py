"""A server between two services that knows no message. Law: every call is passed on as it is, some answers late.

On the wire a unary call is a stream of one message each way, so that one way of passing on does for all.
"""

from asyncio import sleep
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from types import TracebackType
from typing import Any, Self

import grpc
from grpc.aio import AioRpcError, ServicerContext, insecure_channel

OPTIONS = (("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1))


class Relay:
    """Serves on `address` what `target` (host:port) serves; each answer of `late` methods comes `seconds` later."""

    def __init__(self, target: str, late: str, seconds: float) -> None:
        self._late, self._seconds = late, seconds
        self._channel = insecure_channel(target, options=OPTIONS)
        self._server = grpc.aio.server(options=OPTIONS)
        self._server.add_generic_rpc_handlers((_Any(self._pass),))
        self.address = f"127.0.0.1:{self._server.add_insecure_port('127.0.0.1:0')}"

    async def __aenter__(self) -> Self:
        await self._server.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._server.stop(None)
        await self._channel.close()

    async def _pass(
        self, method: str, requests: AsyncIterator[bytes], context: ServicerContext[bytes, bytes]
    ) -> AsyncGenerator[bytes]:
        own: Any = context
        metadata = tuple(pair for pair in own.invocation_metadata() or () if not pair[0].startswith("grpc-"))
        channel: Any = self._channel
        call = channel.stream_stream(method)(requests, timeout=own.time_remaining(), metadata=metadata)
        try:
            await context.send_initial_metadata(await call.initial_metadata())  # some wait for it before they send
            async for answer in call:
                if method.endswith(self._late):
                    await sleep(self._seconds)
                yield answer
        except AioRpcError as error:
            trailing = tuple(error.trailing_metadata() or ())
            context.set_trailing_metadata(trailing)
            await context.abort(error.code(), error.details() or "")
        finally:
            call.cancel()


class _Any(grpc.GenericRpcHandler):
    """Every method, as a stream both ways of bytes as they came."""

    def __init__(self, way: Callable[[str, Any, Any], AsyncGenerator[bytes]]) -> None:
        self._way = way

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> Any:
        method = handler_call_details.method

        async def passed(requests: Any, context: Any) -> AsyncGenerator[bytes]:  # gRPC looks for a generator function
            async for answer in self._way(method, requests, context):
                yield answer

        made: Any = grpc.stream_stream_rpc_method_handler(passed)  # pyright: ignore[reportUnknownVariableType]
        return made
