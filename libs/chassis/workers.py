"""Several processes that serve one address. Law: each worker is a program of its own, and none outlives its parent.

    parent ─┬─▶ worker 1 ─┐
            ├─▶ worker 2 ─┼─ listen on HOST:PORT; the system spreads connections over them (SO_REUSEPORT)
            └─▶ worker 3 ─┘

The parent holds the port and serves nobody. The first worker alone finds out whether the service can start, so that
what is wrong is said once; then come the others. A worker that dies later is started again, after pauses that grow
while it lives shortly. A worker lives for as long as its stdin is open, so that it ends even where its parent was
killed; a signal reaches it through its parent alone, for it has a process group of its own, and Ctrl-C would else come
twice.
"""

import asyncio
import logging
import os
import signal
import socket
import sys
import threading
import time
from asyncio.subprocess import PIPE, Process
from codecs import getincrementaldecoder
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

from chassis.address import Address
from chassis.server import probe

READY = "ready "
STOP_SECONDS = 14.0  # from SIGTERM to SIGKILL: the grace of a server, and the flush of its telemetry
_FIRST_PAUSE, _LONGEST_PAUSE = 0.25, 30.0
_STEADY_SECONDS = 60.0  # who lived so long did not die of how it starts

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class WorkersSpec:
    """`command` starts a worker, which gets its number after it; `environment` is told where to listen.

    `ready` is told `HOST:PORT` when all of the `count` workers are.
    """

    command: Sequence[str]
    environment: Callable[[Address], Mapping[str, str]]
    count: int
    listen: Address
    ready: Callable[[str], None]


async def keep(spec: WorkersSpec) -> int:
    """Keep the workers until SIGTERM or SIGINT, and end them; the exit code: that of a worker that could not start.

    A second signal tells the workers to hurry. Raises ListenError where another server listens there already.
    """
    family, at = await probe(spec.listen, reuse_port=False)
    with _held(spec.listen, family, at) as address:
        environment = spec.environment(address)
        workers = [_Worker(number, (*spec.command, str(number)), environment) for number in range(1, spec.count + 1)]
        return await _Crew(workers).serve(lambda: spec.ready(str(address)))


def tie_to_parent(patience: float = STOP_SECONDS) -> None:
    """In a worker: end as by SIGTERM when stdin ends, which the parent holds open for as long as it lives.

    What still runs after `patience` seconds ends at once.
    """

    def watch() -> None:
        while os.read(0, 1024):
            pass
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(patience)
        os._exit(1)

    threading.Thread(target=watch, name="tied-to-parent", daemon=True).start()


class _Crew:
    """All workers, from the first start to the last end."""

    def __init__(self, workers: Sequence["_Worker"]) -> None:
        self._workers = workers
        self._stop = asyncio.Event()

    async def serve(self, ready: Callable[[], None]) -> int:
        with self._signals():
            stopped = asyncio.create_task(self._stop.wait())
            starting = asyncio.create_task(self._start())
            tasks = [starting]
            try:
                await asyncio.wait((starting, stopped), return_when=asyncio.FIRST_COMPLETED)
                if not starting.done():
                    return 0
                if (code := starting.result()) is not None:
                    return code
                ready()
                tasks += [asyncio.create_task(worker.keep()) for worker in self._workers]
                await asyncio.wait((stopped, *tasks[1:]), return_when=asyncio.FIRST_COMPLETED)
                return 0
            finally:
                for task in tasks:
                    task.cancel()
                ended = await asyncio.gather(*tasks, return_exceptions=True)
                await self._end()
                for error in ended:
                    if isinstance(error, Exception):
                        raise error

    async def _start(self) -> int | None:
        """Start all workers; None, or the exit code of the first that ends before it is ready."""
        first, *others = self._workers
        for some in ([first], others):
            starting = [asyncio.create_task(worker.start()) for worker in some]
            try:
                for started in asyncio.as_completed(starting):
                    if (code := await started) is not None:
                        return code
            finally:
                for task in starting:
                    task.cancel()
                await asyncio.gather(*starting, return_exceptions=True)
        return None

    async def _end(self) -> None:
        ending = [asyncio.create_task(worker.end()) for worker in self._workers]
        for end in ending:
            await end

    @contextmanager
    def _signals(self) -> Generator[None]:
        def received() -> None:
            if self._stop.is_set():
                for worker in self._workers:
                    worker.signal(signal.SIGTERM)
            self._stop.set()

        loop = asyncio.get_running_loop()
        for each in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(each, received)
        try:
            yield
        finally:
            for each in (signal.SIGTERM, signal.SIGINT):
                loop.remove_signal_handler(each)


