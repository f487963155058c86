"""Framed streams over a real channel, a contract of two messages: what both sides promise."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import grpc
import grpc.aio
import pytest
from google.rpc.status_pb2 import Status

from batos.frames import Frames
from batos.framing import Bounds, TooLarge, Unanswered
from batos.framing import Framing as Asking
from batos.v1 import dispatcher_pb2 as dispatcher_pb
from batos.v1 import object_pb2 as pb
from batos.v1.dispatcher_pb2_grpc import DispatcherStub
from chassis.address import Address
from chassis.client import channel
from chassis.frames import Framed, Framing
from chassis.server import Server, ServerSpec
from chassis.telemetry import Telemetry
from fakes.proxy import Proxy
from kernel.errors import Overloaded
from wire.errors import status_of

Send: TypeAlias = dispatcher_pb.PipelinedSend
Reply: TypeAlias = dispatcher_pb.PipelinedReply
PIPELINE = "batos.v1.Dispatcher"


def failed(status: Status) -> Reply:
    return Reply(failure=pb.Failure.FromString(status.SerializeToString()))


FRAMING: Framing[Any, Any] = Framing(
    requests=lambda frame: frame.sends,
    frame=lambda answers: dispatcher_pb.PipelineResponse(replies=answers),
    failed=failed,
    name=lambda _: "test/Echo",
    cancels=lambda frame: frame.cancels,
    seconds=lambda send: send.timeout.ToTimedelta().total_seconds() if send.HasField("timeout") else None,
)
ASKING: Asking[Any, Any] = Asking(
    frame=lambda sends, cancels: dispatcher_pb.PipelineRequest(sends=sends, cancels=cancels),
    answers=lambda frame: frame.replies,
)


@dataclass
class Echo:
    """Answers a message's selector as the token, after `work`; keeps what it saw."""

    work: Callable[[str], Awaitable[None]] | None = None
    seen: list[str] = field(default_factory=list[str])
    cancelled: list[str] = field(default_factory=list[str])
    frames: list[int] = field(default_factory=list[int])
    streams: int = 0
    stop: asyncio.Event = field(default_factory=asyncio.Event)
    options: dict[str, Any] = field(default_factory=dict[str, Any])

    async def serve(self, send: Any) -> Any:
        selector = send.message.selector
        self.seen.append(selector)
        try:
            if self.work is not None:
                await self.work(selector)
        except asyncio.CancelledError:
            self.cancelled.append(selector)
            raise
        return Reply(reply=dispatcher_pb.Reply(token=selector))

    async def pipeline(self, frames: AsyncIterator[Any], context: Any) -> None:
        self.streams += 1
        framed = Framed(
            FRAMING, self.serve, status_of, lambda: Overloaded("full"), self.stop, Telemetry.off(), **self.options
        )
        await framed.run(self._counted(frames), context)

    async def _counted(self, frames: AsyncIterator[Any]) -> AsyncGenerator[Any]:
        async for frame in frames:
            self.frames.append(len(frame.sends))
            yield frame

    def register(self, server: grpc.aio.Server) -> None:
        method = grpc.stream_stream_rpc_method_handler(
            self.pipeline,
            request_deserializer=dispatcher_pb.PipelineRequest.FromString,
            response_serializer=dispatcher_pb.PipelineResponse.SerializeToString,
        )
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(PIPELINE, {"Pipeline": method}),))


@asynccontextmanager
async def serving(echo: Echo, port: int = 0) -> AsyncGenerator[Address]:
    spec = ServerSpec({PIPELINE: echo.register}, Address("127.0.0.1", port), status_of, grace=1.0, reflection=False)
    async with Server(spec) as server:
        try:
            yield server.address
        finally:
            echo.stop.set()


@asynccontextmanager
async def asking(address: Address | str, bounds: Bounds | None = None) -> AsyncGenerator[Frames[Any, Any]]:
    async with channel(address) as connected:
        frames = Frames(ASKING, lambda: DispatcherStub(connected).Pipeline(), bounds)
        yield frames
        await frames.close()


@asynccontextmanager
async def echoing(echo: Echo, bounds: Bounds | None = None) -> AsyncGenerator[Frames[Any, Any]]:
    async with serving(echo) as address, asking(address, bounds) as frames:
        yield frames


async def ask(frames: Frames[Any, Any], selector: str = "a", timeout: float = 5.0) -> str:  # noqa: ASYNC109
    answer = await frames.ask(Send(message=pb.Message(selector=selector)), timeout)
    return answer.reply.token if answer.HasField("reply") else f"{answer.failure.code} {answer.failure.message}"


async def ask_all(frames: Frames[Any, Any], selectors: Sequence[str], **options: Any) -> list[str]:
    return list(await asyncio.gather(*(ask(frames, selector, **options) for selector in selectors)))


async def refused_until(frames: Frames[Any, Any], echo: Echo, seen: int) -> list[bool]:
    """Ask until the server has seen so many; whether those that were refused until then were sent."""
    sent: list[bool] = []
    async with asyncio.timeout(5):
        while len(echo.seen) < seen:
            try:
                await ask(frames)
            except Unanswered as refused:
                sent.append(refused.sent)
                await asyncio.sleep(0.05)
    return sent


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


async def forever(_: str) -> None:
    await asyncio.Event().wait()


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


async def test_an_answer_that_no_frame_may_carry_is_a_failure_of_its_own_request() -> None:
    async with echoing(Echo(options={"answer_bytes": 1000})) as frames:
        large, small = await ask_all(frames, ["x" * 1001, "small"])
    assert large.startswith("8 the answer has")
    assert small == "small"


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


async def test_the_server_ends_what_is_out_of_time_by_itself() -> None:
    echo = Echo(forever)
    async with echoing(echo) as frames:
        send = Send(message=pb.Message(selector="a"))
        send.timeout.FromMilliseconds(100)
        answer = await frames.ask(send, 5.0)
    assert answer.failure.code == grpc.StatusCode.DEADLINE_EXCEEDED.value[0]


async def test_callers_that_leave_take_no_room_with_them() -> None:
    async with echoing(Echo(), Bounds(in_flight=5)) as frames:
        for _ in range(20):
            leaving = [asyncio.create_task(ask(frames)) for _ in range(7)]  # two of them wait for room
            await asyncio.sleep(0)
            for each in leaving:
                each.cancel()
            await asyncio.gather(*leaving, return_exceptions=True)
        assert await ask_all(frames, ["a"] * 5, timeout=2.0) == ["a"] * 5
