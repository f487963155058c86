"""What ends unless it is renewed. Law: a lease is a clock of the ledger's; whoever renews it says that it still lives.

Memory and etcd each keep these promises, beside those of a ledger:

- A lease ends no sooner than its seconds after the request that granted or last renewed it was sent, and soon after.
- With a lease end all keys posted under it, in one revision, and watches tell it. A key that was put or posted
  again since is no longer that lease's, and stays.
"""

from typing import Protocol

from objectstore.ledger import Ledger


class LeaseEnded(Exception):
    """The lease has ended, so nothing was posted under it."""


class LeasingLedger(Ledger, Protocol):
    """A ledger with leases. StoreUnavailable where it does not answer; to renew and to revoke may be repeated then."""

    async def grant(self, seconds: int) -> int:
        """The number of a new lease. StoreUnavailable, StoreFull; a lease whose answer is lost ends by itself."""
        ...

    async def renew(self, lease: int) -> bool:
        """Let the lease last its seconds from now; False where it has ended. StoreUnavailable."""
        ...

    async def revoke(self, lease: int) -> None:
        """End the lease and all that is posted under it, at once, if it has not ended by itself. StoreUnavailable."""
        ...

    async def post(self, lease: int, key: bytes, value: bytes) -> int:
        """Put a key that ends with the lease; its revision. LeaseEnded, Unclear, StoreUnavailable, StoreFull."""
        ...
