"""What other dispatchers pass on. Law: it is run here, whoever owns it by now; nothing is passed on twice."""

import asyncio
from collections.abc import AsyncIterable
from typing import Any

import grpc.aio

from batos.v1 import dispatcher_pb2 as pb
from batos.v1.dispatcher_pb2_grpc import DispatcherPeerServicer
from chassis.frames import Framed
from chassis.framing import Framing
from chassis.telemetry import Telemetry
from dispatcher.dispatch import Dispatch
from dispatcher.pipeline import failed
from kernel.errors import Overloaded
from wire.errors import doubled, status_of
from wire.messages import message_from_wire, reply_to_wire

Context = grpc.aio.ServicerContext[Any, Any]

FRAMING: Framing[pb.ForwardedSend, pb.PipelinedReply] = Framing(
    requests=lambda frame: frame.sends,
    frame=lambda replies: pb.ForwardResponse(replies=replies),
    failed=failed,
    name=lambda _: "batos.v1.DispatcherPeer/Forward",
    cancels=lambda frame: frame.cancels,
    seconds=lambda send: send.timeout.ToNanoseconds() / 1e9 if send.HasField("timeout") else None,
)


class PeerServicer(DispatcherPeerServicer):
    """Serves the other dispatchers; streams move away when `stop` is set."""

    def __init__(self, dispatch: Dispatch, stop: asyncio.Event, telemetry: Telemetry) -> None:
        self._dispatch = dispatch
        self._framed = Framed(FRAMING, self._run, status_of, _overloaded, doubled, stop, telemetry)

    async def Forward(self, request_iterator: AsyncIterable[pb.ForwardRequest], context: Context) -> None:  # pyright: ignore[reportIncompatibleMethodOverride] - it writes its answers itself
        """Run messages, in frames."""
        await self._framed.run(request_iterator, context)

    async def _run(self, send: pb.ForwardedSend) -> pb.PipelinedReply:
        reply = await self._dispatch.run_here(message_from_wire(send.message, send.principal), send.ByteSize())
        return pb.PipelinedReply(reply=reply_to_wire(reply))


def _overloaded() -> Overloaded:
    return Overloaded("too many messages of one dispatcher are under way here")
