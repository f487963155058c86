"""The whole suite as a cluster of real processes. Law: whatever was done to it, `heal` makes it whole again.

dispatcher-0 ─┐
dispatcher-1 ─┴─▶ store-0 ────────▶ etcd-0 (etcd-1, etcd-2)
dispatcher-2 ───▶ ≈ ──▶ store-1 ──▶ ≈ ──▶ etcd       ≈ a proxy that can cut, hold and lose
"""

import asyncio
import os
import signal
import sys
from collections.abc import Iterable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from grpc.aio import Channel, insecure_channel

from batos.addresses import Addresses
from batos.channel import SHORT
from batos.client import Client
from batos.local.child import Child, Program, says_ready
from batos.v1 import objectstore_pb2 as pb
from batos.v1.objectstore_pb2_grpc import ObjectStoreStub
from fakes.proxy import Proxy
from faults.members import HOST, PASSWORD, USER, members, ports
from faults.relay import Relay

STORES = ("store-0", "store-1")
DISPATCHERS = ("dispatcher-0", "dispatcher-1", "dispatcher-2")
VISITOR = "dispatcher-3"
LINKS = ("store-1-etcd", "dispatcher-2-store-1")
GRACE_S = 15.0


def _method(*lines: str) -> str:
    """The source of a method that keeps the covenant: its first line, its body, what it returns."""
    first, *body, answer = lines
    return "\n    ".join([f"def {first}:", *body, "self._p_changed = True", f"return {answer}"]) + "\n"


INCREMENT = _method("increment(self)", "self.count = self.count + 1", "self.count")
COUNT = _method("read(self)", "self.count")
METHODS = {
    "fault/counter": (INCREMENT, COUNT),
    "fault/register": (
        _method("write(self, value)", "self.value = value", "value"),
        _method("read(self)", "self.value"),
    ),
    "fault/pair": (
        _method("increment(self, other)", "self.count = self.count + 1", 'self.send(other, "increment")', "self.count"),
        _method("sums(self, other)", '[self.send(other, "read"), self.count]'),
        COUNT,
    ),
    "fault/guard": (
        _method("leave(self, other)", 'self.on = not self.send(other, "there")', "self.on"),
        _method("back(self)", "self.on = True", "True"),
        _method("there(self)", "self.on"),
    ),
}


@dataclass(frozen=True, slots=True)
class Shape:
    """`members` of etcd; `guarded`: it asks for logins, which end after 2 s.

    With `late` seconds, dispatcher-1 hears so much later than dispatcher-0 who is a member; dispatcher-2 twice as much.
    """

    members: int = 1
    guarded: bool = False
    late: float = 0.0


