"""One panel for a method however many ask, over three dispatchers and two synthesizers on one etcd."""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, replace

import pytest

from activation.batch import Batches
from activation.run import Activator
from chassis.address import Address
from chassis.client import channel
from chassis.server import Server
from chassis.telemetry import Telemetry
from dispatcher.dispatch import Dispatch
from fakes.endpoint import Asked, Reply, Say, ScriptedEndpoint, small_talk
from fakes.stores import serving
from fakes.synthesis import COUNTER, HONEST, INCREMENT, NS, TWO_EXAMPLES, message, synthesizer
from kernel.errors import ApprovalPending, KernelError, MethodNotFound, SynthesisCancelled
from kernel.messages import Example
from kernel.objects import Level
from kernel.synthesis import Compared, Event, Registered, Started, State
from objectstore.client import StoreClient
from objectstore.etcd.ledger import EtcdLedger
from objectstore.ledger_members import LedgerMembers
from objectstore.ledger_store import LedgerStore
from objectstore.proving import RecordedCall
from objectstore.store import NewObject
from sandbox.host import Sandbox
from synthesizer.client import SynthesizerClient
from synthesizer.flight import Flights

pytestmark = pytest.mark.asyncio(loop_scope="module")


# It changes nothing: senders that meet conflicts are another test's.
DOUBLE = """def increment(self, by=1):
    self._p_changed = True
    return by * 2
"""


class Scripted:
    """Honest after a moment, or with another source where it is given."""

    def __init__(self, seconds: float = 0.3) -> None:
        self.seconds, self.source = seconds, HONEST

    def __call__(self, asked: Asked) -> Reply:
        return Say(self.source if asked.persona == "alfred" else small_talk(asked), seconds=self.seconds)


@dataclass
class Suite:
    """One store on etcd, two synthesizers over it, and the endpoint that both ask."""

    store: LedgerStore
    where: Address
    endpoint: ScriptedEndpoint
    flights: list[Flights]
    servers: list[Server]
    clients: list[SynthesizerClient]


@asynccontextmanager
async def suite(etcd: str, sandbox: Sandbox, script: Scripted) -> AsyncGenerator[Suite]:
    async with AsyncExitStack() as stack:
        ledger = await EtcdLedger.open([Address.parse(etcd)])
        stack.push_async_callback(ledger.close)
        store = await LedgerStore.open(ledger)
        where = await stack.enter_async_context(serving(store, members=LedgerMembers(ledger, store.hub)))
        endpoint = await stack.enter_async_context(ScriptedEndpoint(script))
        it = Suite(store, where, endpoint, [], [], [])
        for _ in range(2):
            flights, server = await stack.enter_async_context(synthesizer(sandbox, where, endpoint))
            it.flights.append(flights)
            it.servers.append(server)
            connected = await stack.enter_async_context(channel(server.address))
            it.clients.append(SynthesizerClient(connected))
        await store.create(NS, NewObject(COUNTER))
        yield it


async def events_of(client: SynthesizerClient, *examples: Example) -> list[Event]:
    asked = message(by=5, examples=examples or TWO_EXAMPLES)
    return [event async for event in client.synthesize(asked)]


async def test_two_hundred_misses_over_three_dispatchers_and_two_synthesizers_are_one_panel_and_one_install(
    etcd_endpoint: str, sandbox: Sandbox
) -> None:
    script = Scripted()
    script.source = DOUBLE
    async with suite(etcd_endpoint, sandbox, script) as it, AsyncExitStack() as stack:
        dispatchers: list[Dispatch] = []
        for number in range(3):
            to_store = await stack.enter_async_context(channel(it.where))
            activator, batches = Activator(sandbox, Telemetry.off()), Batches(sandbox)
            stack.push_async_callback(batches.close)
            client = it.clients[number % 2]
            dispatch = Dispatch(StoreClient(to_store), activator, batches, client, Telemetry.off())
            stack.push_async_callback(dispatch.stop)
            dispatchers.append(dispatch)
        asked = message(by=21, examples=[Example(4, {}, (), {"by": 2}), Example(6, {}, (), {"by": 3})])
        replies = await asyncio.gather(*(dispatchers[number % 3].send(asked) for number in range(200)))
        assert [reply.result for reply in replies] == [42] * 200
        assert Counter(asked.persona for asked in it.endpoint.asked if asked.persona != "alfred") == {
            "brick": 1,
            "babs": 1,
            "robin": 1,
        }
        assert len({str(asked.body["messages"]) for asked in it.endpoint.by("alfred")}) == 1
        assert len((await it.store.methods(NS, COUNTER, INCREMENT, 10, "")).items) == 1


