"""The one interceptor of a server: every RPC gets its span, and every failure its status.

Law: between the client's cancellation and the servicer there is nothing that waits. The servicer runs in the RPC's own
task, so cancelling the RPC cancels the servicer. What is known becomes a rich `google.rpc.Status`; of what is unknown
the caller learns an id and nothing else. (By default grpc.aio sends a bug's text to the caller, and leaves a caller
waiting for ever where a servicer let a foreign CancelledError out.)
"""

import asyncio
import inspect
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import aclosing
from typing import Any, NoReturn, TypeAlias, cast

import grpc
import grpc.aio
from google.rpc.status_pb2 import Status
from opentelemetry.context import attach
from opentelemetry.trace import INVALID_SPAN, Span, SpanKind, set_span_in_context

import vocabulary
from chassis.failure import DETAILS_HEADER, StatusOf, code_of, fitted, told
from chassis.propagation import context_of
from chassis.telemetry import Telemetry, fail

_ServicerContext = grpc.aio.ServicerContext[Any, Any]
_Servicer: TypeAlias = "grpc.RpcMethodHandler[Any, Any]"  # generic in its stubs alone
_Run = Callable[[Any, _ServicerContext], Awaitable[Any]]
_Convert = Callable[[Any], Any]
# (streams requests, streams replies) -> what makes such a servicer
_KINDS: dict[tuple[bool, bool], Callable[..., _Servicer]] = {
    (False, False): grpc.unary_unary_rpc_method_handler,
    (False, True): grpc.unary_stream_rpc_method_handler,
    (True, False): grpc.stream_unary_rpc_method_handler,
    (True, True): grpc.stream_stream_rpc_method_handler,
}

# Health and reflection: probes every few seconds, which no one wants to see as traces.
_INFRASTRUCTURE = "/grpc."
# The codes that are the server's own failure; any other is the caller's business and leaves the span's status unset.
_SERVER_FAILURES = frozenset({"UNKNOWN", "DEADLINE_EXCEEDED", "UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE", "DATA_LOSS"})
# A deadline is rounded up on its way, so the caller's end of it comes a little before ours. Seconds.
_DEADLINE_SLACK = 0.02


class Interceptor(grpc.aio.ServerInterceptor):
    """Wraps every servicer method. `untraced` names methods (`/package.Service/Method`) that get no span."""

    def __init__(self, telemetry: Telemetry, status_of: StatusOf, untraced: frozenset[str]) -> None:
        self._telemetry = telemetry
        self._status_of = status_of
        self._untraced = untraced
        self._known: dict[str, tuple[_Servicer, _Servicer, bool]] = {}
        self._durations = telemetry.metrics.histograms(
            vocabulary.METRIC_RPC_SERVER_DURATION, "s", "Duration of a unary call.", _measured
        )

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], "Awaitable[_Servicer | None]"],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> "_Servicer | None":
        """The method's servicer, wrapped; None where no service has the method."""
        servicer = await continuation(handler_call_details)
        if servicer is None:
            return None
        method = handler_call_details.method
        known = self._known.get(method)
        if known is None or known[0] is not servicer:  # gRPC asks for every call, and gives the same one
            traced = not (method.startswith(_INFRASTRUCTURE) or method in self._untraced)
            known = self._known[method] = servicer, self._guarded(method, servicer, traced=traced), traced
        # Here the headers are at hand, and cost some microseconds later. The RPC's task is the one that runs this.
        if known[2] and (sender := context_of(handler_call_details.invocation_metadata or ())):
            attach(sender)  # never detached: the task ends with the RPC
        return known[1]

    def _guarded(self, method: str, servicer: _Servicer, *, traced: bool) -> _Servicer:
        run, start, failed = _run(servicer), self._telemetry.start, self._failed
        streams = servicer.request_streaming or servicer.response_streaming
        durations = None if streams or method.startswith(_INFRASTRUCTURE) else self._durations
        ok = (method, "OK")
        attributes = {vocabulary.RPC_SYSTEM_NAME: vocabulary.RPC_SYSTEM_GRPC, vocabulary.RPC_METHOD: method[1:]}

        # One coroutine function: each that stood between would cost every call. A partial of one gRPC would not take.
        async def guarded(request: Any, context: _ServicerContext) -> Any:
            began = time.perf_counter()
            span = start(method[1:], attributes, SpanKind.SERVER) if traced else INVALID_SPAN
            if span is not INVALID_SPAN:
                attach(set_span_in_context(span))
            call = ok
            try:
                response = await run(request, context)
                if (code := _code_set(context)) is not None:
                    call = method, code
            except BaseException as error:
                code, status = failed(method, error, context, span)
                call = method, code
                finish(span, code)
                if status is not None:
                    await _abort(status, context)
                raise
            else:
                finish(span, call[1])
                return response
            finally:
                if durations is not None:
                    durations[call].add(time.perf_counter() - began)

        return _wrapped(servicer, guarded)

    def _failed(
        self, method: str, error: BaseException, context: _ServicerContext, span: Span
    ) -> tuple[str, Status | None]:
        """The code that a call ends with, and what its caller is to be told; None where it was told, or has gone."""
        if isinstance(error, asyncio.CancelledError):
            if _being_cancelled():
                return _why_cancelled(context), None
            # What this servicer waited for was cancelled, not the RPC: without a status the caller waits for ever.
        elif isinstance(error, grpc.aio.AbortError):
            return _code_set(context) or "OK", None
        elif isinstance(error, grpc.aio.InternalError):
            return "CANCELLED", None  # a read or write failed because the caller has gone
        elif not isinstance(error, Exception):
            return "UNKNOWN", None
        status = fitted(told(self._status_of, method[1:], error, span))
        return code_of(status).name, status


