"""Stores that a test disturbs at one place; all else is the real store's."""

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

from kernel.errors import CommitUnclear
from kernel.objects import Namespace
from kernel.transactions import Lane, Token, Transaction
from objectstore.ledger_store import LedgerStore
from objectstore.store import Changes


class OddStore:
    """The real store, whole."""

    def __init__(self, store: LedgerStore) -> None:
        self._store = store

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)


class AwayStore(OddStore):
    """Answers to commits are lost while it is `away`, and cannot be settled; `failure` comes once of a try to."""

    away = False
    failure: Exception | None = None

    async def commit(self, transaction: Transaction, lane: Lane) -> Token:
        if self.away:
            raise CommitUnclear("lost", unclear=lane.name)
        return await self._store.commit(transaction, lane)

    async def settle(self, namespace: Namespace, lane: Lane) -> Token | None:
        if self.failure is not None:
            failure, self.failure = self.failure, None
            raise failure
        if self.away:
            raise CommitUnclear("lost", unclear=lane.name)
        return await self._store.settle(namespace, lane)


class LateStore(OddStore):
    """Its watch tells nothing while it is on `hold`, and begins after `delay` seconds."""

    def __init__(self, store: LedgerStore, delay: float = 0.0) -> None:
        super().__init__(store)
        self.delay, self.going = delay, asyncio.Event()
        self.going.set()

    async def watch(self, namespace: Namespace, after: Token | None) -> AsyncGenerator[Changes]:
        await asyncio.sleep(self.delay)
        async for changes in self._store.watch(namespace, after):
            await self.going.wait()
            yield changes


class CountingStore(OddStore):
    """Counts what is committed, and waits for `before` ahead of each commit; else the real one."""

    def __init__(self, store: LedgerStore) -> None:
        super().__init__(store)
        self.commits: list[Transaction] = []
        self.before: Any = None

    async def commit(self, transaction: Transaction, lane: Lane) -> Token:
        self.commits.append(transaction)
        if self.before is not None:
            await self.before(transaction)
        return await self._store.commit(transaction, lane)
