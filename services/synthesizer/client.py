"""The synthesizer behind a channel. Law: events as they happen, and failures as the kernel's, by their reason."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import Any, Final, TypeVar

import grpc
import grpc.aio
from grpc.aio import AioRpcError

from batos.v1 import synthesizer_pb2 as pb
from batos.v1.synthesizer_pb2_grpc import SynthesizerStub
from chassis.client import ending
from chassis.failure import received
from kernel.errors import KernelError, StoreUnavailable
from kernel.messages import Message
from kernel.objects import Namespace
from kernel.synthesis import Event, State, SynthesisRecord
from wire.enums import enum_to_wire
from wire.errors import error_of
from wire.messages import message_to_wire
from wire.synthesis import event_from_wire, synthesis_from_wire

FLIGHT_SECONDS: Final = 600.0  # longer than any synthesis; who waits less leaves, and the synthesis goes on
SECONDS: Final = 10.0

T = TypeVar("T")

_NO_ANSWER: Final = frozenset({grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED})


class SynthesizerClient:
    """Asks for methods, and for what becomes of them."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._rpc = SynthesizerStub(channel)

    async def synthesize(self, message: Message) -> AsyncGenerator[Event]:
        """The events of the synthesis for a message, until the method is registered; its principal asks.

        Raises what the synthesis failed with, StoreUnavailable where the synthesizer does not answer, RuntimeError
        where it has a fault. Leaving does not end the synthesis.
        """
        request = pb.SynthesizeRequest(message=message_to_wire(message), asked_by=message.principal)
        async with aclosing(_told(self._rpc.Synthesize(request, timeout=FLIGHT_SECONDS))) as told:
            async for response in told:
                yield event_from_wire(response)

    async def evolve(self, message: Message) -> AsyncGenerator[Event]:
        """The same for a better version of what answers the message. MethodNotFound where nothing does."""
        request = pb.EvolveRequest(message=message_to_wire(message), asked_by=message.principal)
        async with aclosing(_told(self._rpc.Evolve(request, timeout=FLIGHT_SECONDS))) as told:
            async for response in told:
                yield event_from_wire(response.event)

    async def watch(self, namespace: Namespace, synthesis_id: str, after: int = 0) -> AsyncGenerator[Event]:
        """The events of a synthesis but for the first `after`, as synthesize tells them. SynthesisNotFound."""
        request = pb.WatchSynthesisRequest(namespace=namespace, id=synthesis_id, after=after)
        async with aclosing(_told(self._rpc.WatchSynthesis(request, timeout=FLIGHT_SECONDS))) as told:
            async for response in told:
                yield event_from_wire(response.event)

    async def get(self, namespace: Namespace, synthesis_id: str) -> SynthesisRecord:
        """Where a synthesis stands. SynthesisNotFound."""
        request = pb.GetSynthesisRequest(namespace=namespace, id=synthesis_id)
        return synthesis_from_wire((await _answered(self._rpc.GetSynthesis(request, timeout=SECONDS))).synthesis)

    async def cancel(self, namespace: Namespace, synthesis_id: str, by: str) -> SynthesisRecord:
        """End it for all who wait for it; it may still run for a moment. SynthesisNotFound."""
        request = pb.CancelSynthesisRequest(namespace=namespace, id=synthesis_id, by=by)
        return synthesis_from_wire((await _answered(self._rpc.CancelSynthesis(request, timeout=SECONDS))).synthesis)

    async def list(
        self, namespace: Namespace, states: Sequence[State] = (), size: int = 0, page: str = ""
    ) -> tuple[Sequence[SynthesisRecord], str]:
        """A page of syntheses, the newest first, and where the next one begins; empty at the end."""
        wanted = [enum_to_wire("SYNTHESIS_STATE", state) for state in states]
        request = pb.ListSynthesesRequest(namespace=namespace, states=wanted, page_size=size, page_token=page)
        response = await _answered(self._rpc.ListSyntheses(request, timeout=SECONDS))
        return [synthesis_from_wire(each) for each in response.syntheses], response.next_page_token


async def _told(call: grpc.aio.UnaryStreamCall[Any, T]) -> AsyncGenerator[T]:
    """What a stream tells, until it ends or its reader leaves."""
    with ending(call):
        try:
            async for response in call:
                yield response
        except AioRpcError as error:
            raise failure_of(error) from None


async def _answered(call: grpc.aio.UnaryUnaryCall[Any, T]) -> T:
    try:
        return await call
    except AioRpcError as error:
        raise failure_of(error) from None


def failure_of(error: AioRpcError) -> KernelError | RuntimeError:
    """The kernel error that the synthesizer answered with; StoreUnavailable where gRPC alone says that none came.

    Anything else is a fault of the synthesizer, which sending again would only pay for again: a RuntimeError, which no
    service has a status for, so that the caller is told INTERNAL and the log has the text.
    """
    status = received(error)
    if failure := error_of(status) if status else None:
        return failure
    told = f"{error.code().name} {error.details()}"
    if status is None and error.code() in _NO_ANSWER:
        return StoreUnavailable(f"the synthesizer does not answer: {told}")
    return RuntimeError(f"the synthesizer failed: {told}")
