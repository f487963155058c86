"""The host's side of the jail: runs feeds, answers their calls.

Law: here alone the event loop meets the threads. A thread is held only while guest code executes, never while
``on_call`` is awaited, so a feed may run inside the answer to another's call without deadlock.

How many workers: a feed that waits for the host keeps its worker, so a chain of ``depth`` nested runs below a root
holds ``depth + 1``. With ``roots`` roots at once that is at most ``roots * (depth + 1)`` workers (8 x 17 = 136 by
default, about 1.5 MB each). They start on demand, stay for the next feed, and are never waited for below that number.
Roots beyond ``roots`` queue; a nested run never does, or the roots it stands in could wait for each other for ever.
Guests that are kept between feeds have ``kept`` workers of their own beside these, so that they take none from a run.
"""

import asyncio
import contextlib
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Self

from pydantic_monty import Monty, MontyError

from sandbox.errors import GuestException, LimitExceeded, SandboxUnavailable
from sandbox.guest import Call, Feed, GuestObject, OnCall
from sandbox.jail import Jail, JailLevel, build_jail
from sandbox.session import Done, Session
from sandbox.values import answer_to_guest, exception_to_guest

__all__ = ["Call", "Feed", "GuestObject", "Kept", "OnCall", "Sandbox"]

_LAST_RESORT_SECONDS = 60.0  # kills a worker whose host's event loop no longer turns


@dataclass(slots=True)
class _Use:
    """For how long feeds ran."""

    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class _Opened:
    """What exists between entering and leaving."""

    jail: Jail
    pool: Monty
    threads: ThreadPoolExecutor
    sessions: set[Session]
    kept: set[Session]
    use: _Use


class Sandbox:
    """Runs guests, each in a fresh session of a jailed worker. Enter it once; ``run`` may then be used concurrently.

    ``roots`` feeds run at a time (nested ones aside), nested up to ``depth``; ``kept`` guests are kept between feeds;
    ``warm`` workers are started on entering.
    ``require`` names walls (see ``sandbox.jail.WALLS``) without which entering raises SandboxUnavailable; other walls
    that this machine does not offer are named in ``jail.missing``. ``worker_bytes`` bounds a worker's address space;
    a feed waits ``worker_seconds`` for a worker, in vain only if runs nest deeper than agreed. ``binary`` is Monty's
    program if it is not beside this Python. ``jailed=False`` raises no wall at all.
    """

    def __init__(
        self,
        *,
        roots: int = 8,
        depth: int = 16,
        kept: int = 32,
        warm: int = 1,
        jailed: bool = True,
        require: frozenset[str] = frozenset(),
        worker_bytes: int = 1 << 30,
        worker_seconds: float = 10.0,
        binary: Path | None = None,
    ) -> None:
        self._workers, self._warm, self._worker_seconds = roots * (depth + 1) + kept, warm, worker_seconds
        self._kept = kept
        self._build = partial(build_jail, jailed=jailed, require=require, worker_bytes=worker_bytes, binary=binary)
        self._roots = asyncio.Semaphore(roots)
        self._opened: _Opened | None = None
        self._use = _Use()

    async def __aenter__(self) -> Self:
        self._opened = await asyncio.to_thread(self._open)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        opened, self._opened = self._opened, None
        if opened is not None:
            await asyncio.to_thread(_close, opened)

    @property
    def jail(self) -> JailLevel:
        """The walls that stand around every worker, and those that do not. Raises SandboxUnavailable unless entered."""
        return self._entered().jail.level

    @property
    def busy(self) -> int:
        """Workers that run a guest or keep one."""
        opened = self._opened
        return len(opened.sessions) + len(opened.kept) if opened else 0

    @property
    def seconds(self) -> float:
        """How long guests ran, all together, their waiting for the host aside."""
        return self._use.seconds

    async def run(self, feed: Feed, on_call: OnCall, *, nested: bool = False) -> object:
        """Run the feed to its end and return the value of its last expression (None if it ends otherwise).

        ``on_call`` answers each call. If it raises GuestException, the guest gets that exception; if it raises anything
        else, the feed is abandoned, the guest never sees it, and it propagates unchanged. Cancelling kills the guest.
        ``nested`` is for a run inside ``on_call``.

        Raises GuestSyntaxError, GuestRaised, LimitExceeded, UnsupportedOutput, SandboxUnavailable, and TypeError if an
        input or an answer of the host is not plain.
        """
        self._entered()
        async with contextlib.nullcontext() if nested else self._roots:
            opened = self._entered()  # it may have been closed while this root queued
            deadline = asyncio.timeout(feed.limits.deadline_seconds)
            try:
                async with deadline:
                    return await _drive(opened, feed, on_call)
            except TimeoutError:
                if not deadline.expired():
                    raise
                detail = f"the feed and its calls took longer than {feed.limits.deadline_seconds} s"
                raise LimitExceeded("time", detail) from None

    async def keep(self, feed: Feed, again: str) -> "Kept":
        """Run the feed and keep the guest, which then runs ``again`` as often as it is asked to, with inputs each time.

        Its clock stands at ``feed.now``, its random numbers run on, and each run has the feed's limits anew, memory
        aside. ``feed.functions`` is empty. Raises as ``run``; SandboxUnavailable where as many are kept as agreed.
        """
        opened = self._entered()
        if len(opened.kept) >= self._kept:
            raise SandboxUnavailable(f"{self._kept} guests are kept already; close one")
        session = Session(opened.pool, feed, keep=True)
        kept = Kept(opened, session, again)
        opened.kept.add(session)
        await kept.start()
        return kept

    def _entered(self) -> _Opened:
        if self._opened is None:
            raise SandboxUnavailable("the sandbox is not open; use it inside `async with`")
        return self._opened

    def _open(self) -> _Opened:
        jail = self._build()
        try:
            pool = Monty(
                binary_path=jail.program,
                min_processes=self._warm,
                max_processes=self._workers,
                checkout_timeout=self._worker_seconds,
                request_timeout=_LAST_RESORT_SECONDS,
                feed_duration_limit_grace=None,  # Session.patience keeps the grace of each feed
            ).__enter__()
        except BaseException:
            jail.close()
            raise
        opened = _Opened(jail, pool, ThreadPoolExecutor(self._workers, "sandbox"), set(), set(), self._use)
        try:
            _prove(opened)
        except BaseException:
            _close(opened)
            raise
        return opened


