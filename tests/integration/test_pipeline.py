"""Messages on one stream, from the client library to the dispatcher and back, over real gRPC."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pytest
import pytest_asyncio
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

import batos
from batos import errors
from batos.addresses import Addresses
from batos.syntheses import OnEvent
from batos.v1 import dispatcher_pb2
from batos.v1.dispatcher_pb2_grpc import add_DispatcherServicer_to_server
from batos.values import to_wire
from chassis.address import Address
from chassis.server import Server, ServerSpec
from chassis.telemetry import in_memory
from dispatcher.mailbox import MAX_WAITING
from dispatcher.pipeline import PIPELINE_METHOD
from dispatcher.servicer import DispatcherServicer
from fakes.proxy import Proxy
from fakes.rig import INCREMENT, READ, Rig
from fakes.scripted_services import Answer, ScriptedDispatcher, scripted_suite
from kernel.errors import (
    ApprovalPending,
    BudgetExhausted,
    EndpointUnavailable,
    ExamplesNeeded,
    KernelError,
    SynthesisCancelled,
)
from wire.errors import status_of

pytestmark = pytest.mark.asyncio(loop_scope="module")
FAIL = "def fail(self):\n    raise ValueError('so says the test')\n"
WAYS: list[tuple[bool, OnEvent | None]] = [(True, None), (False, None), (False, lambda _: None)]
SPIN = "def spin(self):\n    while True:\n        pass\n"


class Counted(DispatcherServicer):
    """The dispatcher's servicer, which counts how messages come."""

    streams = calls = frames = 0

    async def Send(self, request: Any, context: Any) -> Any:  # noqa: N802
        self.calls += 1
        return await super().Send(request, context)

    async def Pipeline(self, request_iterator: Any, context: Any) -> None:  # noqa: N802
        self.streams += 1
        await super().Pipeline(self._counted(request_iterator), context)

    async def _counted(self, frames: Any) -> AsyncGenerator[Any]:
        async for frame in frames:
            self.frames += 1
            yield frame


@dataclass
class Served:
    """A dispatcher with one object `o` that counts, and where it is."""

    rig: Rig
    servicer: Counted
    address: Address
    spans: InMemorySpanExporter
    stop: asyncio.Event


@asynccontextmanager
async def serving(rig: Rig) -> AsyncGenerator[Served]:
    telemetry, spans = in_memory("dispatcher")
    stop = asyncio.Event()
    servicer = Counted(rig.dispatch, dispatcher_pb2.GetVersionResponse(), stop, telemetry)
    spec = ServerSpec(
        services={"batos.v1.Dispatcher": lambda server: add_DispatcherServicer_to_server(servicer, server)},
        listen=Address("127.0.0.1", 0),
        status_of=status_of,
        telemetry=telemetry,
        grace=2.0,
        untraced=frozenset({PIPELINE_METHOD}),
    )
    async with Server(spec) as server:
        try:
            yield Served(rig, servicer, server.address, spans, stop)
        finally:
            stop.set()


@pytest_asyncio.fixture(loop_scope="module")
async def served(rig: Rig) -> AsyncGenerator[Served]:
    await rig.put("o", INCREMENT, READ, FAIL, SPIN, count=0)
    async with serving(rig) as found:
        yield found


def client_of(served: Served, **options: Any) -> batos.Client:
    return batos.Client(Addresses(str(served.address)), **options)


async def test_a_thousand_messages_at_once_share_one_stream_and_few_frames(served: Served) -> None:
    async with client_of(served) as client:
        replies = await asyncio.gather(*(client.send("o", "increment") for _ in range(1000)))
    assert sorted(int(str(reply.result)) for reply in replies) == list(range(1, 1001))
    assert (served.servicer.streams, served.servicer.calls) == (1, 0)
    assert served.servicer.frames < 50


