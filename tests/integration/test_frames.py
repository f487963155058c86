"""Requests of framed streams over a real channel: frames, order, bounds, deadlines, cancellation, failures."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Any

import grpc
import pytest

from batos.framing import Bounds, TooLarge, Unanswered
from batos.v1 import dispatcher_pb2 as dispatcher_pb
from batos.v1 import object_pb2 as pb
from batos.v1.dispatcher_pb2_grpc import DispatcherStub
from chassis.client import channel
from fakes.echo import Echo, Send, ask, ask_all, echoing, forever, serving
from kernel.errors import Overloaded


async def test_requests_of_one_tick_leave_in_one_frame_and_each_gets_its_own_answer() -> None:
    echo = Echo()
    async with echoing(echo) as frames:
        names = [f"n{number}" for number in range(100)]
        assert await ask_all(frames, names) == names
        assert echo.frames == [100]
        assert echo.streams == 1


async def test_answers_come_back_in_the_order_in_which_they_are_ready() -> None:
    released = asyncio.Event()

    async def slow(selector: str) -> None:
        if selector == "slow":
            await released.wait()

    async with echoing(Echo(slow)) as frames:
        late = asyncio.create_task(ask(frames, "slow"))
        assert await ask(frames, "quick") == "quick"
        assert not late.done()
        released.set()
        assert await late == "slow"


async def test_a_frame_is_bounded_in_count_and_in_bytes() -> None:
    echo = Echo()
    async with echoing(echo, Bounds(frame=7, frame_bytes=2000)) as frames:
        await ask_all(frames, ["s"] * 20)
        assert echo.frames == [7, 7, 6]
        await ask_all(frames, ["x" * 900] * 5)
        assert echo.frames[3:] == [2, 2, 1]


async def test_a_request_that_no_frame_may_carry_is_refused_before_it_is_sent() -> None:
    echo = Echo()
    async with echoing(echo, Bounds(request_bytes=1000)) as frames:
        with pytest.raises(TooLarge):
            await ask(frames, "x" * 1001)
        assert await ask(frames) == "a"
        assert echo.seen == ["a"]


async def test_beyond_what_may_be_in_flight_a_request_waits() -> None:
    running, most = 0, 0

    async def count(_: str) -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0.01)
        running -= 1

    async with echoing(Echo(count), Bounds(in_flight=10)) as frames:
        await ask_all(frames, ["a"] * 50)
    assert most == 10


async def test_a_request_whose_time_is_up_is_unanswered_and_the_server_is_told() -> None:
    echo = Echo(forever)
    async with echoing(echo) as frames:
        with pytest.raises(Unanswered) as late:
            await ask(frames, timeout=0.2)
        assert (late.value.sent, late.value.expired) == (True, True)
        await asyncio.sleep(0.1)
        assert echo.cancelled == ["a"]


async def test_a_caller_that_is_cancelled_cancels_its_request_and_no_other() -> None:
    echo = Echo(forever)
    async with echoing(echo) as frames:
        gone, stays = (asyncio.create_task(ask(frames, name, timeout=0.6)) for name in ("gone", "stays"))
        await asyncio.sleep(0.2)
        gone.cancel()
        await asyncio.sleep(0.2)
        assert echo.cancelled == ["gone"]
        with pytest.raises(Unanswered):
            await stays


async def test_a_request_that_is_cancelled_in_its_own_tick_is_never_sent() -> None:
    echo = Echo()
    async with echoing(echo) as frames:
        await ask(frames, "first")
        gone = asyncio.create_task(ask(frames, "gone"))
        await asyncio.sleep(0)
        gone.cancel()
        assert await ask(frames, "last") == "last"
    assert echo.seen == ["first", "last"]


async def test_a_failure_is_told_with_its_reason_and_a_bug_with_an_id_alone() -> None:
    async def fail(selector: str) -> None:
        if selector == "known":
            raise Overloaded("so says the test", retry_seconds=2.0)
        raise RuntimeError("secret")

    async with echoing(Echo(fail)) as frames:
        known, bug = await ask_all(frames, ["known", "bug"])
    assert known == "8 so says the test"
    assert bug.startswith("13 internal error")
    assert "secret" not in bug


async def test_one_request_too_many_is_refused_and_the_others_are_answered() -> None:
    released = asyncio.Event()

    async def wait(_: str) -> None:
        await released.wait()

    async with echoing(Echo(wait, options={"in_flight": 5})) as frames:
        asked = [asyncio.create_task(ask(frames, f"n{number}")) for number in range(5)]
        await asyncio.sleep(0.1)
        assert await ask(frames) == "8 full"
        released.set()
        assert await asyncio.gather(*asked) == [f"n{number}" for number in range(5)]


async def test_of_a_frame_with_too_many_each_further_one_is_refused_and_a_number_is_had_once() -> None:
    released = asyncio.Event()

    async def wait(_: str) -> None:
        await released.wait()

    async def frames() -> AsyncGenerator[Any]:
        sends = [Send(id=number, message=pb.Message(selector=f"n{number}")) for number in (1, 2, 2, 3, 4)]
        yield dispatcher_pb.PipelineRequest(sends=sends)
        await released.wait()

    async with serving(Echo(wait, options={"in_flight": 4})) as address, channel(address) as opened:
        replies: list[tuple[int, str]] = []
        async for frame in DispatcherStub(opened).Pipeline(frames()):
            replies += [(reply.id, reply.failure.message or reply.reply.token) for reply in frame.replies]
            if len(replies) >= 2:
                released.set()
    refused = {text for number, text in replies if number in (2, 4)} - {"n2"}
    assert {(1, "n1"), (2, "n2"), (3, "n3")} < set(replies)
    assert refused == {"another request in flight on this stream has the same id: give each its own", "full"}


async def test_an_answer_that_no_frame_may_carry_is_a_failure_of_its_own_request() -> None:
    async with echoing(Echo(options={"answer_bytes": 1000})) as frames:
        large, small = await ask_all(frames, ["x" * 1001, "small"])
    assert large.startswith("8 the answer has")
    assert small == "small"


async def test_the_server_ends_what_is_out_of_time_by_itself() -> None:
    echo = Echo(forever)
    async with echoing(echo) as frames:
        send = Send(message=pb.Message(selector="a"))
        send.timeout.FromMilliseconds(100)
        answer = await frames.ask(send, 5.0)
    assert answer.failure.code == grpc.StatusCode.DEADLINE_EXCEEDED.value[0]


async def test_a_request_without_any_time_left_that_the_sweep_finds_before_it_began_is_answered() -> None:
    class InTheTickOfTheSweep(Echo):
        async def _counted(self, frames: AsyncIterator[Any]) -> AsyncGenerator[Any]:
            loop = asyncio.get_running_loop()
            first = loop.time() + 0.25  # the sweeps begin in this tick, too
            async for frame in frames:
                await asyncio.sleep(first - loop.time())
                yield frame

    async with echoing(InTheTickOfTheSweep(forever)) as frames:
        sends = [Send(message=pb.Message(selector="a")) for _ in range(5)]
        for send in sends:
            send.timeout.FromNanoseconds(0)
        answers = await asyncio.gather(*(frames.ask(send, 2.0) for send in sends))
    assert {answer.failure.code for answer in answers} == {grpc.StatusCode.DEADLINE_EXCEEDED.value[0]}


async def test_answers_that_nobody_reads_are_bounded_in_bytes_and_the_dropped_ones_say_so() -> None:
    begun, released = asyncio.Event(), asyncio.Event()
    many, large = 400, "x" * 300_000

    async def wait(_: str) -> None:
        if len(echo.seen) == many:
            begun.set()
        await released.wait()

    echo = Echo(wait)
    async with serving(echo) as address, channel(address) as connected:
        call: Any = DispatcherStub(connected).Pipeline()
        for number in range(many):
            send = Send(id=number, message=pb.Message(selector=large))
            await call.write(dispatcher_pb.PipelineRequest(sends=[send]))
        async with asyncio.timeout(20):
            await begun.wait()
            released.set()
            await asyncio.sleep(0.5)  # by now each has ended, and nothing is read
            replies: list[Any] = []
            while len(replies) < many:
                replies += (await call.read()).replies
        call.cancel()
    whole = [reply for reply in replies if reply.HasField("reply")]
    assert 60 << 20 < len(whole) * len(large) < 72 << 20
    dropped = [reply.failure for reply in replies if reply.HasField("failure")]
    assert {failure.code for failure in dropped} == {grpc.StatusCode.UNAVAILABLE.value[0]}
    assert all("dropped" in failure.message for failure in dropped)


async def test_callers_that_leave_take_no_room_with_them() -> None:
    async with echoing(Echo(), Bounds(in_flight=5)) as frames:
        for _ in range(20):
            leaving = [asyncio.create_task(ask(frames)) for _ in range(7)]  # two of them wait for room
            await asyncio.sleep(0)
            for each in leaving:
                each.cancel()
            await asyncio.gather(*leaving, return_exceptions=True)
        assert await ask_all(frames, ["a"] * 5, timeout=2.0) == ["a"] * 5