class Cluster:
    """An etcd, two objectstores, three dispatchers, and clients of the latter."""

    def __init__(self, folder: Path, logs: Path, shape: Shape) -> None:
        self.shape = shape
        self._relays: dict[str, Relay] = {}
        self.etcd = members(folder, shape.members, guarded=shape.guarded)
        self._members = {member.name: member for member in self.etcd.members}
        self._running: set[str] = set()
        self.logs = logs
        self.children: dict[str, Child] = {}
        self.locks = {name: asyncio.Lock() for name in (*self.member_names, *STORES, *DISPATCHERS, VISITOR, *LINKS)}
        self.links: dict[str, list[Proxy]] = {}
        names = (*STORES, *DISPATCHERS, VISITOR)
        self._ports: dict[str, int] = dict(zip(names, ports(len(names)), strict=True))
        self._stack = AsyncExitStack()
        self.clients: dict[str, Client] = {}
        self._channels: dict[str, Channel] = {}

    @property
    def member_names(self) -> list[str]:
        """The names of etcd's members."""
        return list(self._members)

    @property
    def running(self) -> list[str]:
        """What runs, in the order of a start."""
        return [name for name in (*self.member_names, *STORES, *DISPATCHERS, VISITOR) if self._runs(name)]

    def _runs(self, name: str) -> bool:
        return name in self._running or name in self.children

    async def __aenter__(self) -> Self:
        self.logs.mkdir(parents=True, exist_ok=True)
        targets = {"store-1-etcd": [member.client_port for member in self.etcd.members]}
        targets["dispatcher-2-store-1"] = [self._ports["store-1"]]
        for link, to in targets.items():
            self.links[link] = [await self._stack.enter_async_context(Proxy(port)) for port in to]
        for name, seconds in (("dispatcher-1", self.shape.late), ("dispatcher-2", 2 * self.shape.late)):
            if seconds:
                relay = Relay(self._store_of(name), "/Join", seconds)
                self._relays[name] = await self._stack.enter_async_context(relay)
        for name in STORES:
            self._channels[name] = await self._stack.enter_async_context(insecure_channel(self.address(name)))
        try:
            await self._start_etcd()
            await self.heal()
            for name in (*DISPATCHERS, VISITOR):
                addresses = Addresses(dispatcher=self.address(name), objectstore=self.address("store-0"))
                self.clients[name] = await self._stack.enter_async_context(
                    Client(addresses, patience=0.0, pipeline=name != "dispatcher-1")
                )
            await self._learn()
        except BaseException:
            await self.close()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    def address(self, name: str) -> str:
        """Where a service listens, whether it runs or not."""
        return f"{HOST}:{self._ports[name]}"

    async def heal(self) -> None:
        """Start what does not run."""
        await asyncio.gather(*(self.start(name) for name in self.member_names))
        await asyncio.gather(*(self.start(name) for name in STORES))
        await asyncio.gather(*(self.start(name) for name in DISPATCHERS))

    async def start(self, name: str) -> None:
        """Start one, on the ports and data it had. Nothing happens where it runs."""
        if name in self.running:
            return
        if member := self._members.get(name):
            member.launch()
            self._running.add(name)
            await asyncio.to_thread(member.wait)
            return
        module = "objectstore" if name in STORES else "dispatcher"
        command = (sys.executable, "-m", module)
        self.children[name] = await Child.start(
            Program(name, command, os.environ | self._environment(name)), self.logs, says_ready
        )

    async def kill(self, *names: str) -> None:
        """End them at once, as a crash would."""
        for name in names:
            if member := self._members.get(name):
                member.kill()
                self._running.discard(name)
        gone = [self.children.pop(name) for name in names if name in self.children]
        for child in gone:
            child.kill()
        for child in gone:
            await child.stop(0)

    async def drain(self, name: str) -> None:
        """End one as an operator would; killed where it takes longer than 15 s."""
        if member := self._members.get(name):
            self._running.discard(name)
            await asyncio.to_thread(member.stop)
        else:
            await self.children.pop(name).stop(GRACE_S)

    def pause(self, name: str) -> None:
        """Let it stand still, with its connections open."""
        self._signal(name, signal.SIGSTOP)

    def resume(self, name: str) -> None:
        """Let it go on."""
        self._signal(name, signal.SIGCONT)

    def _signal(self, name: str, number: signal.Signals) -> None:
        if member := self._members.get(name):
            os.kill(member.pid, number)
        else:
            os.killpg(self.children[name].pid, number)

    async def close(self) -> None:
        """End everything."""
        await self.kill(*reversed(self.running))
        await self._stack.aclose()

    async def _start_etcd(self) -> None:
        await asyncio.gather(*(self.start(name) for name in self.member_names))
        if self.shape.guarded:
            self.etcd.members[0].make_users(USER, PASSWORD)

    def _environment(self, name: str) -> dict[str, str]:
        told = {"BATOS_LISTEN": self.address(name), "PYTHONUNBUFFERED": "1", "BATOS_ROOTS": "2"}
        if name in STORES:
            through = [proxy.address for proxy in self.links["store-1-etcd"]]
            direct = self.etcd.endpoints
            if self.shape.guarded:
                told |= {"BATOS_ETCD_USER": USER, "BATOS_ETCD_PASSWORD": PASSWORD}
            return told | {"BATOS_ETCD_ENDPOINTS": ",".join(through if name == "store-1" else direct)}
        relay = self._relays.get(name)
        return told | {"BATOS_OBJECTSTORE": relay.address if relay else self._store_of(name)}

    def _store_of(self, name: str) -> str:
        """Where a dispatcher reaches its objectstore."""
        through = [proxy.address for proxy in self.links["dispatcher-2-store-1"]]
        return through[0] if name == "dispatcher-2" else self.address("store-0")

    def store(self, name: str = "store-0") -> ObjectStoreStub:
        """The raw calls of an objectstore."""
        return ObjectStoreStub(self._channels[name])

    async def _learn(self) -> None:
        """The prototypes of all schedules, with their methods."""
        client = self.clients["dispatcher-0"]
        for prototype, sources in METHODS.items():
            await client.objects.create(prototype)
            for source in sources:
                selector = source.split("def ", 1)[1].split("(", 1)[0]
                request = pb.RegisterMethodRequest(holder=prototype, selector=selector, source=source, activate=True)
                await client.objects.service.ask(self.store().RegisterMethod(request, timeout=SHORT))

    async def make(self, objects: Iterable[tuple[str, str, dict[str, object]]]) -> None:
        """Objects, each an id, a prototype and slots."""
        client = self.clients["dispatcher-0"]
        for object_id, prototype, slots in objects:
            await client.objects.create(object_id, parents=[prototype], slots=slots)
