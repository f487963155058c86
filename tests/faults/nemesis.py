"""How each fault is done and undone. Law: when `inflict` returns, what it touched runs again.

Two faults never touch one thing at a time: who waits for it comes later than planned, and the history says when.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Final

from fakes.history import Recorder
from faults.cluster import VISITOR, Cluster
from faults.members import compact
from faults.schedule import Fault

PULSE_S: Final = 0.15


def _pulses(seconds: float) -> int:
    """How often a link fails: what is on the way at that moment is what matters, not for how long it fails."""
    return 1 + int(seconds / (2 * PULSE_S))


class Nemesis:
    """Does to a cluster what a schedule says, and notes it in the history."""

    def __init__(self, cluster: Cluster, recorder: Recorder) -> None:
        self._cluster, self._recorder = cluster, recorder
        self._ways: dict[str, Callable[[str, float], Awaitable[None]]] = {
            "kill": self._kill,
            "pause": self._pause,
            "drain": self._drain,
            "visit": self._visit,
            "compact": self._compact,
            "cut": self._cut,
            "hold": self._hold,
            "swallow": self._swallow,
            "crash": self._crash,
            "restart": self._restart,
        }

    async def inflict(self, fault: Fault) -> None:
        """Wait for its time, do it, and undo it."""
        await asyncio.sleep(fault.at)
        target = await self._name(fault.target)
        async with self._alone(target):
            self._recorder.note(f"{fault.kind} {target} begins")
            await self._ways[fault.kind](target, fault.seconds)
            self._recorder.note(f"{fault.kind} {target} is over")

    async def _name(self, target: str) -> str:
        if target not in {"leader", "follower"}:
            return target
        leads = (await asyncio.to_thread(self._cluster.etcd.leader)).name
        return leads if target == "leader" else next(name for name in self._cluster.member_names if name != leads)

    @asynccontextmanager
    async def _alone(self, target: str) -> AsyncGenerator[None]:
        locks = self._cluster.locks
        async with AsyncExitStack() as stack:
            for name in locks if target == "everything" else [target] if target in locks else []:
                await stack.enter_async_context(locks[name])
            yield

    async def _kill(self, target: str, seconds: float) -> None:
        await self._cluster.kill(target)
        await asyncio.sleep(seconds)
        await self._cluster.start(target)

    async def _pause(self, target: str, seconds: float) -> None:
        self._cluster.pause(target)
        await asyncio.sleep(seconds)
        self._cluster.resume(target)

    async def _drain(self, target: str, seconds: float) -> None:
        del seconds
        await self._cluster.drain(target)
        await self._cluster.start(target)

    async def _visit(self, target: str, seconds: float) -> None:
        await self._cluster.start(VISITOR)
        await asyncio.sleep(seconds)
        await self._cluster.drain(VISITOR)

    async def _compact(self, target: str, seconds: float) -> None:
        revision = await asyncio.to_thread(compact, self._cluster.etcd)
        self._recorder.note(f"compacted at {revision}" if revision else "nobody compacts")

    async def _cut(self, target: str, seconds: float) -> None:
        for _ in range(_pulses(seconds)):
            self._break(target)
            await asyncio.sleep(PULSE_S)

    async def _hold(self, target: str, seconds: float) -> None:
        for _ in range(_pulses(seconds)):
            for proxy in self._cluster.links[target]:
                proxy.hold_requests()
            await asyncio.sleep(PULSE_S)
            self._break(target)  # the answers find nobody
            for proxy in self._cluster.links[target]:
                await proxy.release()
            await asyncio.sleep(PULSE_S)

    async def _swallow(self, target: str, seconds: float) -> None:
        for _ in range(_pulses(seconds)):
            for proxy in self._cluster.links[target]:
                proxy.swallow_answers()
            await asyncio.sleep(PULSE_S)
            self._break(target)
            await asyncio.sleep(PULSE_S)

    def _break(self, target: str) -> None:
        for proxy in self._cluster.links[target]:
            proxy.cut()

    async def _crash(self, target: str, seconds: float) -> None:
        await self._cluster.kill(*self._cluster.running)
        await asyncio.sleep(seconds)
        await self._cluster.heal()

    async def _restart(self, target: str, seconds: float) -> None:
        for name in reversed(self._cluster.running):
            await self._cluster.drain(name)
        await self._cluster.heal()
