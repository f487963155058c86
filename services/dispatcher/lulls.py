"""When to begin with what waits. Law: it gathers for as long as more keeps coming; what comes alone waits for nothing.

A trip to the sandbox or to the store costs nearly the same for one as for many. Where things come together, to begin
with the first of them would leave the others to a trip of their own; to wait for a time would leave the machine idle
when all that can come is there. So a lull is counted in turns of the event loop, which are long while there is work and
next to nothing where there is none: the more usually go together, the more turns without a new one make a lull.
"""

import asyncio
from collections.abc import Callable
from contextvars import Context

TURNS = 8  # for each that usually goes together
MOST_TURNS = 100
SEVERAL = 1.5  # that go together usually; with fewer nothing is waited for
LONGEST_SECONDS = 0.008
_NOWHERE = Context()  # begun on behalf of many


class Lull:
    """Calls `begin` once after each `plan`, when no more comes or `enough` wait; `waiting` tells how many do."""

    def __init__(self, waiting: Callable[[], int], begin: Callable[[], None], enough: int) -> None:
        self._waiting, self._begin, self._enough = waiting, begin, enough
        self._usual = 1.0
        self._planned = False
        self._seen = self._turns = 0
        self._until = 0.0

    def plan(self) -> None:
        """Begin soon, unless that is planned."""
        if not self._planned:
            self._planned, self._seen, self._turns = True, self._waiting(), 0
            loop = asyncio.get_running_loop()
            self._until = loop.time() + LONGEST_SECONDS
            loop.call_soon(self._look, context=_NOWHERE)

    def began(self, count: int) -> None:
        """So many went together."""
        self._usual = (self._usual + count) / 2

    def _look(self) -> None:
        waiting, loop = self._waiting(), asyncio.get_running_loop()
        self._turns = 0 if waiting > self._seen else self._turns + 1
        self._seen = waiting
        few = self._usual < SEVERAL or waiting >= self._enough
        if few or self._turns > min(TURNS * self._usual, MOST_TURNS) or loop.time() >= self._until:
            self._planned = False
            self._begin()
        else:
            loop.call_soon(self._look, context=_NOWHERE)
