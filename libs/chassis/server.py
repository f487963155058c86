"""A gRPC server from its first second to its last: bind, say ready, serve, drain.

Law: a server that cannot listen says why in one line, before it serves anyone; a server that stops lets what is in
flight end. It listens without TLS, so only on this machine, unless it is told otherwise in so many words.
"""

import asyncio
import errno
import logging
import signal
import socket
import sys
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

import grpc
import grpc.aio
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from chassis.address import Address
from chassis.failure import StatusOf
from chassis.interceptor import Interceptor
from chassis.telemetry import Telemetry

Register = Callable[[grpc.aio.Server], None]
"""Adds one service's servicer, as a generated `add_…Servicer_to_server` with its servicer already given."""

MAX_MESSAGE_BYTES = 4 * 1024 * 1024

log = logging.getLogger(__name__)


class ListenError(Exception):
    """The server cannot listen where it should."""


class AddressInUse(ListenError):
    """Another server listens there already."""

    def __init__(self, address: Address) -> None:
        super().__init__(f"{address} is in use: stop the server that listens there, or choose another port (0: any)")
        self.address = address


class InsecureRemote(ListenError):
    """Other machines could reach the address, and the connection would not be encrypted."""

    def __init__(self, address: Address) -> None:
        super().__init__(
            f"{address} can be reached from other machines and there is no TLS: listen on 127.0.0.1,"
            " or allow insecure remote connections in so many words"
        )
        self.address = address


@dataclass(frozen=True, slots=True)
class ServerSpec:
    """What to serve and how.

    `services` maps each service's full name (for health and reflection) to what adds it. `status_of` knows the
    service's failures. `ready` is told `HOST:PORT`, with the real port, once connections are accepted. `grace` is how
    many seconds a stop waits for what is in flight. `reuse_port` lets several processes listen on one port. `untraced`
    names methods (`/package.Service/Method`) without spans: streams whose frames belong to many traces. A connection
    older than `max_connection_age` seconds is renewed, so that clients find new servers; its calls are not cut off.
    """

    services: Mapping[str, Register]
    listen: Address
    status_of: StatusOf
    telemetry: Telemetry = field(default_factory=Telemetry.off)
    ready: Callable[[str], None] = lambda _: None
    reflection: bool = True
    allow_insecure_remote: bool = False
    reuse_port: bool = False
    untraced: frozenset[str] = frozenset()
    max_receive_bytes: int = MAX_MESSAGE_BYTES
    max_send_bytes: int = MAX_MESSAGE_BYTES
    keepalive: float = 60.0
    max_connection_age: float = 300.0
    grace: float = 10.0


def announce(address: str) -> None:
    """A `ready` for a service's main: one line `ready HOST:PORT` on stdout, which a parent waits for."""
    sys.stdout.write(f"ready {address}\n")
    sys.stdout.flush()


async def run(spec: ServerSpec, stop: asyncio.Event | None = None) -> None:
    """Serves until SIGTERM, SIGINT or `stop`, then drains and flushes the telemetry.

    A signal sets `stop`: servicers that hold streams open may watch it and end them, for what is open is waited for. A
    second signal cancels what is still in flight. Raises ListenError where it cannot listen.
    """
    stop = stop or asyncio.Event()
    hurry = asyncio.Event()
    try:
        async with _signals(stop, hurry), Server(spec, hurry):
            await stop.wait()
    finally:
        await asyncio.to_thread(spec.telemetry.shutdown)


