"""A framed service that echoes, over the messages of Pipeline: what both sides of framed streams are tried with."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import grpc
import grpc.aio
from google.rpc.status_pb2 import Status

from batos.frames import Frames
from batos.framing import Bounds, Unanswered
from batos.framing import Framing as Asking
from batos.v1 import dispatcher_pb2 as dispatcher_pb
from batos.v1 import object_pb2 as pb
from batos.v1.dispatcher_pb2_grpc import DispatcherStub
from chassis.address import Address
from chassis.client import channel
from chassis.frames import Framed
from chassis.framing import Framing
from chassis.server import Server, ServerSpec
from chassis.telemetry import Telemetry
from kernel.errors import Overloaded
from wire.errors import doubled, status_of

Send: TypeAlias = dispatcher_pb.PipelinedSend
Reply: TypeAlias = dispatcher_pb.PipelinedReply
PIPELINE = "batos.v1.Dispatcher"


def failed(status: Status) -> Reply:
    return Reply(failure=pb.Failure.FromString(status.SerializeToString()))


FRAMING: Framing[Any, Any] = Framing(
    requests=lambda frame: frame.sends,
    frame=lambda answers: dispatcher_pb.PipelineResponse(replies=answers),
    failed=failed,
    name=lambda _: "test/Echo",
    cancels=lambda frame: frame.cancels,
    seconds=lambda send: send.timeout.ToTimedelta().total_seconds() if send.HasField("timeout") else None,
)
ASKING: Asking[Any, Any] = Asking(
    frame=lambda sends, cancels: dispatcher_pb.PipelineRequest(sends=sends, cancels=cancels),
    answers=lambda frame: frame.replies,
)


@dataclass
class Echo:
    """Answers a message's selector as the token, after `work`; keeps what it saw."""

    work: Callable[[str], Awaitable[None]] | None = None
    seen: list[str] = field(default_factory=list[str])
    cancelled: list[str] = field(default_factory=list[str])
    frames: list[int] = field(default_factory=list[int])
    streams: int = 0
    stop: asyncio.Event = field(default_factory=asyncio.Event)
    options: dict[str, Any] = field(default_factory=dict[str, Any])

    async def serve(self, send: Any) -> Any:
        selector = send.message.selector
        self.seen.append(selector)
        try:
            if self.work is not None:
                await self.work(selector)
        except asyncio.CancelledError:
            self.cancelled.append(selector)
            raise
        return Reply(reply=dispatcher_pb.Reply(token=selector))

    async def pipeline(self, frames: AsyncIterator[Any], context: Any) -> None:
        self.streams += 1
        framed = Framed(
            FRAMING,
            self.serve,
            status_of,
            lambda: Overloaded("full"),
            doubled,
            self.stop,
            Telemetry.off(),
            **self.options,
        )
        await framed.run(self._counted(frames), context)

    async def _counted(self, frames: AsyncIterator[Any]) -> AsyncGenerator[Any]:
        async for frame in frames:
            self.frames.append(len(frame.sends))
            yield frame

    def register(self, server: grpc.aio.Server) -> None:
        method = grpc.stream_stream_rpc_method_handler(
            self.pipeline,
            request_deserializer=dispatcher_pb.PipelineRequest.FromString,
            response_serializer=dispatcher_pb.PipelineResponse.SerializeToString,
        )
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(PIPELINE, {"Pipeline": method}),))


@asynccontextmanager
async def serving(echo: Echo, port: int = 0) -> AsyncGenerator[Address]:
    spec = ServerSpec({PIPELINE: echo.register}, Address("127.0.0.1", port), status_of, grace=1.0, reflection=False)
    async with Server(spec) as server:
        try:
            yield server.address
        finally:
            echo.stop.set()


@asynccontextmanager
async def asking(address: Address | str, bounds: Bounds | None = None) -> AsyncGenerator[Frames[Any, Any]]:
    async with channel(address) as connected:
        frames = Frames(ASKING, lambda: DispatcherStub(connected).Pipeline(), bounds)
        yield frames
        await frames.close()


@asynccontextmanager
async def echoing(echo: Echo, bounds: Bounds | None = None) -> AsyncGenerator[Frames[Any, Any]]:
    async with serving(echo) as address, asking(address, bounds) as frames:
        yield frames


async def ask(frames: Frames[Any, Any], selector: str = "a", timeout: float = 5.0) -> str:  # noqa: ASYNC109
    answer = await frames.ask(Send(message=pb.Message(selector=selector)), timeout)
    return answer.reply.token if answer.HasField("reply") else f"{answer.failure.code} {answer.failure.message}"


async def ask_all(frames: Frames[Any, Any], selectors: Sequence[str], **options: Any) -> list[str]:
    return list(await asyncio.gather(*(ask(frames, selector, **options) for selector in selectors)))


async def refused_until(frames: Frames[Any, Any], echo: Echo, seen: int) -> list[bool]:
    """Ask until the server has seen so many; whether those that were refused until then were sent."""
    sent: list[bool] = []
    async with asyncio.timeout(5):
        while len(echo.seen) < seen:
            try:
                await ask(frames)
            except Unanswered as refused:
                sent.append(refused.sent)
                await asyncio.sleep(0.05)
    return sent


async def forever(_: str) -> None:
    await asyncio.Event().wait()
