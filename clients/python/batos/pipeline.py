"""Messages on one stream to the dispatcher. Law: each fails as its own Send would have, with the same reasons.

What a broken stream leaves without a reply is Unreachable, and may be sent again with its request id.
"""

import time
from typing import Final

import grpc

from batos.channel import Service
from batos.errors import BatosError, DeadlineExceeded, Unreachable
from batos.failures import from_failure, from_rpc
from batos.frames import Frames
from batos.framing import Bounds, Framing, Unanswered
from batos.identifiers import TraceParent
from batos.v1 import dispatcher_pb2 as pb
from batos.v1 import object_pb2
from batos.v1.dispatcher_pb2_grpc import DispatcherStub

_BOUNDS: Final = Bounds(request_bytes=1 << 20)
_WORKED_ON_SECONDS: Final = 1.0
_FRAMING: Final[Framing[pb.PipelinedSend, pb.PipelinedReply]] = Framing(
    frame=lambda sends, cancels: pb.PipelineRequest(sends=sends, cancels=cancels),
    answers=lambda frame: frame.replies,
)


class Unpipelined(Exception):
    """The dispatcher serves no pipeline; nothing was sent."""


class Pipeline:
    """The stream that all senders of one client share; it is opened with the first message."""

    def __init__(self, dispatcher: Service) -> None:
        self._dispatcher = dispatcher
        self._frames = Frames(_FRAMING, lambda: DispatcherStub(dispatcher.channel).Pipeline(), _BOUNDS)

    async def close(self) -> None:
        """End the stream."""
        await self._frames.close()

    @staticmethod
    def carries(message: object_pb2.Message) -> bool:
        """Whether the message is small enough to share a stream; a larger one goes on its own."""
        return message.ByteSize() < _BOUNDS.request_bytes - 1024

    async def send(self, message: object_pb2.Message, seconds: float, trace: TraceParent) -> pb.Reply:
        """The reply to a message, `seconds` from now at the latest. Raises BatosError, Unpipelined."""
        send = pb.PipelinedSend(message=message, traceparent=trace.header())
        send.timeout.FromNanoseconds(max(int(seconds * 1e9), 0))
        began = time.monotonic()
        try:
            answer = await self._frames.ask(send, seconds)
        except Unanswered as unanswered:
            raise self._meaning(unanswered, time.monotonic() - began) from None
        if answer.HasField("failure"):
            raise from_failure(answer.failure, service=self._dispatcher.name, address=self._dispatcher.address)
        return answer.reply

    def _meaning(self, unanswered: Unanswered, seconds: float) -> Exception:
        where, error = f"{self._dispatcher.name} at {self._dispatcher.address}", unanswered.error
        fields = {"service": self._dispatcher.name}
        if unanswered.expired:
            code = grpc.StatusCode.DEADLINE_EXCEEDED
            return DeadlineExceeded(f"the {where} did not answer in time", code=code, fields=fields)
        if error is not None:
            if error.code() is grpc.StatusCode.UNIMPLEMENTED and not unanswered.sent:
                return Unpipelined()
            told = from_rpc(error, service=self._dispatcher.name, address=self._dispatcher.address)
            if type(told) not in {BatosError, Unreachable}:
                return told
        lost = Unreachable(f"cannot reach the {where}", code=grpc.StatusCode.UNAVAILABLE, fields=fields)
        # A message that waited on a stream which stood was being worked on: what broke, broke just now.
        lost.answering = unanswered.sent and seconds > _WORKED_ON_SECONDS
        return lost
