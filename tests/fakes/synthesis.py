"""A whole synthesizer over real gRPC: the memory store behind its own server, the real sandbox, scripted endpoints."""

import asyncio
import uuid
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

from activation.run import Activator
from batos.v1.synthesizer_pb2_grpc import SynthesizerStub, add_SynthesizerServicer_to_server
from chassis.address import Address
from chassis.client import channel
from chassis.server import Server, ServerSpec
from chassis.telemetry import Telemetry
from fakes.endpoint import Script, ScriptedEndpoint
from fakes.stores import serving
from kernel.messages import Example, Message
from kernel.objects import DEFAULT_NAMESPACE, MethodRecord, ObjectId, Policy, Selector
from kernel.synthesis import Event, Registered
from kernel.values import Value
from objectstore.client import StoreClient
from objectstore.flights import SERVICE
from objectstore.flights_client import FlightsClient
from objectstore.ledger_members import LedgerMembers
from objectstore.ledger_store import LedgerStore
from objectstore.membership import MembershipClient
from objectstore.memory import MemoryLedger
from objectstore.store import Draft, NewObject
from sandbox.host import Sandbox
from synthesizer.client import SynthesizerClient
from synthesizer.cluster import Belonging, member
from synthesizer.control import Control
from synthesizer.endpoints import Endpoints, Patience
from synthesizer.flight import Flights
from synthesizer.holding import Ground
from synthesizer.measures import Measures
from synthesizer.personas import NAMES, bootstrap
from synthesizer.servicer import SynthesizerServicer
from synthesizer.synthesis import Synthesis
from synthesizer.turns import Turns
from wire.errors import status_of

NS = DEFAULT_NAMESPACE
COUNTER = ObjectId("counter/main")
INCREMENT = Selector("increment")
QUICK = Patience(turn=5.0, attempts=2, first_pause=0.01)

HONEST = """def increment(self, by=1):
    self.count = getattr(self, "count", 0) + by
    self._p_changed = True
    return self.count
"""
ALSO_HONEST = """def increment(self, by=1):
    count = getattr(self, "count", 0)
    self.count = count + by
    self._p_changed = True
    return self.count
"""
WRONG = """def increment(self, by=1):
    self.count = by
    self._p_changed = True
    return self.count
"""

TWO_EXAMPLES = (
    Example(6, {"count": 4}, (), {"by": 2}, after={"count": 6}),
    Example(1, {"count": 0}, (), {"by": 1}),
)


@dataclass
class Rig:
    """The parts of a synthesizer under test."""

    store: LedgerStore
    endpoint: ScriptedEndpoint
    client: SynthesizerClient
    rpc: SynthesizerStub
    flights: Flights
    server: Server

    async def put(self, name: str = COUNTER, *sources: str, policy: Policy | None = None, **more: Any) -> None:
        """An object with methods, active."""
        object_id = ObjectId(name)
        await self.store.create(NS, NewObject(object_id, policy=policy or Policy(), **more))
        for source in sources:
            selector = Selector(source.split("def ", 1)[1].split("(", 1)[0])
            await self.store.register(NS, Draft(object_id, selector, source), activate=True)

    async def synthesize(self, message: Message) -> list[Event]:
        """All events of one synthesis."""
        return [event async for event in self.client.synthesize(message)]

    async def written(self, message: Message) -> MethodRecord:
        """The version that came of it."""
        last = (await self.synthesize(message))[-1]
        assert isinstance(last, Registered)
        return last.record

    async def versions(self, name: str = COUNTER) -> Sequence[MethodRecord]:
        """Every version that the object has, active or not."""
        return (await self.store.methods(NS, ObjectId(name), None, 100, "")).items


def message(
    *arguments: Value,
    to: str = COUNTER,
    selector: str = INCREMENT,
    examples: Sequence[Example] = TWO_EXAMPLES,
    intent: str = "",
    **keywords: Value,
) -> Message:
    """A message that nothing understands yet."""
    return Message(
        ObjectId(to), Selector(selector), arguments, keywords, principal="ada", intent=intent, examples=tuple(examples)
    )


@asynccontextmanager
async def synthesizing(
    sandbox: Sandbox,
    script: Script,
    *,
    drafts: int = 3,
    patience: Patience = QUICK,
    telemetry: Telemetry | None = None,
    counted: Callable[[Any], Any] = lambda client: client,
) -> AsyncGenerator[Rig]:
    """A synthesizer that serves."""
    telemetry = telemetry or Telemetry.off()
    async with AsyncExitStack() as stack:
        ledger = MemoryLedger()
        store = await LedgerStore.open(ledger)
        where = await stack.enter_async_context(serving(store, members=LedgerMembers(ledger, store.hub)))
        endpoint = await stack.enter_async_context(ScriptedEndpoint(script))
        one = synthesizer(
            sandbox, where, endpoint, drafts=drafts, patience=patience, telemetry=telemetry, counted=counted
        )
        flights, server = await stack.enter_async_context(one)
        connected = await stack.enter_async_context(channel(server.address, telemetry=telemetry))
        yield Rig(store, endpoint, SynthesizerClient(connected), SynthesizerStub(connected), flights, server)


@asynccontextmanager
async def synthesizer(
    sandbox: Sandbox,
    where: Address,
    endpoint: ScriptedEndpoint,
    *,
    drafts: int = 3,
    patience: Patience = QUICK,
    telemetry: Telemetry | None = None,
    counted: Callable[[Any], Any] = lambda client: client,
) -> AsyncGenerator[tuple[Flights, Server]]:
    """One more over a store that serves; it is a member, and leaves at the end."""
    telemetry = telemetry or Telemetry.off()
    async with AsyncExitStack() as stack:
        to_store = await stack.enter_async_context(channel(where))
        client, shared = counted(StoreClient(to_store)), counted(FlightsClient(to_store))
        await bootstrap(client)
        urls = dict.fromkeys((*(name.lower() for name in NAMES), "default"), endpoint.url)
        endpoints = await stack.enter_async_context(Endpoints(urls, telemetry, patience=patience))
        turns = Turns(endpoints, {name: name.lower() for name in NAMES})
        synthesis = Synthesis(client, turns, Activator(sandbox, telemetry), telemetry, drafts)
        belonging = Belonging(uuid.uuid4().hex)
        ground = Ground(shared, client, synthesis, belonging, Measures(telemetry.metrics))
        control = Control(shared, client, ground.clock, telemetry.metrics, drafts=drafts)
        flights = Flights(ground, control, telemetry)
        joined = MembershipClient(to_store).joined(SERVICE, belonging.me, "127.0.0.1:0")
        await stack.enter_async_context(member(belonging, flights, joined, asyncio.Event()))
        await belonging.back()
        servicer = SynthesizerServicer(flights)
        spec = ServerSpec(
            services={"batos.v1.Synthesizer": lambda server: add_SynthesizerServicer_to_server(servicer, server)},
            listen=Address("127.0.0.1", 0),
            status_of=status_of,
            telemetry=telemetry,
            grace=1.0,
        )
        yield flights, await stack.enter_async_context(Server(spec))