async def test_five_thousand_messages_to_one_object_all_take_effect_though_few_find_room_at_once(
    served: Served,
) -> None:
    assert MAX_WAITING < 2500
    async with client_of(served) as client:
        replies = await asyncio.gather(*(client.send("o", "increment") for _ in range(5000)))
    assert sorted(int(str(reply.result)) for reply in replies) == list(range(1, 5001))


async def test_without_a_pipeline_each_message_is_a_call(served: Served) -> None:
    async with client_of(served, pipeline=False) as client:
        await asyncio.gather(*(client.send("o", "increment") for _ in range(10)))
    assert (served.servicer.streams, served.servicer.calls) == (0, 10)


async def test_a_message_fails_with_the_same_reason_either_way(served: Served) -> None:
    cases = [("o", "fail", ()), ("nobody", "read", ()), ("o", "increment", (1, 2, 3)), ("O!", "read", ())]
    for receiver, selector, arguments in cases:
        told: list[tuple[object, ...]] = []
        for pipeline in (True, False):
            async with client_of(served, pipeline=pipeline) as client:
                with pytest.raises(batos.BatosError) as failed:
                    await client.send(receiver, selector, *arguments)
            error = failed.value
            told.append((type(error), str(error), error.reason, error.code, error.fields))
        assert told[0] == told[1]


async def test_one_message_that_fails_leaves_the_others_alone(served: Served) -> None:
    async with client_of(served) as client:
        sends = [client.send("o", "fail" if number % 3 else "read") for number in range(30)]
        results = await asyncio.gather(*sends, return_exceptions=True)
    assert [isinstance(each, errors.MethodRaised) for each in results] == [number % 3 > 0 for number in range(30)]


async def test_a_deadline_is_the_messages_own(served: Served) -> None:
    async with client_of(served) as client:
        slow = asyncio.create_task(client.send("o", "spin", timeout=0.15))
        with pytest.raises(errors.DeadlineExceeded) as late:
            await slow
        assert late.value.request_id
        assert (await client.send("o", "read")).result == 0


async def test_a_synthesis_that_takes_longer_than_the_sender_waits_is_pending(served: Served) -> None:
    served.rig.synthesizer.gate.clear()
    async with client_of(served) as client:
        with pytest.raises(errors.SynthesisPending):
            await client.send("o", "late", timeout=1.0)


async def test_a_sender_that_does_not_wait_is_told_the_synthesis_whichever_way_its_message_goes(
    served: Served,
) -> None:
    served.rig.synthesizer.gate.clear()
    for pipeline, on_event in WAYS:
        async with client_of(served, pipeline=pipeline) as client:
            with pytest.raises(errors.SynthesisPending) as pending:
                await client.send("o", "unknown", on_miss="async", on_event=on_event, timeout=2)
            assert pending.value.fields["synthesis"].startswith("synthesis-")
            assert (await client.send("o", "increment", on_miss="async", on_event=on_event)).result


@pytest.mark.parametrize(
    "failure",
    [
        ExamplesNeeded("drafts differ for [3]"),
        SynthesisCancelled("somebody cancelled it"),
        BudgetExhausted("this hour's tokens are spent", 1800.0),
        EndpointUnavailable("the endpoint is away", retry_seconds="7.0"),
        ApprovalPending("version 1 waits"),
    ],
    ids=lambda failure: failure.reason,
)
async def test_what_a_synthesis_fails_with_reaches_the_sender_with_its_reason_and_when_to_come_back(
    served: Served, failure: KernelError
) -> None:
    served.rig.synthesizer.failures["unknown"] = failure
    for pipeline, on_event in WAYS:
        async with client_of(served, pipeline=pipeline) as client:
            with pytest.raises(batos.BatosError) as failed:
                await client.send("o", "unknown", on_event=on_event)
        error, seconds = failed.value, failure.fields.get("retry_seconds")
        assert (error.reason, error.message) == (failure.reason, failure.text)
        assert type(error) is not batos.BatosError
        assert error.retry_seconds == (float(seconds) if seconds else None)


