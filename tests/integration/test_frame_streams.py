"""Framed streams that break, are moved, end or are not read: nobody is failed who need not be, and all are told."""

import asyncio
from contextlib import AsyncExitStack
from typing import Any

import grpc
import pytest

from batos.frames import Frames
from batos.framing import Unanswered
from batos.v1 import dispatcher_pb2 as dispatcher_pb
from batos.v1 import object_pb2 as pb
from batos.v1.dispatcher_pb2_grpc import DispatcherStub
from chassis.address import Address
from chassis.client import channel
from chassis.server import Server, ServerSpec
from fakes.echo import ASKING, Echo, Send, ask, ask_all, asking, echoing, forever, refused_until, serving
from fakes.proxy import Proxy
from wire.errors import status_of


async def test_a_stream_that_is_cut_fails_what_was_sent_and_the_next_request_opens_another() -> None:
    echo = Echo(forever)
    async with serving(echo) as address, Proxy(address.port) as proxy, asking(proxy.address) as frames:
        sent = [asyncio.create_task(ask(frames, f"n{number}")) for number in range(10)]
        await asyncio.sleep(0.2)
        proxy.cut()
        failures = await asyncio.gather(*sent, return_exceptions=True)
        assert all(isinstance(each, Unanswered) and each.sent and not each.expired for each in failures)
        echo.work = None
        assert not any(await refused_until(frames, echo, 11))
        assert echo.streams == 2


async def test_what_could_not_be_sent_says_so() -> None:
    async with serving(Echo()) as address:
        pass
    async with asking(address) as frames:
        with pytest.raises(Unanswered) as refused:
            await ask(frames)
    assert not refused.value.sent
    assert refused.value.error is not None
    assert refused.value.error.code() is grpc.StatusCode.UNAVAILABLE


async def test_a_server_without_the_method_has_looked_at_nothing() -> None:
    spec = ServerSpec({}, Address("127.0.0.1", 0), status_of, reflection=False)
    async with Server(spec) as server, asking(server.address) as frames:
        with pytest.raises(Unanswered) as refused:
            await ask(frames)
    assert not refused.value.sent
    assert refused.value.error is not None
    assert refused.value.error.code() is grpc.StatusCode.UNIMPLEMENTED


async def test_an_old_stream_is_left_for_a_new_one_without_failing_anyone() -> None:
    async def slow(_: str) -> None:
        await asyncio.sleep(0.03)

    echo = Echo(slow, options={"age": 0.2})
    async with echoing(echo) as frames:
        for round_ in range(40):
            names = [f"{round_}-{number}" for number in range(20)]
            assert await ask_all(frames, names) == names
        assert 3 <= echo.streams < 12
        await asyncio.sleep(0.2)
        assert len(echo.seen) == len(set(echo.seen)) == 800


async def test_a_server_that_stops_answers_what_it_has_and_the_next_server_gets_the_rest() -> None:
    async def slow(_: str) -> None:
        await asyncio.sleep(0.2)

    first, second = Echo(slow), Echo()
    async with AsyncExitStack() as stack:
        async with serving(first) as address:
            frames = await stack.enter_async_context(asking(address))
            asked = [asyncio.create_task(ask(frames, f"n{number}")) for number in range(20)]
            await asyncio.sleep(0.1)
            first.stop.set()
            assert await asyncio.gather(*asked) == [f"n{number}" for number in range(20)]
        await stack.enter_async_context(serving(second, address.port))
        assert not any(await refused_until(frames, second, 1))


async def test_a_caller_that_takes_no_answers_is_read_no_further() -> None:
    echo = Echo(options={"in_flight": 64})
    async with serving(echo) as address, channel(address) as connected:
        call: Any = DispatcherStub(connected).Pipeline()
        large = "x" * 100_000
        sent = 0

        async def flood() -> None:
            nonlocal sent
            while True:
                sends = [Send(id=sent + n + 1, message=pb.Message(selector=large)) for n in range(10)]
                await call.write(dispatcher_pb.PipelineRequest(sends=sends))
                sent += 10

        flooding = asyncio.create_task(flood())
        await asyncio.sleep(1.5)
        before = len(echo.seen)
        await asyncio.sleep(0.3)
        assert len(echo.seen) == before < 400
        flooding.cancel()
        await asyncio.gather(flooding, return_exceptions=True)
        call.cancel()


async def test_a_caller_that_goes_away_cancels_its_requests() -> None:
    echo = Echo(forever)
    async with serving(echo) as address:
        async with asking(address) as frames:
            asked = [asyncio.create_task(ask(frames, f"n{number}")) for number in range(3)]
            await asyncio.sleep(0.2)
            await frames.close()
            failures = await asyncio.gather(*asked, return_exceptions=True)
            assert all(isinstance(each, Unanswered) and each.sent for each in failures)
        await asyncio.sleep(0.2)
        assert sorted(echo.cancelled) == ["n0", "n1", "n2"]


async def test_where_the_channel_was_closed_a_request_fails_at_once() -> None:
    async with serving(Echo()) as address, channel(address) as connected:
        frames = Frames(ASKING, lambda: DispatcherStub(connected).Pipeline())
        assert await ask(frames) == "a"
        await connected.close()
        await asyncio.sleep(0.05)
        async with asyncio.timeout(1):
            with pytest.raises(Unanswered):
                await ask(frames)
