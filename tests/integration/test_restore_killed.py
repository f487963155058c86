"""An objectstore that is killed in the middle of a restore: the next one says so, and a second restore succeeds."""

import asyncio
import os
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress

from batos.addresses import Addresses
from batos.client import Client
from batos.errors import BatosError, StoreUnavailable
from batos.v1 import admin_pb2 as pb
from fakes.saved import exported, in_small_parts, large, pairs
from objectstore.administration import part_to_wire

PATIENCE = 20.0


@asynccontextmanager
async def running(endpoint: str) -> AsyncGenerator[tuple[asyncio.subprocess.Process, Client]]:
    """An objectstore of its own over this etcd, and a client of it."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("BATOS_", "OTEL_"))}
    child = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "objectstore"),
        env={**inherited, "BATOS_LISTEN": "127.0.0.1:0", "BATOS_ETCD_ENDPOINTS": endpoint},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    assert child.stdout is not None
    try:
        async with asyncio.timeout(PATIENCE):
            _, address = (await child.stdout.readline()).decode().split()
        async with Client(Addresses(objectstore=address)) as client:
            yield child, client
    finally:
        if child.returncode is None:
            child.kill()
        await child.communicate()


async def is_being_restored(client: Client) -> bool:
    try:
        await client.objects.get("root")
    except StoreUnavailable as error:
        return "being restored" in error.message
    return False


async def test_a_restore_whose_server_is_killed_is_begun_anew(etcd_endpoint: str) -> None:
    source = in_small_parts(await exported(await large()))
    parts = [part_to_wire(part) for part in source]
    reached = asyncio.Event()

    async def until_the_last() -> AsyncGenerator[pb.ExportResponse]:
        for part in parts[:-1]:
            yield part
        reached.set()
        await asyncio.Event().wait()

    async def whole() -> AsyncGenerator[pb.ExportResponse]:
        for part in parts:
            yield part

    async with running(etcd_endpoint) as (first, client):
        restoring = asyncio.create_task(client.administration.restore(until_the_last()))
        async with asyncio.timeout(PATIENCE):
            await reached.wait()
            while True:
                if await is_being_restored(client):
                    break
                await asyncio.sleep(0.01)
        first.kill()
        with suppress(BatosError):
            await restoring
    async with running(etcd_endpoint) as (_, client):
        assert await is_being_restored(client)
        answer = await client.administration.restore(whole())
        assert answer.entries == len(pairs(source))
        assert (await client.objects.get("pump/17")).slots.values["count"].int64_value == 4
        assert [part async for part in client.administration.check()][-1].done
