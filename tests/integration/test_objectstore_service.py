"""The objectstore as a program: what it says when it starts, when it cannot, and how it stops."""

import asyncio
import os
import sys
from collections.abc import AsyncGenerator
from contextlib import aclosing, asynccontextmanager

import grpc
import grpc.aio
import pytest

from batos.v1 import object_pb2
from batos.v1 import objectstore_pb2 as pb
from batos.v1.objectstore_pb2_grpc import ObjectStoreStub
from chassis.client import channel
from fakes.etcd import free_ports
from kernel.errors import StoreUnavailable
from kernel.objects import DEFAULT_NAMESPACE, ObjectId
from objectstore.client import StoreClient
from objectstore.store import Changes, NewObject

NS = DEFAULT_NAMESPACE


async def started(*arguments: str, **environment: str) -> asyncio.subprocess.Process:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("BATOS_", "OTEL_"))}
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "objectstore",
        *arguments,
        env={**inherited, **environment},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )


@asynccontextmanager
async def running(endpoint: str, listen: str = "127.0.0.1:0") -> AsyncGenerator[tuple[asyncio.subprocess.Process, str]]:
    """A process that serves, and its address."""
    process = await started(BATOS_LISTEN=listen, BATOS_ETCD_ENDPOINTS=endpoint)
    assert process.stdout is not None
    try:
        async with asyncio.timeout(20):
            word, address = (await process.stdout.readline()).decode().split()
        assert word == "ready"
        yield process, address
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def test_help_teaches_every_setting() -> None:
    process = await started("--help")
    out, _ = await process.communicate()
    assert process.returncode == 0
    for taught in ("BATOS_LISTEN", "127.0.0.1:7003", "BATOS_ETCD_ENDPOINTS", "127.0.0.1:2379", "OTEL_EXPORTER_OTLP"):
        assert taught in out.decode()


async def test_without_etcd_it_says_where_it_looked_and_what_to_do() -> None:
    nowhere = f"127.0.0.1:{free_ports(1)[0]}"
    process = await started(BATOS_LISTEN="127.0.0.1:0", BATOS_ETCD_ENDPOINTS=nowhere, BATOS_ETCD_WAIT="500ms")
    out, err = await process.communicate()
    assert (process.returncode, out) == (1, b"")
    last = err.decode().splitlines()[-1]
    assert last.startswith(f"objectstore: no etcd answers at {nowhere} within 0.5 s (")
    assert "start one there" in last
    assert "BATOS_ETCD_ENDPOINTS" in last


async def test_every_mistake_in_the_environment_is_told_at_once() -> None:
    process = await started(BATOS_LISTEN="nowhere", BATOS_ETCD_ENDPOINTS="http://x:1", BATOS_ETCD_WAIT="soon")
    _, err = await process.communicate()
    assert process.returncode == 2
    for name in ("BATOS_LISTEN", "BATOS_ETCD_ENDPOINTS", "BATOS_ETCD_WAIT"):
        assert name in err.decode()


async def test_what_was_kept_is_there_after_a_restart_and_a_stop_waits_for_no_watch(etcd_endpoint: str) -> None:
    async with running(etcd_endpoint) as (process, address), channel(address) as connected:
        store = StoreClient(connected, resume_seconds=0.0)
        made = await store.create(NS, NewObject(ObjectId("a"), slots={"n": 1}))
        async with aclosing(store.watch(NS, made.token)) as watch:
            await anext(watch)
            process.terminate()
            async with asyncio.timeout(5):
                with pytest.raises(StoreUnavailable):
                    await _to_its_end(watch)
                assert await process.wait() == 0
    async with running(etcd_endpoint) as (_, address), channel(address) as connected:
        found = await StoreClient(connected).get(NS, ObjectId("a"))
        assert (found.slots, found.token.epoch) == ({"n": 1}, made.token.epoch)


async def test_a_watch_of_the_client_goes_on_at_another_server(etcd_endpoint: str) -> None:
    async with running(etcd_endpoint) as (process, address), channel(address) as connected:
        store = StoreClient(connected)
        start = (await store.create(NS, NewObject(ObjectId("a")))).token
        async with aclosing(store.watch(NS, start)) as watch, asyncio.timeout(20):
            await anext(watch)
            process.terminate()
            await process.wait()
            async with running(etcd_endpoint, address) as (_, again), channel(again) as other:
                await StoreClient(other).create(NS, NewObject(ObjectId("b")))
                while not (changes := await anext(watch)).items:
                    pass
                assert {change.key.object_id for change in changes.items} == {"b"}


async def _to_its_end(watch: AsyncGenerator[Changes]) -> None:
    async for _ in watch:
        pass


async def test_a_foreign_client_reads_the_reason_of_a_failure(etcd_endpoint: str) -> None:
    async with running(etcd_endpoint) as (_, address), grpc.aio.insecure_channel(address) as foreign:
        stub = ObjectStoreStub(foreign)
        with pytest.raises(grpc.aio.AioRpcError) as missing:
            await stub.GetObject(pb.GetObjectRequest(id="nobody"))
        assert (missing.value.code(), missing.value.details()) == (
            grpc.StatusCode.NOT_FOUND,
            "there is no object nobody",
        )
        with pytest.raises(grpc.aio.AioRpcError) as wrong:
            await stub.CreateObject(pb.CreateObjectRequest(id="Not an id"))
        assert wrong.value.code() is grpc.StatusCode.INVALID_ARGUMENT
        policy = object_pb2.Policy(tokens_per_hour=-1)
        with pytest.raises(grpc.aio.AioRpcError) as owing:
            await stub.CreateObject(pb.CreateObjectRequest(id="a", policy=policy))
        assert owing.value.code() is grpc.StatusCode.INVALID_ARGUMENT
