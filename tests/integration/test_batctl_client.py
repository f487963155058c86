"""The client library over real gRPC: replies, events, failures by reason, deadlines and safe repeats."""

import asyncio
import time
from uuid import UUID

import grpc
import pytest
from google.rpc import code_pb2

import batos
from batos import blocking, errors
from batos.syntheses import OnEvent
from batos.v1 import dispatcher_pb2 as dispatcher_pb
from batos.v1 import object_pb2 as pb
from batos.v1 import objectstore_pb2 as store_pb
from batos.v1 import synthesizer_pb2 as synthesizer_pb
from batos.values import to_wire
from fakes.scripted_services import (
    Answer,
    Bare,
    Bug,
    Failure,
    Scripted,
    ScriptedDispatcher,
    ScriptedSuite,
    not_found,
    panel,
    scripted_suite,
)

THREE = dispatcher_pb.Reply(
    result=to_wire(3), token="t1", method=pb.MethodRef(holder="counter/main", selector="increment", number=1)
)
CROWDED = Failure("OVERLOADED", code_pb2.RESOURCE_EXHAUSTED, retry_seconds=0.1)
BROKE_OFF = Bare(code_pb2.UNAVAILABLE, "Socket closed")
STORE_DOWN = Failure("STORE_UNAVAILABLE", code_pb2.UNAVAILABLE, retry_seconds=0.05)


def client_of(suite: ScriptedSuite, *, patience: float = 5.0) -> batos.Client:
    return batos.Client(suite.addresses, patience=patience)


def answering(*answers: Answer) -> ScriptedDispatcher:
    return ScriptedDispatcher({"increment": list(answers)})


async def test_a_message_goes_out_whole_and_its_reply_comes_back() -> None:
    async with scripted_suite(answering(Answer(THREE))) as suite, client_of(suite) as client:
        reply = await client.send(
            "counter/main",
            "increment",
            1,
            b"x",
            keywords={"by": 2, "timeout": 1.5},
            intent="add",
            examples=[batos.Example(3, before={"count": 1})],
            consistency="at_least",
            token="t0",
            on_miss="never",
            install_at="counter",
        )
    assert (reply.result, reply.token, reply.method.number, reply.synthesized) == (3, "t1", 1, False)
    (message,) = suite.dispatcher.seen
    assert (message.namespace, message.receiver, message.selector) == ("default", "counter/main", "increment")
    assert [item.WhichOneof("kind") for item in message.arguments] == ["int64_value", "bytes_value"]
    assert message.keywords["by"].int64_value == 2
    assert message.keywords["timeout"].double_value == 1.5
    assert (message.intent, message.token, message.install_at) == ("add", "t0", "counter")
    assert (message.consistency, message.on_miss) == (pb.CONSISTENCY_AT_LEAST, pb.ON_MISS_NEVER)
    assert message.examples[0].state_before.values["count"].int64_value == 1
    assert UUID(message.request_id).version == 7
    assert message.request_id == reply.request_id


async def test_a_message_belongs_to_the_trace_that_the_reply_names() -> None:
    async with scripted_suite(answering(Answer(THREE))) as suite, client_of(suite) as client:
        reply = await client.send("counter/main", "increment")
    assert suite.dispatcher.traceparents[0].split("-")[1] == reply.trace_id


async def test_events_come_before_the_reply_in_their_order() -> None:
    seen: list[synthesizer_pb.SynthesizeResponse] = []
    async with scripted_suite(answering(Answer(THREE, panel()))) as suite, client_of(suite) as client:
        reply = await client.send("counter/main", "increment", on_event=seen.append)
    assert seen == panel()
    assert reply.result == 3


async def test_a_failure_becomes_the_class_of_its_reason_with_fields_and_trace() -> None:
    async with scripted_suite() as suite, client_of(suite) as client:
        for on_event in (None, print):
            with pytest.raises(errors.ObjectNotFound) as failed:
                await client.send("nobody", "speak", on_event=on_event)
            assert failed.value.fields == {"object": "nobody"}
            assert str(failed.value) == "there is no object nobody"
            assert len(failed.value.trace_id) == 32


async def test_a_reason_newer_than_the_client_is_kept() -> None:
    newer = Answer(Failure("MOON_TOO_FULL", code_pb2.FAILED_PRECONDITION, "wait"))
    async with scripted_suite(answering(newer)) as suite, client_of(suite) as client:
        with pytest.raises(batos.BatosError) as failed:
            await client.send("counter/main", "increment")
    assert (type(failed.value), failed.value.reason) == (batos.BatosError, "MOON_TOO_FULL")


async def test_a_message_is_repeated_with_the_same_request_id_while_the_store_is_away() -> None:
    script = answering(Answer(STORE_DOWN), Answer(STORE_DOWN), Answer(THREE))
    async with scripted_suite(script) as suite, client_of(suite) as client:
        assert (await client.send("counter/main", "increment")).result == 3
    assert len(suite.dispatcher.seen) == 3
    assert len({message.request_id for message in suite.dispatcher.seen}) == 1


