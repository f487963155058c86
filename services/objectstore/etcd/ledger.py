"""The ledger in etcd. Law: reads are repeated until they are answered or time is up; a transaction is sent once."""

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator, Mapping, Sequence
from contextlib import aclosing, contextmanager
from typing import Any, Final, Self

from grpc.aio import AioRpcError
from opentelemetry.trace import Span as TelemetrySpan
from opentelemetry.trace import SpanKind

import vocabulary
from chassis.address import Address
from chassis.telemetry import Telemetry
from kernel.errors import StaleToken, StoreUnavailable
from objectstore.etcd import failures, requests, tls
from objectstore.etcd.access import Access
from objectstore.etcd.connection import Connection
from objectstore.etcd.leases import Leases
from objectstore.etcd.reading import JointReads
from objectstore.etcd.watching import watch
from objectstore.keys import META
from objectstore.leases import LeaseEnded
from objectstore.ledger import Entry, Events, Reading, Span, Step

READ_SECONDS: Final = 4.0
READY_SECONDS: Final = 10.0
_FIRST_PAUSE: Final = 0.02
_LONGEST_PAUSE: Final = 0.5
_TXN: Final = {
    vocabulary.DB_SYSTEM_NAME: vocabulary.DB_SYSTEM_ETCD,
    vocabulary.DB_OPERATION_NAME: vocabulary.SPAN_ETCD_TXN,
}
_RANGE: Final = {
    vocabulary.DB_SYSTEM_NAME: vocabulary.DB_SYSTEM_ETCD,
    vocabulary.DB_OPERATION_NAME: vocabulary.SPAN_ETCD_RANGE,
}

_LEASE: Final = {
    vocabulary.DB_SYSTEM_NAME: vocabulary.DB_SYSTEM_ETCD,
    vocabulary.DB_OPERATION_NAME: vocabulary.SPAN_ETCD_LEASE,
}


