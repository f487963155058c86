"""A loopback TCP proxy that loses what a network loses: answers, requests, connections; it can bring requests late."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import Self

CHUNK = 1 << 16


class _Link:
    """One client's connection and the one behind it. What is on the way can be kept from either end."""

    def __init__(self, client: asyncio.StreamWriter, server: asyncio.StreamWriter) -> None:
        self.client, self.server = client, server
        self.answers = self.requests = True
        self.held = bytearray()

    def request(self, data: bytes) -> None:
        if self.requests:
            self.server.write(data)
        else:
            self.held += data

    def answer(self, data: bytes) -> None:
        if self.answers and not self.client.is_closing():
            self.client.write(data)


class Proxy:
    """Listens on `address`, and passes on to a port of this machine."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._links: list[_Link] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None
        self.address = ""

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.address = f"127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._server.close()
        for link in self._links:
            link.client.close()
            link.server.close()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def swallow_answers(self) -> None:
        """What comes back on the connections of this moment is lost."""
        for link in self._links:
            link.answers = False

    def hold_requests(self) -> None:
        """What is sent on the connections of this moment waits for `release`, which may never come."""
        for link in self._links:
            link.requests = False

    def cut(self) -> None:
        """The clients' ends of the connections of this moment are closed. Behind the proxy they stay."""
        for link in self._links:
            link.client.close()

    async def release(self) -> None:
        """What was held arrives."""
        for link in self._links:
            link.server.write(bytes(link.held))
            link.held.clear()
            with suppress(OSError):  # a connection that broke meanwhile carries nothing more
                await link.server.drain()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            back, forth = await asyncio.open_connection("127.0.0.1", self._port)
        except OSError:
            writer.close()
            return
        link = _Link(writer, forth)
        self._links.append(link)
        for source, give in ((reader, link.request), (back, link.answer)):
            task = asyncio.create_task(self._pass(source, give, link))
            self._tasks.add(task)

    async def _pass(self, source: asyncio.StreamReader, give: Callable[[bytes], None], link: _Link) -> None:
        try:
            while data := await source.read(CHUNK):
                give(data)
        except OSError:
            pass  # a connection that broke carries nothing more
        if give == link.answer:
            link.client.close()
