"""Counting what a road does. Law: an answer counts where it ends inside the window; a failure never counts as one.

A subject that fails everything at once would be hammered: each failure costs its sender a pause, and a road that has
mostly failures gives up.
"""

import asyncio
import time
from array import array
from collections import Counter

from bench.jobs import Job, Outcome

PAUSE = 0.01
MOST_FAILURES = 200


class Refused(Exception):
    """The road gives up: what it is pointed at refuses everything."""


class Tally:
    """The answers and failures of one job."""

    def __init__(self, job: Job) -> None:
        self._begin, self._end = job.begin, job.end
        self._latencies = array("d")
        self._failures: Counter[str] = Counter()
        self._answered = False

    def done(self, began: float) -> float:
        """Count an answer to what was sent at `began`; the time now, in seconds."""
        now = time.monotonic()
        self._answered = True
        if self._begin <= now < self._end:
            self._latencies.append(now - began)
        return now

    def failed(self, reason: str) -> None:
        """Count a failure. Raises Refused where there are many and no answer."""
        self._failures[reason] += 1
        if not self._answered and self._failures.total() >= MOST_FAILURES:
            raise Refused(reason)

    async def pause(self) -> None:
        """What a sender does after a failure."""
        await asyncio.sleep(PAUSE)

    def outcome(self) -> Outcome:
        """All that was counted."""
        return Outcome(self._latencies.tobytes(), dict(self._failures))
