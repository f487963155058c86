"""What runs on this machine, as the kernel tells it: to prove that nothing was left behind."""

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from batos.local.suite import Suite


def running(pid: int) -> bool:
    """Whether a pid is of something that still runs; what only waits to be reaped does not."""
    with suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False


def pids(suite: Suite) -> list[int]:
    return [child.pid for child in suite.children.values()]


def session_members(session: int) -> list[int]:
    """Every pid whose session is `session`."""
    found: list[int] = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            if int(stat.read_text().rpartition(")")[2].split()[3]) == session:
                found.append(int(stat.parent.name))
    return [pid for pid in found if running(pid)]


async def until(true: Callable[[], bool], seconds: float = 15.0) -> bool:
    deadline = time.monotonic() + seconds
    while not true():
        if time.monotonic() > deadline:
            return False
        await asyncio.sleep(0.05)
    return True


async def gone(which: list[int]) -> bool:
    return await until(lambda: not any(running(pid) for pid in which))
