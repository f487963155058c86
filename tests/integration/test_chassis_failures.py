"""What a caller learns of a failure: everything of a known one, an id of any other."""

import asyncio
import logging
import re
from collections.abc import AsyncIterator
from typing import Any

import grpc
import grpc.aio
import pytest
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.duration_pb2 import Duration
from google.rpc import code_pb2
from google.rpc.error_details_pb2 import DebugInfo, ErrorInfo, RequestInfo, RetryInfo
from google.rpc.status_pb2 import Status
from grpc_status import rpc_status
from opentelemetry.trace import SpanKind, StatusCode

from chassis.client import channel
from chassis.telemetry import in_memory
from fakes.tiny import KINDS, NAME, Known, ServicerContext, Tiny, Waiting, Writing, attributes, call, send, serve

EVERY_KIND = pytest.mark.parametrize("kind", KINDS)
SECRET = "customer 4711 owes 12 EUR"


async def failure_of(service: Tiny, kind: str, **options: object) -> grpc.aio.AioRpcError:
    async with serve(service, **options) as server, channel(server.address) as to:
        with pytest.raises(grpc.aio.AioRpcError) as failure:
            await send(to, kind, timeout=5)
    return failure.value


def rich(failure: grpc.aio.AioRpcError) -> Status:
    """As any client reads it, with gRPC's own library."""
    read: Any = rpc_status
    status = read.from_call(failure)
    assert isinstance(status, Status)
    return status


@EVERY_KIND
async def test_a_known_failure_arrives_with_its_code_its_text_and_its_reason(kind: str) -> None:
    async def fail(context: ServicerContext) -> bytes:
        raise Known("it is closed on Sundays")

    status = rich(await failure_of(Tiny(fail), kind))
    assert (status.code, status.message) == (code_pb2.FAILED_PRECONDITION, "it is closed on Sundays")
    told = ErrorInfo()
    assert status.details[0].Unpack(told)
    assert (told.reason, told.domain, dict(told.metadata)) == ("TINY_KNOWN", "tiny", {"why": "asked to"})