async def test_a_message_without_a_request_id_is_never_repeated() -> None:
    async with scripted_suite(answering(Answer(STORE_DOWN), Answer(THREE))) as suite, client_of(suite) as client:
        with pytest.raises(errors.StoreUnavailable):
            await client.send("counter/main", "increment", request_id="")
    assert len(suite.dispatcher.seen) == 1


@pytest.mark.parametrize("request_id", [None, ""])
async def test_a_message_that_found_no_room_is_sent_again_at_growing_distances(request_id: str | None) -> None:
    script = answering(*[Answer(CROWDED)] * 3, Answer(THREE))
    async with scripted_suite(script) as suite, client_of(suite, patience=0.1) as client:
        began = time.monotonic()
        assert (await client.send("counter/main", "increment", request_id=request_id)).result == 3
        assert time.monotonic() - began >= 0.1 + 0.2 + 0.4
    assert len(suite.dispatcher.seen) == 4
    assert len({message.request_id for message in suite.dispatcher.seen}) == 1


async def test_who_finds_no_room_is_told_so_within_the_time_of_the_message() -> None:
    async with scripted_suite(answering(Answer(CROWDED))) as suite, client_of(suite) as client:
        began = time.monotonic()
        with pytest.raises(errors.Overloaded):
            await client.send("counter/main", "increment", timeout=0.8)
        assert time.monotonic() - began < 0.9
    assert len(suite.dispatcher.seen) > 1


async def test_those_who_find_no_room_do_not_all_come_back_at_once() -> None:
    script = answering(*[Answer(CROWDED)] * 100, Answer(THREE))
    async with scripted_suite(script) as suite, client_of(suite) as client:
        await asyncio.gather(*(client.send("counter/main", "increment") for _ in range(100)))
    came = sorted(suite.dispatcher.times[100:])
    assert came[75] - came[25] > 0.02


async def test_a_store_that_times_out_is_asked_no_longer_than_patience_lasts() -> None:
    slow = Answer(STORE_DOWN, seconds=2.2)  # it took long to answer that it cannot
    async with scripted_suite(answering(slow)) as suite, client_of(suite, patience=1.0) as client:
        began = time.monotonic()
        with pytest.raises(errors.StoreUnavailable):
            await client.send("counter/main", "increment", timeout=30)
        assert time.monotonic() - began < 4.0
    assert len(suite.dispatcher.seen) == 1


@pytest.mark.parametrize("on_event", [None, print])
async def test_patience_begins_anew_where_an_answer_had_begun_to_come(on_event: OnEvent | None) -> None:
    broken = Answer(BROKE_OFF, panel()[:3], synthesis="syn-1", seconds=0.6)
    silent = Answer(BROKE_OFF, seconds=0.6)
    for first, tries in ((broken, 2), (silent, 1)):
        script = answering(first, Answer(THREE))
        async with scripted_suite(script) as suite, client_of(suite, patience=0.5) as client:
            sending = client.send("counter/main", "increment", on_event=on_event)
            if tries == 1:
                with pytest.raises(errors.Unreachable):
                    await sending
            else:
                assert (await sending).result == 3
        assert len(suite.dispatcher.seen) == tries


async def test_events_alone_prove_that_an_answer_had_begun_to_come() -> None:
    script = answering(Answer(BROKE_OFF, panel()[:1], seconds=0.6), Answer(THREE))
    async with scripted_suite(script) as suite, client_of(suite, patience=0.5) as client:
        assert (await client.send("counter/main", "increment", on_event=print)).result == 3


async def test_what_failed_names_the_request_id_to_send_again_with() -> None:
    async with scripted_suite(answering(Answer(THREE, seconds=5))) as suite, client_of(suite) as client:
        with pytest.raises(errors.DeadlineExceeded) as failed:
            await client.send("counter/main", "increment", timeout=0.2)
    assert failed.value.request_id == suite.dispatcher.seen[0].request_id


async def test_a_bug_of_a_service_is_told_at_once_with_the_id_under_which_its_log_has_the_reason() -> None:
    async with scripted_suite(answering(Answer(Bug("bug-7")))) as suite, client_of(suite) as client:
        with pytest.raises(batos.BatosError) as failed:
            await client.send("counter/main", "increment")
    assert (failed.value.reason, failed.value.code) == ("INTERNAL", grpc.StatusCode.INTERNAL)
    assert failed.value.fields == {"service": "dispatcher", "id": "bug-7"}
    assert "bug-7" in failed.value.message
    assert len(suite.dispatcher.seen) == 1


async def test_what_met_a_conflict_had_no_effect_and_is_sent_again() -> None:
    script = answering(Answer(Failure("CONFLICT", code_pb2.ABORTED)), Answer(THREE))
    async with scripted_suite(script) as suite, client_of(suite) as client:
        assert (await client.send("counter/main", "increment")).result == 3
    assert len(suite.dispatcher.seen) == 2


