"""Many requests on one stream: the server's side. Law: every request ends once, with its answer or its failure.

Each request is a task, answers leave in the order in which they are ready, all of one tick of the event loop in one
frame, written by one task. What a caller may keep here is bounded, whatever it asks and never reads:

- beyond `in_flight` requests (those whose answers it has not taken count) each further one is refused;
- while refusals, or 4 MiB of answers, wait to be taken nothing more is read, so that no request begins;
- of what runs by then, answers beyond 64 MiB are dropped: UNAVAILABLE without a reason, as where a stream had broken.

A caller that goes away cancels its requests; one that half-closes its stream gets all its answers first. The server
asks for a new stream with an empty frame: when it is told to stop, and when the stream has become old, since gRPC lets
a connection of `max_connection_age` live for as long as a stream is open on it.
"""

import asyncio
import random
from collections.abc import AsyncIterable, Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final, Generic

import grpc
import grpc.aio
from google.rpc import code_pb2
from google.rpc.status_pb2 import Status
from opentelemetry.context import Context, attach
from opentelemetry.sdk.trace.sampling import ParentBased
from opentelemetry.trace import INVALID_SPAN, Span, SpanKind, set_span_in_context

import vocabulary
from chassis.failure import StatusOf, code_of, told
from chassis.framing import A, Framing, Q
from chassis.interceptor import finish
from chassis.metrics import SIZES
from chassis.propagation import UNRECORDED, is_sampled, parent_of
from chassis.telemetry import Telemetry

MARK: Final = "batos-frames"
"""The key in the initial metadata that says that the stream is served: sent before anything is read, by contract."""

AGE_SECONDS: Final = 240.0  # below the chassis's own max_connection_age
_FRAME_ANSWERS: Final = 512
_HUGE: Final = 4  # times what may be in flight: a frame of more is not even refused one by one
_FRAME_BYTES: Final = 1 << 20
_UNREAD_BYTES: Final = 4 << 20  # of answers that wait to be written; beyond, nothing more is read
_KEPT_BYTES: Final = 64 << 20  # of them; beyond, an answer is dropped, unless it is as small as its failure
_SMALL_BYTES: Final = 1 << 10
_SWEEP_SECONDS: Final = 0.25


@dataclass(frozen=True, slots=True)
class Framed(Generic[Q, A]):
    """What serves one framed method, with the failures of one request too many and of one whose number is taken.

    An answer over `answer_bytes` is refused: it would break the stream for all. `stop` set, or `age` seconds (about):
    the caller is asked for a new stream.
    """

    framing: Framing[Q, A]
    serve: Callable[[Q], Awaitable[A]]
    status_of: StatusOf
    overloaded: Callable[[], BaseException]
    doubled: Callable[[], BaseException]
    stop: asyncio.Event
    telemetry: Telemetry
    in_flight: int = 4096
    answer_bytes: int = (4 << 20) - 1024
    age: float = AGE_SECONDS

    async def run(self, frames: AsyncIterable[Any], context: "grpc.aio.ServicerContext[Any, Any]") -> None:
        """Serve one stream to its end: the whole body of the servicer's method."""
        await context.send_initial_metadata(((MARK, "1"),))
        stream = _Stream(self, context)
        road = [asyncio.create_task(work) for work in (stream.read(frames), stream.write())]
        beside = [asyncio.create_task(work) for work in (stream.move(), stream.sweep())]
        try:
            await asyncio.wait(road, return_when=asyncio.FIRST_EXCEPTION)
            for each in road:
                if each.done():
                    each.result()
        finally:
            ending = [*road, *beside, *stream.running.values()]
            for task in ending:
                task.cancel()
            await asyncio.gather(*ending, return_exceptions=True)