@EVERY_KIND
async def test_an_unknown_failure_arrives_as_an_id_and_its_text_stays_in_the_log_and_the_span(
    kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    async def fail(context: ServicerContext) -> bytes:
        raise ZeroDivisionError(SECRET)

    traces, spans = in_memory()
    failure = await failure_of(Tiny(fail), kind, telemetry=traces)
    status = rich(failure)
    assert failure.code() is grpc.StatusCode.INTERNAL
    assert SECRET not in repr(failure)
    assert "ZeroDivision" not in repr(failure)
    told = RequestInfo()
    assert status.details[0].Unpack(told)
    assert re.fullmatch("[0-9a-f]{16}", told.request_id)
    assert told.request_id in status.message

    (record,) = (record for record in caplog.records if record.levelno == logging.ERROR)
    assert told.request_id in record.getMessage()
    assert record.exc_info is not None
    assert SECRET in str(record.exc_info[1])

    (span,) = spans.get_finished_spans()
    assert attributes(span)["batos.error.id"] == told.request_id
    assert span.status.status_code is StatusCode.ERROR
    assert (span.events[0].attributes or {})["exception.message"] == SECRET


async def test_a_reply_that_cannot_be_written_is_an_unknown_failure() -> None:
    async def answer(context: ServicerContext) -> bytes:
        return b"fine"

    def encode(message: bytes) -> bytes:
        raise ValueError(SECRET)

    for kind in KINDS:
        failure = await failure_of(Tiny(answer, encode=encode), kind)
        assert (failure.code(), SECRET in repr(failure)) == (grpc.StatusCode.INTERNAL, False)


async def test_a_request_that_cannot_be_read_is_an_unknown_failure() -> None:
    async def answer(context: ServicerContext) -> bytes:
        return b"fine"

    def decode(message: bytes) -> bytes:
        raise ValueError(SECRET)

    for kind in KINDS:
        failure = await failure_of(Tiny(answer, decode=decode), kind)
        assert (failure.code(), SECRET in repr(failure)) == (grpc.StatusCode.INTERNAL, False)


async def test_a_failure_after_the_first_replies_still_arrives_whole() -> None:
    class Partly(Tiny):
        async def count(self, request: bytes, context: ServicerContext) -> AsyncIterator[bytes]:
            yield b"first"
            raise Known("no more")

    async def unused(context: ServicerContext) -> bytes:
        return b""

    assert rich(await failure_of(Partly(unused), "Count")).message == "no more"


@pytest.mark.parametrize("kind", ["Count", "Talk"])
async def test_a_servicer_that_writes_its_replies_itself_fails_like_any_other(kind: str) -> None:
    async def answer(context: ServicerContext) -> bytes:
        return b"done"

    async def fail(context: ServicerContext) -> bytes:
        raise Known("no more")

    async with serve(Writing(answer)) as server, channel(server.address) as to:
        assert await send(to, kind) == b"done"
    assert rich(await failure_of(Writing(fail), kind)).message == "no more"


async def test_a_write_to_a_caller_who_has_gone_is_no_unknown_failure(caplog: pytest.LogCaptureFixture) -> None:
    wait, ended = Waiting(), asyncio.Event()

    async def stubborn(context: ServicerContext) -> bytes:
        try:
            return await wait(context)
        except asyncio.CancelledError:
            try:
                await context.write(b"one more")
            finally:
                ended.set()
            return b""

    traces, spans = in_memory()
    async with serve(Writing(stubborn), telemetry=traces) as server, channel(server.address) as to:
        started = call(to, "Count")
        await started.read()
        await wait.began.wait()
        started.cancel()
        await asyncio.wait_for(ended.wait(), 2)
    assert [record.getMessage() for record in caplog.records if record.name.startswith("chassis.interceptor")] == []
    assert [attributes(span)["rpc.response.status_code"] for span in spans.get_finished_spans()] == ["CANCELLED"]


async def test_a_servicer_that_aborts_by_itself_is_left_alone() -> None:
    async def abort(context: ServicerContext) -> bytes:
        await context.abort(grpc.StatusCode.OUT_OF_RANGE, "too far", (("how-far", "7"),))

    traces, spans = in_memory()
    failure = await failure_of(Tiny(abort), "Ask", telemetry=traces)
    assert (failure.code(), failure.details()) == (grpc.StatusCode.OUT_OF_RANGE, "too far")
    assert failure.trailing_metadata()["how-far"] == "7"
    assert attributes(spans.get_finished_spans()[0])["rpc.response.status_code"] == "OUT_OF_RANGE"


async def test_trailing_metadata_that_the_servicer_set_travels_beside_the_status() -> None:
    async def fail(context: ServicerContext) -> bytes:
        context.set_trailing_metadata((("cost", "12"),))
        raise Known("after all that")

    failure = await failure_of(Tiny(fail), "Ask")
    assert failure.trailing_metadata()["cost"] == "12"
    assert rich(failure).message == "after all that"


async def test_a_status_too_large_for_metadata_is_cut_and_keeps_its_code_and_reason() -> None:
    def status_of(error: BaseException) -> Status:
        details = [AnyMessage(), AnyMessage()]
        details[0].Pack(ErrorInfo(reason="LONG", domain="tiny"))
        details[1].Pack(DebugInfo(detail="ä" * 20_000))
        return Status(code=code_pb2.ABORTED, message="ö" * 20_000, details=details)

    async def fail(context: ServicerContext) -> bytes:
        raise Known

    status = rich(await failure_of(Tiny(fail), "Ask", status_of=status_of))
    assert status.code == code_pb2.ABORTED
    assert status.message.startswith("ööö")
    assert [detail.TypeName() for detail in status.details] == ["google.rpc.ErrorInfo"]


@pytest.mark.parametrize(
    ("fields", "kept"),
    [
        ({"message": "漢" * 1900, "line": "3"}, {"message": "漢" * 100 + "…", "line": "3"}),
        ({f"key{n}": "ä" * 1000 for n in range(40)}, {}),
    ],
    ids=["a long value", "many values"],
)
async def test_what_is_told_beside_a_reason_is_cut_before_the_reason_is_lost(
    fields: dict[str, str], kept: dict[str, str]
) -> None:
    def status_of(error: BaseException) -> Status:
        details = [AnyMessage(), AnyMessage()]
        details[0].Pack(ErrorInfo(reason="LONG", domain="tiny", metadata=fields))
        details[1].Pack(RetryInfo(retry_delay=Duration(seconds=1)))
        return Status(code=code_pb2.ABORTED, message="漢" * 1900, details=details)

    async def fail(context: ServicerContext) -> bytes:
        raise Known

    status = rich(await failure_of(Tiny(fail), "Ask", status_of=status_of))
    told = ErrorInfo()
    assert status.details[0].Unpack(told)
    assert (told.reason, told.domain, dict(told.metadata)) == ("LONG", "tiny", kept)
    assert status.message == "漢" * 266 + "…"


@pytest.mark.parametrize("answer", ["raises", "ok"])
async def test_a_broken_table_of_failures_leaks_nothing_either(answer: str) -> None:
    def status_of(error: BaseException) -> Status:
        if answer == "ok":
            return Status(code=code_pb2.OK, message=SECRET)
        raise RuntimeError(SECRET)

    async def fail(context: ServicerContext) -> bytes:
        raise Known(SECRET)

    failure = await failure_of(Tiny(fail), "Ask", status_of=status_of)
    assert (failure.code(), SECRET in repr(failure)) == (grpc.StatusCode.INTERNAL, False)


async def test_a_message_over_the_limit_is_refused_in_either_direction() -> None:
    async def answer(context: ServicerContext) -> bytes:
        return bytes(2000)

    failure = await failure_of(Tiny(answer), "Ask", max_send_bytes=1000)
    assert failure.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    async with serve(Tiny(answer)) as server, channel(server.address, max_message_bytes=1000) as to:
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await send(to, "Ask")
    assert refused.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    async with serve(Tiny(answer), max_receive_bytes=1000) as server, channel(server.address) as to:
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await to.unary_unary(f"/{NAME}/Ask")(bytes(2000))
    assert refused.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED


async def test_only_the_servers_own_failures_mark_its_span_and_every_failure_marks_the_callers() -> None:
    async def fail(context: ServicerContext) -> bytes:
        raise Known("as agreed")

    traces, spans = in_memory()
    async with serve(Tiny(fail), telemetry=traces) as server, channel(server.address, telemetry=traces) as to:
        with pytest.raises(grpc.aio.AioRpcError):
            await send(to, "Ask")
    by_kind = {span.kind: span for span in spans.get_finished_spans()}
    served, called = by_kind[SpanKind.SERVER], by_kind[SpanKind.CLIENT]
    assert served.status.status_code is StatusCode.UNSET
    assert attributes(served)["batos.error.reason"] == "TINY_KNOWN"
    assert called.status.status_code is StatusCode.ERROR
    for span in (served, called):
        assert attributes(span)["error.type"] == "FAILED_PRECONDITION"
        assert attributes(span)["rpc.response.status_code"] == "FAILED_PRECONDITION"


async def test_an_unknown_method_is_unimplemented() -> None:
    async def unused(context: ServicerContext) -> bytes:
        return b""

    async with serve(Tiny(unused)) as server, channel(server.address) as to:
        with pytest.raises(grpc.aio.AioRpcError) as failure:
            await to.unary_unary(f"/{NAME}/Nothing")(b"")
    assert failure.value.code() is grpc.StatusCode.UNIMPLEMENTED
