"""How effects become durable, many messages at a time. Law: nobody is answered before it is known what became of it.

A *unit* commits whole or not at all: what some messages to an object read and wrote. Units that wait share a
transaction of the store as long as none writes what another read, so that what each alone would have done is what all
together do. A transaction that meets a conflict is split: the units that read what has changed lose, the others go
again at once. One transaction is in flight, and while it is, the units of the next gather, and then up to a lull; a few
are where many units wait. Each has a lane of this dispatcher's own, one at a time in each; the lane's number tells a
lost answer from a commit that never was, and is settled for as long as that takes.
"""

import asyncio
import logging
import time
import uuid
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextvars import Context, copy_context
from dataclasses import dataclass, field

from chassis.metrics import Metrics
from dispatcher.lulls import Lull
from dispatcher.measures import Measures
from kernel.errors import CommitUnclear, Conflict, KernelError, LimitExceeded, StoreUnavailable
from kernel.objects import Namespace, ObjectId
from kernel.transactions import MAX_COMPARES, MAX_READS, KeptReply, Key, Lane, Part, Token, Transaction
from kernel.values import Packed
from objectstore.store import Store

IN_FLIGHT = 4
ENOUGH = 48  # units that wait for no lull
ANOTHER = 32  # units that wait, for which a transaction begins while others are in flight
MAX_RUNS = 5  # of a message, before its conflicts are told
_MAX_PASSED = 32  # units that do not fit; what is behind them waits for the next transaction
_PAUSE_SECONDS = 0.5

_STOPPED = "this dispatcher stopped before the store had answered: with a request_id it can be sent again safely"

log = logging.getLogger(__name__)


@dataclass(slots=True, eq=False)
class Unit:
    """What commits or does not as one. `settled` is told how it ended, exactly once."""

    namespace: Namespace
    reads: Mapping[Key, int]
    writes: Mapping[ObjectId, Packed]
    settled: Callable[[Token | KernelError], None]
    replies: Sequence[KeptReply] = ()
    context: Context | None = None
    """Where the commit's span is the current one; None where nobody records it."""
    apart: bool = False
    """Whether it goes in a transaction of its own."""

    def names(self) -> set[str]:
        """What a conflict calls the things that it compares."""
        return {key.name for key in self.reads} | {reply.name for reply in self.replies}


@dataclass(slots=True)
class _Group:
    """Units that fit one transaction."""

    namespace: Namespace
    units: list[Unit] = field(default_factory=list[Unit])
    reads: dict[Key, int] = field(default_factory=dict[Key, int])
    writes: dict[ObjectId, Packed] = field(default_factory=dict[ObjectId, Packed])
    replies: list[KeptReply] = field(default_factory=list[KeptReply])

    def take(self, unit: Unit) -> bool:
        """Add the unit, if it fits."""
        if self.units and not self._fits(unit):
            return False
        self.units.append(unit)
        self.reads.update(unit.reads)
        self.writes.update(unit.writes)
        self.replies.extend(unit.replies)
        return True

    def _fits(self, unit: Unit) -> bool:
        if unit.apart or self.units[0].apart:
            return False
        if any(self.reads.get(key, revision) != revision for key, revision in unit.reads.items()):
            return False
        if any(Key(each, Part.SLOTS) in self.reads for each in unit.writes):
            return False
        if any(key.object_id in self.writes for key in unit.reads if key.part is Part.SLOTS):
            return False
        more = sum(key not in self.reads for key in unit.reads)
        replies = len(self.replies) + len(unit.replies)
        changes = len(self.writes) + len(unit.writes) + replies
        return max(len(self.reads) + more + replies, changes) <= MAX_COMPARES

    def transaction(self) -> Transaction:
        return Transaction(self.namespace, self.reads, self.writes, tuple(self.replies))


