"""A store that only commits, for tests of group commit: it applies nothing, and fails as a test says."""

import asyncio
from collections.abc import Callable

from kernel.errors import KernelError
from kernel.objects import Namespace
from kernel.transactions import Lane, Token, Transaction


class ScriptedStore:
    """Takes commits when `gate` is open, and fails those that `fail` has something against."""

    def __init__(self) -> None:
        self.commits: list[tuple[Transaction, Lane]] = []
        self.settled: list[Lane] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.fail: Callable[[Transaction], KernelError | None] = lambda _: None
        self.in_flight = self.most_in_flight = 0
        self.decisions: list[Token | KernelError | None] = []

    async def commit(self, transaction: Transaction, lane: Lane) -> Token:
        self.commits.append((transaction, lane))
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        try:
            await self.gate.wait()
        finally:
            self.in_flight -= 1
        if (error := self.fail(transaction)) is not None:
            raise error
        return Token("epoch", len(self.commits))

    async def settle(self, namespace: Namespace, lane: Lane) -> Token | None:
        del namespace
        self.settled.append(lane)
        decision = self.decisions.pop(0)
        if isinstance(decision, KernelError):
            raise decision
        return decision
