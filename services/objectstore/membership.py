"""A member, seen from itself. Law: it never believes to be a member for longer than the others do.

What was told last holds until its ttl has passed, whatever becomes of the stream; then `members` is None, and the
member must assume to be out. A frame may come late, so its ttl counts from when the newest sign of life that the store
had heard by then was sent. It joins again by itself, with growing pauses, for as long as it wants to be a member; they
go on growing while others displace it, for two of one name would displace each other without end.

    async with MembershipClient(channel).joined("dispatcher", name, address) as membership:
        await membership.changed.wait()
        membership.changed.clear()
        use(membership.members)
"""

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any, Final

import grpc.aio
from grpc.aio import AioRpcError

from batos.v1 import objectstore_pb2 as pb
from batos.v1.objectstore_pb2_grpc import ObjectStoreStub
from kernel.errors import Conflict, StoreUnavailable
from objectstore.client import failure_of
from objectstore.members import Gathering, Member

JOIN_METHOD: Final = "/batos.v1.ObjectStore/Join"
FIRST_SECONDS: Final = 5.0
LEAVE_SECONDS: Final = 2.0
_SIGNS: Final = 4
_SHORTEST_PAUSE: Final = 0.05
_FIRST_PAUSE: Final = 0.1
_LONGEST_PAUSE: Final = 2.0
_LONGEST_DISPLACED: Final = 30.0

log = logging.getLogger(__name__)


class Membership:
    """What a member knows of its service. `changed` is set whenever `members` became others; its reader clears it."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._last: Gathering | None = None
        self._until = 0.0
        self._lapse: asyncio.TimerHandle | None = None
        self.changed = asyncio.Event()

    @property
    def members(self) -> tuple[Member, ...] | None:
        """All members by name, this one among them; None while that is not known, and once it must be taken as out."""
        return tuple(self._last.members) if self._last and self._clock() < self._until else None

    @property
    def revision(self) -> int:
        """The store's revision that `members` were told of last; 0 before the first time."""
        return self._last.revision if self._last else 0

    @property
    def seconds_left(self) -> float:
        """For how long `members` hold if nothing more is told."""
        return max(0.0, self._until - self._clock())

    def tell(self, gathering: Gathering, since: float) -> None:
        """Take in what the store told, at some time after `since`."""
        before = self.members
        # What was believed before was true as well, and may hold for longer: of one sign of life many are told.
        self._last, self._until = gathering, max(self._until, since + gathering.ttl)
        self._rearm(asyncio.get_running_loop().call_later(self.seconds_left, self.changed.set))
        if self.members != before:
            self.changed.set()

    def end(self) -> None:
        """Know nothing more."""
        self._until = 0.0
        self._rearm(None)
        self.changed.set()

    def _rearm(self, lapse: asyncio.TimerHandle | None) -> None:
        if self._lapse is not None:
            self._lapse.cancel()
        self._lapse = lapse


class MembershipClient:
    """Joins services over a channel to the objectstore. `clock` is in seconds."""

    def __init__(self, channel: grpc.aio.Channel, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._rpc = ObjectStoreStub(channel)
        self._clock = clock

    @asynccontextmanager
    async def joined(self, service: str, name: str, address: str) -> AsyncGenerator[Membership]:
        """A membership that lasts as long as the block (and the loop runs), and leaves at its end, within 2 s.

        It begins at once, with `members` None until the store has told them. BadArguments is told in the log alone,
        as all else that keeps it from joining: check the names before.
        """
        membership = Membership(self._clock)
        leaving = asyncio.Event()
        request = pb.JoinRequest(service=service, member=name, address=address)
        belonging = asyncio.create_task(self._belong(request, membership, leaving), name=f"member of {service}")
        try:
            yield membership
        finally:
            leaving.set()
            await asyncio.wait({belonging}, timeout=LEAVE_SECONDS)
            belonging.cancel()
            await asyncio.gather(belonging, return_exceptions=True)
            membership.end()

    async def _belong(self, request: pb.JoinRequest, membership: Membership, leaving: asyncio.Event) -> None:
        pause, told_before = _FIRST_PAUSE, 0
        while not leaving.is_set():
            try:
                await self._join(request, membership, leaving)
                displaced = False
            except AioRpcError as error:
                failure = failure_of(error)
                displaced = isinstance(failure, Conflict)
                level = logging.INFO if isinstance(failure, StoreUnavailable) else logging.ERROR
                log.log(level, "not joined to %s as %s: %s", request.service, request.member, failure.text)
            if leaving.is_set():
                return
            if displaced:
                pause = min(pause * 2, _LONGEST_DISPLACED)
            elif membership.revision != told_before:
                pause = _FIRST_PAUSE
            else:
                pause = min(pause * 2, max(pause, _LONGEST_PAUSE))
            told_before = membership.revision
            await _within(leaving, pause)

    async def _join(self, request: pb.JoinRequest, membership: Membership, leaving: asyncio.Event) -> None:
        """One stream, to its end: of itself, in silence, or by leaving. AioRpcError."""
        call = self._rpc.Join()
        stream = _Stream(call, self._clock)
        living = asyncio.create_task(_live(stream, membership, leaving))
        try:
            await stream.write(request)
            seconds = FIRST_SECONDS
            while (frame := await asyncio.wait_for(_read(call), seconds)) is not None:
                membership.tell(_gathering(frame), stream.sent(frame.heard))
                seconds = frame.ttl
        except TimeoutError:
            log.info("the objectstore is silent: joining %s again", request.service)
        finally:
            living.cancel()
            call.cancel()


class _Stream:
    """What is written to one stream, and when."""

    def __init__(self, call: Any, clock: Callable[[], float]) -> None:
        self._call = call
        self._clock = clock
        self._sent: dict[int, float] = {}
        self._count = 0

    async def write(self, request: pb.JoinRequest) -> None:
        self._count += 1
        self._sent[self._count] = self._clock()
        with suppress(asyncio.InvalidStateError):  # the stream has ended before, and its reader learns why
            await self._call.write(request)

    def sent(self, count: int) -> float:
        """When the request was sent with which they were so many; the last, where a server does not count them."""
        for older in [number for number in self._sent if number < count]:
            del self._sent[older]
        return self._sent[count or self._count]


async def _live(stream: _Stream, membership: Membership, leaving: asyncio.Event) -> None:
    """Say that the member lives, four times in a ttl, and at last that it leaves."""
    # Where the stream has ended, whoever reads it learns why.
    with suppress(AioRpcError):
        while not await _within(leaving, max(membership.seconds_left / _SIGNS, _SHORTEST_PAUSE)):
            if membership.members is not None:
                await stream.write(pb.JoinRequest())
        await stream.write(pb.JoinRequest(leave=True))


async def _within(event: asyncio.Event, seconds: float) -> bool:
    with suppress(TimeoutError):
        await asyncio.wait_for(event.wait(), seconds)
    return event.is_set()


async def _read(call: Any) -> pb.JoinResponse | None:
    frame = await call.read()
    return None if frame is grpc.aio.EOF else frame


def _gathering(frame: pb.JoinResponse) -> Gathering:
    members = [Member(each.name, each.address) for each in frame.members]
    return Gathering(members, frame.ttl, frame.revision)
