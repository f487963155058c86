"""One child of `batctl up`. Law: it never outlives its parent, and what it said is in its log.

Each child leads a session of its own, so that Ctrl-C reaches the parent alone, which then ends its children in order;
what a child leaves behind in its session is killed after it.
"""

import asyncio
import os
import re
import signal
import sys
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from batos.local import leash
from batos.local.errors import NotStarted, ServiceEnded, tail_of
from batos.local.private import UMASK, private_file, without_credentials

GRACE = 15.0  # seconds from SIGTERM to SIGKILL
_POLL = 0.05
_LOG_BYTES = 8 << 20  # beyond this a log is put aside at the next start
_READY = re.compile(r"^ready (\S+)$", re.MULTILINE)

Probe = Callable[["Child"], Awaitable[str | None]]
"""Where a child serves (`host:port`); None while it does not."""


@dataclass(frozen=True, slots=True)
class Program:
    """What to run. `seconds` is how long it may take to become ready."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    seconds: float = 60.0


class Child:
    """A running program."""

    def __init__(self, program: Program, log: Path, child: asyncio.subprocess.Process, since: int) -> None:
        self.name = program.name
        self.log = log
        self.pid = child.pid
        self.address = ""
        self.seconds = 0.0
        self._program = program
        self._child = child
        self._since = since

    @classmethod
    async def start(cls, program: Program, logs: Path, probe: Probe) -> "Child":
        """Run a program until it is ready. Raises NotStarted where it ends, or is not ready in its time."""
        log = logs / f"{program.name}.log"
        _put_aside(log)
        began = time.monotonic()
        with private_file(log).open("ab") as file:
            since = file.tell()
            running = await asyncio.create_subprocess_exec(
                *(sys.executable, "-I", "-S", leash.__file__, str(os.getpid()), *program.command),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=file,
                stderr=file,
                env=dict(program.environment),
                start_new_session=True,
                umask=UMASK,
            )
        child = cls(program, log, running, since)
        try:
            child.address = await child._ready(probe)
        except BaseException:
            await child.stop()
            raise
        child.seconds = time.monotonic() - began
        return child

    def said(self) -> str:
        """Everything it wrote since it was started."""
        with self.log.open("rb") as file:
            file.seek(self._since)
            return file.read().decode(errors="replace")

    async def ended(self) -> ServiceEnded:
        """Wait until it ends, and say so."""
        code = await self._child.wait()
        return ServiceEnded(f"{self.name} (pid {self.pid}) ended by itself, {_status(code)}", fields=self._last_words())

    async def stop(self, grace: float = GRACE) -> None:
        """End it: SIGTERM, and after `grace` seconds SIGKILL. Nothing of it remains."""
        if self._child.returncode is None:
            with suppress(ProcessLookupError):
                self._child.terminate()
            with suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self._child.wait(), grace)
        self.kill()
        await self._child.wait()

    def kill(self) -> None:
        """End it and all of its session at once."""
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)

    async def _ready(self, probe: Probe) -> str:
        deadline = time.monotonic() + self._program.seconds
        while time.monotonic() < deadline:
            if (address := await probe(self)) is not None:
                return address
            if (code := self._child.returncode) is not None:
                raise NotStarted(f"{self.name} did not start: {_status(code)}", fields=self._last_words())
            await asyncio.sleep(_POLL)
        raise NotStarted(f"{self.name} was not ready in {self._program.seconds:.0f} s", fields=self._last_words())

    def _last_words(self) -> dict[str, str]:
        said = without_credentials(tail_of(self.log, self._since))
        return {"log": said, "hint": f"its whole log is {self.log}"}


async def says_ready(child: Child) -> str | None:
    """The probe for programs that print `ready HOST:PORT`."""
    found = _READY.search(child.said())
    return found[1] if found else None


def _put_aside(log: Path) -> None:
    if log.exists() and log.stat().st_size > _LOG_BYTES:
        log.replace(log.with_suffix(".log.1"))


def _status(code: int) -> str:
    return f"killed by {signal.Signals(-code).name}" if code < 0 else f"exit status {code}"