@pytest.mark.parametrize("reason", ["ENDPOINT_UNAVAILABLE", "METHOD_RAISED"])
async def test_other_failures_are_told_at_once(reason: str) -> None:
    code = {"ENDPOINT_UNAVAILABLE": code_pb2.UNAVAILABLE}.get(reason, 9)
    script = answering(Answer(Failure(reason, code)), Answer(THREE))
    async with scripted_suite(script) as suite, client_of(suite) as client:
        with pytest.raises(batos.BatosError) as failed:
            await client.send("counter/main", "increment")
    assert failed.value.reason == reason
    assert len(suite.dispatcher.seen) == 1


async def test_a_dispatcher_that_is_started_again_gets_the_same_message() -> None:
    async with scripted_suite(answering(Answer(THREE))) as before:
        address = before.addresses.dispatcher
    port = int(address.rpartition(":")[2])
    async with batos.connect(address) as client:
        sending = asyncio.create_task(client.send("counter/main", "increment"))
        await asyncio.sleep(0.3)
        async with scripted_suite(answering(Answer(THREE)), port=port):
            assert (await sending).result == 3


async def test_a_dispatcher_that_nobody_started_is_named_with_its_address() -> None:
    async with scripted_suite() as suite:
        address = suite.addresses.dispatcher
    async with batos.connect(address, patience=0.2) as client:
        with pytest.raises(errors.Unreachable) as failed:
            await client.send("counter/main", "increment")
    assert str(failed.value) == f"cannot reach the dispatcher at {address}"
    assert failed.value.fields == {"service": "dispatcher"}


async def test_a_deadline_during_a_synthesis_names_the_synthesis_that_goes_on() -> None:
    slow = Answer(THREE, synthesis="syn-7", seconds=5)
    async with scripted_suite(answering(slow)) as suite, client_of(suite) as client:
        for on_event in (None, print):
            with pytest.raises(errors.SynthesisPending) as failed:
                await client.send("counter/main", "increment", on_event=on_event, timeout=0.3)
            assert failed.value.fields == {"synthesis": "syn-7"}


async def test_a_deadline_without_a_synthesis_is_a_deadline() -> None:
    async with scripted_suite(answering(Answer(THREE, seconds=5))) as suite, client_of(suite) as client:
        with pytest.raises(errors.DeadlineExceeded):
            await client.send("counter/main", "increment", timeout=0.2)


async def test_a_sender_that_goes_away_cancels_its_message() -> None:
    async with scripted_suite(answering(Answer(THREE, panel(), seconds=30))) as suite, client_of(suite) as client:
        for on_event in (None, print):
            sending = asyncio.create_task(client.send("counter/main", "increment", on_event=on_event))
            await asyncio.sleep(0.2)
            sending.cancel()
            with pytest.raises(asyncio.CancelledError):
                await sending
        await asyncio.sleep(0.2)
    assert suite.dispatcher.cancelled == 2


async def test_objects_are_listed_page_by_page_up_to_the_limit() -> None:
    def page(request: store_pb.ListObjectsRequest) -> store_pb.ListObjectsResponse:
        first = int(request.page_token or 0)
        ids = range(first, min(first + min(2, request.page_size), 5))
        return store_pb.ListObjectsResponse(
            objects=[pb.Object(id=f"o/{number}") for number in ids], next_page_token=str(first + 2) if first < 4 else ""
        )

    async with scripted_suite(objectstore=Scripted(ListObjects=page)) as suite, client_of(suite) as client:
        assert [item.id for item in await client.objects.list("o/")] == [f"o/{number}" for number in range(5)]
        assert [item.id for item in await client.objects.list("o/", limit=3)] == ["o/0", "o/1", "o/2"]


async def test_the_blocking_client_is_the_same_client() -> None:
    script = answering(Answer(THREE, panel()))
    store = Scripted(GetObject=lambda request: not_found(request.id))
    async with scripted_suite(script, objectstore=store) as suite:
        replies, events = await asyncio.to_thread(blocking_sends, suite)
    assert [reply.result for reply in replies] == [3, 3]
    assert events == panel()


def blocking_sends(suite: ScriptedSuite) -> tuple[list[batos.Reply], list[synthesizer_pb.SynthesizeResponse]]:
    events: list[synthesizer_pb.SynthesizeResponse] = []
    addresses = suite.addresses
    with blocking.connect(addresses.dispatcher, objectstore=addresses.objectstore) as client:
        replies = [
            client.send("counter/main", "increment"),
            client.send("counter/main", "increment", on_event=events.append),
        ]
        with pytest.raises(errors.ObjectNotFound):
            client.objects.get("nobody")
        assert client.version().jail_level == "partial"
    return replies, events
