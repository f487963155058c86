"""Runs chains of messages in the sandbox, many objects at a time. Law: what waits for one method runs together.

While a method's activations run, further ones for it gather, and run together next: the busier a method is, the more of
them share a run, and the less each costs.
"""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextvars import Context
from dataclasses import dataclass, field
from typing import TypeAlias

from activation.batch import Batches, Chain, Outcome
from kernel.objects import MethodVersion

AT_ONCE = 1  # runs of one method, which has one session: more of them would only take from each other's size
MAX_ACTIVATIONS = 512
RUN_SECONDS = 0.02  # what a run aims at: all in it wait for the slowest

Ran: TypeAlias = Callable[[Sequence[Outcome | None]], None]

log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Queue:
    """What waits for one method on behalf of one principal."""

    method: MethodVersion
    principal: str
    waiting: deque[tuple[Chain, Ran]] = field(default_factory=deque[tuple[Chain, Ran]])
    running: int = 0
    seconds: float = 0.0
    """That an activation took lately."""

    def taken(self) -> Sequence[tuple[Chain, Ran]]:
        """What runs next: as many chains as take about the time that a run aims at, at least one."""
        most = min(MAX_ACTIVATIONS, RUN_SECONDS / self.seconds) if self.seconds else MAX_ACTIVATIONS
        taken, count = [self.waiting.popleft()], 0
        count = len(taken[0][0].calls)
        while self.waiting and count + len(self.waiting[0][0].calls) <= most:
            taken.append(self.waiting.popleft())
            count += len(taken[-1][0].calls)
        return taken

    def took(self, seconds: float, count: int) -> None:
        """A run of so many activations took so long."""
        self.seconds = (self.seconds + seconds / max(count, 1)) / 2 if self.seconds else seconds / max(count, 1)


class Running:
    """Takes chains, and tells each what came of it."""

    def __init__(self, batches: Batches) -> None:
        self._batches = batches
        self._queues: dict[tuple[str, str], _Queue] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._turning = False

    def add(self, method: MethodVersion, principal: str, chain: Chain, ran: Ran) -> None:
        """Run a chain together with others that come in the same moment, or while the method runs."""
        key = (method.digest, principal)
        if (queue := self._queues.get(key)) is None:
            queue = self._queues[key] = _Queue(method, principal)
        queue.waiting.append((chain, ran))
        if not self._turning:
            self._turning = True
            asyncio.get_running_loop().call_soon(self._turn)

    def _turn(self) -> None:
        self._turning = False
        for queue in list(self._queues.values()):
            while queue.waiting and queue.running < AT_ONCE:
                queue.running += 1
                task = asyncio.create_task(self._run(queue, queue.taken()), context=Context())
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)

    async def _run(self, queue: _Queue, taken: Sequence[tuple[Chain, Ran]]) -> None:
        chains = [chain for chain, _ in taken]
        outcomes: Sequence[Sequence[Outcome | None]]
        began = time.perf_counter()
        try:
            outcomes = await self._batches.run(queue.method, queue.principal, chains)
        except Exception:  # whatever it was, each of them run alone tells it better
            log.exception("a run of %s.%s failed", queue.method.holder, queue.method.selector)
            outcomes = [[None] * len(chain.calls) for chain in chains]
        queue.took(time.perf_counter() - began, sum(len(chain.calls) for chain in chains))
        queue.running -= 1
        for (_, ran), outcome in zip(taken, outcomes, strict=True):
            ran(outcome)
        if queue.waiting:
            self._turn()
        elif not queue.running:
            self._queues.pop((queue.method.digest, queue.principal), None)