def _prove(opened: _Opened) -> None:
    """One real feed in one real worker, whose walls are then read back from the kernel."""
    try:
        with opened.pool.checkout() as session:
            answer, pid = session.feed_run("6 * 7"), session.worker_pid
    except (MontyError, RuntimeError, TimeoutError) as error:
        advice = "its reason is on standard error; TMPDIR must name a folder from which programs may be started"
        raise SandboxUnavailable(f"no worker starts: {error}; {advice}") from error
    if answer != 6 * 7 or pid is None:
        raise SandboxUnavailable(f"{opened.jail.program} is no Monty of version 1.4")
    opened.jail.confirm(pid)


def _close(opened: _Opened) -> None:
    for session in [*opened.sessions, *opened.kept]:
        if session.abandon():
            session.close()
    opened.threads.shutdown()
    opened.pool.__exit__(None, None, None)
    opened.jail.close()


async def _drive(opened: _Opened, feed: Feed, on_call: OnCall) -> object:
    session = Session(opened.pool, feed)
    opened.sessions.add(session)
    try:
        reached = await _advance(opened, session, session.start)
        while not isinstance(reached, Done):
            try:
                answer = answer_to_guest(await on_call(reached))
            except GuestException as error:
                answer = exception_to_guest(error)
            reached = await _advance(opened, session, partial(session.resume, answer))
    except BaseException:
        if session.abandon():
            opened.threads.submit(session.close)
        raise
    finally:
        opened.sessions.discard(session)
    return reached.outcome


class Kept:
    """A guest that stays between feeds; `Sandbox.keep` makes it. One feed at a time.

    It has no host: what it calls, looks up or imports in vain ends it, as every error, limit and cancelling does.
    """

    def __init__(self, opened: _Opened, session: Session, again: str) -> None:
        self._opened, self._session, self._again = opened, session, again
        self._busy = False

    @property
    def open(self) -> bool:
        """Whether it can be fed."""
        return self._session in self._opened.kept

    async def start(self) -> None:
        """Run the first feed; the sandbox does."""
        await self._fed(self._session.start)

    async def run(self, inputs: Mapping[str, object]) -> object:
        """Feed it once more; the value of the last expression. Raises the errors of `Sandbox.run`."""
        if not self.open:
            raise SandboxUnavailable("the guest has ended; keep another")
        return await self._fed(partial(self._session.again, self._again, inputs))

    def end(self) -> None:
        """Give its worker back; a feed under way is killed. Does nothing the second time."""
        self._opened.kept.discard(self._session)
        if self._session.abandon():
            self._opened.threads.submit(self._session.close)

    async def _fed(self, step: Callable[[], Call | Done]) -> object:
        if self._busy:
            raise AssertionError("a kept guest is fed one feed at a time")
        self._busy = True
        try:
            reached = await _advance(self._opened, self._session, step)
        except BaseException:
            self.end()
            raise
        finally:
            self._busy = False
        assert isinstance(reached, Done)
        return reached.outcome


async def _advance(opened: _Opened, session: Session, step: Callable[[], Call | Done]) -> Call | Done:
    """Run one step in a thread; kill the guest if the step outlasts its patience."""
    session.begin()
    began = time.perf_counter()
    future = asyncio.wrap_future(opened.threads.submit(step))
    # Cancelled, nobody reads the outcome; read here, its exception is not reported as forgotten.
    future.add_done_callback(lambda done: done.cancelled() or done.exception())
    watch = _Watch(session)
    try:
        return await asyncio.shield(future)  # cancelled, the step ends by itself: its guest is killed
    finally:
        watch.end()
        opened.use.seconds += time.perf_counter() - began


class _Watch:
    """Kills a guest that outlasts its patience, unless it ends before."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._loop = asyncio.get_running_loop()
        self._timer = self._loop.call_later(session.patience(), self._look)

    def end(self) -> None:
        self._timer.cancel()

    def _look(self) -> None:
        left = self._session.patience()  # it counts from when the guest began, which may have waited for a thread
        if left <= 0:
            self._session.overrun()
        else:
            self._timer = self._loop.call_later(left, self._look)
