"""Members over channels to real servers: they see each other come, leave and crash, and come back by themselves."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager

import grpc
import grpc.aio
import pytest

from batos.v1 import objectstore_pb2 as pb
from batos.v1.objectstore_pb2_grpc import ObjectStoreStub, add_ObjectStoreServicer_to_server
from chassis.address import Address
from chassis.client import channel
from chassis.failure import received
from chassis.server import Server, ServerSpec
from fakes.etcd import free_ports
from fakes.proxy import Proxy
from objectstore.ledger_members import LedgerMembers
from objectstore.ledger_store import LedgerStore
from objectstore.members import Member
from objectstore.membership import Membership, MembershipClient
from objectstore.memory import MemoryLedger
from objectstore.servicer import StoreServicer
from wire.errors import error_of, status_of

TTL = 2
ONE, TWO = Member("d-1", "127.0.0.1:7001"), Member("d-2", "127.0.0.1:7002")


@asynccontextmanager
async def serving(ledger: MemoryLedger, listen: str = "127.0.0.1:0") -> AsyncGenerator[Address]:
    stop = asyncio.Event()
    store = await LedgerStore.open(ledger)
    servicer = StoreServicer(store, stop, members=LedgerMembers(ledger, store.hub, seconds=TTL))
    spec = ServerSpec(
        services={"batos.v1.ObjectStore": lambda server: add_ObjectStoreServicer_to_server(servicer, server)},
        listen=Address.parse(listen),
        status_of=status_of,
        grace=1.0,
    )
    async with Server(spec) as server:
        try:
            yield server.address
        finally:
            stop.set()


@asynccontextmanager
async def member(address: Address | str, each: Member) -> AsyncGenerator[Membership]:
    async with (
        channel(address) as connected,
        MembershipClient(connected).joined("dispatcher", each.name, each.address) as membership,
    ):
        yield membership


async def until(membership: Membership, wanted: Callable[[tuple[Member, ...] | None], bool]) -> float:
    """When what a member knows is as wanted."""
    async with asyncio.timeout(15):
        while not wanted(membership.members):
            membership.changed.clear()
            if not wanted(membership.members):
                await membership.changed.wait()
    return asyncio.get_running_loop().time()


async def test_members_see_each_other_come_and_leave_at_once() -> None:
    async with serving(MemoryLedger()) as address, member(address, ONE) as one:
        await until(one, lambda members: members == (ONE,))
        async with member(address, TWO) as two:
            await until(two, lambda members: members == (ONE, TWO))
            await until(one, lambda members: members == (ONE, TWO))
            assert one.revision > 0
            left = asyncio.get_running_loop().time()
        assert two.members is None
        assert await until(one, lambda members: members == (ONE,)) - left < TTL / 2


async def test_a_member_that_hangs_is_gone_after_its_ttl_knows_it_no_later_and_comes_back() -> None:
    async with (
        serving(MemoryLedger()) as address,
        Proxy(address.port) as proxy,
        member(address, ONE) as one,
        member(proxy.address, TWO) as two,
    ):
        await until(one, lambda members: members == (ONE, TWO))
        await until(two, lambda members: members == (ONE, TWO))
        proxy.hold_requests()
        proxy.swallow_answers()
        assert two.members == (ONE, TWO)
        out = asyncio.create_task(until(two, lambda members: members is None))
        seen = await until(one, lambda members: members == (ONE,))
        assert await out <= seen + 0.1
        proxy.cut()
        await until(one, lambda members: members == (ONE, TWO))
        await until(two, lambda members: members == (ONE, TWO))


async def test_a_stream_that_its_client_cancels_does_not_leave() -> None:
    async with serving(MemoryLedger()) as address, channel(address) as connected, member(address, ONE) as one:
        call = ObjectStoreStub(connected).Join()
        await call.write(pb.JoinRequest(service="dispatcher", member=TWO.name, address=TWO.address))
        frame = await call.read()
        assert isinstance(frame, pb.JoinResponse)
        began = await until(one, lambda members: members == (ONE, TWO))
        call.cancel()
        assert await until(one, lambda members: members == (ONE,)) - began > TTL / 2


async def test_when_a_server_goes_its_members_come_back_at_another_and_no_one_sees_them_gone() -> None:
    ledger = MemoryLedger()
    port = free_ports(1)[0]
    seen: list[tuple[Member, ...] | None] = []
    async with serving(ledger) as elsewhere, member(elsewhere, ONE) as one, AsyncExitStack() as stack:
        async with serving(ledger, f"127.0.0.1:{port}"):
            two = await stack.enter_async_context(member(f"127.0.0.1:{port}", TWO))
            await until(one, lambda members: members == (ONE, TWO))
            watching = asyncio.create_task(until(one, lambda members: seen.append(members) is not None))
        async with serving(ledger, f"127.0.0.1:{port}"):
            await asyncio.sleep(TTL * 1.5)
            assert two.members == (ONE, TWO)
            watching.cancel()
    assert set(seen) == {(ONE, TWO)}


class Late(StoreServicer):
    """Answers who joins with a frame that was on its way for 0.7 of its 1.2 seconds, and hears nothing more."""

    async def Join(  # noqa: N802
        self, request_iterator: AsyncIterator[pb.JoinRequest], context: object
    ) -> AsyncGenerator[pb.JoinResponse]:
        await anext(request_iterator)
        await asyncio.sleep(0.7)
        yield pb.JoinResponse(members=[pb.Member(name=ONE.name, address=ONE.address)], ttl=1.2, revision=1, heard=1)
        await asyncio.Event().wait()


async def test_a_frame_that_comes_late_is_believed_for_what_is_left_of_it() -> None:
    late = Late(await LedgerStore.open(MemoryLedger()), asyncio.Event())
    spec = ServerSpec(
        services={"batos.v1.ObjectStore": lambda server: add_ObjectStoreServicer_to_server(late, server)},
        listen=Address("127.0.0.1", 0),
        status_of=status_of,
        grace=0.1,
    )
    async with Server(spec) as server, channel(server.address) as connected:
        await connected.channel_ready()
        began = asyncio.get_running_loop().time()
        async with MembershipClient(connected).joined("dispatcher", ONE.name, ONE.address) as one:
            await until(one, lambda members: members == (ONE,))
            assert await until(one, lambda members: members is None) - began < 1.3


class Posting(MemoryLedger):
    """A ledger that counts what is posted."""

    posted = 0

    async def post(self, lease: int, key: bytes, value: bytes) -> int:
        self.posted += 1
        return await super().post(lease, key, value)


async def test_two_of_one_name_displace_each_other_ever_more_seldom() -> None:
    ledger, elsewhere = Posting(), Member(ONE.name, "127.0.0.1:9999")
    async with serving(ledger) as address, member(address, ONE), member(address, elsewhere):
        await asyncio.sleep(4)
        assert 4 < ledger.posted < 14
        before = ledger.posted
        await asyncio.sleep(2)
        assert ledger.posted - before <= 2


async def refused(stub: ObjectStoreStub, request: pb.JoinRequest) -> tuple[grpc.StatusCode, str]:
    call = stub.Join()
    await call.write(request)
    with pytest.raises(grpc.aio.AioRpcError) as error:
        await call.read()
    status = received(error.value)
    assert status is not None
    failure = error_of(status)
    assert failure is not None
    return error.value.code(), failure.reason


async def test_a_stream_that_does_not_say_who_joins_is_refused() -> None:
    async with serving(MemoryLedger()) as address, channel(address) as connected:
        stub = ObjectStoreStub(connected)
        for request in (pb.JoinRequest(leave=True), pb.JoinRequest(), pb.JoinRequest(service="x", member="a/b")):
            assert await refused(stub, request) == (grpc.StatusCode.INVALID_ARGUMENT, "BAD_ARGUMENTS")
