"""Many requests on one stream: the caller's side. Law: every request ends once, with its answer or as Unanswered.

Requests made in one tick of the event loop leave in one frame; answers come back in any order, by the number that each
request is given here. One task writes, while there is something to write, and one reads each stream. A stream is opened
when there is something to ask, and nothing is written before its initial metadata came: what fails until then was
surely not sent.

| what happens                     | requests not written yet | requests written, without an answer        |
|----------------------------------|--------------------------|--------------------------------------------|
| no stream can be opened          | Unanswered, not sent     | -                                          |
| the stream breaks                | go on the next stream    | Unanswered, sent                           |
| its time is up                   | Unanswered, not sent     | Unanswered, sent; the far side is told     |
| the caller is cancelled          | never sent               | the far side is told                       |
| an empty frame of answers comes  | go on the next stream    | answered on the old one, which is half-closed |

The far side sends an empty frame to ask for a new stream: it is about to stop, or its connection has become old.
"""

import asyncio
from collections.abc import Callable, Coroutine, Iterable
from contextlib import suppress
from contextvars import Context
from dataclasses import dataclass, field
from typing import Any, Final, Generic, TypeAlias

import grpc
import grpc.aio

from batos.framing import A, Bounds, Framing, Q, TooLarge, Unanswered

MARK: Final = "batos-frames"
"""The key in a stream's initial metadata by which a server says that the stream is served."""

_SWEEP_SECONDS: Final = 0.05
_MARKLESS_SECONDS: Final = 0.1  # a server that sends no mark has as long to refuse the stream
_FIRST_PAUSE, _LONGEST_PAUSE = 0.02, 1.0
_Call: TypeAlias = "grpc.aio.StreamStreamCall[Any, Any]"


@dataclass(slots=True, eq=False)
class _Asked(Generic[Q, A]):
    request: Q
    size: int
    deadline: float
    answer: asyncio.Future[A]
    stream: "_Stream[Q, A] | None" = None


@dataclass(slots=True, eq=False)
class _Stream(Generic[Q, A]):
    """`open` while requests may be written to it, `ending` once it is half-closed; it is read to its end."""

    call: _Call
    asked: dict[int, _Asked[Q, A]] = field(default_factory=dict[int, Any])
    cancels: list[int] = field(default_factory=list[int])
    open: bool = True
    ending: bool = False
    heard: bool = False


