"""Real programs over a store of so many objects. Law: filled by a restore, then started anew as anyone would."""

import sys
import time
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import grpc.aio

from batos.administration import Administration
from batos.channel import Service
from batos.local.child import Child
from batos.v1 import dispatcher_pb2 as pb
from batos.v1 import object_pb2 as obj
from batos.v1 import objectstore_pb2 as store_pb
from batos.v1.dispatcher_pb2_grpc import DispatcherStub
from batos.v1.objectstore_pb2_grpc import ObjectStoreStub
from bench.roads import CHANNEL, pipelined
from bench.rows import SEND, Row
from bench.scale_content import backup, name
from bench.subjects import Load, Programs

FRAME = 250
IN_FLIGHT = 1000


@dataclass(frozen=True, slots=True)
class Started:
    """Seconds from the start of a program until it said that it is ready, and until it first answered."""

    ready: float
    answered: float


class Store:
    """etcd, objectstore and dispatcher; see bench.subjects.Subject."""

    def __init__(self, folder: Path, objects: int) -> None:
        self._programs = Programs(folder)
        self.objects = objects
        self.drawn: Sequence[int] = ()
        """Which objects the next row sends to."""
        self.started: dict[str, Started] = {}
        self.filled = 0.0
        """Seconds that the restore took."""

    @property
    def pids(self) -> Mapping[str, int]:
        """See Subject."""
        return self._programs.pids

    @property
    def dispatcher(self) -> str:
        """Its address."""
        return self._programs.children["dispatcher"].address

    @property
    def objectstore(self) -> str:
        """Its address."""
        return self._programs.children["objectstore"].address

    @property
    def etcd(self) -> str:
        """Its address."""
        return self._programs.children["etcd"].address

    async def start(self) -> None:
        """Fill it, then start every program anew."""
        await self._programs.etcd("1h")
        await self._start("objectstore", BATOS_ETCD_ENDPOINTS=self.etcd)
        service = Service.at("objectstore", self.objectstore)
        began = time.monotonic()
        await Administration(service).restore(backup(self.objects))
        self.filled = time.monotonic() - began
        await service.channel.close()
        await self.stop()
        began = time.monotonic()
        await self._programs.etcd("1h")
        self.started["etcd"] = Started(time.monotonic() - began, time.monotonic() - began)
        began = time.monotonic()
        ready = await self._start("objectstore", BATOS_ETCD_ENDPOINTS=self.etcd)
        async with self.store() as stub:
            await stub.GetObject(store_pb.GetObjectRequest(id=name(0)))
        self.started["objectstore"] = Started(ready.seconds, time.monotonic() - began)
        began = time.monotonic()
        ready = await self._start("dispatcher", BATOS_OBJECTSTORE=self.objectstore)
        async with self.sending() as sending:
            await sending.Send(pb.SendRequest(message=obj.Message(receiver=name(0), selector="read")))
        self.started["dispatcher"] = Started(ready.seconds, time.monotonic() - began)

    async def stop(self) -> None:
        """See Subject."""
        await self._programs.stop()

    async def load(self, row: Row) -> Load:
        """The row's message to every object that is drawn."""
        messages = (obj.Message(receiver=name(each), selector=row.selector) for each in self.drawn)
        requests = tuple(pb.SendRequest(message=message).SerializeToString() for message in messages)
        return Load(self.dispatcher, SEND, requests)

    @asynccontextmanager
    async def store(self) -> AsyncGenerator[ObjectStoreStub]:
        """The objectstore's stub."""
        async with grpc.aio.insecure_channel(self.objectstore, options=CHANNEL) as channel:
            yield ObjectStoreStub(channel)

    @asynccontextmanager
    async def sending(self) -> AsyncGenerator[DispatcherStub]:
        """The dispatcher's stub."""
        async with grpc.aio.insecure_channel(self.dispatcher, options=CHANNEL) as channel:
            yield DispatcherStub(channel)

    async def touch(self, selector: str, objects: Sequence[int]) -> dict[int, int]:
        """One message to each object, on one stream; how many were answered by which version. Raises RuntimeError."""
        messages = [obj.Message(receiver=name(each), selector=selector).SerializeToString() for each in objects]
        versions: dict[int, int] = {}
        async with grpc.aio.insecure_channel(self.dispatcher, options=CHANNEL) as channel:
            call: Any = DispatcherStub(channel).Pipeline()
            sent = answered = 0
            while answered < len(messages):
                while sent < len(messages) and sent - answered < IN_FLIGHT:
                    sends = enumerate(messages[sent : sent + FRAME], sent)
                    await call.write(pb.PipelineRequest.FromString(b"".join(pipelined(*each) for each in sends)))
                    sent += FRAME
                frame: pb.PipelineResponse = await call.read()
                for reply in frame.replies:
                    if not reply.HasField("reply"):
                        raise RuntimeError(f"{name(objects[reply.id])} did not answer: {reply.failure.message}")
                    number = reply.reply.method.number
                    versions[number] = versions.get(number, 0) + 1
                    answered += 1
            call.cancel()
        return versions

    async def _start(self, program: str, **told: str) -> Child:
        environment = {"BATOS_LISTEN": "127.0.0.1:0", **told}
        return await self._programs.start(program, (sys.executable, "-m", program), environment)
