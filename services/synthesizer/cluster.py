"""A synthesizer among others. Law: while it is no member it begins nothing and writes nothing on.

Told to stop, it lets go of its flights, and then leaves, so that the others take them over at once.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from typing import Final, Protocol

from kernel.errors import StoreUnavailable
from objectstore.members import Member

WAIT_SECONDS: Final = 5.0
SWEEP_SECONDS: Final = 10.0

log = logging.getLogger(__name__)


class Membership(Protocol):
    """What this synthesizer knows of its service; `objectstore.membership` keeps it."""

    changed: asyncio.Event

    @property
    def members(self) -> Sequence[Member] | None:
        """All members, this one among them; None while it is none."""
        ...


Joined = Callable[[str, str, str], AbstractAsyncContextManager[Membership]]
"""Joins a service by a name, reached at an address, for as long as the block lasts."""


class Belonging:
    """Whether this synthesizer is a member; `me` is its name."""

    def __init__(self, me: str) -> None:
        self.me = me
        self._in, self._out = asyncio.Event(), asyncio.Event()
        self._out.set()

    def tell(self, members: Sequence[Member] | None) -> None:
        """Who is there now; None while this one is out."""
        now, before = (self._out, self._in) if members is None else (self._in, self._out)
        if not now.is_set():
            word = "no member: it begins nothing" if members is None else "a member"
            log.info("synthesizer %s is %s", self.me, word)
        before.clear()
        now.set()

    async def required(self) -> None:
        """Return once it is a member. StoreUnavailable where it is none within 5 s."""
        try:
            async with asyncio.timeout(WAIT_SECONDS):
                await self._in.wait()
        except TimeoutError:
            raise StoreUnavailable(
                "this synthesizer has lost touch with the objectstore, and begins nothing until it is back: send again"
            ) from None

    async def back(self) -> None:
        """Return once it is a member."""
        await self._in.wait()

    async def lost(self) -> None:
        """Return once it is none."""
        await self._out.wait()


async def belong(belonging: Belonging, membership: Membership, sweep: Callable[[], Awaitable[None]]) -> None:
    """Follow a membership until cancelled; `sweep` at each change of the members, and every 10 s."""
    changed = asyncio.Event()
    sweeping = asyncio.create_task(_sweep(belonging, changed, sweep))
    try:
        while True:
            membership.changed.clear()
            belonging.tell(membership.members)
            changed.set()
            await membership.changed.wait()
    finally:
        sweeping.cancel()
        await asyncio.gather(sweeping, return_exceptions=True)


async def _sweep(belonging: Belonging, changed: asyncio.Event, sweep: Callable[[], Awaitable[None]]) -> None:
    while True:
        await belonging.back()
        changed.clear()
        try:
            await sweep()
        except StoreUnavailable as away:
            log.info("flights that nobody holds are looked for later: %s", away.text)
        except Exception:  # whatever it is, the next look may do better
            log.exception("flights that nobody holds could not be taken over")
        with suppress(TimeoutError):
            await asyncio.wait_for(changed.wait(), SWEEP_SECONDS)


class Flying(Protocol):
    """What is done with flights; `synthesizer.flight` does it."""

    async def sweep(self) -> None:
        """Take over those that nobody holds."""
        ...

    async def close(self) -> None:
        """Let go of all."""
        ...


@asynccontextmanager
async def member(
    belonging: Belonging, flights: Flying, joined: AbstractAsyncContextManager[Membership], stop: asyncio.Event
) -> AsyncGenerator[None]:
    """Be a member during the block, until `stop` is set: then flights are let go of first."""

    async def life() -> None:
        async with joined as membership:
            following = asyncio.create_task(belong(belonging, membership, flights.sweep))
            await stop.wait()
            following.cancel()
            await asyncio.gather(following, return_exceptions=True)
            await flights.close()

    living = asyncio.create_task(life())
    try:
        yield
    finally:
        stop.set()
        await living
