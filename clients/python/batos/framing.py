"""The words of framed streams: how a contract frames requests, what is bounded, how a request can fail.

Law: nothing here waits for anything; `batos.frames` does.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

import grpc.aio


class Numbered(Protocol):
    """A request or an answer of a frame."""

    id: int

    def ByteSize(self) -> int:  # noqa: N802 - protobuf's name
        """The bytes it takes."""
        ...


Q = TypeVar("Q", bound=Numbered)
A = TypeVar("A", bound=Numbered)


@dataclass(frozen=True, slots=True)
class Framing(Generic[Q, A]):
    """How a contract puts requests (and the numbers it cancels) into a frame, and takes answers out of one."""

    frame: Callable[[Sequence[Q], Sequence[int]], Any]
    answers: Callable[[Any], Sequence[A]]
    cancels: bool = True


@dataclass(frozen=True, slots=True)
class Bounds:
    """Requests in flight, requests of a frame, bytes of a frame (of one request, where it is larger), of a request.

    A stream that does not open within `opening` seconds counts as refused: the far side opens it at once.
    """

    in_flight: int = 2048
    frame: int = 512
    frame_bytes: int = 1 << 20
    request_bytes: int = 3 << 20
    opening: float = 6.0  # more than connecting takes


class Unanswered(Exception):
    """No answer came. `sent` is False where the request surely did not arrive.

    `expired` is True where its time was up; else the stream ended, with `error` where gRPC told why.
    """

    def __init__(self, *, sent: bool, error: grpc.aio.AioRpcError | None = None, expired: bool = False) -> None:
        why = "in time" if expired else "before the stream ended"
        told = f": {error.code().name} {error.details()}" if error else ""
        super().__init__(f"no answer came {why}{told}" + ("" if sent else "; nothing was sent"))
        self.sent, self.error, self.expired = sent, error, expired


class TooLarge(Exception):
    """The request has more bytes than a frame may carry."""