class _Worker:
    """One worker, and the process that it is at the moment."""

    def __init__(self, number: int, command: Sequence[str], environment: Mapping[str, str]) -> None:
        self._number, self._command, self._environment = number, command, environment
        self._process: Process | None = None
        self._copying: asyncio.Task[None] | None = None

    async def start(self) -> int | None:
        """Start it and wait until it is ready: None. Where it ends before, its exit code, never 0."""
        process = self._process = await asyncio.create_subprocess_exec(
            *self._command, stdin=PIPE, stdout=PIPE, env=self._environment, process_group=0
        )
        ready = asyncio.Event()
        self._copying = asyncio.create_task(_copy(process, ready))
        ended, is_ready = asyncio.create_task(process.wait()), asyncio.create_task(ready.wait())
        try:
            await asyncio.wait((ended, is_ready), return_when=asyncio.FIRST_COMPLETED)
        finally:
            ended.cancel()
            is_ready.cancel()
        if ready.is_set():
            log.info("worker %d is ready, pid %d", self._number, process.pid)
            return None
        code = process.returncode or 0
        if code <= 0:  # it did not say why
            log.error("worker %d ended before it was ready, %s", self._number, _told(code))
        return max(code, 1)

    async def keep(self) -> None:
        """Start it again whenever it ends, until cancelled."""
        pause = _FIRST_PAUSE
        while True:
            began = time.monotonic()
            code = await self._process.wait() if self._process is not None else 0
            if time.monotonic() - began > _STEADY_SECONDS:
                pause = _FIRST_PAUSE
            log.error("worker %d ended, %s; it starts again in %g s", self._number, _told(code), pause)
            await asyncio.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)
            try:
                await self.start()
            except OSError as error:  # no room for another process; the old one is waited for at once
                log.error("worker %d cannot be started: %s", self._number, error.strerror)  # noqa: TRY400

    async def end(self) -> None:
        """End it: SIGTERM, and SIGKILL if that does not do in time."""
        if self._process is None:
            return
        self.signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(STOP_SECONDS):
                await self._process.wait()
        except TimeoutError:
            log.warning("worker %d did not stop within %g s: it is killed", self._number, STOP_SECONDS)
            self.signal(signal.SIGKILL)
            await self._process.wait()
        if self._copying is not None:
            self._copying.cancel()

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal, if it runs."""
        if self._process is not None and self._process.returncode is None:
            with suppress(ProcessLookupError):
                self._process.send_signal(number)


async def _copy(process: Process, ready: asyncio.Event) -> None:
    """Hand on what it prints, but for the line that says that it is ready."""
    assert process.stdout is not None
    decoder, begins = getincrementaldecoder("utf-8")("replace"), True
    while part := await _part(process.stdout):
        if begins and part.startswith(READY.encode()):
            ready.set()
        else:
            sys.stdout.write(decoder.decode(part))
            sys.stdout.flush()
        begins = part.endswith(b"\n")


async def _part(stream: asyncio.StreamReader) -> bytes:
    """The next line, or the next part of one that is longer than the stream keeps; nothing at the end."""
    try:
        return await stream.readuntil()
    except asyncio.IncompleteReadError as end:
        return end.partial
    except asyncio.LimitOverrunError as long:
        return await stream.read(long.consumed)


@contextmanager
def _held(listen: Address, family: socket.AddressFamily, at: Any) -> Generator[Address]:
    """The address with its real port, which is kept for those who share it."""
    with socket.socket(family, socket.SOCK_STREAM) as held:
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        held.bind(at)
        yield Address(listen.host, held.getsockname()[1])


def _told(code: int) -> str:
    return f"killed by {signal.Signals(-code).name}" if code < 0 else f"exit status {code}"
