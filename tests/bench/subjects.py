"""What load is put on: programs that are started, told apart by name, and stopped.

Law: they are started with the commands that users run.

A subject that cannot be had raises NotHad with the reason, which its rows then show.
"""

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path
from typing import Protocol

from batos.local.child import Child, Probe, Program, says_ready
from batos.local.etcd import find_etcd, start_etcd
from batos.local.private import private_folder
from bench.content import requests, send_once, typical_reply, write_content
from bench.rows import PIPELINE, SEND, Row

TRACED = {
    "OTEL_TRACES_SAMPLER": "parentbased_traceidratio",
    "OTEL_TRACES_SAMPLER_ARG": "0.01",
    "OTEL_METRICS_EXPORTER": "none",  # the sink takes spans alone
}
VALUE = bytes(300)  # as long as the slots, the lane and the rest that one small send writes


class NotHad(Exception):
    """A subject cannot be had here; the text says why."""


@dataclass(frozen=True, slots=True)
class Load:
    """Where a row's requests go, and what they are; further connections go to the addresses in `beside`."""

    target: str
    method: str
    requests: tuple[bytes, ...]
    beside: tuple[str, ...] = ()


class Subject(Protocol):
    """Programs under load."""

    @property
    def pids(self) -> Mapping[str, int]:
        """The running programs by name."""
        ...

    async def start(self) -> None:
        """Start them, ready for every row. Raises NotHad."""
        ...

    async def stop(self) -> None:
        """Stop them, also where starting failed."""
        ...

    async def load(self, row: Row) -> Load:
        """What a row puts on them."""
        ...


class Programs:
    """Running programs of one subject, which are stopped in reverse order."""

    def __init__(self, folder: Path) -> None:
        self.folder = private_folder(folder)
        self.children: dict[str, Child] = {}

    @property
    def pids(self) -> dict[str, int]:
        """By name."""
        return {name: child.pid for name, child in self.children.items()}

    async def start(
        self, name: str, command: tuple[str, ...], environment: Mapping[str, str], probe: Probe = says_ready
    ) -> Child:
        """Start one and wait until it is ready. Raises batos.local.errors.NotStarted."""
        program = Program(name, command, {**base_environment(), **environment})
        self.children[name] = await Child.start(program, self.folder, probe)
        return self.children[name]

    async def etcd(self, retention: str = "5m") -> Child:
        """Start an etcd as `batctl up` does; it keeps the history of `retention`."""
        etcd = find_etcd(os.environ.get("PATH"))
        self.children["etcd"] = await start_etcd(
            etcd, self.folder / "etcd", self.folder, base_environment(), retention=retention
        )
        return self.children["etcd"]

    async def store(self, told: Mapping[str, str], retention: str = "5m") -> dict[str, str]:
        """Start an etcd and an objectstore over it that holds the content; what a dispatcher over it is told."""
        etcd = await self.etcd(retention)
        told = {**told, "BATOS_LISTEN": "127.0.0.1:0", "BATOS_ETCD_ENDPOINTS": etcd.address}
        objectstore = await self.start("objectstore", (sys.executable, "-m", "objectstore"), told)
        await write_content(objectstore.address)
        return {**told, "BATOS_OBJECTSTORE": objectstore.address}

    async def stop(self) -> None:
        """Stop them all."""
        for name in reversed(list(self.children)):
            await self.children.pop(name).stop()


def base_environment() -> dict[str, str]:
    """This program's environment less what configures etcd, BatOS or telemetry: rows say that themselves."""
    ours = ("BATOS_", "OTEL_", "ETCD_")
    return {name: value for name, value in os.environ.items() if not name.startswith(ours)} | {"PYTHONUNBUFFERED": "1"}


class Echo:
    """A bare gRPC server; see bench.echo."""

    def __init__(self, folder: Path) -> None:
        self._programs = Programs(folder)

    @property
    def pids(self) -> Mapping[str, int]:
        """See Subject."""
        return self._programs.pids

    async def start(self) -> None:
        """See Subject."""
        command = (sys.executable, "-m", "bench.echo", str(len(typical_reply())))
        await self._programs.start("echo", command, {})

    async def stop(self) -> None:
        """See Subject."""
        await self._programs.stop()

    async def load(self, row: Row) -> Load:
        """The messages that a durable send would carry."""
        return Load(self._programs.children["echo"].address, SEND, requests(row))


class Etcd:
    """An etcd alone, configured as the suite's."""

    def __init__(self, folder: Path) -> None:
        self._programs = Programs(folder)

    @property
    def pids(self) -> Mapping[str, int]:
        """See Subject."""
        return self._programs.pids

    async def start(self) -> None:
        """See Subject."""
        await self._programs.etcd()

    async def stop(self) -> None:
        """See Subject."""
        await self._programs.stop()

    async def load(self, row: Row) -> Load:
        """One value for every key."""
        return Load(self._programs.children["etcd"].address, "", (VALUE,))


class Batos:
    """etcd, an objectstore and a dispatcher, started as `batctl up` does; no message here needs a synthesizer."""

    def __init__(self, folder: Path, *, traced: bool = False, retention: str = "5m") -> None:
        self._programs = Programs(folder)
        self._traced = traced
        self._retention = retention

    @property
    def pids(self) -> Mapping[str, int]:
        """See Subject."""
        return self._programs.pids

    @property
    def children(self) -> Mapping[str, Child]:
        """The running programs, for who needs their addresses."""
        return self._programs.children

    async def start(self) -> None:
        """See Subject."""
        told: dict[str, str] = {}
        if self._traced:
            sink = await self._programs.start("sink", (sys.executable, "-m", "bench.echo", "0"), {})
            told = TRACED | {"OTEL_EXPORTER_OTLP_ENDPOINT": f"http://{sink.address}"}
        told = await self._programs.store(told, self._retention)
        dispatcher = await self._programs.start("dispatcher", (sys.executable, "-m", "dispatcher"), told)
        await send_once(dispatcher.address)

    async def stop(self) -> None:
        """See Subject."""
        await self._programs.stop()

    async def load(self, row: Row) -> Load:
        """The row's messages."""
        return sends(row, self._programs.children["dispatcher"].address)


def sends(row: Row, *addresses: str) -> Load:
    """The row's messages, its connections spread over these dispatchers' addresses."""
    target, *beside = islice(cycle(addresses), max(row.connections, len(addresses)))
    return Load(target, PIPELINE if row.road == "stream" else SEND, requests(row), tuple(beside))
