"""One stream of frames, as its caller holds it. Law: opening and writing never fail; they tell, or the reader does.

gRPC tells a call that was cancelled in the same way as a task that is: here the two are told apart.
"""

import asyncio
from collections.abc import Coroutine, Iterable
from dataclasses import dataclass, field
from typing import Any, Final, Generic, TypeAlias

import grpc.aio

from batos.framing import A, Q

MARK: Final = "batos-frames"
"""The key in a stream's initial metadata by which a server says that the stream is served."""

_MARKLESS_SECONDS: Final = 0.1  # a server that sends no mark has as long to refuse the stream
Call: TypeAlias = "grpc.aio.StreamStreamCall[Any, Any]"


@dataclass(slots=True, eq=False)
class Asked(Generic[Q, A]):
    """A request that waits for its answer: in the queue, or on the stream that it was written to."""

    request: Q
    size: int
    deadline: float
    answer: asyncio.Future[A]
    stream: "Stream[Q, A] | None" = None


@dataclass(slots=True, eq=False)
class Stream(Generic[Q, A]):
    """`open` while requests may be written to it, then cancels, `ending` once half-closed; it is read to its end."""

    call: Call
    asked: dict[int, Asked[Q, A]] = field(default_factory=dict[int, Any])
    cancels: list[int] = field(default_factory=list[int])
    open: bool = True
    ending: bool = False
    heard: bool = False


async def written(stream: Stream[Any, Any], writing: Coroutine[Any, Any, None]) -> None:
    """Waits for a write; of a stream that broke meanwhile, its reader tells."""
    try:
        await writing
    except (grpc.aio.AioRpcError, asyncio.InvalidStateError, grpc.aio.UsageError):
        stream.open = False
    except asyncio.CancelledError:  # gRPC's word for a call that was cancelled, too
        if _cancelled():
            raise
        stream.open = False


async def refusal(call: Call) -> grpc.aio.AioRpcError | None:
    """Why there is no stream; None once there is one."""
    metadata: Iterable[tuple[str, Any]] = await call.initial_metadata() or ()
    if any(key == MARK for key, _ in metadata):
        return None
    ended = asyncio.ensure_future(call.code())
    await asyncio.wait({ended}, timeout=_MARKLESS_SECONDS)
    if not ended.done():
        ended.cancel()
        return None
    try:
        await call.read()
    except grpc.aio.AioRpcError as error:
        return error
    except asyncio.CancelledError:
        if _cancelled():
            raise
    return None


def _cancelled() -> bool:
    """Whether this very task is to end."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
