"""Flights in every shape that tests hold to their promises, with members who come and go and a clock that is set."""

import secrets
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any, cast

from chassis.address import Address
from chassis.client import channel
from fakes.stores import serving
from kernel.errors import SynthesisFailed
from kernel.messages import Example, Message
from kernel.objects import DEFAULT_NAMESPACE, SYSTEM_NAMESPACE, Namespace, ObjectId, Selector
from kernel.synthesis import Ended, State, SynthesisRecord
from objectstore import records
from objectstore.client import MAX_MESSAGE_BYTES, StoreClient
from objectstore.etcd.ledger import EtcdLedger
from objectstore.flights import SERVICE, Flight, Flights
from objectstore.flights_client import FlightsClient
from objectstore.keys import MemberKey
from objectstore.leases import LeasingLedger
from objectstore.ledger_flights import LedgerFlights
from objectstore.ledger_store import LedgerStore
from objectstore.members import Member
from objectstore.memory import MemoryLedger
from objectstore.store import Store

NS = DEFAULT_NAMESPACE
ACME, READ = ObjectId("feed/acme"), Selector("read")
NOW = 1767225600.0  # the begin of an hour
HOUR = int(NOW // 3600)
_SECONDS = 60


@dataclass
class Clock:
    """Seconds since 1970, as the test has them."""

    now: float = NOW

    def __call__(self) -> float:
        return self.now


@dataclass
class Boarded:
    """Flights and the store beside them, over one ledger."""

    flights: Flights
    store: Store
    ledger: LeasingLedger
    whole: LedgerStore
    clock: Clock
    leases: dict[str, int] = field(default_factory=dict[str, int])

    async def seat(self, *members: str) -> None:
        """Let members live."""
        for name in members:
            lease = self.leases[name] = await self.ledger.grant(_SECONDS)
            key = MemberKey(SYSTEM_NAMESPACE, SERVICE, name).encode()
            await self.ledger.post(lease, key, records.encode(Member(name, "127.0.0.1:7002")))

    async def unseat(self, member: str) -> None:
        """Let a member be gone."""
        await self.ledger.revoke(self.leases.pop(member))

    async def aboard(self, synthesis: SynthesisRecord, member: str) -> Flight:
        """The flight of a member who takes one that nobody else has."""
        if member not in self.leases:
            await self.seat(member)
        flight = (await self.flights.board(synthesis, member)).flight
        assert flight is not None
        return flight


class Twice:
    """Flights that are asked everything twice, as by one who lost the first answer."""

    def __init__(self, flights: Flights) -> None:
        self._flights = flights

    def __getattr__(self, name: str) -> Callable[..., Any]:
        ask = getattr(self._flights, name)

        async def asked(*arguments: Any, **more: Any) -> Any:
            if name == "reserve" and not more.get("name"):
                more["name"] = secrets.token_hex(4)
            await ask(*arguments, **more)
            return await ask(*arguments, **more)

        return asked


@asynccontextmanager
async def in_memory() -> AsyncGenerator[Boarded]:
    ledger, clock = MemoryLedger(), Clock()
    store = await LedgerStore.open(ledger, clock=clock)
    yield Boarded(LedgerFlights(store.core), store, ledger, store, clock)


@asynccontextmanager
async def in_etcd(endpoint: str) -> AsyncGenerator[Boarded]:
    ledger, clock = await EtcdLedger.open([Address.parse(endpoint)]), Clock()
    try:
        store = await LedgerStore.open(ledger, clock=clock)
        yield Boarded(LedgerFlights(store.core), store, ledger, store, clock)
    finally:
        await ledger.close()


@asynccontextmanager
async def served(boarded: Boarded) -> AsyncGenerator[Boarded]:
    """The same behind a server and a channel."""
    async with serving(boarded.store) as address, channel(address, max_message_bytes=MAX_MESSAGE_BYTES) as connected:
        yield replace(boarded, flights=FlightsClient(connected, call_seconds=3.0), store=StoreClient(connected))


def twice(boarded: Boarded) -> Boarded:
    """The same, each thing asked twice."""
    return replace(boarded, flights=cast("Flights", Twice(boarded.flights)))


def begun(
    synthesis_id: str, *, namespace: Namespace = NS, selector: Selector = READ, at: float = 0.0, examples: int = 0
) -> SynthesisRecord:
    """A synthesis as it would begin, `at` seconds after the clock's first."""
    asked = tuple(Example(number, arguments=(number,)) for number in range(examples))
    message = Message(ACME, selector, (1, "a"), {"by": 2.5}, namespace, "ann", "reads", asked)
    return SynthesisRecord(synthesis_id, message, "ann", NOW + at)


def failed(synthesis: SynthesisRecord) -> SynthesisRecord:
    """The same, ended."""
    failure = Ended.of(SynthesisFailed("no draft passed", object=ACME))
    return replace(synthesis, state=State.FAILED, ended=NOW + 60, failure=failure)
