"""How a run's effects become durable. Law: nobody is answered before it is known whether the commit was made.

Every commit goes in a lane of this dispatcher's own, one at a time in each; the number tells a lost answer from a
commit that never was, and is settled for as long as that takes.
"""

import asyncio
import logging
import uuid
from collections.abc import Callable

from kernel.errors import CommitUnclear, StoreUnavailable
from kernel.objects import Namespace
from kernel.transactions import Lane, Token, Transaction
from objectstore.store import Store

LANES = 32
_PAUSE_SECONDS = 0.5

log = logging.getLogger(__name__)


class Commits:
    """A bounded number of commits in flight, each in a lane."""

    def __init__(self, store: Store, lanes: int = LANES) -> None:
        self._store = store
        self._free: asyncio.LifoQueue[_Lane] = asyncio.LifoQueue()
        for _ in range(lanes):
            self._free.put_nowait(_Lane())

    async def commit(self, transaction: Transaction, done: Callable[[Token], None]) -> Token:
        """Apply a transaction, and tell `done` of it. Raises Conflict, LimitExceeded, StoreFull, StoreUnavailable.

        Once begun it runs to its end, also where the caller is cancelled meanwhile: the caller leaves only then, so
        that what follows in the same mailbox sees the commit.
        """
        transaction.check()
        made = asyncio.create_task(self._commit(transaction, done))
        try:
            return await asyncio.shield(made)
        except asyncio.CancelledError:
            await asyncio.wait({made})
            if not made.cancelled():
                made.exception()  # seen; the cancellation is what the caller hears of
            raise

    async def _commit(self, transaction: Transaction, done: Callable[[Token], None]) -> Token:
        lane = await self._free.get()
        number = lane.next(transaction.namespace)
        try:
            token = await self._store.commit(transaction, number)
        except CommitUnclear:
            token = await self._settled(transaction, number)
        finally:
            self._free.put_nowait(lane)
        done(token)
        return token

    async def _settled(self, transaction: Transaction, lane: Lane) -> Token:
        """The token of a commit whose answer was lost, however long the store is away. Raises StoreUnavailable."""
        while True:
            try:
                token = await self._store.settle(transaction.namespace, lane)
            except StoreUnavailable as error:
                log.warning("a commit of %s is not settled yet: %s", transaction.namespace, error.text)
                await asyncio.sleep(_PAUSE_SECONDS)
            else:
                break
        if token is None:
            raise StoreUnavailable("the store did not answer, and nothing was changed: send again")
        return token


class _Lane:
    """A lane and the last number given out in each namespace; a number is given once, whatever becomes of it."""

    def __init__(self) -> None:
        self._name = uuid.uuid4().hex
        self._numbers: dict[Namespace, int] = {}

    def next(self, namespace: Namespace) -> Lane:
        """The lane with the number of its next commit."""
        number = self._numbers[namespace] = self._numbers.get(namespace, 0) + 1
        return Lane(self._name, number)