class EtcdLedger:
    """See Ledger. A read is given up `read_seconds` after it began."""

    def __init__(
        self, connection: Connection, telemetry: Telemetry | None = None, *, read_seconds: float = READ_SECONDS
    ) -> None:
        self._connection = connection
        self._telemetry = telemetry or Telemetry.off()
        metrics = self._telemetry.metrics
        self._durations = metrics.histograms(
            vocabulary.METRIC_DB_DURATION, "s", "Duration of a request to etcd, repeats included.", _operation
        )
        self._conflicts = metrics.counter(
            vocabulary.METRIC_DB_CONFLICTS, "{transaction}", "Transactions that compared in vain."
        )
        self._leases = Leases(connection)
        self._joint = JointReads(connection)
        self._read_seconds = read_seconds

    @classmethod
    async def open(
        cls,
        endpoints: Sequence[Address],
        telemetry: Telemetry | None = None,
        *,
        access: Access | None = None,
        ready_seconds: float = READY_SECONDS,
        read_seconds: float = READ_SECONDS,
    ) -> Self:
        """The ledger at these endpoints, once one of them answers.

        StoreUnavailable where none does within `ready_seconds`; NotTrusted, NotLetIn where `access` is not enough.
        """
        connection = Connection(endpoints, access)
        first = cls(connection, read_seconds=ready_seconds)
        try:
            await first.read(Span.key(META))
        except failures.NotLetIn:
            await connection.close()
            raise
        except StoreUnavailable as error:
            await connection.close()
            for endpoint in endpoints:
                if reason := await tls.why(endpoint, access or Access()):
                    raise failures.NotTrusted(reason) from None
            where = ",".join(str(endpoint) for endpoint in endpoints)
            why = error.text.removeprefix(failures.SILENT)
            raise type(error)(f"no etcd answers at {where} within {ready_seconds:g} s ({why})") from None
        return cls(connection, telemetry, read_seconds=read_seconds)

    async def read(self, *spans: Span) -> Reading:
        """See Ledger."""
        if len(spans) == 1:
            request = requests.range_request(spans[0])
            response = await self._read(vocabulary.SPAN_ETCD_RANGE, _RANGE, lambda: self._connection.range(request))
            return Reading([requests.entries(response)], response.header.revision, [response.count])
        ranges = await self._read(vocabulary.SPAN_ETCD_TXN, _TXN, lambda: self._joint.read(spans))
        found = [requests.entries(each) for each in ranges.responses]
        return Reading(found, ranges.revision, [each.count for each in ranges.responses])

    async def read_at(self, revision: int, span: Span) -> Sequence[Entry]:
        """See Ledger."""
        request = requests.range_request(span, revision)
        send = _kept(revision, lambda: self._connection.range(request))
        return requests.entries(await self._read(vocabulary.SPAN_ETCD_RANGE, _RANGE, send))

    async def read_all_at(self, revision: int, spans: Sequence[Span]) -> Sequence[Sequence[Entry]]:
        """See Ledger."""
        send = _kept(revision, lambda: self._joint.read(spans, revision))
        ranges = await self._read(vocabulary.SPAN_ETCD_TXN, _TXN, send)
        return [requests.entries(each) for each in ranges.responses]

    async def transact(self, step: Step) -> int | None:
        """See Ledger."""
        try:
            return await self._transact(step)
        except AioRpcError as error:
            if not failures.is_lease_gone(error):
                raise failures.of_transaction(error) from None
        self._leases.forget()  # it ended while etcd was away, and nothing was applied
        try:
            return await self._transact(step)
        except AioRpcError as error:
            raise failures.of_transaction(error) from None

    async def watch(self, span: Span, after: int) -> AsyncGenerator[Events]:
        """See Ledger."""
        await self._check_kept(after)
        async with aclosing(watch(self._connection, span, after)) as batches:
            async for events in batches:
                yield events

    async def grant(self, seconds: int) -> int:
        """See LeasingLedger."""
        return await self._leases.grant(seconds)

    async def renew(self, lease: int) -> bool:
        """See LeasingLedger."""
        answer = await self._read(vocabulary.SPAN_ETCD_LEASE, _LEASE, lambda: self._connection.renew(lease))
        return bool(answer.TTL > 0)

    async def revoke(self, lease: int) -> None:
        """See LeasingLedger."""

        async def ended() -> None:
            try:
                await self._connection.revoke(lease)
            except AioRpcError as error:
                if not failures.is_lease_gone(error):
                    raise

        await self._read(vocabulary.SPAN_ETCD_LEASE, _LEASE, ended)

    async def post(self, lease: int, key: bytes, value: bytes) -> int:
        """See LeasingLedger."""
        request = requests.txn_request(Step(passing={key: value}), lease)
        try:
            with self._asked(vocabulary.SPAN_ETCD_TXN, _TXN):
                return int((await self._connection.txn(request)).header.revision)
        except AioRpcError as error:
            if failures.is_lease_gone(error):
                raise LeaseEnded from None
            raise failures.of_transaction(error) from None

    async def close(self) -> None:
        """See Ledger."""
        await self._connection.close()

    async def _transact(self, step: Step) -> int | None:
        lease = await self._leases.lasting(step.seconds) if step.passing else 0
        request = requests.txn_request(step, lease)
        with self._asked(vocabulary.SPAN_ETCD_TXN, _TXN) as span:
            if span.is_recording():
                span.set_attribute(vocabulary.DB_OPERATION_BATCH_SIZE, len(request.compare) + len(request.success))
            response = await self._connection.txn(request)
        if response.succeeded:
            return int(response.header.revision)
        self._conflicts.count += 1
        return None

    @contextmanager
    def _asked(self, name: str, attributes: dict[str, str]) -> Generator[TelemetrySpan]:
        """A request's span and duration."""
        began = time.perf_counter()
        try:
            with self._telemetry.span(name, attributes, SpanKind.CLIENT) as span:
                yield span
        finally:
            self._durations[name].add(time.perf_counter() - began)

    async def _read(self, name: str, attributes: dict[str, str], send: Callable[[], Awaitable[Any]]) -> Any:
        with self._asked(name, attributes):
            end = time.monotonic() + self._read_seconds
            pause = _FIRST_PAUSE
            while True:
                try:
                    return await send()
                except AioRpcError as error:
                    if failures.is_final(error) or time.monotonic() + pause > end:
                        raise failures.of_read(error) from None
                await asyncio.sleep(pause)
                pause = min(pause * 2, _LONGEST_PAUSE)

    async def _check_kept(self, revision: int) -> None:
        # A watch tells that it is too old only after it was created, if at all of what is yet to come.
        await self.read_at(revision, Span.key(META, values=False))


def _operation(name: str) -> Mapping[str, str]:
    return {vocabulary.DB_SYSTEM_NAME: vocabulary.DB_SYSTEM_ETCD, vocabulary.DB_OPERATION_NAME: name}


def _kept(revision: int, send: Callable[[], Awaitable[Any]]) -> Callable[[], Awaitable[Any]]:
    """The same, with StaleToken where the revision is no longer kept."""

    async def kept() -> Any:
        if revision < 1:
            raise StaleToken(f"{revision} is no revision of the store")
        try:
            return await send()
        except AioRpcError as error:
            raise failures.of_revision(error, revision) or error from None

    return kept
