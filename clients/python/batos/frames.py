"""Many requests on one stream: the caller's side. Law: every request ends once, with its answer or as Unanswered.

Requests made in one tick of the event loop leave in one frame; answers come back in any order, by the number that each
request is given here. One task writes, while there is something to write, and one reads each stream. A stream is opened
when there is something to ask, and nothing is written before its initial metadata came, which takes seconds at most:
what fails until then was surely not sent.

| what happens                     | requests not written yet | requests written, without an answer        |
|----------------------------------|--------------------------|--------------------------------------------|
| no stream can be opened in time  | Unanswered, not sent     | -                                          |
| the stream breaks                | go on the next stream    | Unanswered, sent                           |
| its time is up                   | Unanswered, not sent     | Unanswered, sent; the far side is told     |
| the caller is cancelled          | never sent               | the far side is told                       |
| an empty frame of answers comes  | go on the next stream    | as before, on the old one                  |
| all is closed                    | Unanswered, not sent     | Unanswered, sent                           |

The far side sends an empty frame to ask for a new stream: it is about to stop, or its connection has become old. The
old one is half-closed when all that was written to it has ended; until then the far side is still told who left.
"""

import asyncio
from collections.abc import Callable, Coroutine
from contextvars import Context
from typing import Any, Final, Generic

import grpc
import grpc.aio

from batos.framing import A, Bounds, Framing, Q, TooLarge, Unanswered
from batos.streams import Asked, Call, Stream, refusal, written

_SWEEP_SECONDS: Final = 0.05
_FIRST_PAUSE, _LONGEST_PAUSE = 0.02, 1.0


class Frames(Generic[Q, A]):
    """The requests of one program to one service. `open_stream` starts a stream. Beyond `bounds.in_flight`, ask waits.

    Belongs to the event loop it is first used in. Close it: what has no answer then is Unanswered.
    """

    def __init__(self, framing: Framing[Q, A], open_stream: Callable[[], Call], bounds: Bounds | None = None) -> None:
        self._framing, self._open_stream, self._bounds = framing, open_stream, bounds or Bounds()
        self._room = asyncio.Semaphore(self._bounds.in_flight)
        self._queue: dict[int, Asked[Q, A]] = {}
        self._last = 0
        self._stream: Stream[Q, A] | None = None
        self._streams: set[Stream[Q, A]] = set()
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
        asked: Asked[Q, A] = Asked(request, size, deadline, loop.create_future())
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
        for stream in tuple(self._streams):  # a reader that was cancelled before it began has ended nothing
            self._end(stream, None)
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

    def _leave(self, number: int, asked: Asked[Q, A]) -> None:
        """The caller goes; where it did not wait for the answer, the far side is told."""
        stream = asked.stream
        if stream is None:
            self._queue.pop(number, None)
        elif stream.asked.pop(number, None) is not None and stream in self._streams:
            if self._framing.cancels:
                stream.cancels.append(number)
            if stream.cancels or not stream.open:
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
        while not self._closed:
            for moved in [stream for stream in self._streams if not stream.open and not stream.ending]:
                await self._let_go(moved)
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
                await written(stream, stream.call.write(self._framing.frame(requests, cancels)))

    async def _let_go(self, moved: Stream[Q, A]) -> None:
        """Tell the far side who left, and half-close once nobody waits."""
        if moved.cancels:
            cancels, moved.cancels = moved.cancels, []
            await written(moved, moved.call.write(self._framing.frame((), cancels)))
        if not moved.asked and not moved.cancels:
            moved.ending = True
            await written(moved, moved.call.done_writing())

    def _taken(self, stream: Stream[Q, A]) -> list[Q]:
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

    async def _opened(self) -> Stream[Q, A] | None:
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
            async with asyncio.timeout(self._bounds.opening):
                error = await refusal(call)
        except TimeoutError:
            call.cancel()
            self._refuse(None)
            return None
        except BaseException:
            call.cancel()
            raise
        self._opened_at = loop.time()
        if error is not None:
            self._refuse(error)
            return None
        stream = Stream[Q, A](call)
        self._streams.add(stream)
        self._start(self._read(stream))
        return stream

    def _refuse(self, error: grpc.aio.AioRpcError | None) -> None:
        for asked in self._queue.values():
            _fail(asked, Unanswered(sent=False, error=error))
        self._queue.clear()

    # --- reading: one task for each stream

    async def _read(self, stream: Stream[Q, A]) -> None:
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
                if not stream.open and not stream.asked:
                    self._wake()
        except grpc.aio.AioRpcError as broken:
            error = broken
        finally:
            self._end(stream, error)

    def _end(self, stream: Stream[Q, A], error: grpc.aio.AioRpcError | None) -> None:
        stream.call.cancel()
        stream.open = False
        self._streams.discard(stream)
        # A server that does not know the method has looked at nothing.
        unknown = error is not None and error.code() is grpc.StatusCode.UNIMPLEMENTED and not stream.heard
        for asked in stream.asked.values():
            _fail(asked, Unanswered(sent=not unknown, error=error))
        stream.asked.clear()

    def _move(self, stream: Stream[Q, A]) -> None:
        stream.open = False
        self._wake()


def _fail(asked: Asked[Any, Any], failure: Unanswered) -> None:
    if not asked.answer.done():
        asked.answer.set_exception(failure)