async def test_each_message_has_its_span_in_its_senders_trace(served: Served) -> None:
    async with client_of(served) as client:
        replies = await asyncio.gather(*(client.send("o", "read") for _ in range(5)))
    await asyncio.sleep(0.05)
    roots = [span for span in served.spans.get_finished_spans() if span.name == "batos.v1.Dispatcher/Send"]
    traces = {format(span.context.trace_id, "032x") for span in roots if span.context}
    assert traces == {reply.trace_id for reply in replies}


async def test_a_stream_that_is_cut_in_the_middle_loses_and_doubles_nothing(served: Served) -> None:
    async with Proxy(served.address.port) as proxy, batos.connect(proxy.address) as client:
        sends = [asyncio.create_task(client.send("o", "increment", timeout=30)) for _ in range(100)]
        for _ in range(4):
            await asyncio.sleep(0.02)
            proxy.cut()
            sends += [asyncio.create_task(client.send("o", "increment", timeout=30)) for _ in range(100)]
        replies = await asyncio.gather(*sends)
    assert sorted(int(str(reply.result)) for reply in replies) == list(range(1, 501))
    assert await served.rig.slots("o") == {"count": 500}


async def test_answers_that_are_lost_are_told_again_from_what_was_kept(served: Served) -> None:
    async with Proxy(served.address.port) as proxy, batos.connect(proxy.address) as client:
        await client.send("o", "read")
        proxy.swallow_answers()
        sends = [asyncio.create_task(client.send("o", "increment", timeout=30)) for _ in range(20)]
        await asyncio.sleep(0.5)
        proxy.cut()
        replies = await asyncio.gather(*sends)
    assert sorted(int(str(reply.result)) for reply in replies) == list(range(1, 21))
    assert any(reply.replayed for reply in replies)


async def test_a_message_without_a_request_id_is_not_sent_again(served: Served) -> None:
    async with Proxy(served.address.port) as proxy, batos.connect(proxy.address) as client:
        await client.send("o", "read")
        proxy.swallow_answers()
        sending = asyncio.create_task(client.send("o", "increment", request_id=""))
        await asyncio.sleep(0.3)
        proxy.cut()
        with pytest.raises(errors.Unreachable):
            await sending


async def test_a_dispatcher_that_stops_moves_its_senders_without_failing_them(served: Served) -> None:
    async with AsyncExitStack() as stack:
        client = await stack.enter_async_context(client_of(served))
        sends = [asyncio.create_task(client.send("o", "increment")) for _ in range(200)]
        await asyncio.sleep(0.01)
        served.stop.set()
        replies = await asyncio.gather(*sends)
    assert len({reply.result for reply in replies}) == 200


async def test_a_message_too_large_for_a_shared_stream_goes_on_its_own(served: Served) -> None:
    async with client_of(served) as client:
        with pytest.raises(errors.BadArguments):
            await client.send("o", "read", "x" * (1 << 20))
    assert (served.servicer.streams, served.servicer.calls) == (0, 1)


async def test_a_dispatcher_without_a_pipeline_is_called_instead() -> None:
    script = ScriptedDispatcher({"read": [Answer(dispatcher_pb2.Reply(result=to_wire(3)))]})
    async with scripted_suite(script) as suite, batos.Client(suite.addresses) as client:
        replies = await asyncio.gather(*(client.send("o", "read") for _ in range(10)))
    assert [reply.result for reply in replies] == [3] * 10
    assert len(script.seen) == 10


async def test_a_sender_that_goes_away_cancels_its_message_alone(served: Served) -> None:
    async with client_of(served) as client:
        await client.send("o", "read")
        gone = asyncio.create_task(client.send("o", "spin"))
        await asyncio.sleep(0.05)
        gone.cancel()
        assert (await client.send("o", "read")).result == 0
