"""Everything on one machine, as children of this program: etcd, a model, the three services, a receiver of traces.

Law: it starts whole or not at all, stops in reverse order, and keeps what is in its data folder.

    async with Suite(data=folder) as suite:
        async with batos.Client(suite.addresses) as client:
            ...

| in the data folder | is                                                    |
|--------------------|-------------------------------------------------------|
| `etcd/`            | objects and methods                                   |
| `logs/NAME.log`    | what each child wrote                                 |
| `traces/`          | the last traces, one file each                        |
| `addresses.json`   | where the services are, while they are                |
| `lock`             | held, with the pid of who holds it                    |
"""

import asyncio
import importlib.util
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Self

import click

from batos.addresses import FILE, Addresses
from batos.errors import BatosError
from batos.local.child import Child, Program, says_ready
from batos.local.errors import NoServices, NotStarted, ServiceEnded, model_failure
from batos.local.etcd import find_etcd, start_etcd, version_of, warning_of
from batos.local.fetch import fetch_model
from batos.local.lock import DataLock
from batos.local.ports import HOST, Ports
from batos.local.private import private_folder, without_credentials
from batos.local.traces import TraceKeeper, TraceReceiver

SERVICES = ("objectstore", "synthesizer", "dispatcher")  # in the order they need each other
PERSONAS = ("BRICK", "BABS", "ROBIN", "ALFRED")
MODEL_SECONDS = 180.0
_EXPORTERS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")


@dataclass(frozen=True, slots=True)
class Programs:
    """The commands to run. `etcd` is found by itself where it is empty; without `fetch` no model is fetched."""

    etcd: str = ""
    fetch: Sequence[str] = (sys.executable, "-m", "batos.local.fetch")
    model: Sequence[str] = (sys.executable, "-m", "batos.local.model")
    services: Mapping[str, Sequence[str]] = field(
        default_factory=lambda: {name: (sys.executable, "-m", name) for name in SERVICES}
    )


@dataclass(frozen=True, slots=True)
class Told:
    """One line about the suite: a child that is ready, or a warning."""

    text: str
    child: Child | None = None


