"""Leases for what ends by itself. Law: all that is put within some seconds shares a lease.

So leases stay few, and what ends with one is not so much that etcd, which deletes it in one revision, stands still.
What lasts for days shares one for a minute: else there were a hundred thousand of a service that is never idle.
"""

import asyncio
import time
from collections.abc import Callable
from typing import Final

from grpc.aio import AioRpcError

from kernel.errors import KernelError
from objectstore.etcd import failures
from objectstore.etcd.connection import Connection, etcd

BUCKET_SECONDS: Final = 5
_LONGEST_BUCKET: Final = 60  # a ledger's promise: a minute more or less
_MOST: Final = 10_000  # leases of one length, about, that live at a time


class Leases:
    """The leases of these seconds, by how long they last."""

    def __init__(self, connection: Connection, clock: Callable[[], float] = time.monotonic) -> None:
        self._connection = connection
        self._clock = clock
        self._granting = asyncio.Lock()
        self._failures = 0
        self._failure: KernelError | None = None
        self._current: dict[int, tuple[float, int]] = {}  # seconds -> (end of use, lease)

    async def lasting(self, seconds: int) -> int:
        """The id of a lease that lasts so many seconds from now, and a little longer. StoreUnavailable, StoreFull.

        Who waits for a grant that fails fails with it: in an outage they would else wait one after the other.
        """
        failures_before = self._failures
        async with self._granting:
            if self._failure is not None and self._failures != failures_before:
                raise self._failure
            until, lease = self._current.get(seconds, (0.0, 0))
            if self._clock() >= until:
                bucket = max(BUCKET_SECONDS, min(seconds // _MOST, _LONGEST_BUCKET))
                until = self._clock() + bucket
                lease = await self._granted(seconds + bucket)
                self._current[seconds] = until, lease
            return lease

    def forget(self) -> None:
        """Use none of these leases again."""
        self._current.clear()

    async def _granted(self, seconds: int) -> int:
        try:
            return await self.grant(seconds)
        except KernelError as failure:
            self._failures, self._failure = self._failures + 1, failure
            raise

    async def grant(self, seconds: int) -> int:
        """The id of a lease that lasts so many seconds. StoreUnavailable, StoreFull."""
        try:
            # A grant whose answer is lost leaves a lease that ends unused.
            granted = await self._connection.grant(etcd.LeaseGrantRequest(TTL=seconds))
        except AioRpcError as error:
            raise failures.of_grant(error) from None
        return int(granted.ID)
