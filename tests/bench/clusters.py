"""Several programs that dispatch: three dispatchers that are members of one service, and two workers of one address.

Law: all of them know each other before any load begins; rows of one subject are rows of the same programs.
"""

import asyncio
import re
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

from bench.content import counter, send_once
from bench.rows import Row
from bench.subjects import Load, NotHad, Programs, sends
from dispatcher.owners import rendezvous
from kernel.objects import DEFAULT_NAMESPACE, ObjectId
from objectstore.members import Member

DISPATCHERS = ("dispatcher-1", "dispatcher-2", "dispatcher-3")
WORKERS = 2
LOOKS, PAUSE_S = 600, 0.05
_GATHERED = re.compile(r"the members are ([\w, ]+); this is (\w+)")
_WORKER = re.compile(r"worker (\d) is ready, pid (\d+)")


class Cluster:
    """etcd, an objectstore, and three dispatchers that know each other, each at an address of its own."""

    def __init__(self, folder: Path) -> None:
        self._programs = Programs(folder)

    @property
    def pids(self) -> Mapping[str, int]:
        """See Subject."""
        return self._programs.pids

    async def start(self) -> None:
        """See Subject."""
        told = await self._programs.store({})
        for name in DISPATCHERS:
            await self._programs.start(name, (sys.executable, "-m", "dispatcher"), told)
        await self._gathered()
        for name in DISPATCHERS:
            await send_once(self._programs.children[name].address)

    async def stop(self) -> None:
        """See Subject."""
        await self._programs.stop()

    async def load(self, row: Row) -> Load:
        """The row's messages, to the dispatchers that it names. Raises NotHad."""
        members = await self._gathered()
        owner = rendezvous(members, DEFAULT_NAMESPACE, ObjectId(counter(0)))
        others = [member for member in members if member != owner]
        ways = {"owner": [owner], "another": others[:1], "all": [owner, *others]}
        return sends(row, *(member.address for member in ways[row.through]))

    async def _gathered(self) -> list[Member]:
        """The dispatchers by their members' names, at the clients' addresses, once all know all. Raises NotHad."""
        children = [self._programs.children[name] for name in DISPATCHERS]
        for _ in range(LOOKS):
            if (names := together(child.said() for child in children)) is not None:
                return [Member(name, child.address) for name, child in zip(names, children, strict=True)]
            await asyncio.sleep(PAUSE_S)
        raise NotHad(f"the dispatchers did not find each other in {LOOKS * PAUSE_S:g} s: see their logs")


def together(logs: Iterable[str]) -> list[str] | None:
    """The members' names by what each dispatcher said last; None while one does not know them all and no others."""
    told = [_GATHERED.findall(log)[-1:] for log in logs]
    names = [me for last in told for _, me in last]
    return names if all(last and set(last[0][0].split(", ")) == set(names) for last in told) else None


class Workers:
    """etcd, an objectstore, and a dispatcher of two workers; each worker is a program of the figures."""

    def __init__(self, folder: Path) -> None:
        self._programs = Programs(folder)

    @property
    def pids(self) -> Mapping[str, int]:
        """See Subject; the workers' parent serves nobody, and does not count as a program."""
        pids = self._programs.pids
        if pids.pop("dispatcher", None) is None:
            return pids
        workers = _WORKER.findall(self._programs.children["dispatcher"].said())
        return pids | {f"worker-{number}": int(pid) for number, pid in workers}

    async def start(self) -> None:
        """See Subject."""
        told = await self._programs.store({})
        command = (sys.executable, "-m", "dispatcher", "--workers", str(WORKERS))
        dispatcher = await self._programs.start("dispatcher", command, told)
        await send_once(dispatcher.address)

    async def stop(self) -> None:
        """See Subject."""
        await self._programs.stop()

    async def load(self, row: Row) -> Load:
        """The row's messages; the kernel spreads their connections over the workers."""
        return sends(row, self._programs.children["dispatcher"].address)