class Suite:
    """The whole suite on this machine. A context, or `start`, `stop` and `restart`.

    `model` is what `BATOS_MODEL` takes. With `persona_url`, or where `environment` says where every persona's endpoint
    is, no model is started. `environment` is what the children get, this program's own by default. The dispatcher runs
    as `workers` processes. `tell` is told each child as it becomes ready.
    """

    def __init__(
        self,
        *,
        data: Path,
        model: str = "0.5b",
        persona_url: str = "",
        ports: Ports | None = None,
        environment: Mapping[str, str] | None = None,
        programs: Programs | None = None,
        workers: int = 1,
        tell: Callable[[Told], None] = lambda _: None,
    ) -> None:
        self.data = data.absolute()
        self.addresses = Addresses()
        self._model = model
        self._ports = ports or Ports()
        # Children inherit the environment as they do from a shell; nothing here is configured by it.
        self._environment = dict(os.environ if environment is None else environment)  # noqa: TID251
        if persona_url:
            self._environment["BATOS_PERSONA_URL"] = persona_url
        self._programs = programs or Programs()
        self._workers = workers
        self._tell = tell
        self._lock = DataLock(self.data)
        self._receiver: TraceReceiver | None = None
        self._exporting: dict[str, str] = {}
        self._etcd = ""
        self._children: dict[str, Child] = {}

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    @property
    def dispatcher(self) -> str:
        """`host:port` of the dispatcher."""
        return self.addresses.dispatcher

    @property
    def children(self) -> Mapping[str, Child]:
        """The running children by name, in the order they started."""
        return self._children

    async def start(self) -> None:
        """Start everything. Raises BatosError, with nothing left running, where that fails."""
        self._ports.check()
        self._find_services()
        await self._find_etcd()
        self._lock.take()
        try:
            if self._programs.fetch and not _has_endpoints(self._environment):
                await fetch_model(self._programs.fetch, self._model, self._environment)
            await self._start_receiver()
            await self._start_children()
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Stop everything, the last started first. Safe to repeat."""
        (self.data / FILE).unlink(missing_ok=True)
        await self._stop_children(list(self._children))
        if self._receiver:
            await self._receiver.stop()
            self._receiver = None
        self._lock.release()

    async def restart(self) -> None:
        """Stop etcd and the services and start them again, on the same ports; the model goes on."""
        await self._stop_children([name for name in self._children if name != "model"])
        try:
            await self._start_children()
        except BaseException:
            await self.stop()
            raise

    async def ended(self) -> ServiceEnded:
        """Wait until a child ends by itself, and say which."""
        waiting = [asyncio.create_task(child.ended()) for child in self._children.values()]
        try:
            done, _ = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            return done.pop().result()
        finally:
            for task in waiting:
                task.cancel()

    def kill(self) -> None:
        """End every child at once, for those who do not want to wait; `stop` still cleans up."""
        for child in self._children.values():
            child.kill()

    async def _stop_children(self, names: Sequence[str]) -> None:
        for name in reversed(names):
            await self._children[name].stop()
            del self._children[name]

    async def _start_receiver(self) -> None:
        if theirs := next((name for name in _EXPORTERS if self._environment.get(name)), None):
            where = without_credentials(self._environment[theirs])
            self._tell(Told(f"traces go to {where}, as {theirs} says; `batctl trace` has none"))
            return
        self._receiver = TraceReceiver(TraceKeeper(self.data), partial(click.echo, err=True))
        soon = self._environment.get("OTEL_BSP_SCHEDULE_DELAY", "200")  # ms; `batctl trace` comes right after a message
        self._exporting = {
            "OTEL_EXPORTER_OTLP_ENDPOINT": await self._receiver.start(),
            "OTEL_BSP_SCHEDULE_DELAY": soon,
        }
        if not self._environment.get("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT"):
            self._exporting["OTEL_METRICS_EXPORTER"] = "none"  # traces alone are kept here

    async def _start_children(self) -> None:
        loading = asyncio.create_task(self._start_model())  # takes longest, and needs nobody
        try:
            await self._start_etcd()
            await self._start_service("objectstore")
            await loading
            await self._start_service("synthesizer")
            await self._start_service("dispatcher")
        finally:
            loading.cancel()
            with suppress(asyncio.CancelledError, BatosError):  # its failure was told above, or another came first
                await loading
        self.addresses.write(self.data)

    def _find_services(self) -> None:
        for command in self._programs.services.values():
            if command[1:2] == ("-m",) and importlib.util.find_spec(command[2]) is None:
                raise NoServices(command[2])

    async def _find_etcd(self) -> None:
        if not self._etcd:
            etcd = self._programs.etcd or find_etcd(self._environment.get("PATH"))
            if warning := warning_of(await version_of(etcd)):
                self._tell(Told(warning))
            self._etcd = etcd

    async def _start_etcd(self) -> None:
        child = await start_etcd(self._etcd, self.data / "etcd", self._logs, self._environment, self._ports.etcd)
        self._started(child)

    async def _start_model(self) -> None:
        if "model" in self._children or _has_endpoints(self._environment):
            return
        command = (*self._programs.model, "--model", self._model, "--port", str(self._ports.model))
        program = Program("model", command, self._base, MODEL_SECONDS)
        try:
            self._started(await Child.start(program, self._logs, says_ready))
        except NotStarted as failure:
            raise model_failure(failure) from None

    async def _start_service(self, name: str) -> None:
        command = self._programs.services[name]
        if name == "dispatcher" and self._workers > 1:
            command = (*command, "--workers", str(self._workers))
        given = {"BATOS_LISTEN": f"{HOST}:{getattr(self._ports, name)}", **self._where()}
        child = await Child.start(Program(name, command, self._base | given), self._logs, says_ready)
        self._started(child)
        self.addresses = self.addresses.changed({name: child.address})

    def _started(self, child: Child) -> None:
        self._children[child.name] = child
        port = int(child.address.rpartition(":")[2])
        self._ports = replace(self._ports, **{child.name: port})  # it comes back there
        self._tell(Told(f"{child.name} {child.address}", child))

    def _where(self) -> dict[str, str]:
        """What a service is told of the others that are there before it."""
        names = {"etcd": "BATOS_ETCD_ENDPOINTS", "objectstore": "BATOS_OBJECTSTORE", "synthesizer": "BATOS_SYNTHESIZER"}
        told = {variable: self._children[name].address for name, variable in names.items() if name in self._children}
        if "model" in self._children:
            told["BATOS_PERSONA_URL"] = f"http://{self._children['model'].address}"
        return told

    @property
    def _base(self) -> dict[str, str]:
        return self._environment | self._exporting | {"PYTHONUNBUFFERED": "1"}

    @property
    def _logs(self) -> Path:
        return private_folder(self.data / "logs")


def _has_endpoints(environment: Mapping[str, str]) -> bool:
    each = all(environment.get(f"BATOS_PERSONA_URL_{persona}") for persona in PERSONAS)
    return each or bool(environment.get("BATOS_PERSONA_URL"))
