"""One channel to one service. Law: every failure of gRPC leaves here as a BatosError."""

from collections.abc import AsyncGenerator, Awaitable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TypeVar

import grpc

from batos.failures import from_rpc

SHORT = 5.0  # seconds; what suits every request but a message
_OPTIONS = (
    # A service that was just started again is found within this, not within gRPC's own second.
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 2000),
    ("grpc.min_reconnect_backoff_ms", 5000),  # how long connecting may take, whatever its name
)
KEEPALIVE = 30.0

R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Service:
    """A service's name, its address, and the channel to it."""

    name: str
    address: str
    channel: grpc.aio.Channel

    @classmethod
    def at(cls, name: str, address: str, *, keepalive: float = KEEPALIVE) -> "Service":
        """The service at `host:port`; connects at the first request.

        While requests are open, one that vanished without a word is noticed within `keepalive` seconds and a third.
        """
        patience = int(keepalive * 1000 / 3)
        options = (
            *_OPTIONS,
            ("grpc.keepalive_time_ms", int(keepalive * 1000)),
            ("grpc.keepalive_timeout_ms", patience),
            ("grpc.http2.ping_timeout_ms", patience),  # else a minute, whatever the keepalive's own
        )
        return cls(name, address, grpc.aio.insecure_channel(address, options=options))

    async def ask(self, request: Awaitable[R]) -> R:
        """The answer to a unary request. Raises BatosError."""
        async with self.failures():
            return await request

    @asynccontextmanager
    async def failures(self) -> AsyncGenerator[None, None]:
        """Turns gRPC failures of the block into BatosError."""
        try:
            yield
        except grpc.aio.AioRpcError as error:
            raise from_rpc(error, service=self.name, address=self.address) from None
