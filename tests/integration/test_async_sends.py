"""A sender that does not wait, through dispatcher and synthesizer over real gRPC: the client library follows."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

import pytest

from activation.batch import Batches
from activation.run import Activator
from batos import errors
from batos.addresses import Addresses
from batos.client import Client
from batos.examples import Example, Raises
from batos.v1 import dispatcher_pb2
from batos.v1 import synthesizer_pb2 as synthesizer_pb
from batos.v1.dispatcher_pb2_grpc import add_DispatcherServicer_to_server
from chassis.address import Address
from chassis.client import channel
from chassis.server import Server, ServerSpec
from chassis.telemetry import Telemetry
from dispatcher.dispatch import Dispatch
from dispatcher.recorder import Recorder
from dispatcher.servicer import DispatcherServicer
from fakes.endpoint import Hang, Script, answering
from fakes.synthesis import COUNTER, HONEST, INCREMENT, NS, Rig, synthesizing
from sandbox.host import Sandbox
from synthesizer.client import SynthesizerClient
from wire.errors import status_of

pytestmark = pytest.mark.asyncio(loop_scope="module")

EXAMPLES = [Example(6, keywords={"by": 2}, before={"count": 4}), Example(1, keywords={"by": 1}, before={"count": 0})]
BETTER = """def increment(self, by=1):
    if by < 0:
        raise ValueError("by is negative")
    self.count = getattr(self, "count", 0) + by
    self._p_changed = True
    return self.count
"""


@dataclass
class Whole:
    """A client of a dispatcher and a synthesizer, and what is below them."""

    client: Client
    rig: Rig


@asynccontextmanager
async def whole(sandbox: Sandbox, script: Script) -> AsyncGenerator[Whole]:
    telemetry = Telemetry.off()
    async with AsyncExitStack() as stack:
        rig = await stack.enter_async_context(synthesizing(sandbox, script))
        await rig.put(slots={"count": 0})
        asked = SynthesizerClient(await stack.enter_async_context(channel(rig.server.address)))
        recorder = Recorder(rig.store, seconds=0.1, first_seconds=0.0)
        activator, batches = Activator(sandbox, telemetry), Batches(sandbox)
        dispatch = Dispatch(rig.store, activator, batches, asked, telemetry, recorder=recorder)
        stack.push_async_callback(dispatch.stop)
        stop = asyncio.Event()
        stack.callback(stop.set)
        servicer = DispatcherServicer(dispatch, dispatcher_pb2.GetVersionResponse(), stop, telemetry)
        spec = ServerSpec(
            services={"batos.v1.Dispatcher": lambda server: add_DispatcherServicer_to_server(servicer, server)},
            listen=Address("127.0.0.1", 0),
            status_of=status_of,
            telemetry=telemetry,
            grace=1.0,
        )
        served = await stack.enter_async_context(Server(spec))
        addresses = Addresses(str(served.address), str(rig.server.address), str(rig.server.address))
        yield Whole(await stack.enter_async_context(Client(addresses)), rig)


async def test_a_miss_that_is_not_waited_for_is_written_all_the_same_and_followed_by_its_name(sandbox: Sandbox) -> None:
    async with whole(sandbox, answering({"increment": [HONEST]})) as suite:
        with pytest.raises(errors.SynthesisPending) as pending:
            await suite.client.send(COUNTER, "increment", keywords={"by": 2}, examples=EXAMPLES, on_miss="async")
        name, seen = pending.value.fields["synthesis"], list[str | None]()
        method = await suite.client.syntheses.watch(name, lambda event: seen.append(event.WhichOneof("event")))
        found = await suite.client.syntheses.get(name)
        listed = await suite.client.syntheses.list(["succeeded"])
        reply = await suite.client.send(COUNTER, "increment", keywords={"by": 2}, on_miss="async")
    assert (seen[0], seen[-1], method.number) == ("started", "registered", 1)
    assert (found.state, found.method.number) == (synthesizer_pb.SYNTHESIS_STATE_SUCCEEDED, 1)
    assert [each.id for each in listed] == [name]
    assert (reply.result, reply.method.number) == (2, 1)


async def test_a_synthesis_that_is_cancelled_ends_for_all_who_wait_for_it(sandbox: Sandbox) -> None:
    async with whole(sandbox, lambda _: Hang()) as suite:
        began, name = asyncio.Event(), list[str]()

        def tell(event: synthesizer_pb.SynthesizeResponse) -> None:
            name.append(event.started.synthesis_id)
            began.set()

        sending = suite.client.send(COUNTER, "increment", examples=EXAMPLES, on_event=tell)
        waiting = asyncio.create_task(sending)
        await asyncio.wait_for(began.wait(), 5)
        await suite.client.syntheses.cancel(name[0])
        with pytest.raises(errors.SynthesisCancelled):
            await asyncio.wait_for(waiting, 5)
        with pytest.raises(errors.SynthesisCancelled):
            await suite.client.syntheses.watch(name[0])


async def test_a_method_is_bettered_and_compared_on_the_calls_that_were_recorded(sandbox: Sandbox) -> None:
    async with whole(sandbox, answering({"increment": [HONEST, HONEST, HONEST, BETTER]})) as suite:
        await suite.client.send(COUNTER, "increment", keywords={"by": 2}, examples=EXAMPLES)
        refused = Example(Raises(exception="ValueError"), keywords={"by": -1}, before={"count": 1})
        async with asyncio.timeout(5):
            while not await suite.rig.store.recorded(NS, COUNTER, INCREMENT):  # noqa: ASYNC110 - the store tells nobody
                await asyncio.sleep(0.02)
        seen: list[synthesizer_pb.SynthesizeResponse] = []
        method = await suite.client.syntheses.evolve(
            COUNTER,
            "increment",
            keywords={"by": 1},
            intent="refuse what is negative",
            examples=[refused],
            on_event=seen.append,
        )
    assert (method.number, method.active, method.provenance.parent) == (2, True, 1)
    (compared,) = [event.compared for event in seen if event.HasField("compared")]
    assert (compared.calls, compared.alike) == (1, 1)  # the call that was recorded
