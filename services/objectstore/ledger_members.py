"""Members over a ledger. Law: a membership is a key under a lease, which only its member's own signs of life renew.

A server that renewed for its clients would keep a stopped one alive. Each gathering tells what is left of the lease,
counted from when its renewal was sent.
"""

import asyncio
import time
from asyncio import create_task
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, Final

from kernel.errors import Conflict, KernelError, StaleToken, StoreUnavailable
from kernel.objects import SYSTEM_NAMESPACE
from objectstore import records
from objectstore.hub import Hub
from objectstore.keys import MemberKey, span
from objectstore.leases import LeaseEnded, LeasingLedger
from objectstore.ledger import Events, Reading, Unclear
from objectstore.members import Gathering, Member, Sign, check_member

MEMBER_SECONDS: Final = 10
_ATTEMPTS: Final = 3


@dataclass(slots=True)
class _Seat:
    """A member's own key, put at `revision` under a lease that lasts until `until` at least."""

    key: bytes
    lease: int
    revision: int
    until: float


class LedgerMembers:
    """See Members. A membership lasts `seconds` from the last sign of life; `clock` is in seconds."""

    def __init__(
        self,
        ledger: LeasingLedger,
        hub: Hub,
        *,
        seconds: int = MEMBER_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._ledger = ledger
        self._hub = hub
        self._seconds = seconds
        self._clock = clock

    async def join(self, service: str, member: Member, signs: AsyncIterator[Sign]) -> AsyncGenerator[Gathering]:
        """See Members."""
        check_member(service, member)
        seat = await self._seat(MemberKey(SYSTEM_NAMESPACE, service, member.name).encode(), member)
        place = span(SYSTEM_NAMESPACE, "w", f"{service}/")
        reading = await self._ledger.read(place)
        _check_seated(seat, reading)
        table = _Table({entry.key: records.member(entry.value) for entry in reading.spans[0]}, reading.revision)
        async with aclosing(self._hub.watch(place, table.revision)) as watch:
            sign, news = create_task(_sign(signs)), create_task(_news(watch))
            try:
                told = True
                while True:
                    if told:
                        yield table.gathering(seat.until - self._clock())
                    await self._something(seat, sign, news)
                    told = sign.done()
                    if told:  # before any news, which may end the membership: who leaves has left all the same
                        if not await self._heard(seat, sign.result()):
                            return
                        sign = create_task(_sign(signs))
                    if news.done():
                        told |= table.take_in(news.result(), seat)
                        news = create_task(_news(watch))
            except StaleToken:
                raise StoreUnavailable("the members' changes are no longer kept: join again") from None
            finally:
                sign.cancel()
                news.cancel()
                # What they read from is closed only when nothing reads from it.
                await asyncio.gather(sign, news, return_exceptions=True)

    async def _seat(self, key: bytes, member: Member) -> _Seat:
        for _ in range(_ATTEMPTS):
            until = self._clock() + self._seconds
            lease = await self._ledger.grant(self._seconds)
            try:
                revision = await self._ledger.post(lease, key, records.encode(member))
            except Unclear:
                await self._ledger.revoke(lease)  # now it can no longer arrive
            except LeaseEnded:
                continue
            else:
                return _Seat(key, lease, revision, until)
        raise StoreUnavailable("the store does not answer, so no membership was taken: join again")

    async def _something(self, seat: _Seat, sign: asyncio.Task[Any], news: asyncio.Task[Any]) -> None:
        """Wait for a sign of life or for news. StoreUnavailable where the membership ends before."""
        left = max(0.0, seat.until - self._clock())
        done, _ = await asyncio.wait({sign, news}, timeout=left, return_when=asyncio.FIRST_COMPLETED)
        if not done:
            raise StoreUnavailable(f"no sign of life came within {self._seconds} s: join again")

    async def _heard(self, seat: _Seat, sign: Sign | None) -> bool:
        """Whether the member stays. StoreUnavailable where it is one no longer."""
        if sign is Sign.LEAVES:
            await self._ledger.revoke(seat.lease)
        if sign is not Sign.LIVES:
            return False
        until = self._clock() + self._seconds
        if not await self._ledger.renew(seat.lease):
            raise StoreUnavailable("the membership has ended: join again")
        seat.until = until
        return True


@dataclass(slots=True)
class _Table:
    """All members of a service, by their keys, at a revision."""

    members: dict[bytes, Member]
    revision: int

    def gathering(self, ttl: float) -> Gathering:
        return Gathering([self.members[key] for key in sorted(self.members)], max(0.0, ttl), self.revision)

    def take_in(self, events: Events, seat: _Seat) -> bool:
        """Whether others are there now. Conflict where another has the seat, StoreUnavailable where nobody."""
        before = dict(self.members)
        for event in events.events:
            if event.key == seat.key and event.revision > seat.revision:
                raise _lost(taken=event.value is not None)
            if event.value is None:
                self.members.pop(event.key, None)
            else:
                self.members[event.key] = records.member(event.value)
        self.revision = events.revision
        return self.members != before


def _check_seated(seat: _Seat, reading: Reading) -> None:
    """Conflict or StoreUnavailable where the seat was lost before its place was read: no news would tell."""
    revision = next((entry.revision for entry in reading.spans[0] if entry.key == seat.key), 0)
    if revision != seat.revision:
        raise _lost(taken=revision > 0)


def _lost(*, taken: bool) -> KernelError:
    if taken:
        return Conflict("another joined by the same name: use a name that no one else has")
    return StoreUnavailable("the membership has ended: join again")


async def _sign(signs: AsyncIterator[Sign]) -> Sign | None:
    return await anext(signs, None)


async def _news(watch: AsyncIterator[Events]) -> Events:
    return await anext(watch)
