"""A server's first second and its last: listening, readiness, health, reflection, draining."""

import asyncio
import os
import signal
import time
from typing import Any, cast

import grpc
import grpc.aio
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from chassis.address import Address
from chassis.client import channel
from chassis.server import AddressInUse, InsecureRemote, ListenError, Server, ServerSpec, announce, run
from chassis.telemetry import in_memory
from fakes.tiny import NAME, ServicerContext, Tiny, Waiting, call, send, serve, status_of

SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING


async def answer(context: ServicerContext) -> bytes:
    return b"done"


def health(to: grpc.aio.Channel) -> Any:
    return health_pb2_grpc.HealthStub(to)


async def health_of(to: grpc.aio.Channel, service: str) -> int:
    return (await health(to).Check(health_pb2.HealthCheckRequest(service=service))).status


def spec(service: Tiny, **options: Any) -> ServerSpec:
    options = {"listen": Address("127.0.0.1", 0), "grace": 2.0} | options
    return ServerSpec(services={NAME: service.register}, status_of=status_of, **options)


class Running:
    """`run` in a task, and the address it got ready on."""

    def __init__(self, service: Tiny, stop: asyncio.Event | None = None, **options: Any) -> None:
        self._ready: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self.task = asyncio.create_task(run(spec(service, ready=self._ready.set_result, **options), stop))

    async def address(self) -> str:
        return await asyncio.wait_for(self._ready, 5)


async def test_port_zero_becomes_the_real_port_and_ready_is_told() -> None:
    told: list[str] = []
    async with serve(Tiny(answer), ready=told.append) as server, channel(told[0]) as to:
        assert server.address.port != 0
        assert told == [str(server.address)]
        assert await send(to, "Ask") == b"done"


async def test_a_name_is_listened_on_and_resolved() -> None:
    async with serve(Tiny(answer), listen=Address("localhost", 0)) as server, channel(server.address) as to:
        assert await send(to, "Ask") == b"done"


async def test_a_port_in_use_is_one_clear_failure(capfd: pytest.CaptureFixture[str]) -> None:
    async with serve(Tiny(answer)) as server:
        with pytest.raises(AddressInUse, match=f"{server.address} is in use"):
            await serve(Tiny(answer), listen=server.address).start()
    assert capfd.readouterr().err == ""  # gRPC's own lines would bury ours


async def test_run_raises_the_failure_to_listen() -> None:
    async with serve(Tiny(answer)) as server:
        with pytest.raises(AddressInUse):
            await run(spec(Tiny(answer), listen=server.address))


async def test_a_port_is_shared_only_where_both_servers_say_so() -> None:
    async with serve(Tiny(answer), reuse_port=True) as server:
        async with serve(Tiny(answer), reuse_port=True, listen=server.address) as other:
            assert other.address == server.address
        with pytest.raises(AddressInUse):
            await serve(Tiny(answer), listen=server.address).start()
    async with serve(Tiny(answer)) as server:
        with pytest.raises(AddressInUse):
            await serve(Tiny(answer), reuse_port=True, listen=server.address).start()


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "some.example"])
async def test_an_address_other_machines_reach_is_refused(host: str) -> None:
    with pytest.raises(InsecureRemote, match="no TLS"):
        await serve(Tiny(answer), listen=Address(host, 0)).start()


async def test_an_address_other_machines_reach_is_served_where_that_is_allowed_in_so_many_words() -> None:
    everywhere = Address("0.0.0.0", 0)
    async with (
        serve(Tiny(answer), listen=everywhere, allow_insecure_remote=True) as server,
        channel(Address("127.0.0.1", server.address.port)) as to,
    ):
        assert await send(to, "Ask") == b"done"


async def test_an_address_of_another_machine_cannot_be_listened_on() -> None:
    with pytest.raises(ListenError, match=r"cannot listen on 192\.0\.2\.1:1: "):
        await serve(Tiny(answer), listen=Address("192.0.2.1", 1), allow_insecure_remote=True).start()


async def test_health_is_serving_and_flips_for_one_service_or_all() -> None:
    async with serve(Tiny(answer)) as server, channel(server.address) as to:
        assert [await health_of(to, name) for name in ("", NAME)] == [SERVING, SERVING]
        await server.set_serving(serving=False, service=NAME)
        assert [await health_of(to, name) for name in ("", NAME)] == [SERVING, NOT_SERVING]
        await server.set_serving(serving=False)
        assert [await health_of(to, name) for name in ("", NAME)] == [NOT_SERVING, NOT_SERVING]
        await server.set_serving(serving=True)
        assert [await health_of(to, name) for name in ("", NAME)] == [SERVING, SERVING]


async def test_probes_leave_no_spans() -> None:
    traces, exporter = in_memory()
    async with serve(Tiny(answer), telemetry=traces) as server, channel(server.address) as to:
        await health_of(to, NAME)
    assert exporter.get_finished_spans() == ()


