"""Channels to etcd. Law: watches have a channel of their own, so that a slow reader never holds up a commit.

aetcd's client knows one endpoint, neither limits nor revisions of reads, and does not resume a watch; its stubs do all
of that, and are what is used here. They carry no types: this is the one module that hides it.
"""

import asyncio
import json
import socket
from collections.abc import AsyncGenerator, Awaitable, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final, Protocol, cast

import aetcd.rpc
import grpc.aio

from chassis.address import Address

REQUEST_SECONDS: Final = 2.0
_ROUND_ROBIN: Final = json.dumps({"loadBalancingConfig": [{"round_robin": {}}]})
_OPTIONS: Final = (
    ("grpc.service_config", _ROUND_ROBIN),
    ("grpc.use_local_subchannel_pool", 1),  # else all channels to one address share one connection
    ("grpc.max_receive_message_length", -1),  # a watch that catches up gets up to 1,000 revisions at once
    ("grpc.keepalive_time_ms", 10_000),  # etcd closes connections that ask more often than every 5 s
    ("grpc.keepalive_timeout_ms", 5_000),
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 1_000),
    ("grpc.max_reconnect_backoff_ms", 1_000),
    ("grpc.enable_http_proxy", 0),
)
# A member that has lost its leader ends a watch with this, rather than keep it and tell nothing.
_NEEDS_LEADER: Final = (("hasleader", "true"),)

etcd: Any = aetcd.rpc  # its messages: TxnRequest, Compare, …


class Watching(Protocol):
    """An open watch stream."""

    async def write(self, request: Any) -> None:
        """Send a WatchRequest."""
        ...

    async def read(self) -> Any:
        """The next WatchResponse."""
        ...

    def cancel(self) -> bool:
        """End the stream."""
        ...


class Connection:
    """Every request fails with grpc.aio.AioRpcError, and within `seconds`."""

    def __init__(self, target: str, seconds: float = REQUEST_SECONDS) -> None:
        self._channel = grpc.aio.insecure_channel(target, options=_OPTIONS)
        self._watches = grpc.aio.insecure_channel(target, options=_OPTIONS)
        self._kv = etcd.KVStub(self._channel)
        self._lease = etcd.LeaseStub(self._channel)
        self._watch = etcd.WatchStub(self._watches)
        self._seconds = seconds

    def range(self, request: Any) -> Awaitable[Any]:
        """Read a range."""
        return cast("Awaitable[Any]", self._kv.Range(request, timeout=self._seconds))

    def txn(self, request: Any) -> Awaitable[Any]:
        """Apply a transaction."""
        return cast("Awaitable[Any]", self._kv.Txn(request, timeout=self._seconds))

    def grant(self, request: Any) -> Awaitable[Any]:
        """Grant a lease."""
        return cast("Awaitable[Any]", self._lease.LeaseGrant(request, timeout=self._seconds))

    def revoke(self, lease: int) -> Awaitable[Any]:
        """End a lease."""
        return cast("Awaitable[Any]", self._lease.LeaseRevoke(etcd.LeaseRevokeRequest(ID=lease), timeout=self._seconds))

    async def renew(self, lease: int) -> Any:
        """Let a lease last its time from now."""
        call = self._lease.LeaseKeepAlive(timeout=self._seconds)
        try:
            await call.write(etcd.LeaseKeepAliveRequest(ID=lease))
            return await call.read()
        except asyncio.InvalidStateError:  # it failed before the write
            return await call.read()
        finally:
            call.cancel()

    @asynccontextmanager
    async def watching(self) -> AsyncGenerator[Watching]:
        """A watch stream, ended with the block."""
        call = cast("Watching", self._watch.Watch(metadata=_NEEDS_LEADER))
        try:
            yield call
        finally:
            call.cancel()

    async def close(self) -> None:
        """Close both channels."""
        await self._channel.close()
        await self._watches.close()


async def target_of(endpoints: Sequence[Address]) -> str:
    """The name by which gRPC knows the endpoints, which are used in turn. Raises OSError where a name does not resolve.

    One name is resolved again whenever connections are lost; of several endpoints the names are resolved once.
    """
    if len(endpoints) == 1:
        return str(endpoints[0]) if endpoints[0].is_numeric else f"dns:///{endpoints[0]}"
    found = [await _resolved(endpoint) for endpoint in endpoints]
    family = "ipv6" if all(":" in each.host for each in found) else "ipv4"
    # A target is of one family: where both occur, the members without an IPv4 address are left out.
    fitting = [str(each) for each in found if (":" in each.host) == (family == "ipv6")]
    return f"{family}:{','.join(fitting)}"


async def _resolved(endpoint: Address) -> Address:
    if endpoint.is_numeric:
        return endpoint
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(endpoint.host, endpoint.port, type=socket.SOCK_STREAM)
    hosts = sorted((str(at[0]) for _, _, _, _, at in found), key=lambda host: ":" in host)
    return Address(hosts[0], endpoint.port)
