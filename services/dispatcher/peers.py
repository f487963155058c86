"""Messages that other dispatchers run. Law: a message is passed on once, and comes back as an answer or as undelivered.

Undelivered says that it may be run here instead: it did not arrive, or it has a request id, which lets it take effect
once wherever it runs. A message that arrived, has none, and is not answered may have taken effect: its sender is told.
"""

from collections.abc import Sequence
from typing import Any, Final

import grpc.aio
from google.rpc.status_pb2 import Status
from opentelemetry.trace import get_current_span

import vocabulary
from batos.frames import Frames
from batos.framing import Framing, TooLarge, Unanswered
from batos.v1 import dispatcher_pb2 as pb
from batos.v1.dispatcher_pb2_grpc import DispatcherPeerStub
from chassis.client import channel
from chassis.propagation import headers_of
from chassis.telemetry import Telemetry
from dispatcher.owners import Undelivered
from kernel.errors import KernelError, StoreUnavailable
from kernel.messages import Message, Reply
from objectstore.members import Member
from wire.errors import error_of
from wire.messages import message_to_wire, reply_from_wire

FORWARD_METHOD: Final = "/batos.v1.DispatcherPeer/Forward"
DEADLINE_SECONDS: Final = 300.0

_FRAMING: Final[Framing[pb.ForwardedSend, pb.PipelinedReply]] = Framing(
    frame=lambda sends, cancels: pb.ForwardRequest(sends=sends, cancels=cancels),
    answers=lambda frame: frame.replies,
)


class Peers:
    """Streams to the other dispatchers, one to each that a message was passed on to."""

    def __init__(self, telemetry: Telemetry) -> None:
        self._telemetry = telemetry
        self._forwarded = telemetry.metrics.counter(
            vocabulary.METRIC_FORWARDED_MESSAGES, "{message}", "Messages passed on to the dispatcher that owns them."
        )
        self._streams: dict[str, tuple[grpc.aio.Channel, Frames[pb.ForwardedSend, pb.PipelinedReply]]] = {}

    async def deliver(self, member: Member, message: Message, seconds: float | None) -> Reply:
        """The reply of the member. Raises Undelivered, and what the message failed with there."""
        self._forwarded.count += 1
        sender = dict(headers_of(get_current_span())).get("traceparent", "")
        send = pb.ForwardedSend(message=message_to_wire(message), principal=message.principal, traceparent=sender)
        seconds = DEADLINE_SECONDS if seconds is None else seconds
        send.timeout.FromNanoseconds(int(seconds * 1e9))
        try:
            answer = await self._frames(member).ask(send, seconds)
        except TooLarge:
            raise Undelivered from None
        except Unanswered as none:
            if not none.expired and (message.request_id or message.dry_run or not none.sent):
                raise Undelivered from None
            raise StoreUnavailable(
                f"dispatcher {member.name} ended before it answered, and the message may have taken effect: "
                "with a request_id it could be sent again safely",
                effect="unknown",
            ) from None
        if answer.HasField("failure"):
            raise _failure(answer.failure)
        return reply_from_wire(answer.reply)

    async def keep(self, members: Sequence[Member]) -> None:
        """Let go of the streams to all others."""
        for address in set(self._streams) - {member.address for member in members}:
            opened, frames = self._streams.pop(address)
            await frames.close()
            await opened.close()

    def _frames(self, member: Member) -> Frames[pb.ForwardedSend, pb.PipelinedReply]:
        if member.address not in self._streams:
            opened = channel(member.address, telemetry=self._telemetry, untraced=frozenset({FORWARD_METHOD}))
            frames = Frames(_FRAMING, DispatcherPeerStub(opened).Forward)
            self._streams[member.address] = opened, frames
        return self._streams[member.address][1]


def _failure(failure: Any) -> KernelError:
    status = Status(code=failure.code, message=failure.message, details=failure.details)
    return error_of(status) or StoreUnavailable(f"the object's dispatcher failed: {failure.message}")