class Frames(Generic[Q, A]):
    """The requests of one program to one service. `open_stream` starts a stream. Beyond `bounds.in_flight`, ask waits.

    Belongs to the event loop it is first used in. Close it: what has no answer then is Unanswered.
    """

    def __init__(self, framing: Framing[Q, A], open_stream: Callable[[], _Call], bounds: Bounds | None = None) -> None:
        self._framing, self._open_stream, self._bounds = framing, open_stream, bounds or Bounds()
        self._room = asyncio.Semaphore(self._bounds.in_flight)
        self._queue: dict[int, _Asked[Q, A]] = {}
        self._last = 0
        self._stream: _Stream[Q, A] | None = None
        self._streams: set[_Stream[Q, A]] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._writing = self._sweeping = False
        self._pause, self._opened_at = 0.0, 0.0
        self._closed = False

    async def ask(self, request: Q, timeout: float) -> A:  # noqa: ASYNC109 - one timer serves all requests
        """The answer to a request, whose `id` is set here. Raises Unanswered; TooLarge before anything is sent."""
        loop = asyncio.get_running_loop()
        size, deadline = request.ByteSize(), loop.time() + timeout
        if size > self._bounds.request_bytes:
            raise TooLarge(f"a request has {size} bytes; at most {self._bounds.request_bytes} are sent in a frame")
        await self._enter(timeout)
        self._last = number = request.id = self._last + 1
        # Annotated, not subscripted: at run time a subscript costs as much as the rest of this line.
        asked: _Asked[Q, A] = _Asked(request, size, deadline, loop.create_future())
        self._queue[number] = asked
        self._begin(loop)
        try:
            return await asked.answer
        finally:
            self._room.release()
            self._leave(number, asked)

    async def close(self) -> None:
        """End all streams at once."""
        self._closed = True
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._refuse(None)

    async def _enter(self, timeout: float) -> None:  # noqa: ASYNC109 - as ask
        if self._room.locked():
            try:
                async with asyncio.timeout(timeout):
                    await self._room.acquire()
            except TimeoutError:
                raise Unanswered(sent=False, expired=True) from None
        else:
            await self._room.acquire()
        if self._closed:
            self._room.release()
            raise Unanswered(sent=False)

    def _begin(self, loop: asyncio.AbstractEventLoop) -> None:
        self._wake()
        if not self._sweeping:
            self._sweeping = True
            loop.call_later(_SWEEP_SECONDS, self._sweep, loop)

    def _wake(self) -> None:
        """The writer is there while there is something to write; what is asked until it begins is its first frame."""
        if not self._writing and not self._closed:
            self._writing = True
            self._start(self._write())

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        # In nobody's context: it outlives the request that happened to be first.
        task = asyncio.create_task(work, context=Context())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _leave(self, number: int, asked: _Asked[Q, A]) -> None:
        """The caller goes; where it did not wait for the answer, the far side is told."""
        stream = asked.stream
        if stream is None:
            self._queue.pop(number, None)
        elif stream.asked.pop(number, None) is not None and self._framing.cancels and stream.open:
            stream.cancels.append(number)
            self._wake()

    def _sweep(self, loop: asyncio.AbstractEventLoop) -> None:
        """Ends what is out of time. Looking at all is cheaper than a timer for each."""
        now = loop.time()
        everything = [self._queue, *(stream.asked for stream in self._streams)]
        for late in [asked for each in everything for asked in each.values() if asked.deadline <= now]:
            _fail(late, Unanswered(sent=late.stream is not None, expired=True))
        self._sweeping = any(everything)
        if self._sweeping:
            loop.call_later(_SWEEP_SECONDS, self._sweep, loop)

    # --- writing: one task

    async def _write(self) -> None:
        try:
            await self._write_all()
        except (asyncio.CancelledError, grpc.aio.UsageError):  # closed, or its channel was
            self._refuse(None)
        finally:
            self._writing = False

    async def _write_all(self) -> None:
        while True:
            for moved in [stream for stream in self._streams if not stream.open and not stream.ending]:
                moved.ending = True
                await _written(moved, moved.call.done_writing())
            stream = self._stream
            if not self._queue and not (stream and stream.open and stream.cancels):
                return
            if stream is None or not stream.open:
                self._stream = stream = await self._opened()
                if stream is None:
                    continue
            cancels, stream.cancels = stream.cancels, []
            requests = self._taken(stream)
            if requests or cancels:
                await _written(stream, stream.call.write(self._framing.frame(requests, cancels)))

    def _taken(self, stream: _Stream[Q, A]) -> list[Q]:
        """The requests of the next frame, which count as sent from here on."""
        requests: list[Q] = []
        size, queue, bounds = 0, self._queue, self._bounds
        while queue:
            number = next(iter(queue))
            asked = queue[number]
            if requests and (len(requests) >= bounds.frame or size + asked.size > bounds.frame_bytes):
                break
            del queue[number]
            if asked.answer.done():
                continue  # its caller is leaving at this very moment
            size += asked.size
            asked.stream = stream
            stream.asked[number] = asked
            requests.append(asked.request)
        return requests

    async def _opened(self) -> _Stream[Q, A] | None:
        """A new stream; None where there is none to be had, and then all that waits was told so.

        Streams that end young are opened at growing distances.
        """
        loop = asyncio.get_running_loop()
        if loop.time() - self._opened_at < 2 * _LONGEST_PAUSE:
            await asyncio.sleep(self._pause)
            self._pause = min(max(2 * self._pause, _FIRST_PAUSE), _LONGEST_PAUSE)
        else:
            self._pause = 0.0
        call = self._open_stream()
        try:
            error = await _refusal(call)
        except BaseException:
            call.cancel()
            raise
        self._opened_at = loop.time()
        if error is not None:
            self._refuse(error)
            return None
        stream = _Stream[Q, A](call)
        self._streams.add(stream)
        self._start(self._read(stream))
        return stream

    def _refuse(self, error: grpc.aio.AioRpcError | None) -> None:
        for asked in self._queue.values():
            _fail(asked, Unanswered(sent=False, error=error))
        self._queue.clear()

    # --- reading: one task for each stream

    async def _read(self, stream: _Stream[Q, A]) -> None:
        error: grpc.aio.AioRpcError | None = None
        try:
            while (frame := await stream.call.read()) is not grpc.aio.EOF:
                stream.heard = True
                answers = self._framing.answers(frame)
                if not answers:
                    self._move(stream)
                for answer in answers:
                    asked = stream.asked.pop(answer.id, None)
                    if asked is not None and not asked.answer.done():
                        asked.answer.set_result(answer)
        except grpc.aio.AioRpcError as broken:
            error = broken
        finally:
            stream.call.cancel()
            stream.open = False
            self._streams.discard(stream)
            # A server that does not know the method has looked at nothing.
            unknown = error is not None and error.code() is grpc.StatusCode.UNIMPLEMENTED and not stream.heard
            for asked in stream.asked.values():
                _fail(asked, Unanswered(sent=not unknown, error=error))
            stream.asked.clear()

    def _move(self, stream: _Stream[Q, A]) -> None:
        stream.open = False
        self._wake()


def _fail(asked: _Asked[Any, Any], failure: Unanswered) -> None:
    if not asked.answer.done():
        asked.answer.set_exception(failure)


async def _written(stream: _Stream[Any, Any], writing: Coroutine[Any, Any, None]) -> None:
    """Waits for a write; of a stream that broke meanwhile, its reader tells."""
    try:
        await writing
    except (grpc.aio.AioRpcError, asyncio.InvalidStateError, grpc.aio.UsageError):
        stream.open = False
    except asyncio.CancelledError:  # gRPC's word for a call that was cancelled, too
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            raise
        stream.open = False


async def _refusal(call: _Call) -> grpc.aio.AioRpcError | None:
    """Why there is no stream; None once there is one."""
    metadata: Iterable[tuple[str, Any]] = await call.initial_metadata() or ()
    if any(key == MARK for key, _ in metadata):
        return None
    ended = asyncio.ensure_future(call.code())
    await asyncio.wait({ended}, timeout=_MARKLESS_SECONDS)
    if not ended.done():
        ended.cancel()
        return None
    with suppress(asyncio.CancelledError):
        try:
            await call.read()
        except grpc.aio.AioRpcError as error:
            return error
    return None
