"""Channels to other servers: one trace over the hop, and every ready address used.

Law: nothing stands between the caller and its call. The traced channel starts the span, puts its ids into the metadata,
and gives back gRPC's own call object, so that early initial metadata, cancellation, deadlines and half-closed streams
are gRPC's own too. (grpc.aio's client interceptors put a task and, for streams, a queue in between: every frame pays.)
Channels are not encrypted: TLS is not served yet, and is no parameter until it is.
"""

from collections.abc import Callable, Generator, Iterable, Mapping
from contextlib import contextmanager
from json import dumps
from types import TracebackType
from typing import Any, Self, TypeVar, cast

import grpc
import grpc.aio
from opentelemetry.trace import Span, SpanKind

import vocabulary
from chassis.address import Address
from chassis.propagation import headers_of
from chassis.telemetry import Telemetry, fail

MAX_MESSAGE_BYTES = 4 * 1024 * 1024
_ROUND_ROBIN = dumps({"loadBalancingConfig": [{"round_robin": {}}]})

C = TypeVar("C", bound=grpc.aio.RpcContext)
_MultiCallable = Callable[..., grpc.aio.Call]


def channel(
    address: Address | str,
    *,
    telemetry: Telemetry | None = None,
    untraced: frozenset[str] = frozenset(),
    max_message_bytes: int = MAX_MESSAGE_BYTES,
    keepalive_seconds: float = 30.0,
) -> grpc.aio.Channel:
    """A channel to the server (for a name: to all its addresses in turn), which connects when it is first used.

    Calls carry the current trace; with a recording `telemetry` each has a client span. `untraced` names methods
    (`/package.Service/Method`) without one: long-lived streams, whose frames belong to many traces. A message larger
    than `max_message_bytes` fails with RESOURCE_EXHAUSTED. While calls are open, a silent peer is noticed within
    `keepalive_seconds` and ten more. Raises ValueError where `address` is text other than `host:port`.
    """
    where = Address.parse(address) if isinstance(address, str) else address
    options = (
        ("grpc.service_config", _ROUND_ROBIN),
        ("grpc.max_receive_message_length", max_message_bytes),
        ("grpc.max_send_message_length", max_message_bytes),
        ("grpc.keepalive_time_ms", int(keepalive_seconds * 1000)),
        ("grpc.keepalive_timeout_ms", 10_000),
        ("grpc.http2.ping_timeout_ms", 10_000),  # else a minute, whatever the keepalive's own
        # gRPC's own two minutes would keep a service away long after it is back.
        ("grpc.initial_reconnect_backoff_ms", 100),
        ("grpc.max_reconnect_backoff_ms", 1_000),
        # Services talk to each other directly; a proxy that the environment names is for the way out.
        ("grpc.enable_http_proxy", 0),
    )
    # Only a name is resolved again when its servers change, and only where the resolver is spelled out.
    target = str(where) if where.is_numeric else f"dns:///{where}"
    return TracedChannel(
        grpc.aio.insecure_channel(target, options=options), where, telemetry or Telemetry.off(), untraced
    )


@contextmanager
def ending(call: C) -> Generator[C]:
    """Cancels the call when the block is left before the call's end, however it is left.

    Whoever reads a stream needs it. gRPC ends a unary call with the task that waits for it, but leaves a stream open
    when its reader breaks off, is cancelled between two messages, or (a race in grpc.aio) while the request goes out.
    """
    try:
        yield call
    finally:
        call.cancel()


class TracedChannel(grpc.aio.Channel):
    """A channel whose calls carry the current trace; anything else is the inner channel's."""

    def __init__(
        self, inner: grpc.aio.Channel, address: Address, telemetry: Telemetry, untraced: frozenset[str]
    ) -> None:
        self._inner = inner
        self._peer = {vocabulary.SERVER_ADDRESS: address.host, vocabulary.SERVER_PORT: address.port}
        self._telemetry = telemetry
        self._untraced = untraced

    def unary_unary(self, method: str, *args: Any, **kwargs: Any) -> Any:
        """As gRPC's; the call is traced."""
        return self._traced(method, self._inner.unary_unary(method, *args, **kwargs))

    def unary_stream(self, method: str, *args: Any, **kwargs: Any) -> Any:
        """As gRPC's; the call is traced."""
        return self._traced(method, self._inner.unary_stream(method, *args, **kwargs))

    def stream_unary(self, method: str, *args: Any, **kwargs: Any) -> Any:
        """As gRPC's; the call is traced."""
        return self._traced(method, self._inner.stream_unary(method, *args, **kwargs))

    def stream_stream(self, method: str, *args: Any, **kwargs: Any) -> Any:
        """As gRPC's; the call is traced."""
        return self._traced(method, self._inner.stream_stream(method, *args, **kwargs))

    def _traced(self, method: str, multi_callable: Any) -> _MultiCallable:
        if method in self._untraced:
            return multi_callable
        rpc = {vocabulary.RPC_SYSTEM_NAME: vocabulary.RPC_SYSTEM_GRPC, vocabulary.RPC_METHOD: method[1:]}
        return _TracedMultiCallable(multi_callable, method[1:], rpc | self._peer, self._telemetry)

    async def close(self, grace: float | None = None) -> None:
        """Closes the channel; calls still open after `grace` seconds are cancelled."""
        await self._inner.close(grace)

    def get_state(self, try_to_connect: bool = False) -> grpc.ChannelConnectivity:  # noqa: FBT001, FBT002 - gRPC's signature
        """The state of the connection."""
        return self._inner.get_state(try_to_connect)

    async def wait_for_state_change(self, last_observed_state: grpc.ChannelConnectivity) -> None:
        """Waits until the state is another one."""
        await self._inner.wait_for_state_change(last_observed_state)

    async def channel_ready(self) -> None:
        """Waits until a server is connected, however long that takes."""
        await self._inner.channel_ready()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc_val: BaseException | None, exc_tb: TracebackType | None
    ) -> None:
        await self.close()


class _TracedMultiCallable:
    """Calls one method, with a span from the call's start to its status."""

    __slots__ = ("_attributes", "_call", "_name", "_telemetry")

    def __init__(
        self, call: _MultiCallable, name: str, attributes: Mapping[str, str | int], telemetry: Telemetry
    ) -> None:
        self._call = call
        self._name = name
        self._attributes = attributes
        self._telemetry = telemetry

    def __call__(
        self, *request: Any, metadata: Iterable[tuple[str, str | bytes]] | None = None, **options: Any
    ) -> grpc.aio.Call:
        span = self._telemetry.start(self._name, self._attributes, SpanKind.CLIENT)
        headers = headers_of(span)
        if headers:
            metadata = (*(metadata or ()), *headers)
        if not span.is_recording():
            return self._call(*request, metadata=metadata, **options)
        try:
            call = self._call(*request, metadata=metadata, **options)
        except Exception as error:
            fail(span, type(error).__qualname__)
            span.end()
            raise
        call.add_done_callback(lambda done: _finish(span, done))
        return call


def _finish(span: Span, call: grpc.aio.Call) -> None:
    code = _code(call).name
    span.set_attribute(vocabulary.RPC_STATUS_CODE, code)
    if code != "OK":
        fail(span, code)
    span.end()


def _code(call: grpc.aio.Call) -> grpc.StatusCode:
    """The code of a call that is done. Its coroutine has nothing to wait for, so one step runs it to its end."""
    try:
        call.code().send(None)
    except StopIteration as finished:
        return cast("grpc.StatusCode", finished.value)
    raise RuntimeError("a finished call has no status")