async def listed(to: grpc.aio.Channel) -> set[str]:
    stub: Any = reflection_pb2_grpc.ServerReflectionStub(cast("Any", to))
    asked = reflection_pb2.ServerReflectionRequest(list_services="")
    async for reply in stub.ServerReflectionInfo(iter((asked,))):
        return {service.name for service in reply.list_services_response.service}
    return set()


async def test_reflection_lists_the_services() -> None:
    async with serve(Tiny(answer)) as server, channel(server.address) as to:
        assert await listed(to) == {NAME, "grpc.health.v1.Health", "grpc.reflection.v1alpha.ServerReflection"}


async def test_reflection_can_be_turned_off() -> None:
    async with serve(Tiny(answer), reflection=False) as server, channel(server.address) as to:
        with pytest.raises(grpc.aio.AioRpcError) as failure:
            await listed(to)
    assert failure.value.code() is grpc.StatusCode.UNIMPLEMENTED


async def test_a_drain_lets_what_is_in_flight_end_and_takes_nothing_new() -> None:
    began, finish = asyncio.Event(), asyncio.Event()

    async def slow(context: ServicerContext) -> bytes:
        began.set()
        await finish.wait()
        return b"done"

    server = serve(Tiny(slow))
    await server.start()
    async with channel(server.address) as to, channel(server.address, max_message_bytes=99) as later:
        watch = health(to).Watch(health_pb2.HealthCheckRequest(service=NAME))
        assert (await watch.read()).status == SERVING
        waiting = asyncio.create_task(send(to, "Ask"))
        await began.wait()
        draining = asyncio.create_task(server.drain())
        assert (await asyncio.wait_for(watch.read(), 2)).status == NOT_SERVING
        watch.cancel()
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await send(later, "Ask", timeout=2)
        assert refused.value.code() is grpc.StatusCode.UNAVAILABLE
        assert not draining.done()
        finish.set()
        assert await waiting == b"done"
        await asyncio.wait_for(draining, 1)


async def test_what_outlasts_the_grace_is_cancelled() -> None:
    body = Waiting()
    server = serve(Tiny(body), grace=0.2)
    await server.start()
    async with channel(server.address) as to:
        waiting = asyncio.create_task(send(to, "Ask"))
        await body.began.wait()
        await asyncio.wait_for(server.drain(), 2)
        assert body.cancelled
        with pytest.raises(grpc.aio.AioRpcError):
            await waiting


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_drains_and_flushes(number: signal.Signals) -> None:
    async def slow(context: ServicerContext) -> bytes:
        os.kill(os.getpid(), number)
        await asyncio.sleep(0.3)
        return b"done"

    traces, exporter = in_memory()
    running = Running(Tiny(slow), telemetry=traces)
    async with channel(await running.address()) as to:
        assert await send(to, "Ask") == b"done"
    await asyncio.wait_for(running.task, 2)
    assert len(exporter.get_finished_spans()) == 1
    with traces.span("after the shutdown"):
        pass
    assert len(exporter.get_finished_spans()) == 1


async def test_a_second_signal_ends_the_grace() -> None:
    body = Waiting()
    running = Running(Tiny(body), grace=60.0)
    async with channel(await running.address()) as to:
        waiting = asyncio.create_task(send(to, "Ask"))
        await body.began.wait()
        os.kill(os.getpid(), signal.SIGTERM)
        await asyncio.sleep(0.2)
        assert not body.ended.is_set()
        began = time.monotonic()
        os.kill(os.getpid(), signal.SIGTERM)
        await asyncio.wait_for(running.task, 5)
        assert time.monotonic() - began < 2
        assert body.cancelled
        with pytest.raises(grpc.aio.AioRpcError):
            await waiting


async def test_a_stream_that_watches_stop_ends_by_itself_and_holds_no_drain_up() -> None:
    stop = asyncio.Event()

    async def until_stopped(context: ServicerContext) -> bytes:
        await stop.wait()
        return b"bye"

    running = Running(Tiny(until_stopped), stop, grace=60.0)
    async with channel(await running.address()) as to:
        replies = aiter(call(to, "Talk"))
        assert await anext(replies) == b"first"
        stop.set()
        assert await anext(replies) == b"bye"
        await asyncio.wait_for(running.task, 2)


async def test_a_cancelled_run_stops_at_once() -> None:
    body = Waiting()
    running = Running(Tiny(body), grace=60.0)
    async with channel(await running.address()) as to:
        waiting = asyncio.create_task(send(to, "Ask"))
        await body.began.wait()
        running.task.cancel()
        await asyncio.wait((running.task,), timeout=2)
        assert running.task.cancelled()
        assert body.cancelled
        with pytest.raises(grpc.aio.AioRpcError):
            await waiting


def test_the_line_for_a_parent_is_written_at_once(capfd: pytest.CaptureFixture[str]) -> None:
    announce("127.0.0.1:7001")
    assert capfd.readouterr().out == "ready 127.0.0.1:7001\n"


async def test_a_server_that_never_started_can_be_drained() -> None:
    await Server(spec(Tiny(answer))).drain()
