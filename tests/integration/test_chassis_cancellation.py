"""What the caller does to a call reaches the servicer, and what the servicer sends early reaches the caller."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import grpc.aio
import pytest

from chassis.client import channel, ending
from chassis.telemetry import Telemetry, in_memory
from fakes.tiny import KINDS, ServicerContext, Tiny, Waiting, attributes, call, call_as_stream, last, send, serve

TELEMETRY = pytest.mark.parametrize("recording", [True, False], ids=["recording", "off"])
EVERY_KIND = pytest.mark.parametrize("kind", KINDS)


def telemetry(recording: bool) -> Telemetry:
    return in_memory()[0] if recording else Telemetry.off()


async def reached(event: asyncio.Event) -> None:
    await asyncio.wait_for(event.wait(), 2)


@TELEMETRY
@EVERY_KIND
async def test_a_cancelled_call_stops_the_servicer(kind: str, recording: bool) -> None:
    body = Waiting()
    async with (
        serve(Tiny(body), telemetry=telemetry(recording)) as server,
        channel(server.address, telemetry=telemetry(recording)) as to,
    ):
        started = call(to, kind)
        waiting = asyncio.ensure_future(last(started))
        await reached(body.began)
        started.cancel()
        await reached(body.ended)
        assert body.cancelled
        with pytest.raises(asyncio.CancelledError):
            await waiting


@TELEMETRY
@EVERY_KIND
async def test_a_cancelled_task_that_waits_for_a_call_stops_the_servicer(kind: str, recording: bool) -> None:
    body = Waiting()
    async with (
        serve(Tiny(body), telemetry=telemetry(recording)) as server,
        channel(server.address, telemetry=telemetry(recording)) as to,
    ):
        waiting = asyncio.create_task(send(to, kind))
        await reached(body.began)
        waiting.cancel()
        await reached(body.ended)
        assert body.cancelled
        with pytest.raises(asyncio.CancelledError):
            await waiting


async def test_a_stream_whose_reader_breaks_off_stops_the_servicer() -> None:
    body = Waiting()
    async with serve(Tiny(body)) as server, channel(server.address) as to:
        with ending(call(to, "Count")) as replies:
            async for reply in replies:
                assert reply == b"first"
                break
        await reached(body.ended)
        assert body.cancelled


async def test_a_finished_call_is_left_alone() -> None:
    async def answer(context: ServicerContext) -> bytes:
        return b"done"

    traces, spans = in_memory()
    async with serve(Tiny(answer)) as server, channel(server.address, telemetry=traces) as to:
        with ending(call(to, "Count")) as replies:
            assert [reply async for reply in replies] == [b"first", b"done"]
        assert await replies.code() is grpc.StatusCode.OK
    assert [attributes(span)["rpc.response.status_code"] for span in spans.get_finished_spans()] == ["OK"]


@EVERY_KIND
async def test_a_cancelled_call_stops_the_servicer_behind_the_servicer(kind: str) -> None:
    body = Waiting()
    traces, _ = in_memory()
    async with serve(Tiny(body), telemetry=traces) as far, channel(far.address, telemetry=traces) as onward:

        async def relay(context: ServicerContext) -> bytes:
            return await send(onward, kind)

        async with serve(Tiny(relay), telemetry=traces) as near, channel(near.address, telemetry=traces) as to:
            waiting = asyncio.create_task(send(to, kind))
            await reached(body.began)
            waiting.cancel()
            await reached(body.ended)
            assert body.cancelled


async def test_a_generator_cancelled_while_it_writes_is_closed_by_its_own_task() -> None:
    closed = asyncio.Event()
    tasks: set[asyncio.Task[Any] | None] = set()

    class Flood(Tiny):
        async def count(self, request: bytes, context: ServicerContext) -> AsyncIterator[bytes]:
            tasks.add(asyncio.current_task())
            try:
                while True:  # nobody reads, so the connection's window fills and a write waits
                    yield bytes(1_000_000)
            finally:
                tasks.add(asyncio.current_task())  # another one, if the garbage collector had to close it
                closed.set()

    async with serve(Flood(Waiting())) as server, channel(server.address) as to:
        started = call(to, "Count")
        await started.read()
        await asyncio.sleep(0.2)
        assert not closed.is_set()
        started.cancel()
        await reached(closed)
    assert len(tasks) == 1


@EVERY_KIND
async def test_the_deadline_reaches_the_servicer_and_stops_it(kind: str) -> None:
    remaining: list[float] = []
    body = Waiting()

    async def note(context: ServicerContext) -> bytes:
        remaining.append(context.time_remaining())
        return await body(context)

    traces, spans = in_memory()
    async with serve(Tiny(note), telemetry=traces) as server, channel(server.address, telemetry=traces) as to:
        with pytest.raises(grpc.aio.AioRpcError) as failure:
            await send(to, kind, timeout=0.3)
        assert failure.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
        await reached(body.ended)
        assert body.cancelled
        assert 0 < remaining[0] < 1
    codes = {attributes(span)["rpc.response.status_code"] for span in spans.get_finished_spans()}
    assert codes == {"DEADLINE_EXCEEDED"}


@TELEMETRY
@EVERY_KIND
async def test_initial_metadata_reaches_the_caller_while_the_servicer_still_works(kind: str, recording: bool) -> None:
    finish = asyncio.Event()

    class Early(Tiny):
        async def count(self, request: bytes, context: ServicerContext) -> AsyncIterator[bytes]:
            yield await self.body(context)

        async def talk(self, requests: AsyncIterator[bytes], context: ServicerContext) -> AsyncIterator[bytes]:
            yield await self.body(context)

    async def early(context: ServicerContext) -> bytes:
        await context.send_initial_metadata((("operation", "o-1"),))
        await finish.wait()
        return b"done"

    async with (
        serve(Early(early), telemetry=telemetry(recording)) as server,
        channel(server.address, telemetry=telemetry(recording)) as to,
    ):
        # grpc.aio's unary call shows nothing before its end; read as a stream of one, the same method does.
        started = call_as_stream(to, "Ask") if kind == "Ask" else call(to, kind)
        metadata = await asyncio.wait_for(started.initial_metadata(), 2)
        assert metadata["operation"] == "o-1"
        assert not started.done()
        finish.set()
        assert await last(started) == b"done"


@TELEMETRY
async def test_a_caller_whose_deadline_passes_still_has_the_initial_metadata(recording: bool) -> None:
    async def early(context: ServicerContext) -> bytes:
        await context.send_initial_metadata((("operation", "o-1"),))
        return await asyncio.sleep(60, b"")

    async with (
        serve(Tiny(early), telemetry=telemetry(recording)) as server,
        channel(server.address, telemetry=telemetry(recording)) as to,
    ):
        with pytest.raises(grpc.aio.AioRpcError) as failure:
            await send(to, "Ask", timeout=0.3)
        assert failure.value.initial_metadata()["operation"] == "o-1"


async def test_a_servicer_whose_own_wait_was_cancelled_fails_instead_of_leaving_the_caller_waiting() -> None:
    async def wait_for_another(context: ServicerContext) -> bytes:
        other = asyncio.create_task(asyncio.sleep(60))
        asyncio.get_running_loop().call_later(0.05, other.cancel)
        await other
        return b""

    async with serve(Tiny(wait_for_another)) as server, channel(server.address) as to:
        with pytest.raises(grpc.aio.AioRpcError) as failure:
            await asyncio.wait_for(send(to, "Ask"), 2)
        assert failure.value.code() is grpc.StatusCode.INTERNAL
