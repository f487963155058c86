"""Calls that are kept, to compare another version with. Law: no send waits for it, and none fails or slows by it.

Of each version that this dispatcher runs the first 5 calls are kept, then about one in a hundred: a hash of the
version and of how many there were says which, so that a hit costs a look into a table and a comparison. Only messages
of senders are kept, no nested sends; no dry run, nothing that failed, nothing that is larger than the store keeps. What
is kept of a method is written at most once in 10 s, and let go where the store cannot take it.
"""

import asyncio
import logging
import time
from collections.abc import Mapping, Sequence
from contextvars import Context
from dataclasses import dataclass, field
from typing import Final, TypeAlias
from zlib import crc32

from opentelemetry.context import attach

from activation.run import Run, to_does_not_understand
from chassis.propagation import UNRECORDED
from dispatcher.mailbox import Inputs
from kernel.errors import KernelError, LimitExceeded
from kernel.messages import EPOCH_2000, Example, Failure, Message
from kernel.objects import MethodVersion, Namespace, ObjectId, Selector
from kernel.values import SlotValues, Value, encode
from objectstore.proving import RecordedCall
from objectstore.store import Store

FIRST: Final = 5
ONE_IN: Final = 100
MAX_BYTES: Final = 16 * 1024
MAX_VERSIONS: Final = 100_000
MAX_METHODS: Final = 1_000
MAX_PENDING: Final = 10  # of one method
SECONDS: Final = 10.0
FIRST_SECONDS: Final = 1.0  # so that the first calls of a method go together
STOP_SECONDS: Final = 1.0

_Version: TypeAlias = tuple[Namespace, ObjectId, Selector, int, str]
_Method: TypeAlias = tuple[Namespace, ObjectId, Selector]
_FIXED = Inputs(EPOCH_2000, 0)  # what runs with others has no clock and no chance
_NOBODY: Mapping[ObjectId, SlotValues] = {}

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Call:
    """A message that a version answered: the receiver's slots before and after, and those of others it looked at."""

    method: MethodVersion
    message: Message
    before: SlotValues
    after: SlotValues
    result: Value
    inputs: Inputs = _FIXED
    others: Mapping[ObjectId, SlotValues] = field(default_factory=lambda: _NOBODY)


@dataclass(slots=True)
class _Tally:
    """How many calls of a version there were, and the number of the next that is kept."""

    seen: int = 0
    next: int = 0


@dataclass(slots=True)
class _Pending:
    """Calls of a method that are still to be written."""

    timer: asyncio.TimerHandle
    calls: list[RecordedCall] = field(default_factory=list[RecordedCall])


class Recorder:
    """Keeps some calls in the store, in the background; none where it is not `enabled`."""

    def __init__(
        self, store: Store, *, enabled: bool = True, seconds: float = SECONDS, first_seconds: float = FIRST_SECONDS
    ) -> None:
        self._store, self._enabled, self._seconds, self._first_seconds = store, enabled, seconds, first_seconds
        self._tallies: dict[_Version, _Tally] = {}
        self._pending: dict[_Method, _Pending] = {}
        self._written: dict[_Method, float] = {}
        self._writing: set[asyncio.Task[None]] = set()

    def due(self, namespace: Namespace, method: MethodVersion, count: int) -> Sequence[int]:
        """Which of the next `count` calls of a version are to be kept, from 0; mostly none."""
        if not self._enabled:
            return ()
        key = (namespace, method.holder, method.selector, method.number, method.digest)
        tally = self._tallies.get(key) or self._begin(key)
        begin = tally.seen
        tally.seen += count
        if tally.seen <= tally.next:
            return ()
        places: list[int] = []
        while tally.next < tally.seen:
            places.append(tally.next - begin)
            tally.next += 1 if tally.next + 1 < FIRST else _step(method.digest, tally.next)
        return places

    def ran(self, message: Message, run: Run, inputs: Inputs) -> None:
        """A message ran by itself, and what it did is durable."""
        method = run.record.method
        if not self.due(message.namespace, method, 1):
            return
        receiver = message.receiver
        before = run.before[receiver]
        others = {name: slots for name, slots in run.before.items() if name != receiver}
        sent = message if method.selector == message.selector else to_does_not_understand(message)
        self.keep([Call(method, sent, before, run.writes.get(receiver, before), run.result, inputs, others)])

    def keep(self, calls: Sequence[Call]) -> None:
        """Have these calls written soon, as far as there is room for them and they are small."""
        for call in calls:
            if not _is_small(example := _example(call)):  # else it would be held until it is written
                continue
            message, method = call.message, call.method
            key = (message.namespace, method.holder, method.selector)
            pending = self._pending.get(key)
            if pending is None and len(self._pending) < MAX_METHODS:
                pending = self._pending[key] = self._wait(key)
            if pending is not None and len(pending.calls) < MAX_PENDING:
                pending.calls.append(RecordedCall(example, method.number, time.time()))

    async def stop(self) -> None:
        """Write what is pending, if that does not take long."""
        for key, pending in list(self._pending.items()):
            pending.timer.cancel()
            self._write(key)
        if self._writing:
            await asyncio.wait(self._writing, timeout=STOP_SECONDS)
        for task in self._writing:
            task.cancel()

    def _begin(self, key: _Version) -> _Tally:
        if len(self._tallies) >= MAX_VERSIONS:
            self._tallies.clear()
        tally = self._tallies[key] = _Tally()
        return tally

    def _wait(self, key: _Method) -> _Pending:
        loop = asyncio.get_running_loop()
        at = max(loop.time() + self._first_seconds, self._written.get(key, 0.0) + self._seconds)
        return _Pending(loop.call_at(at, self._write, key, context=Context()))

    def _write(self, key: _Method) -> None:
        if len(self._written) >= MAX_VERSIONS:
            self._written.clear()
        self._written[key] = asyncio.get_running_loop().time()
        task = asyncio.create_task(self._record(key, self._pending.pop(key).calls))
        self._writing.add(task)
        task.add_done_callback(self._writing.discard)

    async def _record(self, key: _Method, calls: Sequence[RecordedCall]) -> None:
        attach(UNRECORDED)  # it is in nobody's trace, and none of its own: who looks at the last one wants a message
        try:
            await self._store.record(*key, calls)
        except KernelError as error:
            log.debug("calls of %s.%s are not kept: %s", key[1], key[2], error.text)
        except Exception:  # nobody waits for it, and nobody may fail by it
            log.exception("calls of %s.%s are not kept", key[1], key[2])


def _step(digest: str, number: int) -> int:
    """How far it is to the next call that is kept: `ONE_IN` in the mean, and in no rhythm that senders may have."""
    return 1 + crc32(f"{digest}/{number}".encode()) % (2 * ONE_IN - 1)


def _example(call: Call) -> Example:
    message = call.message
    return Example(
        outcome=call.result,
        before=call.before,
        arguments=message.arguments,
        keywords=message.keywords,
        now=call.inputs.now,
        seed=call.inputs.seed,
        others=call.others,
        after=call.after,
    )


def _is_small(example: Example) -> bool:
    """Whether it may be kept; the store measures for certain.

    Asked while senders wait: encoding costs far less than the message did, and ends where it is too much.
    """
    outcome = None if isinstance(example.outcome, Failure) else example.outcome
    sent: list[Value] = [list(example.arguments), dict(example.keywords), outcome]
    left = MAX_BYTES
    try:
        for part in (*sent, example.before, example.after, *example.others.values()):
            left -= len(encode(part))
            if left < 0:
                return False
    except LimitExceeded:
        return False
    return True
