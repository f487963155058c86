"""Leases for what ends by itself. Law: all that is put within one minute shares a lease, so that they stay few."""

import asyncio
import time
from collections.abc import Callable
from typing import Final

from grpc.aio import AioRpcError

from kernel.errors import StoreUnavailable
from objectstore.etcd.connection import Connection, etcd

BUCKET_SECONDS: Final = 60


class Leases:
    """The leases of the minute, by how long they last."""

    def __init__(self, connection: Connection, clock: Callable[[], float] = time.monotonic) -> None:
        self._connection = connection
        self._clock = clock
        self._granting = asyncio.Lock()
        self._current: dict[int, tuple[float, int]] = {}  # seconds -> (end of use, lease)

    async def lasting(self, seconds: int) -> int:
        """The id of a lease that lasts so many seconds from now, and at most a minute longer. StoreUnavailable."""
        async with self._granting:
            until, lease = self._current.get(seconds, (0.0, 0))
            if self._clock() >= until:
                until = self._clock() + BUCKET_SECONDS
                lease = await self.grant(seconds + BUCKET_SECONDS)
                self._current[seconds] = until, lease
            return lease

    def forget(self) -> None:
        """Use none of these leases again."""
        self._current.clear()

    async def grant(self, seconds: int) -> int:
        """The id of a lease that lasts so many seconds. StoreUnavailable, StoreFull."""
        try:
            # A grant whose answer is lost leaves a lease that ends unused.
            granted = await self._connection.grant(etcd.LeaseGrantRequest(TTL=seconds))
        except AioRpcError as error:
            raise StoreUnavailable(f"etcd grants no lease: {error.details()}; nothing was changed") from None
        return int(granted.ID)