async def test_who_comes_late_and_elsewhere_sees_all_that_was_told_from_the_start(
    etcd_endpoint: str, sandbox: Sandbox
) -> None:
    async with suite(etcd_endpoint, sandbox, Scripted()) as it:
        first = asyncio.create_task(events_of(it.clients[0]))
        await asyncio.sleep(0.45)
        here, there = await asyncio.gather(events_of(it.clients[0]), events_of(it.clients[1]))
        begun = await first
        started = begun[0]
        assert isinstance(started, Started)
        assert here[0] == there[0] == replace(started, joined=True)
        assert here[1:] == begun[1:]
        assert there[1:-1] == begun[1:-1]
        after = [event async for event in it.clients[1].watch(NS, started.synthesis_id)]
        assert after[:-1] == begun[:-1]
        assert isinstance(after[-1], Registered)
        late = [event async for event in it.clients[0].watch(NS, started.synthesis_id, len(begun) - 2)]
        assert late[:-1] == begun[-2:-1]


async def test_a_synthesis_is_told_of_listed_and_cancelled_through_any_synthesizer(
    etcd_endpoint: str, sandbox: Sandbox
) -> None:
    async with suite(etcd_endpoint, sandbox, Scripted(30.0)) as it:
        waiting = [asyncio.create_task(events_of(client)) for client in it.clients]
        running: list[str] = []
        async with asyncio.timeout(10):
            while not running:
                running = [each.synthesis_id for each in (await it.clients[1].list(NS, (State.RUNNING,)))[0]]
        for client in it.clients:
            told = await client.get(NS, running[0])
            assert (told.state, told.asked_by, told.selector) == (State.RUNNING, "ada", INCREMENT)
        # One of the two does not hold it: it is cancelled through each.
        for client in it.clients:
            await client.cancel(NS, running[0], "bob")
        async with asyncio.timeout(5):
            for ended in await asyncio.gather(*waiting, return_exceptions=True):
                assert isinstance(ended, SynthesisCancelled)
        assert (await it.clients[0].get(NS, running[0])).state is State.CANCELLED


async def test_a_better_version_passes_what_is_kept_and_is_compared_on_recorded_calls(
    etcd_endpoint: str, sandbox: Sandbox
) -> None:
    script = Scripted(0.01)
    async with suite(etcd_endpoint, sandbox, script) as it:
        client = it.clients[0]
        with pytest.raises(MethodNotFound):
            [event async for event in client.evolve(message(by=5))]
        await events_of(client)
        calls = [
            RecordedCall(Example(number + 1, {"count": number}, (), {"by": 1}), 1, float(number)) for number in range(4)
        ]
        await it.store.record(NS, COUNTER, INCREMENT, calls)
        script.source = HONEST.replace("by=1", "by=1, unit=None")
        asked = message(by=5, examples=(), intent="takes a unit too")
        alike = [event async for event in client.evolve(asked)]
        assert [each for each in alike if isinstance(each, Compared)] == [Compared(4, 4)]
        better = alike[-1]
        assert isinstance(better, Registered)
        assert (better.record.active, better.record.method.number, better.record.method.provenance.parent) == (
            True,
            2,
            1,
        )
        assert better.record.method.provenance.examples == len(TWO_EXAMPLES)
        assert better.record.level is Level.REPLAYED

        # It passes every example, all of which are small, and answers otherwise what was recorded.
        odd = RecordedCall(Example(101, {"count": 100}, (), {"by": 1}), 2, 9.0)
        await it.store.record(NS, COUNTER, INCREMENT, [odd])
        script.source = HONEST.replace("return self.count", "return self.count if self.count < 50 else 0")
        with pytest.raises(ApprovalPending, match="of 5 recorded calls it answers 1 otherwise"):
            [event async for event in client.evolve(message(by=5, examples=(), intent="counts to fifty"))]
        with pytest.raises(ApprovalPending, match="it was asked for already; approve or reject it"):
            [event async for event in client.evolve(message(by=5, examples=(), intent="counts to fifty"))]
        listed = (await client.list(NS))[0]
        assert [each.evolves for each in listed] == [2, 1, 0]
        newest = listed[0]
        assert (newest.state, newest.evolves) == (State.WAITING, 2)
        told = [event for event in await _all(client, newest.synthesis_id) if isinstance(event, Compared)]
        assert [(each.calls, each.alike) for each in told] == [(5, 4)]
        assert told[0].differences[0].startswith("increment(by=1): 0, before 101")
        assert (await it.store.method(NS, COUNTER, INCREMENT, 0))[0].method.number == 2


async def _all(client: SynthesizerClient, synthesis_id: str) -> list[Event]:
    """What a synthesis told, however it ended."""
    told: list[Event] = []
    with suppress(KernelError):
        async for event in client.watch(NS, synthesis_id):
            told.append(event)  # noqa: PERF401 - it ends by raising
    return told
