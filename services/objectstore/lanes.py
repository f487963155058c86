"""How a lost answer is settled. Law: no number of a lane is used twice; no caller hears what may still change.

Every change of the store goes through a lane. Its transaction holds only while the lane's number is below its own, and
puts its own there. So when an answer is lost, the lane tells: the number is there with its mark, then the commit was
made; or it is not, then the number is put there without the mark, and the lost transaction, should it still arrive,
no longer holds. Only then is the caller answered.

A committer takes the next number for each attempt, whatever came of the one before, and has one attempt in flight.
`commit` brings its own lane, so that the committer can settle what the store's own answer did not reach. For all other
changes the store has lanes of its own.
"""

import asyncio
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from kernel.errors import BadArguments, CommitUnclear, StoreFull, StoreUnavailable
from kernel.objects import SYSTEM_NAMESPACE, Namespace
from kernel.transactions import Lane
from objectstore import records
from objectstore.keys import LaneKey
from objectstore.ledger import Ledger, Mark, Span, Step, Unclear, differing
from objectstore.records import LaneRecord

OWN_LANES: Final = 16
SETTLE_SECONDS: Final = 5.0
_NAME: Final = re.compile(r"[A-Za-z0-9-]{1,64}")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a step: its revision, or None and the keys that had another revision, with the one they have."""

    revision: int | None
    found: Mapping[bytes, int] = field(default_factory=dict[bytes, int])


def check_lane(lane: Lane) -> None:
    """Raises BadArguments where it can be no lane."""
    if not _NAME.fullmatch(lane.name) or lane.number < 1:
        raise BadArguments("a lane is named by at most 64 letters, digits and dashes; its numbers begin with 1")


def _record(lane: Lane, *, committed: bool) -> bytes:
    return records.encode(LaneRecord(lane.number, committed))


def _unclear(lane: Lane) -> CommitUnclear:
    return CommitUnclear(
        f"the store does not answer: whether commit {lane.number} of lane {lane.name} was made is not known",
        unclear=lane.name,
    )


class Lanes:
    """Takes steps through lanes, and settles those whose answer was lost within `settle_seconds`."""

    def __init__(self, ledger: Ledger, *, settle_seconds: float = SETTLE_SECONDS) -> None:
        self._ledger = ledger
        self._seconds = settle_seconds
        self._own: asyncio.LifoQueue[Lane] = asyncio.LifoQueue()
        name = secrets.token_hex(8)
        for index in range(OWN_LANES):
            self._own.put_nowait(Lane(f"store-{name}-{index}", 1))

    async def take(self, step: Step) -> Outcome:
        """A step in a lane of the store's own. CommitUnclear, StoreUnavailable, StoreFull, LimitExceeded."""
        lane = await self._own.get()
        try:
            return await self.take_in(SYSTEM_NAMESPACE, lane, step)
        finally:
            self._own.put_nowait(replace(lane, number=lane.number + 1))

    async def take_in(self, namespace: Namespace, lane: Lane, step: Step) -> Outcome:
        """A step in the lane of a committer. As take; BadArguments where the number was used already."""
        check_lane(lane)
        key = LaneKey(namespace, lane.name).encode()
        mark = Mark(key, _record(lane, committed=False), _record(lane, committed=True))
        marked = replace(step, mark=mark)
        marked.check()
        while True:
            try:
                revision = await self._transact(namespace, lane, marked)
            except StoreFull:
                # Refused before it was compared. Who lost a race, or has a reply kept already, is to hear of that.
                if found := await self._differing(step):
                    return Outcome(None, found)
                raise
            if revision is not None:
                return Outcome(revision)
            held = (await self._ledger.read(Span.key(key))).only(0)
            if held is None:
                await self._open(key)
            elif records.lane(held.value).number >= lane.number:
                raise BadArguments(
                    f"number {lane.number} of lane {lane.name} was used already: settle it, then take the next one"
                )
            else:
                return Outcome(None, await self._differing(step))

    async def settle(self, namespace: Namespace, lane: Lane) -> int | None:
        """The revision of the commit with that number; None if it was not made, and then it never will be.

        CommitUnclear where the store does not answer in time; BadArguments where the lane has gone on.
        """
        check_lane(lane)
        try:
            async with asyncio.timeout(self._seconds):
                return await self._settle(LaneKey(namespace, lane.name).encode(), lane)
        except (TimeoutError, StoreUnavailable, StoreFull):
            raise _unclear(lane) from None

    async def _transact(self, namespace: Namespace, lane: Lane, step: Step) -> int | None:
        try:
            return await self._ledger.transact(step)
        except Unclear:
            if (revision := await self.settle(namespace, lane)) is None:
                raise StoreUnavailable("the store did not answer, and nothing was changed: try again") from None
            return revision
        except StoreFull:
            # etcd answers so for the step that filled it too, which was applied. Answered, so it cannot come late.
            if (revision := await self._committed(namespace, lane)) is None:
                raise
            return revision

    async def _differing(self, step: Step) -> Mapping[bytes, int]:
        return (await differing(self._ledger, step.same))[0] if step.same else {}

    async def _committed(self, namespace: Namespace, lane: Lane) -> int | None:
        try:
            async with asyncio.timeout(self._seconds):
                held = (await self._ledger.read(Span.key(LaneKey(namespace, lane.name).encode()))).only(0)
        except (TimeoutError, StoreUnavailable):
            raise _unclear(lane) from None
        made = held is not None and records.lane(held.value) == LaneRecord(lane.number, committed=True)
        return held.revision if held and made else None

    async def _settle(self, key: bytes, lane: Lane) -> int | None:
        used = _record(lane, committed=False)
        while True:
            held = (await self._ledger.read(Span.key(key))).only(0)
            last = records.lane(held.value) if held else LaneRecord(0, committed=False)
            if held and last.number == lane.number:
                return held.revision if last.committed else None
            if last.number > lane.number:
                raise BadArguments(f"lane {lane.name} has gone on to {last.number}: {lane.number} was settled before")
            try:
                await self._ledger.transact(Step(same={key: held.revision if held else 0}, puts={key: used}))
            except Unclear:
                continue  # the next read tells

    async def _open(self, key: bytes) -> None:
        # A value can be compared only where there is one.
        try:
            await self._ledger.transact(Step(same={key: 0}, puts={key: records.encode(LaneRecord(0, committed=False))}))
        except Unclear:
            return  # the step is refused again if it is still not there
