"""The synthesizer behind a channel. Law: events as they happen, and failures as the kernel's, by their reason."""

from collections.abc import AsyncGenerator
from typing import Final

import grpc
import grpc.aio
from grpc.aio import AioRpcError

from batos.v1 import synthesizer_pb2 as pb
from batos.v1.synthesizer_pb2_grpc import SynthesizerStub
from chassis.client import ending
from chassis.failure import received
from kernel.errors import KernelError, StoreUnavailable
from kernel.messages import Message
from kernel.synthesis import Event
from wire.errors import error_of
from wire.messages import message_to_wire
from wire.synthesis import event_from_wire

FLIGHT_SECONDS: Final = 600.0  # longer than any synthesis; who waits less leaves, and the synthesis goes on

_NO_ANSWER: Final = frozenset({grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED})


class SynthesizerClient:
    """Asks for methods."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._rpc = SynthesizerStub(channel)

    async def synthesize(self, message: Message) -> AsyncGenerator[Event]:
        """The events of the synthesis for a message, until the method is registered; its principal asks.

        Raises what the synthesis failed with, StoreUnavailable where the synthesizer does not answer, RuntimeError
        where it has a fault. Leaving does not end the synthesis.
        """
        request = pb.SynthesizeRequest(message=message_to_wire(message), asked_by=message.principal)
        with ending(self._rpc.Synthesize(request, timeout=FLIGHT_SECONDS)) as call:
            try:
                async for response in call:
                    yield event_from_wire(response)
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
