"""Members as tests have them: they read what they are told, and give signs of life for as long as they are to live."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager

from objectstore.members import Gathering, Member, Members, Sign

PATIENCE = 10.0
TTL = 2  # the least that etcd grants
ONE, TWO = Member("d-1", "127.0.0.1:7001"), Member("d-2", "127.0.0.1:7002")


class Joined:
    """A member that reads what it is told, and gives signs of life while it is `alive`."""

    def __init__(self, members: Members, service: str, member: Member) -> None:
        self.alive = True
        self.seen: list[Gathering] = []
        self._signs: asyncio.Queue[Sign | None] = asyncio.Queue()
        self._told = members.join(service, member, self._read())
        self._grown = asyncio.Event()
        self.reading = asyncio.create_task(self._listen())

    async def _read(self) -> AsyncIterator[Sign]:
        while True:
            try:
                sign = await asyncio.wait_for(self._signs.get(), TTL / 5)
            except TimeoutError:
                if self.alive:
                    yield Sign.LIVES
                continue
            if sign is None:
                return
            yield sign

    async def _listen(self) -> None:
        try:
            async with aclosing(self._told) as told:
                async for gathering in told:
                    self.seen.append(gathering)
                    self._grown.set()
        finally:
            self._grown.set()

    def say(self, sign: Sign | None) -> None:
        self._signs.put_nowait(sign)

    async def next(self) -> Gathering:
        """What is told after all that was told. Raises what ended the membership."""
        self._grown.clear()
        count = len(self.seen)
        async with asyncio.timeout(PATIENCE):
            while len(self.seen) == count:
                if self.reading.done():
                    self.reading.result()
                    raise AssertionError("it has ended")
                self._grown.clear()
                await self._grown.wait()
        return self.seen[count]

    async def until(self, *members: Member) -> None:
        """Wait until just these are there."""
        while not self.seen or list(self.seen[-1].members) != list(members):
            await self.next()

    async def ended(self) -> None:
        """Wait until the membership has ended of itself. Raises what ended it."""
        async with asyncio.timeout(PATIENCE):
            await asyncio.shield(self.reading)


@asynccontextmanager
async def joined(members: Members, member: Member, service: str = "dispatcher") -> AsyncGenerator[Joined]:
    """A member until the end of the block, where it breaks off."""
    each = Joined(members, service, member)
    try:
        yield each
    finally:
        each.reading.cancel()
        await asyncio.gather(each.reading, return_exceptions=True)
