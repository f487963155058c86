"""The store in every shape that tests hold to its promises, and ways to disturb it."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from enum import Enum
from typing import Any

import aetcd
import grpc.aio

from batos.v1.admin_pb2_grpc import add_AdministrationServicer_to_server
from batos.v1.flights_pb2_grpc import add_FlightsServicer_to_server
from batos.v1.objectstore_pb2_grpc import add_ObjectStoreServicer_to_server
from chassis.address import Address
from chassis.client import channel
from chassis.server import Register, Server, ServerSpec
from kernel.objects import DEFAULT_NAMESPACE, Namespace, ObjectId
from kernel.transactions import Key, Part, Transaction
from kernel.values import SlotValues, pack
from objectstore.administration import AdministrationServicer
from objectstore.client import MAX_MESSAGE_BYTES, StoreClient
from objectstore.etcd.ledger import EtcdLedger
from objectstore.flights_servicer import FlightsServicer
from objectstore.ledger import Entry, Events, Ledger, Reading, Span, Step, Unclear
from objectstore.ledger_flights import LedgerFlights
from objectstore.ledger_store import LedgerStore
from objectstore.members import Members
from objectstore.memory import MemoryLedger
from objectstore.servicer import StoreServicer
from objectstore.store import Store, StoredObject
from wire.errors import status_of

EVERYTHING = Span(b"/", b"0")
ANY_PORT = Address("127.0.0.1", 0)


@dataclass(frozen=True, slots=True)
class Kept:
    """A store under test, the ledger it ends in, and how to make that ledger forget its history."""

    store: Store
    ledger: Ledger
    compact: Callable[[], Awaitable[None]]


@asynccontextmanager
async def in_memory() -> AsyncGenerator[Kept]:
    ledger = MemoryLedger()

    async def compact() -> None:
        ledger.compact()

    yield Kept(await LedgerStore.open(ledger), ledger, compact)


@asynccontextmanager
async def in_etcd(endpoint: str) -> AsyncGenerator[Kept]:
    address = Address.parse(endpoint)
    ledger = await EtcdLedger.open([address])

    async def compact() -> None:
        untyped: Any = aetcd.Client(address.host, address.port)
        async with untyped as client:
            await client.compact((await ledger.read(EVERYTHING)).revision, physical=True)

    try:
        yield Kept(await LedgerStore.open(ledger), ledger, compact)
    finally:
        await ledger.close()


@asynccontextmanager
async def served(kept: Kept) -> AsyncGenerator[Kept]:
    """The same store, behind a server and a channel."""
    async with serving(kept.store) as address, _connected(address) as connected:
        yield Kept(StoreClient(connected), kept.ledger, kept.compact)


def _connected(address: Address) -> grpc.aio.Channel:
    return channel(address, max_message_bytes=MAX_MESSAGE_BYTES)


@asynccontextmanager
async def serving(store: Store, listen: Address = ANY_PORT, members: Members | None = None) -> AsyncGenerator[Address]:
    """Where a server of the store listens, and of its members where it has them."""
    stop = asyncio.Event()
    servicer = StoreServicer(store, stop, members=members)
    services: dict[str, Register] = {
        "batos.v1.ObjectStore": lambda server: add_ObjectStoreServicer_to_server(servicer, server)
    }
    if isinstance(store, LedgerStore):
        whole = AdministrationServicer(store, "1.2.3")
        services["batos.v1.Administration"] = lambda server: add_AdministrationServicer_to_server(whole, server)
        flights = FlightsServicer(LedgerFlights(store.core))
        services["batos.v1.Flights"] = lambda server: add_FlightsServicer_to_server(flights, server)
    spec = ServerSpec(
        services=services,
        listen=listen,
        status_of=status_of,
        grace=1.0,
        max_receive_bytes=MAX_MESSAGE_BYTES,
        max_send_bytes=MAX_MESSAGE_BYTES,
    )
    async with Server(spec) as server:
        try:
            yield server.address
        finally:
            stop.set()


class Lose(Enum):
    """What becomes of the next transaction whose answer is lost."""

    ANSWER = "it is applied"
    REQUEST = "it never arrives"
    LATE = "it arrives when it is told to"


class LosingLedger:
    """A ledger that loses answers: each transaction takes the next of `losses`, and after those none is lost."""

    def __init__(self, ledger: Ledger, *losses: Lose | None) -> None:
        self.ledger = ledger
        self.losses: list[Lose | None] = list(losses)
        self.late: list[Step] = []

    def lose(self, *losses: Lose | None) -> None:
        self.losses = list(losses)

    async def read(self, *spans: Span) -> Reading:
        return await self.ledger.read(*spans)

    async def read_at(self, revision: int, span: Span) -> Sequence[Entry]:
        return await self.ledger.read_at(revision, span)

    async def read_all_at(self, revision: int, spans: Sequence[Span]) -> Sequence[Sequence[Entry]]:
        return await self.ledger.read_all_at(revision, spans)

    async def transact(self, step: Step) -> int | None:
        loss = self.losses.pop(0) if self.losses else None
        if loss is Lose.LATE:
            self.late.append(step)
        if loss in {None, Lose.ANSWER}:
            revision = await self.ledger.transact(step)
            if loss is None:
                return revision
        raise Unclear("lost by the test")

    async def arrive(self) -> list[int | None]:
        """What comes of the late ones."""
        return [await self.ledger.transact(step) for step in self.late]

    def watch(self, span: Span, after: int) -> AsyncGenerator[Events]:
        return self.ledger.watch(span, after)

    async def close(self) -> None:
        await self.ledger.close()


class MeanwhileLedger(LosingLedger):
    """A ledger in which something else happens right before its next transaction."""

    meanwhile: Callable[[], Awaitable[object]] | None = None

    async def transact(self, step: Step) -> int | None:
        act, self.meanwhile = self.meanwhile, None
        if act is not None:
            await act()
        return await super().transact(step)


def writing(*objects: StoredObject, slots: SlotValues, namespace: Namespace = DEFAULT_NAMESPACE) -> Transaction:
    """The transaction that read these objects, and gives each the slots."""
    return Transaction(namespace, reads_of(*objects), {each.object_id: pack(slots) for each in objects})


def reads_of(*objects: StoredObject) -> dict[Key, int]:
    """Both parts of objects, as they were read."""
    return {
        key: revision
        for each in objects
        for key, revision in (
            (Key(each.object_id, Part.DEFINITION), each.definition_revision),
            (Key(each.object_id, Part.SLOTS), each.slots_revision),
        )
    }


def absent(object_id: ObjectId) -> dict[Key, int]:
    """The reads that found no object."""
    return {Key(object_id, Part.DEFINITION): 0, Key(object_id, Part.SLOTS): 0}
