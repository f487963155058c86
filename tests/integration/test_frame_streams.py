"""Framed streams that break, are moved, end or are not read: nobody is failed who need not be, and all are told."""

import asyncio
from contextlib import AsyncExitStack
from typing import Any

import grpc
import pytest

from batos.channel import Service
from batos.frames import Frames
from batos.framing import Bounds, Unanswered
from batos.streams import MARK
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


class Call:
    """A stream as gRPC gives it, to a far side that does nothing until the test lets it."""

    def __init__(self, metadata: tuple[tuple[str, str], ...]) -> None:
        self._metadata = metadata
        self.opened = asyncio.Event()
        self.is_cancelled = False

    async def initial_metadata(self) -> tuple[tuple[str, str], ...]:
        await self.opened.wait()
        return self._metadata

    async def code(self) -> grpc.StatusCode:
        return grpc.StatusCode.UNIMPLEMENTED

    async def read(self) -> Any:
        await asyncio.Event().wait()

    async def write(self, _: Any) -> None:
        await asyncio.Event().wait()

    def cancel(self) -> bool:
        self.is_cancelled = True
        return True


async def test_what_is_closed_before_its_reader_began_leaves_nobody_waiting() -> None:
    call: Any = Call(((MARK, "1"),))
    frames = Frames(ASKING, lambda: call)
    asked = asyncio.create_task(ask(frames, timeout=60.0))
    await asyncio.sleep(0.05)
    call.opened.set()  # the writer wakes first and starts the reader, which begins after the close
    closing = asyncio.create_task(frames.close())
    async with asyncio.timeout(2):
        with pytest.raises(Unanswered):
            await asked
        await closing
    assert call.is_cancelled


async def test_what_is_closed_while_a_stream_is_being_refused_opens_nothing() -> None:
    call: Any = Call(())
    frames = Frames(ASKING, lambda: call)
    call.opened.set()
    asked = asyncio.create_task(ask(frames, timeout=60.0))
    await asyncio.sleep(0.1)  # by now it is asked why the stream is refused
    async with asyncio.timeout(2):
        await frames.close()
        with pytest.raises(Unanswered) as closed:
            await asked
    assert not closed.value.sent
    assert call.is_cancelled


async def test_a_far_side_that_does_not_open_the_stream_holds_nobody_up_for_long() -> None:
    call: Any = Call(())
    frames = Frames(ASKING, lambda: call, Bounds(opening=0.2))
    async with asyncio.timeout(2):
        with pytest.raises(Unanswered) as refused:
            await ask(frames, timeout=60.0)
    assert (refused.value.sent, refused.value.expired) == (False, False)
    assert call.is_cancelled
    await frames.close()


async def test_on_a_stream_that_is_left_the_far_side_is_still_told_who_does_not_wait() -> None:
    released = asyncio.Event()

    async def wait(_: str) -> None:
        await released.wait()

    echo = Echo(wait)
    async with echoing(echo) as frames:
        gone, late, stays = (
            asyncio.create_task(ask(frames, name, timeout=seconds))
            for name, seconds in (("gone", 5.0), ("late", 0.5), ("stays", 5.0))
        )
        await asyncio.sleep(0.1)
        echo.stop.set()
        await asyncio.sleep(0.1)
        gone.cancel()
        with pytest.raises(Unanswered):
            await late
        await asyncio.sleep(0.2)
        assert echo.cancelled == ["gone", "late"]
        released.set()
        assert await stays == "stays"


async def test_a_far_side_that_vanishes_without_a_word_is_noticed_while_somebody_waits() -> None:
    async with serving(Echo(forever)) as address, Proxy(address.port) as proxy:
        service = Service.at("dispatcher", proxy.address, keepalive=0.6)
        frames = Frames(ASKING, lambda: DispatcherStub(service.channel).Pipeline())
        asked = asyncio.create_task(ask(frames, timeout=60.0))
        await asyncio.sleep(0.2)
        proxy.hold_requests()
        proxy.swallow_answers()
        async with asyncio.timeout(10):
            with pytest.raises(Unanswered) as lost:
                await asked
        assert lost.value.sent
        await frames.close()
        await service.channel.close()
