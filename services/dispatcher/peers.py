"""Messages that other dispatchers run. Law: a message is passed on once, and comes back as an answer or as undelivered.

Undelivered says that it may be run here instead: it did not arrive, or it has a request id, which lets it take effect
once wherever it runs. A message that arrived, has none, and is not answered may have taken effect: its sender is told.
"""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, Final

from google.rpc.status_pb2 import Status
from opentelemetry.trace import get_current_span

import vocabulary
from batos.frames import Frames
from batos.framing import Framing, TooLarge, Unanswered
from batos.v1 import dispatcher_pb2 as pb
from batos.v1.dispatcher_pb2_grpc import DispatcherPeerStub
from chassis.client import channel
from chassis.propagation import traceparent_of
from chassis.telemetry import Telemetry
from dispatcher.owners import Undelivered
from kernel.errors import KernelError, StoreUnavailable
from kernel.messages import Message, Reply
from objectstore.members import Member
from wire.errors import error_of
from wire.messages import message_to_wire, reply_from_wire

FORWARD_METHOD: Final = "/batos.v1.DispatcherPeer/Forward"
DEADLINE_SECONDS: Final = 300.0
AWAY_SECONDS: Final = 1.0
LET_GO_SECONDS: Final = 10.0

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
        self._peers: dict[str, _Peer] = {}
        self._leaving: set[asyncio.Task[None]] = set()

    async def deliver(self, member: Member, message: Message, seconds: float | None) -> Reply:
        """The reply of the member. Raises Undelivered, and what the message failed with there."""
        self._forwarded.count += 1
        sender = traceparent_of(get_current_span())
        send = pb.ForwardedSend(message=message_to_wire(message), principal=message.principal, traceparent=sender)
        seconds = DEADLINE_SECONDS if seconds is None else seconds
        send.timeout.FromNanoseconds(int(seconds * 1e9))
        peer = self._peer(member)
        try:
            answer = await peer.ask(send, seconds)
        except TooLarge:
            raise Undelivered from None
        except Unanswered as none:
            if not none.expired and (message.request_id or message.dry_run or not none.sent):
                raise Undelivered from None
            if message.request_id or not none.sent:
                raise StoreUnavailable(f"dispatcher {member.name} did not answer in time: send again") from None
            raise _unclear(member) from None
        if not answer.HasField("failure"):
            return reply_from_wire(answer.reply)
        if (failure := _failure(answer.failure)) is not None:
            raise failure
        # Without a reason: its answer was lost on the way, or it met a bug of ours; it may have had its effect.
        if message.request_id or message.dry_run:
            raise Undelivered
        raise _unclear(member)

    async def keep(self, members: Sequence[Member]) -> None:
        """Let go of the streams to all others: who leaves still answers what it has, who is silent is waited for."""
        for address in set(self._peers) - {member.address for member in members}:
            leaving = asyncio.create_task(self._peers.pop(address).let_go())
            self._leaving.add(leaving)
            leaving.add_done_callback(self._leaving.discard)

    async def close(self) -> None:
        """Let go of all streams; what is under way must have ended."""
        await self.keep(())
        await asyncio.gather(*self._leaving)

    def _peer(self, member: Member) -> "_Peer":
        if member.address not in self._peers:
            self._peers[member.address] = _Peer(member.address, self._telemetry)
        return self._peers[member.address]


class _Peer:
    """The stream to one dispatcher. One that cannot be reached is not tried again for a second."""

    def __init__(self, address: str, telemetry: Telemetry) -> None:
        self._channel = channel(address, telemetry=telemetry, untraced=frozenset({FORWARD_METHOD}))
        self._frames = Frames(_FRAMING, DispatcherPeerStub(self._channel).Forward)
        self._waiting = 0
        self._idle = asyncio.Event()
        self._idle.set()
        self._away_until = 0.0

    async def ask(self, send: pb.ForwardedSend, seconds: float) -> pb.PipelinedReply:
        """The answer. Raises Unanswered, TooLarge."""
        now = asyncio.get_running_loop().time
        if now() < self._away_until:
            raise Unanswered(sent=False)
        self._waiting += 1
        self._idle.clear()
        try:
            return await self._frames.ask(send, seconds)
        except Unanswered as none:
            if not none.expired:
                self._away_until = now() + AWAY_SECONDS
            raise
        finally:
            self._waiting -= 1
            if not self._waiting:
                self._idle.set()

    async def let_go(self) -> None:
        """Close the stream when nothing is under way on it, and after 10 s in any case."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._idle.wait(), LET_GO_SECONDS)
        await self._frames.close()
        await self._channel.close()


def _failure(failure: Any) -> KernelError | None:
    return error_of(Status(code=failure.code, message=failure.message, details=failure.details))


def _unclear(member: Member) -> StoreUnavailable:
    return StoreUnavailable(
        f"dispatcher {member.name} did not answer, and the message may have taken effect: "
        "with a request_id it could be sent again safely",
        effect="unknown",
    )
