"""The Dispatcher service. Law: translate, call the heart, translate; nothing else."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from typing import Any, cast

import grpc.aio

from batos.v1 import dispatcher_pb2 as pb
from batos.v1 import dispatcher_pb2_grpc
from chassis.telemetry import Telemetry
from dispatcher.dispatch import Dispatch
from dispatcher.misses import Waiting
from dispatcher.pipeline import pipeline
from kernel.synthesis import Event, Started
from wire.messages import message_from_wire, reply_to_wire
from wire.synthesis import event_to_wire

Context = grpc.aio.ServicerContext[Any, Any]
SYNTHESIS_HEADER = "batos-synthesis"


class DispatcherServicer(dispatcher_pb2_grpc.DispatcherServicer):
    """Serves messages, and says what serves them; pipelines move elsewhere when `stop` is set."""

    def __init__(
        self, dispatch: Dispatch, version: pb.GetVersionResponse, stop: asyncio.Event, telemetry: Telemetry
    ) -> None:
        self._dispatch, self._version = dispatch, version
        self._pipeline = pipeline(dispatch, stop, telemetry)

    async def Send(self, request: pb.SendRequest, context: Context) -> pb.SendResponse:
        """Deliver one message; the synthesis it waits for is named in the initial metadata."""
        headers = _Headers(context)
        try:
            reply = await self._dispatch.send(
                message_from_wire(request.message), _waiting(request, context, headers.tell)
            )
        finally:
            await headers.sent()
        return pb.SendResponse(reply=reply_to_wire(reply))

    async def SendStream(
        self, request: pb.SendStreamRequest, context: Context
    ) -> AsyncGenerator[pb.SendStreamResponse]:
        """Deliver one message, and tell what happens meanwhile."""
        message = message_from_wire(request.message)
        events: asyncio.Queue[Event | None] = asyncio.Queue()
        sending = asyncio.create_task(self._dispatch.send(message, _waiting(request, context, events.put_nowait)))
        sending.add_done_callback(lambda _: events.put_nowait(None))
        try:
            while (event := await events.get()) is not None:
                yield pb.SendStreamResponse(synthesis=event_to_wire(event))
            yield pb.SendStreamResponse(reply=reply_to_wire(await sending))
        finally:
            sending.cancel()

    async def Pipeline(self, request_iterator: AsyncIterator[pb.PipelineRequest], context: Context) -> None:  # pyright: ignore[reportIncompatibleMethodOverride] - it writes its replies itself
        """Deliver messages, in frames."""
        await self._pipeline.run(request_iterator, context)

    async def GetVersion(self, request: pb.GetVersionRequest, context: Context) -> pb.GetVersionResponse:
        """What serves."""
        del request, context
        return self._version


class _Headers:
    """Sends the name of a synthesis ahead of the answer, so that it is known even if the answer is lost."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._sending: asyncio.Task[None] | None = None

    def tell(self, event: Event) -> None:
        if isinstance(event, Started) and self._sending is None:
            headers = ((SYNTHESIS_HEADER, event.synthesis_id),)
            self._sending = asyncio.create_task(self._context.send_initial_metadata(headers))

    async def sent(self) -> None:
        """Wait for what was begun: headers sent after the answer would break the call."""
        if self._sending is not None:
            await asyncio.wait({self._sending})


def _waiting(
    request: pb.SendRequest | pb.SendStreamRequest, context: Context, tell: Callable[[Event], None]
) -> Waiting:
    remaining = cast("float | None", context.time_remaining())
    deadline = None if remaining is None else asyncio.get_running_loop().time() + remaining
    return Waiting(deadline, tell, request.ByteSize())
