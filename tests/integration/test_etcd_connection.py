"""Requests to members of etcd that hang: few are held up, and none by one that has not answered since."""

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import grpc
import grpc.aio
from grpc.aio import AioRpcError

from chassis.address import Address
from kernel.errors import StoreUnavailable
from objectstore.etcd.connection import Connection, etcd
from objectstore.etcd.leases import Leases


class Member:
    """What a connection needs of a member of etcd, which answers or hangs."""

    def __init__(self) -> None:
        self.answering = asyncio.Event()
        self.answering.set()
        self.answered = self.asked = 0

    async def answer(self, request: Any, _: Any) -> Any:
        self.asked += 1
        await self.answering.wait()
        self.answered += 1
        return etcd.RangeResponse() if isinstance(request, etcd.RangeRequest) else etcd.LeaseGrantResponse(ID=7)

    @asynccontextmanager
    async def serving(self) -> AsyncGenerator[Address]:
        server = grpc.aio.server()
        for service, method, request in (("KV", "Range", "RangeRequest"), ("Lease", "LeaseGrant", "LeaseGrantRequest")):
            each = grpc.unary_unary_rpc_method_handler(
                self.answer,
                request_deserializer=getattr(etcd, request).FromString,
                response_serializer=packed,
            )
            server.add_generic_rpc_handlers(
                (grpc.method_handlers_generic_handler(f"etcdserverpb.{service}", {method: each}),)
            )
        port = server.add_insecure_port("127.0.0.1:0")
        await server.start()
        try:
            yield Address("127.0.0.1", port)
        finally:
            await server.stop(0)


def packed(answer: Any) -> bytes:
    return answer.SerializeToString()


@asynccontextmanager
async def connected(*members: Member) -> AsyncGenerator[Connection]:
    async with AsyncExitStack() as stack:
        connection = Connection([await stack.enter_async_context(member.serving()) for member in members])
        yield connection
        await connection.close()


async def took(connection: Connection) -> float:
    began = time.monotonic()
    try:
        await connection.range(etcd.RangeRequest(key=b"a"))
    except AioRpcError:
        return float("inf")
    return time.monotonic() - began


async def test_a_member_that_hangs_holds_up_what_it_got_in_half_a_second_until_it_answers_again() -> None:
    members = Member(), Member()
    async with connected(*members) as connection:
        await took(connection)
        await asyncio.sleep(0.2)
        for member in members:
            member.answered = 0
        await took(connection)
        hangs, other = sorted(members, key=lambda member: -member.answered)
        hangs.answering.clear()
        reads: list[asyncio.Task[float]] = []
        for _ in range(80):
            reads.append(asyncio.create_task(took(connection)))
            await asyncio.sleep(0.1)
        held_up = [seconds for seconds in await asyncio.gather(*reads) if seconds > 0.5]
        assert len(held_up) <= 8
        assert hangs.asked <= 8 + 5  # with the probes
        hangs.answering.set()
        await asyncio.sleep(3.5)
        other.answering.clear()
        before = hangs.answered
        for _ in range(10):
            reads.append(asyncio.create_task(took(connection)))
            await asyncio.sleep(0.1)
        assert hangs.answered > before


async def test_who_waits_for_a_lease_that_is_not_granted_is_told_with_the_first() -> None:
    member = Member()
    member.answering.clear()
    async with connected(member) as connection:
        leases = Leases(connection)
        began = time.monotonic()
        told = await asyncio.gather(*(leases.lasting(60) for _ in range(20)), return_exceptions=True)
        assert time.monotonic() - began < 4
        assert all(isinstance(each, StoreUnavailable) and "nothing was changed" in each.text for each in told)
        member.answering.set()
        member.asked = 0
        assert await asyncio.gather(*(leases.lasting(60) for _ in range(20))) == [7] * 20
        assert member.asked == 1