class _Stream(Generic[Q, A]):
    """One stream: the requests that run, and the answers that are not written yet."""

    def __init__(self, of: Framed[Q, A], context: "grpc.aio.ServicerContext[Any, Any]") -> None:
        self._of, self._context = of, context
        self._loop = asyncio.get_running_loop()
        self._sizes = of.telemetry.metrics.histogram(
            vocabulary.METRIC_RPC_FRAME_REQUESTS, "{request}", "Requests of a frame.", SIZES
        )
        self.running: dict[int, asyncio.Task[None]] = {}
        self._deadlines: dict[int, float] = {}
        self._expired: set[int] = set()
        self._answers: list[tuple[A, int]] = []
        self._bytes = 0
        self._work, self._room = asyncio.Event(), asyncio.Event()
        self._moving = False
        self._ended = False

    # --- reading

    async def read(self, frames: AsyncIterable[Any]) -> None:
        """Take frames until the caller half-closes; none while too much waits to be written to it."""
        async for frame in frames:
            self._take(frame)
            while self._crowded:
                self._room.clear()
                await self._room.wait()
        self._ended = True
        self._work.set()

    @property
    def _crowded(self) -> bool:
        return self._bytes > _UNREAD_BYTES or len(self._answers) >= self._of.in_flight

    def _take(self, frame: Any) -> None:
        """Start the requests of a frame, and cancel those it names. Raises what `overloaded` makes for a huge one."""
        framing, create_task, most = self._of.framing, self._loop.create_task, self._of.in_flight
        requests = framing.requests(frame)
        if len(requests) > _HUGE * most:
            raise self._of.overloaded()
        self._sizes.add(len(requests))
        for request in requests:
            number = request.id
            if number in self.running:
                self._refuse(number, self._of.doubled())
                continue
            if len(self.running) + len(self._answers) >= most:
                self._refuse(number, self._of.overloaded())
                continue
            if (seconds := framing.seconds(request)) is not None:
                self._deadlines[number] = self._loop.time() + seconds
            self.running[number] = create_task(self._serve(number, request))
        for number in framing.cancels(frame):
            self._cancel(number)

    def _cancel(self, number: int) -> None:
        if (task := self.running.get(number)) is not None:
            self._loop.call_soon(task.cancel)  # once it has begun: what never began would never answer

    def _refuse(self, number: int, why: BaseException) -> None:
        status = told(self._of.status_of, "framed stream", why, INVALID_SPAN)
        self._answer(number, self._of.framing.failed(status))

    # --- answering

    async def _serve(self, number: int, request: Q) -> None:
        span = self._span(request)
        try:
            answer, code = await self._of.serve(request), "OK"
        except asyncio.CancelledError as cancelled:
            answer, code = self._cancelled(number, request, cancelled, span)
        except Exception as error:  # noqa: BLE001 - the last stop before the caller
            answer, code = self._failed(request, error, span)
        if span is not INVALID_SPAN:
            finish(span, code)
        del self.running[number]
        self._deadlines.pop(number, None)
        self._expired.discard(number)
        self._answer(number, answer)

    def _answer(self, number: int, answer: A) -> None:
        answer.id = number
        size = answer.ByteSize()
        if (refusal := self._unkept(size)) is not None:
            answer = self._of.framing.failed(refusal)
            answer.id, size = number, answer.ByteSize()
        self._answers.append((answer, size))
        self._bytes += size
        self._work.set()

    def _unkept(self, size: int) -> Status | None:
        """Why an answer of so many bytes is not sent; None where it is."""
        if size > self._of.answer_bytes:
            message = f"the answer has {size} bytes; at most {self._of.answer_bytes} are sent in a frame"
            return Status(code=code_pb2.RESOURCE_EXHAUSTED, message=message)
        if size > _SMALL_BYTES and self._bytes + size > _KEPT_BYTES:
            message = f"the answer was dropped: {self._bytes} bytes of answers wait to be read on this stream"
            return Status(code=code_pb2.UNAVAILABLE, message=message)
        return None

    def _failed(self, request: Q, error: BaseException, span: Span) -> tuple[A, str]:
        status = told(self._of.status_of, self._of.framing.name(request), error, span)
        return self._of.framing.failed(status), code_of(status).name

    def _cancelled(self, number: int, request: Q, cancelled: BaseException, span: Span) -> tuple[A, str]:
        task = self.running[number]
        if not task.cancelling():  # not this request, but what it waited for
            return self._failed(request, cancelled, span)
        expired = number in self._expired
        code = code_pb2.DEADLINE_EXCEEDED if expired else code_pb2.CANCELLED
        status = Status(code=code, message="no answer came in time" if expired else "the caller no longer waits")
        return self._of.framing.failed(status), code_of(status).name

    def _span(self, request: Q) -> Span:
        """The request's span, current in its task, which ends with it. Of what is not recorded nothing is even read."""
        telemetry, traceparent = self._of.telemetry, request.traceparent
        if (sampler := telemetry.sampler) is None:
            return INVALID_SPAN
        begins = self._of.framing.begins and not traceparent
        if isinstance(sampler, ParentBased) and not begins and not is_sampled(traceparent):
            attach(UNRECORDED)  # else what is done for it would begin traces of its own
            return INVALID_SPAN
        caller = parent_of(traceparent) or Context()
        name = self._of.framing.name(request)
        attributes = {vocabulary.RPC_SYSTEM_NAME: vocabulary.RPC_SYSTEM_GRPC, vocabulary.RPC_METHOD: name}
        span = telemetry.start(name, attributes, SpanKind.SERVER, context=caller)
        attach(set_span_in_context(span, caller))
        return span

    # --- beside

    async def write(self) -> None:
        """Write answers as they come; returns when the caller has half-closed and has all its answers."""
        while self._answers or self.running or not self._ended:
            await self._work.wait()
            self._work.clear()
            while self._answers:
                await self._context.write(self._frame())
                self._room.set()
            if self._moving:
                self._moving = False
                await self._context.write(self._of.framing.frame(()))

    def _frame(self) -> Any:
        size = count = 0
        for _, each in self._answers[:_FRAME_ANSWERS]:
            if count and size + each > _FRAME_BYTES:
                break
            size, count = size + each, count + 1
        answers = [answer for answer, _ in self._answers[:count]]
        del self._answers[:count]
        self._bytes -= size
        return self._of.framing.frame(answers)

    async def move(self) -> None:
        """Ask the caller for a new stream, once: soon on a stop, else when the stream is old."""
        age = self._of.age * random.uniform(0.9, 1.1)  # noqa: S311 - keeps callers from moving all at once
        try:
            async with asyncio.timeout(age):
                await self._of.stop.wait()
        except TimeoutError:
            pass
        self._moving = True
        self._work.set()

    async def sweep(self) -> None:
        """Cancel what is out of time."""
        while True:
            await asyncio.sleep(_SWEEP_SECONDS)
            now = self._loop.time()
            for number in [number for number, end in self._deadlines.items() if end <= now]:
                del self._deadlines[number]
                self._expired.add(number)
                self._cancel(number)
