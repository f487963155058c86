"""Feeds in one worker, seen from the threads that drive it: one feed, or with `keep` one after the other.

Law: blocks, knows no event loop. At any time one thread runs the session, or it is suspended in a call, or closed; the
lock guards exactly that. Whoever finds it abandoned closes it, and it is closed once. Suspended, it holds no thread.
"""

import contextlib
import os
import signal
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC
from typing import NoReturn

from pydantic_monty import (
    CollectString,
    ExternalResult,
    FunctionSnapshot,
    Monty,
    MontyComplete,
    MontyConversionError,
    MontyCrashedError,
    MontyError,
    MontySession,
    NameLookupSnapshot,
    SyncSnapshot,
)

from sandbox.errors import GuestRaised, LimitExceeded, SandboxUnavailable
from sandbox.failures import failure
from sandbox.guest import Call, Feed
from sandbox.values import call_from_guest, outcome_from_guest, unknown_name


@dataclass(frozen=True, slots=True)
class Done:
    """The feed has ended, with this outcome."""

    outcome: object


class Session:
    """Drives a feed from call to call: ``start``, then ``resume`` with each answer, until Done or an error.

    With ``keep`` the guest stays after Done, and ``again`` feeds it once more; its globals are what they were. Such a
    guest has no host: the first thing it asks for ends the session, as every error does.

    ``begin``, ``patience``, ``overrun`` and ``abandon`` return at once and may be used on an event loop.
    """

    def __init__(self, pool: Monty, feed: Feed, *, keep: bool = False) -> None:
        self._pool, self._feed, self._limits, self._keep = pool, feed, feed.limits, keep
        self._lock = threading.Lock()
        self._checkout: MontySession | None = None
        self._worker: int | None = None  # a pidfd: a pid could already be someone else's
        self._snapshot: FunctionSnapshot | None = None
        self._running = self._abandoned = self._closed = self._overran = False
        self._used = 0.0
        self._began: float | None = None

    def begin(self) -> None:
        """A thread is about to ``start`` or ``resume``. Raises SandboxUnavailable if the session was abandoned."""
        with self._lock:
            if self._abandoned:
                raise SandboxUnavailable("the sandbox was closed while the guest waited; run the feed again")
            self._running = True

    def start(self) -> Call | Done:
        """Take a worker and run to the first call. Raises the errors of ``Sandbox.run``."""
        try:
            self._take_worker()
        except BaseException:
            self.close()
            raise
        return self._advance(lambda: self._feed_start(self._feed.code, self._feed.inputs))

    def again(self, code: str, inputs: Mapping[str, object]) -> Call | Done:
        """Feed a kept guest once more, with the patience of a whole feed. Raises the errors of ``Sandbox.run``."""
        self._used = 0.0
        return self._advance(lambda: self._feed_start(code, inputs))

    def resume(self, answer: ExternalResult) -> Call | Done:
        """Answer the call and run to the next. Raises the errors of ``Sandbox.run``."""
        snapshot = self._snapshot
        if snapshot is None:
            raise AssertionError("resumed a session that is not suspended")
        self._snapshot = None
        return self._advance(lambda: snapshot.resume(answer))

    def patience(self) -> float:
        """Seconds that the guest may still execute before it is killed."""
        spent = 0.0 if self._began is None else time.monotonic() - self._began
        return self._limits.feed_seconds + self._limits.grace_seconds - self._used - spent

    def overrun(self) -> None:
        """Kill a guest whose patience is at its end."""
        with self._lock:
            self._overran = True
            self._kill()

    def abandon(self) -> bool:
        """Nobody wants the outcome any more. True if the session was suspended, so that the caller has to close it."""
        with self._lock:
            self._abandoned = True
            if self._running:
                self._kill()
            return not self._running and not self._closed

    def close(self, *, discard: bool = False) -> None:
        """Give the worker back, or kill it first if its state cannot be trusted. Does nothing the second time."""
        with self._lock:
            if self._closed:
                return
            self._closed, self._running = True, False
            if discard:
                self._kill()
            worker, self._worker = self._worker, None
        if self._checkout is not None:
            self._checkout.__exit__(None, None, None)
        if worker is not None:
            os.close(worker)

    def _kill(self) -> None:
        """Under the lock: once closed, the descriptor's number may be another worker's."""
        if self._worker is not None:
            with contextlib.suppress(ProcessLookupError):  # it has ended by itself
                signal.pidfd_send_signal(self._worker, signal.SIGKILL)

    def _take_worker(self) -> None:
        checkout = self._enter_checkout()
        pid = checkout.worker_pid
        with self._lock:
            self._checkout = checkout
            if pid is None or self._abandoned:
                raise SandboxUnavailable("the sandbox was closed while a worker started; run the feed again")
            self._worker = os.pidfd_open(pid)

    def _enter_checkout(self) -> MontySession:
        for last in (False, True):
            checkout = self._prepare_checkout()
            try:
                return checkout.__enter__()
            except MontyCrashedError as error:  # an idle worker may have died; nothing has run, so ask for another
                if last:
                    raise SandboxUnavailable(f"no worker starts: {error}; its reason is on standard error") from error
            except (TimeoutError, RuntimeError) as error:
                raise SandboxUnavailable(f"no worker can be had: {error}") from error
        raise AssertionError("the last attempt returns or raises")

    def _prepare_checkout(self) -> MontySession:
        limits = self._limits
        return self._pool.checkout(
            script_name="feed",
            limits={
                "max_feed_duration_secs": limits.feed_seconds,
                "max_memory": limits.memory_bytes,
                "max_recursion_depth": limits.recursion,
                "max_suspensions": limits.suspensions,
            },
            assert_message_annotations=False,
            os_policy={
                "datetime": self._feed.now.astimezone(UTC),
                "sleep": "zero",
                "random_start": {"seed": self._feed.seed},
            },
        )

    def _feed_start(self, code: str, inputs: Mapping[str, object]) -> SyncSnapshot:
        if self._checkout is None:
            raise AssertionError("a session starts with its worker")
        return self._checkout.feed_start(
            code,
            inputs=dict(inputs),
            print_callback=CollectString(max_bytes=self._limits.printed_bytes),
        )

    def _advance(self, step: Callable[[], SyncSnapshot]) -> Call | Done:
        self._began = time.monotonic()
        try:
            reached = self._serve(step())
        except MontyError as error:
            found = self._failure(error)
            self.close(discard=isinstance(found, LimitExceeded))
            raise found from None
        except BaseException:
            self.close()
            raise
        self._used += time.monotonic() - self._began
        self._began = None
        if not self._suspend() or (isinstance(reached, Done) and not self._keep):
            self.close()
        return reached

    def _suspend(self) -> bool:
        with self._lock:
            self._running = False
            return not self._abandoned

    def _serve(self, snapshot: SyncSnapshot) -> Call | Done:
        """Answer everything that is not the host's to answer: unknown names, imports, files, the environment."""
        while True:
            if isinstance(snapshot, MontyComplete):
                return Done(outcome_from_guest(snapshot, self._limits))
            if self._keep:
                raise LimitExceeded("calls", "a kept guest asked for what only a host can give")
            if isinstance(snapshot, NameLookupSnapshot):
                snapshot = self._look_up(snapshot)
            elif not isinstance(snapshot, FunctionSnapshot):
                raise GuestRaised("RuntimeError", "the guest awaits what never comes", 0)
            elif snapshot.is_os_function:
                snapshot = snapshot.resume_not_handled()
            elif snapshot.function_name in self._feed.functions and snapshot.object_id is None:
                self._snapshot = snapshot
                return call_from_guest(snapshot, self._limits)
            else:
                snapshot = snapshot.resume(unknown_name(snapshot.function_name))

    def _look_up(self, snapshot: NameLookupSnapshot) -> SyncSnapshot:
        name = snapshot.variable_name
        if name in self._feed.functions and snapshot.object_id is None:
            return snapshot.resume(value=_function_named(name))
        return snapshot.resume()

    def _failure(self, error: MontyError) -> Exception:
        if self._abandoned:
            return SandboxUnavailable("the sandbox was closed while the guest ran; run the feed again")
        if self._overran:
            return LimitExceeded("time", f"the guest ran longer than {self._limits.feed_seconds} s and was killed")
        if isinstance(error, MontyConversionError):
            return TypeError(f"an input of the feed is not plain: {error}")
        return failure(error, self._limits)


def _function_named(name: str) -> Callable[[], NoReturn]:
    """What stands for a host function that the guest uses as a value; only its name crosses."""

    def function() -> NoReturn:
        raise AssertionError("a guest's call is answered by on_call")

    function.__name__ = name
    return function
