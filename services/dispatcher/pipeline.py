"""Messages that come in frames. Law: each is sent as Send does, and ends with one reply or one failure."""

import asyncio
from typing import Final

from google.rpc.status_pb2 import Status

from batos.v1 import dispatcher_pb2 as pb
from batos.v1.object_pb2 import Failure
from chassis.frames import Framed
from chassis.framing import Framing
from chassis.telemetry import Telemetry
from dispatcher.dispatch import Dispatch
from dispatcher.misses import Waiting
from kernel.errors import Overloaded
from wire.errors import doubled, status_of
from wire.messages import message_from_wire, reply_to_wire

PIPELINE_METHOD: Final = "/batos.v1.Dispatcher/Pipeline"
DEFAULT_SECONDS: Final = 300.0


def _seconds(send: pb.PipelinedSend) -> float:
    return send.timeout.ToNanoseconds() / 1e9 if send.HasField("timeout") else DEFAULT_SECONDS


def failed(status: Status) -> pb.PipelinedReply:
    """The reply to a message that failed, whoever passed it on."""
    return pb.PipelinedReply(failure=Failure(code=status.code, message=status.message, details=status.details))


FRAMING: Final[Framing[pb.PipelinedSend, pb.PipelinedReply]] = Framing(
    requests=lambda frame: frame.sends,
    frame=lambda replies: pb.PipelineResponse(replies=replies),
    failed=failed,
    name=lambda _: "batos.v1.Dispatcher/Send",  # what it is, whichever way it came
    cancels=lambda frame: frame.cancels,
    seconds=_seconds,
    begins=True,
)


def pipeline(
    dispatch: Dispatch, stop: asyncio.Event, telemetry: Telemetry
) -> Framed[pb.PipelinedSend, pb.PipelinedReply]:
    """What serves Pipeline; senders are asked for a new stream when `stop` is set."""

    async def serve(send: pb.PipelinedSend) -> pb.PipelinedReply:
        deadline = asyncio.get_running_loop().time() + _seconds(send)
        waiting = Waiting(deadline, size=send.ByteSize())
        reply = await dispatch.send(message_from_wire(send.message), waiting)
        return pb.PipelinedReply(reply=reply_to_wire(reply))

    return Framed(FRAMING, serve, status_of, _overloaded, doubled, stop, telemetry)


def _overloaded() -> Overloaded:
    return Overloaded("too many messages are in flight on this stream: wait for replies")
