"""The Exchange stream, on both sides. Law: each call means what its own RPC means, in the form between services.

The serving side hands each request of a frame to the same calls as the unary servicer. The asking side knows what a
lost answer means: a request that was surely not sent is sent again, while there is time; of one that was, Lost is told.
"""

import asyncio
import time
from collections.abc import Mapping, Sequence
from typing import Any, Final

from google.rpc.status_pb2 import Status
from grpc.aio import AioRpcError
from opentelemetry.trace import SpanKind, get_current_span

import vocabulary
from batos.frames import Frames
from batos.framing import Bounds, TooLarge, Unanswered
from batos.framing import Framing as AskedFraming
from batos.v1 import object_pb2
from batos.v1 import objectstore_pb2 as pb
from batos.v1.objectstore_pb2_grpc import ObjectStoreStub
from chassis.failure import received
from chassis.frames import Framed
from chassis.framing import Framing
from chassis.propagation import traceparent_of
from chassis.telemetry import Telemetry
from kernel.errors import BadArguments, KernelError, LimitExceeded, Overloaded, StoreUnavailable
from objectstore.calls import Calls
from wire.errors import doubled, error_of, status_of

EXCHANGE_METHOD: Final = "/batos.v1.ObjectStore/Exchange"
FIRST_PAUSE: Final = 0.02
LONGEST_PAUSE: Final = 1.0
_NAMES: Final = {
    "commit": "batos.v1.ObjectStore/Commit",
    "settle": "batos.v1.ObjectStore/SettleCommit",
    "get": "batos.v1.ObjectStore/GetObject",
    "reply": "batos.v1.ObjectStore/GetReply",
    "method": "batos.v1.ObjectStore/GetMethod",
}
_REQUEST_BYTES: Final = 8 << 20  # more than any transaction may have
_ANSWER_BYTES: Final = 8 << 20


class Lost(StoreUnavailable):
    """No answer came: what was asked may have happened."""


# --- the side that serves


def served(calls: Calls, stop: asyncio.Event, telemetry: Telemetry) -> Framed[pb.ExchangeCall, pb.ExchangeAnswer]:
    """What serves Exchange."""

    async def serve(call: pb.ExchangeCall) -> pb.ExchangeAnswer:
        match call.WhichOneof("call"):
            case "commit":
                return pb.ExchangeAnswer(commit=await calls.commit(call.commit))
            case "settle":
                return pb.ExchangeAnswer(settle=await calls.settle(call.settle))
            case "get":
                return pb.ExchangeAnswer(get=await calls.get(call.get))
            case "reply":
                return pb.ExchangeAnswer(reply=await calls.reply(call.reply, encoded=True))
            case "method":
                return pb.ExchangeAnswer(method=await calls.method(call.method))
            case _:
                raise BadArguments("a call of a frame asks for nothing", field="call")

    return Framed(_FRAMING, serve, status_of, _overloaded, doubled, stop, telemetry, answer_bytes=_ANSWER_BYTES)


def _requests(frame: pb.ExchangeRequest) -> Sequence[pb.ExchangeCall]:
    return frame.calls


def _frame(answers: Sequence[pb.ExchangeAnswer]) -> pb.ExchangeResponse:
    return pb.ExchangeResponse(answers=answers)


def _failed(status: Status) -> pb.ExchangeAnswer:
    return pb.ExchangeAnswer(failure=object_pb2.Failure.FromString(status.SerializeToString()))


def _name(call: pb.ExchangeCall) -> str:
    return _NAMES.get(call.WhichOneof("call") or "", EXCHANGE_METHOD[1:])


def _overloaded() -> Overloaded:
    return Overloaded("too many requests are in flight on this stream: wait for answers")


_FRAMING: Final = Framing(_requests, _frame, _failed, _name)


# --- the side that asks


def _asked_frame(calls: Sequence[pb.ExchangeCall], _: Sequence[int]) -> pb.ExchangeRequest:
    return pb.ExchangeRequest(calls=calls)


def _answers(frame: pb.ExchangeResponse) -> Sequence[pb.ExchangeAnswer]:
    return frame.answers


class Exchange:
    """One stream to the objectstore for all that this program asks of it in frames."""

    def __init__(self, rpc: ObjectStoreStub, call_seconds: float, telemetry: Telemetry) -> None:
        framing = AskedFraming(_asked_frame, _answers, cancels=False)
        bounds = Bounds(request_bytes=_REQUEST_BYTES)
        self._frames = Frames(framing, lambda: rpc.Exchange(wait_for_ready=False), bounds)
        self._call_seconds, self._telemetry = call_seconds, telemetry

    async def close(self) -> None:
        """End the stream."""
        await self._frames.close()

    async def once(self, **call: Any) -> pb.ExchangeAnswer:
        """The answer to a call that is sent at most once. Raises Lost where it may have happened, and its failure."""
        if not get_current_span().is_recording():
            return await self._answer(call)
        (name,) = call
        attributes = {vocabulary.RPC_SYSTEM_NAME: vocabulary.RPC_SYSTEM_GRPC, vocabulary.RPC_METHOD: _NAMES[name]}
        with self._telemetry.span(_NAMES[name], attributes, SpanKind.CLIENT):
            return await self._answer(call)

    async def _answer(self, call: Mapping[str, Any]) -> pb.ExchangeAnswer:
        request = pb.ExchangeCall(**call, traceparent=traceparent_of(get_current_span()))
        end, pause = time.monotonic() + self._call_seconds, FIRST_PAUSE
        while True:
            try:
                answer = await self._frames.ask(request, end - time.monotonic())
            except TooLarge as error:
                raise LimitExceeded("size", f"the request is too large: {error}") from None
            except Unanswered as error:
                if error.sent:
                    raise Lost(f"the objectstore does not answer: {error}") from None
                failure = _unsent(error)
            else:
                return _told(answer)
            # A server that starts again a moment later is worth waiting for.
            if time.monotonic() + pause > end:
                raise failure
            await asyncio.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE)

    async def until(self, end: float, **call: Any) -> pb.ExchangeAnswer:
        """The answer to what may be repeated. StoreUnavailable where none came until `end` (of the monotonic clock)."""
        pause = FIRST_PAUSE
        while True:
            try:
                return await self.once(**call)
            except StoreUnavailable:
                if time.monotonic() + pause > end:
                    raise
            await asyncio.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE)

    async def read(self, **call: Any) -> pb.ExchangeAnswer:
        """The answer to a read, which is repeated for as long as one call may take."""
        return await self.until(time.monotonic() + self._call_seconds, **call)


def failure_of(error: AioRpcError) -> KernelError:
    """The kernel error that the store answered with; Lost where gRPC alone says that something failed."""
    status = received(error)
    failure = error_of(status) if status else None
    return failure or Lost(f"the objectstore does not answer: {error.code().name} {error.details()}")


def _told(answer: pb.ExchangeAnswer) -> pb.ExchangeAnswer:
    if not answer.HasField("failure"):
        return answer
    failure = answer.failure
    told = error_of(Status.FromString(failure.SerializeToString()))
    raise told or Lost(f"the objectstore does not answer: {failure.message}")


def _unsent(error: Unanswered) -> StoreUnavailable:
    return StoreUnavailable(f"the objectstore cannot be reached, and nothing was sent to it: {error}")
