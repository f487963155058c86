"""Runs chains of messages in the sandbox, many objects at a time. Law: what waits for one method runs together.

While a method's activations run, further ones for it gather, and run together next: the busier a method is, the more of
them share a run, and the less each costs. A run is so short that little gathers by itself, so the next one waits for a
lull.
"""

import asyncio
import logging
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TypeAlias

from activation.batch import Batches, Chain, Outcome
from dispatcher.lulls import Lull
from kernel.objects import MethodVersion

MAX_ACTIVATIONS = 512
RUN_SECONDS = 0.02  # what a run aims at: all in it wait for the slowest
ENOUGH = 48  # chains that wait for no lull
MAX_QUEUES = 1000

_Key: TypeAlias = tuple[str, str, tuple[str, ...] | None]
Ran: TypeAlias = Callable[[Sequence[Outcome | None]], None]

log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Queue:
    """What waits for one method on behalf of one principal."""

    method: MethodVersion
    principal: str
    waiting: deque[tuple[Chain, Ran]] = field(default_factory=deque[tuple[Chain, Ran]])
    running: bool = False
    """A run is under way: one at a time, since the method has one session."""
    seconds: float = 0.0
    """That an activation took lately."""
    began: float = 0.0
    lull: Lull = field(init=False)

    def taken(self) -> Sequence[tuple[Chain, Ran]]:
        """What runs next: as many chains as take about the time that a run aims at, at least one."""
        most = min(MAX_ACTIVATIONS, RUN_SECONDS / self.seconds) if self.seconds else MAX_ACTIVATIONS
        taken = [self.waiting.popleft()]
        count = len(taken[0][0].calls)
        while self.waiting and count + len(self.waiting[0][0].calls) <= most:
            taken.append(self.waiting.popleft())
            count += len(taken[-1][0].calls)
        self.lull.began(len(taken))
        self.began = time.perf_counter()
        return taken

    def took(self, count: int) -> None:
        """A run of so many activations has ended."""
        seconds = (time.perf_counter() - self.began) / max(count, 1)
        self.seconds = (self.seconds + seconds) / 2 if self.seconds else seconds


class Running:
    """Takes chains, and tells each what came of it."""

    def __init__(self, batches: Batches) -> None:
        self._batches = batches
        self._queues: OrderedDict[_Key, _Queue] = OrderedDict()
        self._tasks: set[asyncio.Task[None]] = set()

    def add(self, method: MethodVersion, principal: str, chain: Chain, ran: Ran) -> None:
        """Run a chain together with others that come in the same moment, or while the method runs."""
        queue = self._queue(method, principal)
        queue.waiting.append((chain, ran))
        if not queue.running:
            queue.lull.plan()

    def _queue(self, method: MethodVersion, principal: str) -> _Queue:
        key = (method.digest, principal, method.effects and method.effects.writes)  # the same source may promise less
        if (queue := self._queues.get(key)) is None:
            queue = self._queues[key] = _Queue(method, principal)
            queue.lull = Lull(queue.waiting.__len__, partial(self._begin, queue), ENOUGH)
            idle = [each for each, old in self._queues.items() if not old.waiting and not old.running]
            for each in idle[: len(self._queues) - MAX_QUEUES]:
                del self._queues[each]
        return queue

    def _begin(self, queue: _Queue) -> None:
        queue.running = True
        task = asyncio.create_task(self._run(queue, queue.taken()))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _run(self, queue: _Queue, taken: Sequence[tuple[Chain, Ran]]) -> None:
        chains = [chain for chain, _ in taken]
        outcomes: Sequence[Sequence[Outcome | None]]
        try:
            outcomes = await self._batches.run(queue.method, queue.principal, chains)
        except Exception:  # whatever it was, each of them run alone tells it better
            log.exception("a run of %s.%s failed", queue.method.holder, queue.method.selector)
            outcomes = [[None] * len(chain.calls) for chain in chains]
        queue.took(sum(len(chain.calls) for chain in chains))
        queue.running = False
        if queue.waiting:
            queue.lull.plan()
        for (_, ran), outcome in zip(taken, outcomes, strict=True):
            ran(outcome)