async def _abort(status: Status, context: _ServicerContext) -> NoReturn:
    details = (DETAILS_HEADER, status.SerializeToString())
    await context.abort(code_of(status), status.message, (*context.trailing_metadata(), details))


def _run(servicer: _Servicer) -> _Run:
    """The servicer's method as one coroutine function, whatever its kind.

    Serializing happens in here where gRPC lets it, so that a message that cannot be read or written is a failure like
    any other. Replies are written from here rather than yielded: an async generator that grpc.aio iterates is left to
    the garbage collector when the RPC is cancelled during a write.
    """
    read = None if servicer.request_streaming else servicer.request_deserializer
    if not servicer.response_streaming:
        return _answering(_behaviour(servicer), read or _same, servicer.response_serializer or _same)
    behaviour = _behaviour(servicer)
    if inspect.iscoroutinefunction(behaviour):
        return _answering(behaviour, read or _same, _same)  # it writes its replies itself
    return _streaming(behaviour, read or _same)


def _answering(behaviour: Callable[..., Awaitable[Any]], read: _Convert, write: _Convert) -> _Run:
    async def run(request: Any, context: _ServicerContext) -> Any:
        return write(await behaviour(read(request), context))

    return run


def _streaming(behaviour: Callable[..., AsyncGenerator[Any, None]], read: _Convert) -> _Run:
    async def run(request: Any, context: _ServicerContext) -> None:
        async with aclosing(behaviour(read(request), context)) as replies:
            async for reply in replies:
                await context.write(reply)

    return run


def _behaviour(servicer: _Servicer) -> Any:
    return servicer.unary_unary or servicer.unary_stream or servicer.stream_unary or servicer.stream_stream


def _wrapped(servicer: _Servicer, run: _Run) -> _Servicer:
    """A servicer of the same kind whose method is `run`; what `run` converts itself gRPC leaves alone."""
    kind = _KINDS[servicer.request_streaming, servicer.response_streaming]
    return kind(
        run,
        request_deserializer=servicer.request_deserializer if servicer.request_streaming else None,
        response_serializer=servicer.response_serializer if servicer.response_streaming else None,
    )


def _same(message: Any) -> Any:
    return message


def _being_cancelled() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def _why_cancelled(context: _ServicerContext) -> str:
    left = cast("float | None", context.time_remaining())
    return "CANCELLED" if left is None or left > _DEADLINE_SLACK else "DEADLINE_EXCEEDED"


def _code_set(context: _ServicerContext) -> str | None:
    """The code that the servicer set itself, by name."""
    code = cast("grpc.StatusCode | None", context.code())
    return None if code is None else code.name


def _measured(call: tuple[str, str]) -> Mapping[str, str]:
    """The attributes of a method's calls that ended with a code."""
    method, code = call
    attributes = {vocabulary.RPC_SYSTEM_NAME: vocabulary.RPC_SYSTEM_GRPC, vocabulary.RPC_METHOD: method[1:]}
    attributes[vocabulary.RPC_STATUS_CODE] = code
    return attributes if code == "OK" else {**attributes, vocabulary.ERROR_TYPE: code}


def finish(span: Span, code: str) -> None:
    """Ends the span of an RPC, or of a request of a framed stream, with its code's name."""
    if span.is_recording():
        span.set_attribute(vocabulary.RPC_STATUS_CODE, code)
        if code in _SERVER_FAILURES:
            fail(span, code)
        elif code != "OK":
            span.set_attribute(vocabulary.ERROR_TYPE, code)
    span.end()
