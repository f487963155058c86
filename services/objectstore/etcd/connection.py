"""Channels to etcd. Law: a request goes to one member, and the next request passes over a member that failed.

Each member has channels of its own, so that its certificate is checked against its own name. One that hangs holds up,
for as long as a request may take, those requests that it was given before it had been silent for half a second; then it
is passed over while there is another, and after a failure until it has answered a probe, or a request that no other
could take. Watches have channels of their own, so that a slow reader never holds up a commit.

aetcd's client knows one endpoint, neither limits nor revisions of reads, and does not resume a watch; its stubs do all
of that, and are what is used here. They carry no types: this is the one module that hides it.
"""

import asyncio
import json
import random
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any, Final, Protocol, cast

import aetcd.rpc
import grpc
import grpc.aio
from grpc.aio import AioRpcError

from chassis.address import Address
from kernel.errors import StoreUnavailable
from objectstore.etcd import failures
from objectstore.etcd.access import Access, Metadata, Tokens
from objectstore.etcd.presence import Presence
from objectstore.keys import META

REQUEST_SECONDS: Final = 2.0
_PROBE_SECONDS: Final = 1.0  # between two probes
_SILENT_SECONDS: Final = 0.5  # with requests that wait, and no answer to any
_ROUND_ROBIN: Final = json.dumps({"loadBalancingConfig": [{"round_robin": {}}]})
_OPTIONS: Final = (
    ("grpc.service_config", _ROUND_ROBIN),  # where a name has several addresses
    ("grpc.use_local_subchannel_pool", 1),  # else all channels to one address share one connection
    ("grpc.max_receive_message_length", -1),  # a watch that catches up gets up to 1,000 revisions at once
    ("grpc.keepalive_time_ms", 10_000),  # etcd closes connections that ask more often than every 5 s
    ("grpc.keepalive_timeout_ms", 5_000),
    ("grpc.http2.ping_timeout_ms", 5_000),  # else a minute, whatever the keepalive's own
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 1_000),
    ("grpc.max_reconnect_backoff_ms", 1_000),
    ("grpc.enable_http_proxy", 0),
)
# A member that has lost its leader ends a watch with this, rather than keep it and tell nothing.
_NEEDS_LEADER: Final = (("hasleader", "true"),)

etcd: Any = aetcd.rpc  # its messages: TxnRequest, Compare, …
_PROBE: Final = etcd.RangeRequest(key=META, keys_only=True)


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


class _Member:
    """One member of etcd, or one name for several."""

    def __init__(self, endpoint: Address, access: Access, presence: Presence) -> None:
        self._presence = presence
        self._channel = _channel(endpoint, access)
        self._watches = _channel(endpoint, access)
        self.auth = etcd.AuthStub(self._channel)
        self.kv = etcd.KVStub(self._channel)
        self.lease = etcd.LeaseStub(self._channel)
        self.watch = etcd.WatchStub(self._watches)
        self.suspect = False
        self._waiting = 0
        self._heard = 0.0

    async def asked(self, request: Awaitable[Any]) -> Any:
        """The answer to a request, or its failure."""
        if not self._waiting:
            self._heard = time.monotonic()
        self._waiting += 1
        try:
            answer = await request
        except AioRpcError as error:
            if not failures.is_of_member(error):
                self._answered()
            raise
        else:
            self._answered()
            return answer
        finally:
            self._waiting -= 1

    def _answered(self) -> None:
        self._heard, self.suspect = time.monotonic(), False
        self._presence.answered()

    @property
    def rank(self) -> int:
        """0 where it is connected, answers, and did not fail since it was heard last; asking connects it."""
        ready = self._channel.get_state(try_to_connect=True) is grpc.ChannelConnectivity.READY
        silent = self._waiting > 0 and time.monotonic() - self._heard > _SILENT_SECONDS
        return (self.suspect + silent) * 2 + (not ready)

    async def close(self) -> None:
        await self._channel.close()
        await self._watches.close()


