"""The RPC that members join by. Law: what a member says of itself becomes signs; all else is the members' own.

A stream that is cut cannot be told from one that its client cancelled, so neither leaves: leaving is said.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing

from batos.v1 import objectstore_pb2 as pb
from kernel.errors import BadArguments, NotServed, StoreUnavailable
from objectstore.members import Gathering, Member, Members, Sign


async def join(
    members: Members | None, requests: AsyncIterator[pb.JoinRequest], stop: asyncio.Event
) -> AsyncGenerator[pb.JoinResponse]:
    """The frames of one member, which breaks off when `stop` is set. NotServed where there are no members."""
    if members is None:
        raise NotServed("Join")
    first = await anext(aiter(requests), None)
    if first is None or first.leave:
        raise BadArguments("the first request says who joins")
    signs = _Signs(requests, stop)
    member = Member(first.member, first.address)
    async with aclosing(signs.read()) as read, aclosing(members.join(first.service, member, read)) as told:
        async for gathering in told:
            yield gathering_to_wire(gathering, signs.heard)
    if not signs.leaves:
        raise StoreUnavailable("the membership breaks off: join again")


class _Signs:
    """What a stream of requests says, until it ends or the server stops."""

    def __init__(self, requests: AsyncIterator[pb.JoinRequest], stop: asyncio.Event) -> None:
        self._requests = requests
        self._stop = stop
        self.leaves = False
        self.heard = 1  # requests, with that which said who joins

    async def read(self) -> AsyncGenerator[Sign]:
        stopping = asyncio.ensure_future(self._stop.wait())
        coming = asyncio.ensure_future(self._next())
        try:
            while not self.leaves:
                await asyncio.wait({coming, stopping}, return_when=asyncio.FIRST_COMPLETED)
                request = coming.result() if coming.done() else None
                if request is None:
                    return
                self.leaves = request.leave
                yield Sign.LEAVES if request.leave else Sign.LIVES
                coming = asyncio.ensure_future(self._next())
        finally:
            stopping.cancel()
            coming.cancel()
            await asyncio.gather(coming, stopping, return_exceptions=True)

    async def _next(self) -> pb.JoinRequest | None:
        request = await anext(self._requests, None)
        self.heard += request is not None
        return request


def gathering_to_wire(gathering: Gathering, heard: int) -> pb.JoinResponse:
    """The frame of a gathering that was told when so many requests had come."""
    members = [pb.Member(name=each.name, address=each.address) for each in gathering.members]
    return pb.JoinResponse(members=members, ttl=gathering.ttl, revision=gathering.revision, heard=heard)