class Server:
    """A server of `spec`, with health and reflection.

    As `async with`, it serves inside the block and drains at its end; where the block fails, without grace. Setting
    `hurry` ends the grace of a drain.
    """

    def __init__(self, spec: ServerSpec, hurry: asyncio.Event | None = None) -> None:
        self._spec = spec
        self._hurry = hurry or asyncio.Event()
        self.address = spec.listen
        interceptor = Interceptor(spec.telemetry, spec.status_of, spec.untraced)
        self._grpc = grpc.aio.server(interceptors=(interceptor,), options=options_of(spec))
        self._health = _untyped(health).aio.HealthServicer()
        for register in spec.services.values():
            register(self._grpc)
        _untyped(health_pb2_grpc).add_HealthServicer_to_server(self._health, self._grpc)
        if spec.reflection:
            names = (*spec.services, health.SERVICE_NAME, reflection.SERVICE_NAME)
            reflection.enable_server_reflection(names, self._grpc)

    async def start(self) -> None:
        """Listens; then `address` is the real one and every service is SERVING. Raises ListenError."""
        listen = self._spec.listen
        if not listen.is_loopback and not self._spec.allow_insecure_remote:
            raise InsecureRemote(listen)
        await probe(listen, reuse_port=self._spec.reuse_port)
        try:
            port = self._grpc.add_insecure_port(str(listen))
        except RuntimeError as error:  # taken since the probe; gRPC's text does not say by what
            raise ListenError(f"cannot listen on {listen}: {error}") from error
        self.address = Address(listen.host, port)
        await self.set_serving(serving=True)
        await self._grpc.start()
        log.info("listening on %s", self.address)
        self._spec.ready(str(self.address))

    async def set_serving(self, *, serving: bool, service: str | None = None) -> None:
        """Tells the health of one service, or of all and the server as a whole (the service "")."""
        known = health_pb2.HealthCheckResponse
        status = known.SERVING if serving else known.NOT_SERVING
        for name in ("", *self._spec.services) if service is None else (service,):
            await self._health.set(name, status)

    async def drain(self) -> None:
        """Stops: NOT_SERVING for good, no new calls, those in flight end within the grace or are cancelled."""
        log.info("draining, at most %g s", self._spec.grace)
        await self._health.enter_graceful_shutdown()
        ended = asyncio.create_task(self._grpc.stop(self._spec.grace))
        hurried = asyncio.create_task(self._hurry.wait())
        await asyncio.wait((ended, hurried), return_when=asyncio.FIRST_COMPLETED)
        hurried.cancel()
        if not ended.done():
            await self._grpc.stop(None)
        await ended
        log.info("stopped")

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc_val: BaseException | None, exc_tb: TracebackType | None
    ) -> None:
        if exc_type is not None:
            self._hurry.set()
        await self.drain()


@asynccontextmanager
async def _signals(stop: asyncio.Event, hurry: asyncio.Event) -> AsyncGenerator[None]:
    """The first SIGTERM or SIGINT sets `stop`, a later one `hurry`."""

    def received() -> None:
        (hurry if stop.is_set() else stop).set()

    loop = asyncio.get_running_loop()
    for each in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(each, received)
    try:
        yield
    finally:
        for each in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(each)


async def probe(address: Address, *, reuse_port: bool) -> tuple[socket.AddressFamily, Any]:
    """Binds and lets go, because the system says why it refuses and gRPC does not. Returns what was bound."""
    loop = asyncio.get_running_loop()
    refused: OSError | None = None
    try:
        found = await loop.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except OSError as error:
        raise ListenError(f"cannot listen on {address}: {error.strerror}") from error
    for family, kind, protocol, _, at in found:
        with socket.socket(family, kind, protocol) as trial:
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, reuse_port)
            try:
                trial.bind(at)
            except OSError as error:
                refused = error
                if error.errno == errno.EADDRINUSE:
                    raise AddressInUse(address) from error
            else:
                return family, at
    raise ListenError(f"cannot listen on {address}: {refused.strerror if refused else 'no address'}")


def _untyped(module: object) -> Any:
    """grpcio-health-checking has no types, and its `aio` is found only when it runs."""
    return module


def options_of(spec: ServerSpec) -> tuple[tuple[str, int], ...]:
    """The options of gRPC itself for a server of `spec`."""
    return (
        ("grpc.so_reuseport", int(spec.reuse_port)),
        ("grpc.max_receive_message_length", spec.max_receive_bytes),
        ("grpc.max_send_message_length", spec.max_send_bytes),
        ("grpc.keepalive_time_ms", int(spec.keepalive * 1000)),
        ("grpc.keepalive_timeout_ms", 10_000),
        ("grpc.http2.ping_timeout_ms", 10_000),  # else a minute, whatever the keepalive's own
        # Clients may ping every 5 s; gRPC's own limit of 5 min would close the connections of ours.
        ("grpc.http2.min_ping_interval_without_data_ms", 5_000),
        ("grpc.keepalive_permit_without_calls", 1),
        ("grpc.max_connection_age_ms", int(spec.max_connection_age * 1000)),
    )
