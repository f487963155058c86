"""What no honest client sends is refused with a reason, over real gRPC, and never ends as a fault of the service."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable
from dataclasses import dataclass
from typing import Any

import grpc.aio
import pytest
import pytest_asyncio
from google.protobuf.timestamp_pb2 import Timestamp

from batos.v1 import dispatcher_pb2
from batos.v1 import object_pb2 as pb
from batos.v1 import objectstore_pb2 as store_pb
from batos.v1.dispatcher_pb2_grpc import DispatcherStub, add_DispatcherServicer_to_server
from batos.v1.objectstore_pb2_grpc import ObjectStoreStub
from chassis.address import Address
from chassis.client import channel
from chassis.failure import reason_of, received
from chassis.server import Server, ServerSpec
from chassis.telemetry import Telemetry
from dispatcher.servicer import DispatcherServicer
from fakes.rig import READ, Rig
from fakes.stores import serving
from wire.errors import status_of

pytestmark = pytest.mark.asyncio(loop_scope="module")

ENDLESS = "a." + "9" * 5000
BEYOND = "a." + str(1 << 63)
ONE = pb.Value(int64_value=1)
NOWHERE = pb.Slots(values={"a": pb.Value(reference_value=pb.Reference(id="NOT AN ID//"))})


@dataclass(frozen=True)
class Served:
    """Stubs of both services, over a store in memory with the object `o` that understands `read`."""

    dispatcher: Any
    store: Any


@pytest_asyncio.fixture(loop_scope="module")
async def served(rig: Rig) -> AsyncGenerator[Served]:
    await rig.put("o", READ, count=1)
    servicer = DispatcherServicer(rig.dispatch, dispatcher_pb2.GetVersionResponse(), asyncio.Event(), Telemetry.off())
    spec = ServerSpec(
        services={"batos.v1.Dispatcher": lambda server: add_DispatcherServicer_to_server(servicer, server)},
        listen=Address("127.0.0.1", 0),
        status_of=status_of,
    )
    async with (
        Server(spec) as server,
        serving(rig.store) as store,
        channel(server.address) as to_dispatcher,
        channel(store) as to_store,
    ):
        yield Served(DispatcherStub(to_dispatcher), ObjectStoreStub(to_store))


async def reason(sent: Awaitable[object]) -> str | None:
    """Why a call was refused."""
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await sent
    status = received(refused.value)
    assert status is not None
    return reason_of(status)


async def send(served: Served, **message: Any) -> dispatcher_pb2.SendResponse:
    request = dispatcher_pb2.SendRequest(message=pb.Message(receiver="o", selector="read", **message))
    return await served.dispatcher.Send(request, timeout=20)


def example_at(seconds: int, nanos: int = 0) -> pb.Example:
    before = pb.Slots(values={"count": ONE})
    return pb.Example(result=ONE, state_before=before, now=Timestamp(seconds=seconds, nanos=nanos))


@pytest.mark.parametrize("token", [ENDLESS, BEYOND, "a.", ".1", "a.\N{ARABIC-INDIC DIGIT ONE}"])
async def test_a_token_that_no_reply_gave_is_refused(served: Served, token: str) -> None:
    assert await reason(send(served, consistency="CONSISTENCY_AT_LEAST", token=token)) == "BAD_ARGUMENTS"
    assert await reason(served.store.Watch(store_pb.WatchRequest(token=token)).read()) == "BAD_ARGUMENTS"


@pytest.mark.parametrize(
    ("seconds", "nanos"),
    [(10**15, 0), (253402300799, 0), (-62135596801, 0), (-(10**15), 0), (0, -1), (0, 10**9)],
)
async def test_an_example_of_no_year_is_refused(served: Served, seconds: int, nanos: int) -> None:
    assert await reason(send(served, examples=[example_at(seconds, nanos)])) == "BAD_EXAMPLE"


@pytest.mark.parametrize(("seconds", "nanos"), [(-62135596800, 0), (253402300797, 999_999_999)])
async def test_an_example_of_the_first_and_the_last_year_is_tried(served: Served, seconds: int, nanos: int) -> None:
    assert (await send(served, examples=[example_at(seconds, nanos)])).reply.result == ONE


@pytest.mark.parametrize("seconds", [10**15, -(10**15), -1, 10_000_000_000])
async def test_evidence_of_no_time_that_is_kept_is_refused(served: Served, seconds: int) -> None:
    proof = pb.Evidence(level="EVIDENCE_LEVEL_APPROVED", by="me", at=Timestamp(seconds=seconds))
    activate = store_pb.ActivateMethodRequest(holder="o", selector="read", number=1, evidence=proof)
    assert await reason(served.store.ActivateMethod(activate)) == "BAD_ARGUMENTS"
    register = store_pb.RegisterMethodRequest(holder="o", selector="read", source=READ, evidence=[proof])
    assert await reason(served.store.RegisterMethod(register)) == "BAD_ARGUMENTS"


async def test_a_number_of_an_enumeration_that_is_not_known_is_refused(served: Served) -> None:
    unknown: Any = 99
    commit = store_pb.CommitRequest(
        lane="l",
        number=1,
        reply=store_pb.KeptReply(receiver="o", result=ONE, method=pb.MethodRef(evidence=unknown)),
    )
    assert await reason(served.store.Commit(commit)) == "BAD_ARGUMENTS"
    read = store_pb.CommitRequest(lane="l", number=1, reads=[store_pb.Read(id="o", part=unknown)])
    assert await reason(served.store.Commit(read)) == "BAD_ARGUMENTS"
    for policy in (pb.Policy(synthesis=unknown), pb.Policy(min_evidence=unknown)):
        created = store_pb.CreateObjectRequest(id="p", policy=policy)
        assert await reason(served.store.CreateObject(created)) == "BAD_ARGUMENTS"
    finding = pb.Finding(rule="BAT101", severity=unknown)
    register = store_pb.RegisterMethodRequest(holder="o", selector="read", source=READ, findings=[finding])
    assert await reason(served.store.RegisterMethod(register)) == "BAD_ARGUMENTS"
    for message in ({"on_miss": unknown}, {"consistency": unknown}):
        assert await reason(send(served, **message)) == "BAD_ARGUMENTS"


async def test_a_kept_reply_that_no_service_would_write_is_refused(served: Served) -> None:
    method = pb.MethodRef(holder="o", selector="read", number=1, evidence="EVIDENCE_LEVEL_AUDITED")
    both = store_pb.KeptReply(receiver="o", result=ONE, encoded_result=b"\x01", method=method)
    no_holder = store_pb.KeptReply(receiver="o", result=ONE, method=pb.MethodRef(selector="read"))
    no_selector = store_pb.KeptReply(receiver="o", result=ONE, method=pb.MethodRef(holder="o", selector="not one"))
    for reply, why in ((both, "BAD_ARGUMENTS"), (no_holder, "BAD_OBJECT_ID"), (no_selector, "BAD_ARGUMENTS")):
        reply.method.evidence = method.evidence
        commit = store_pb.CommitRequest(lane="l", number=1, reply=reply)
        assert await reason(served.store.Commit(commit)) == why


async def test_a_reference_to_what_is_no_object_id_is_refused(served: Served) -> None:
    assert await reason(served.store.CreateObject(store_pb.CreateObjectRequest(id="p", slots=NOWHERE))) == "BAD_VALUE"
    assert await reason(send(served, arguments=[NOWHERE.values["a"]])) == "BAD_VALUE"