class Connection:
    """Requests to whichever member answers. Each fails with grpc.aio.AioRpcError, and within `seconds`.

    StoreUnavailable, before anything was sent, where etcd lets the user of `access` in no more.
    """

    def __init__(
        self, endpoints: Sequence[Address], access: Access | None = None, *, seconds: float = REQUEST_SECONDS
    ) -> None:
        access = access or Access()
        self._presence = Presence(",".join(str(endpoint) for endpoint in endpoints))
        self._members = [_Member(endpoint, access, self._presence) for endpoint in endpoints]
        random.shuffle(self._members)  # so that not all servers use the same one
        self._seconds = seconds
        self._probes: set[asyncio.Task[None]] = set()
        login = etcd.AuthenticateRequest(name=access.user, password=access.password)
        self._tokens = Tokens(access, lambda: self._to_one(lambda at: at.auth.Authenticate(login, timeout=seconds)))

    async def range(self, request: Any) -> Any:
        """Read a range."""
        return await self._sent(lambda at, token: at.kv.Range(request, timeout=self._seconds, metadata=token))

    async def txn(self, request: Any) -> Any:
        """Apply a transaction."""
        return await self._sent(lambda at, token: at.kv.Txn(request, timeout=self._seconds, metadata=token))

    async def grant(self, request: Any) -> Any:
        """Grant a lease."""
        return await self._sent(lambda at, token: at.lease.LeaseGrant(request, timeout=self._seconds, metadata=token))

    async def revoke(self, lease: int) -> Any:
        """End a lease."""
        request = etcd.LeaseRevokeRequest(ID=lease)
        return await self._sent(lambda at, token: at.lease.LeaseRevoke(request, timeout=self._seconds, metadata=token))

    async def renew(self, lease: int) -> Any:
        """Let a lease last its time from now."""
        request = etcd.LeaseKeepAliveRequest(ID=lease)
        return await self._sent(lambda at, token: self._kept_alive(at, request, token))

    @asynccontextmanager
    async def watching(self) -> AsyncGenerator[Watching]:
        """A watch stream, ended with the block; one that fails there is looked for at another member next time."""
        member = self._best()
        token = await self._tokens.current()
        call = cast("Watching", member.watch.Watch(metadata=(*_NEEDS_LEADER, *token)))
        try:
            yield call
        except AioRpcError:
            self._suspect(member)
            raise
        finally:
            call.cancel()

    async def distrust(self) -> None:
        """Log in anew: etcd ended a watch, and does not say whether for want of a login."""
        self._tokens.refused(await self._tokens.current())

    async def close(self) -> None:
        """Close all channels."""
        await self._tokens.close()
        for probe in self._probes:
            probe.cancel()
        await asyncio.gather(*self._probes, return_exceptions=True)
        await asyncio.gather(*(member.close() for member in self._members))

    async def _kept_alive(self, member: _Member, request: Any, token: Metadata) -> Any:
        call = member.lease.LeaseKeepAlive(timeout=self._seconds, metadata=token)
        try:
            await call.write(request)
            return await call.read()
        except asyncio.InvalidStateError:  # it failed before the write
            return await call.read()
        finally:
            call.cancel()

    async def _sent(self, send: Callable[[_Member, Metadata], Awaitable[Any]]) -> Any:
        token = await self._tokens.current()
        try:
            return await self._to_one(lambda member: send(member, token))
        except AioRpcError as error:
            if not failures.is_login_refused(error):
                raise
        # It was refused before anything came of it, so that a transaction, too, may be sent again.
        self._tokens.refused(token)
        token = await self._tokens.current()
        return await self._to_one(lambda member: send(member, token))

    async def _to_one(self, send: Callable[[_Member], Awaitable[Any]]) -> Any:
        member = self._best()
        try:
            return await member.asked(send(member))
        except AioRpcError as error:
            if failures.is_of_member(error):
                self._suspect(member)
                self._failed(error)
            raise

    def _failed(self, error: AioRpcError) -> None:
        if all(member.suspect for member in self._members):  # else the next request may find one that answers
            self._presence.failed(error.details() or "")

    def _suspect(self, member: _Member) -> None:
        """Pass it over until it answers."""
        if not member.suspect:
            member.suspect = True
            probe = asyncio.create_task(self._probe(member))
            self._probes.add(probe)
            probe.add_done_callback(self._probes.discard)

    async def _probe(self, member: _Member) -> None:
        """Ask a member that failed until it answers: a read that it can answer only with the others."""
        while member.suspect:
            await asyncio.sleep(_PROBE_SECONDS)
            # It refuses one whose token is no good without asking the others; what comes then finds out.
            with suppress(StoreUnavailable):
                token = await self._tokens.current()
                try:
                    await member.asked(member.kv.Range(_PROBE, timeout=self._seconds, metadata=token))
                except AioRpcError as error:
                    self._failed(error)

    def _best(self) -> _Member:
        return min(self._members, key=lambda member: member.rank)


def _channel(endpoint: Address, access: Access) -> grpc.aio.Channel:
    target = target_of(endpoint)
    if access.ca is None:
        return grpc.aio.insecure_channel(target, options=_OPTIONS)
    credentials = grpc.ssl_channel_credentials(access.ca, access.key, access.certificate)
    return grpc.aio.secure_channel(target, credentials, options=_OPTIONS)


def target_of(endpoint: Address) -> str:
    """The name by which gRPC knows an endpoint; a name is resolved again whenever connections are lost."""
    return str(endpoint) if endpoint.is_numeric else f"dns:///{endpoint}"