class Commits:
    """Takes units, and commits as many together as it can."""

    def __init__(self, store: Store, in_flight: int = IN_FLIGHT, measures: Measures | None = None) -> None:
        self._store, self._measures = store, measures or Measures(Metrics())
        self._lanes, self._most = [_Lane() for _ in range(in_flight)], in_flight
        self._waiting: dict[Namespace, deque[Unit]] = {}
        self._commits: set[asyncio.Task[None]] = set()
        self._lull = Lull(self._backlog, self._turn, ENOUGH)

    def add(self, unit: Unit) -> None:
        """Commit the unit with others that come in the same moment, or while the lanes are taken."""
        self._waiting.setdefault(unit.namespace, deque()).append(unit)
        self._wake()

    async def commit(
        self,
        namespace: Namespace,
        reads: Mapping[Key, int],
        writes: Mapping[ObjectId, Packed],
        replies: Sequence[KeptReply] = (),
        *,
        made: Callable[[Token], None] = lambda _: None,
    ) -> Token:
        """Commit a unit and wait. Raises Conflict, LimitExceeded, StoreFull, StoreUnavailable.

        Once begun it runs to its end, also where the caller is cancelled meanwhile: the caller leaves only then, and
        `made` was told, so that what follows in the same mailbox sees the commit.
        """
        if len(reads) > MAX_READS:
            raise LimitExceeded("reads", f"the run read {len(reads)} keys; at most {MAX_READS} can be committed")
        settled: asyncio.Future[Token] = asyncio.get_running_loop().create_future()

        def settle(outcome: Token | KernelError) -> None:
            if isinstance(outcome, Token):
                made(outcome)
                settled.set_result(outcome)
            else:
                settled.set_exception(outcome)

        self.add(Unit(namespace, reads, writes, settle, replies, copy_context()))
        try:
            return await asyncio.shield(settled)
        except asyncio.CancelledError:
            await asyncio.wait({settled})
            settled.exception()  # seen; the cancellation is what the caller hears of
            raise

    async def close(self) -> None:
        """Give up what is not committed, or not settled: who waits for it is told that it may have been made."""
        commits = list(self._commits)
        for commit in commits:
            commit.cancel()
        await asyncio.gather(*commits, return_exceptions=True)
        waiting, self._waiting = self._waiting, {}
        for unit in [unit for units in waiting.values() for unit in units]:
            _tell(unit, StoreUnavailable("this dispatcher stops, and nothing was changed: send again"))

    def _wake(self) -> None:
        if self._may_begin():
            self._lull.plan()

    def _may_begin(self) -> bool:
        if not (self._lanes and self._waiting):
            return False
        return len(self._lanes) == self._most or self._backlog() >= ANOTHER

    def _turn(self) -> None:
        while self._may_begin():
            group, lane = self._next_group(), self._lanes.pop()
            self._lull.began(len(group.units))
            context = next((unit.context for unit in group.units if unit.context), Context())
            commit = asyncio.create_task(self._commit(group, lane), context=context)
            self._commits.add(commit)
            commit.add_done_callback(self._commits.discard)

    def _backlog(self) -> int:
        return sum(len(units) for units in self._waiting.values())

    def _next_group(self) -> _Group:
        """The units that have waited longest in a namespace, and all that fit beside them."""
        namespace = next(iter(self._waiting))
        units, group = self._waiting.pop(namespace), _Group(namespace)
        passed: list[Unit] = []
        while units and len(passed) < _MAX_PASSED:
            if not group.take(unit := units.popleft()):
                passed.append(unit)
        units.extendleft(reversed(passed))
        if units:
            self._waiting[namespace] = units  # behind the other namespaces
        return group

    async def _commit(self, group: _Group, lane: "_Lane") -> None:
        began = time.perf_counter()
        try:
            outcome = await self._outcome(group, lane)
        except asyncio.CancelledError:
            outcome = StoreUnavailable(_STOPPED, effect="unknown")
        self._measures.commits.add(time.perf_counter() - began)
        self._measures.units.add(len(group.units))
        self._lanes.append(lane)
        self._wake()
        if len(group.units) > 1 and isinstance(outcome, LimitExceeded):
            self._again(group.units, apart=True)
        elif len(group.units) > 1 and isinstance(outcome, Conflict):
            self._split(group.units, outcome)
        else:
            self._measures.conflicts.count += isinstance(outcome, Conflict)
            for unit in group.units:
                _tell(unit, outcome)

    async def _outcome(self, group: _Group, lane: "_Lane") -> Token | KernelError:
        number = lane.next(group.namespace)
        try:
            return await self._store.commit(group.transaction(), number)
        except CommitUnclear:
            return await self._settled(group.namespace, number)
        except KernelError as error:
            return error
        except Exception:  # a bug of ours; whoever waits must hear of it
            log.exception("a commit of %s failed", group.namespace)
            return KernelError("the commit failed for a reason that is in the log")

    def _split(self, units: Sequence[Unit], conflict: Conflict) -> None:
        changed = set(conflict.changed)
        losers = [unit for unit in units if not changed.isdisjoint(unit.names())] or units
        self._measures.conflicts.count += len(losers)
        self._again([unit for unit in units if unit not in losers])
        for unit in losers:
            mine = [name for name in conflict.changed if name in unit.names()]
            _tell(unit, Conflict(conflict.text, mine))

    def _again(self, units: Sequence[Unit], *, apart: bool = False) -> None:
        for unit in reversed(units):
            unit.apart = unit.apart or apart
            self._waiting.setdefault(unit.namespace, deque()).appendleft(unit)
        self._wake()

    async def _settled(self, namespace: Namespace, lane: Lane) -> Token | KernelError:
        """What came of a commit whose answer was lost, however long the store is away."""
        while True:
            try:
                token = await self._store.settle(namespace, lane)
            except StoreUnavailable as error:
                log.warning("a commit of %s is not settled yet: %s", namespace, error.text)
            except Exception:  # whatever it is, nobody may be told before it is known
                log.exception("a commit of %s is not settled yet", namespace)
            else:
                break
            await asyncio.sleep(_PAUSE_SECONDS)
        return token or StoreUnavailable("the store did not answer, and nothing was changed: send again")


def _tell(unit: Unit, outcome: Token | KernelError) -> None:
    try:
        unit.settled(outcome)
    except Exception:  # a bug of ours must cost its own unit, and nobody else's
        log.exception("a unit of %s could not be told of its end", unit.namespace)


class _Lane:
    """A lane and the last number given out in each namespace; a number is given once, whatever becomes of it."""

    def __init__(self) -> None:
        self._name = uuid.uuid4().hex
        self._numbers: dict[Namespace, int] = {}

    def next(self, namespace: Namespace) -> Lane:
        """The lane with the number of its next commit."""
        number = self._numbers[namespace] = self._numbers.get(namespace, 0) + 1
        return Lane(self._name, number)
