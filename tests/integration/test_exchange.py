"""The store's stream of calls: what it shares, what it tells, and what becomes of it when a server stops."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace

import grpc.aio
import pytest

from batos.v1 import objectstore_pb2 as pb
from batos.v1.objectstore_pb2_grpc import ObjectStoreStub
from chassis.address import Address
from chassis.client import channel
from chassis.failure import received
from fakes.stores import in_memory, reads_of, serving, writing
from kernel.errors import Conflict, LimitExceeded, ObjectNotFound, StoreUnavailable
from kernel.objects import DEFAULT_NAMESPACE, ObjectId
from kernel.transactions import Lane, Transaction
from kernel.values import Packed
from objectstore.client import StoreClient
from objectstore.store import NewObject, Store
from wire.errors import error_of
from wire.transactions import commit_to_wire

NS = DEFAULT_NAMESPACE


@dataclass
class Served:
    store: Store
    client: StoreClient
    stub: ObjectStoreStub
    address: Address


@pytest.fixture
async def served() -> AsyncGenerator[Served]:
    async with AsyncExitStack() as stack:
        kept = await stack.enter_async_context(in_memory())
        address = await stack.enter_async_context(serving(kept.store))
        connected = await stack.enter_async_context(channel(address))
        yield Served(kept.store, StoreClient(connected), ObjectStoreStub(connected), address)


async def test_a_conflict_names_all_in_a_frame_and_eight_in_a_call(served: Served) -> None:
    made = [await served.store.create(NS, NewObject(ObjectId(f"x{n}"))) for n in range(20)]
    old = writing(*made, slots={})
    await served.client.commit(old, Lane("l", 1))
    with pytest.raises(Conflict) as framed:
        await served.client.commit(old, Lane("l", 2))
    assert framed.value.changed == tuple(f"x{n}:slots" for n in range(20))
    with pytest.raises(grpc.aio.AioRpcError) as called:
        await served.stub.Commit(commit_to_wire(old, Lane("l", 3)))
    status = received(called.value)
    assert status is not None
    conflict = error_of(status)
    assert isinstance(conflict, Conflict)
    assert conflict.changed == tuple(f"x{n}:slots" for n in range(8))


async def test_outside_callers_read_and_write_values(served: Served) -> None:
    made = await served.store.create(NS, NewObject(ObjectId("a"), slots={"n": 1}))
    found = await served.stub.GetObject(pb.GetObjectRequest(id="a"))
    assert found.object.slots.values["n"].int64_value == 1
    assert not found.encoded_slots
    request = commit_to_wire(Transaction(NS, reads_of(made)), Lane("l", 1))
    request.writes.add(id="a").slots.values["n"].int64_value = 2
    await served.stub.Commit(request)
    assert (await served.client.get(NS, ObjectId("a"))).slots == {"n": 2}


async def test_what_is_too_large_is_refused_before_it_is_sent_and_spoils_nothing(served: Served) -> None:
    made = await served.store.create(NS, NewObject(ObjectId("a"), slots={"n": 1}))
    huge = replace(writing(made, slots={}), writes={made.object_id: Packed(b"x" * (2 << 20))})
    with pytest.raises(LimitExceeded):
        await served.client.commit(huge, Lane("l", 1))
    await served.client.commit(writing(made, slots={"n": 2}), Lane("l", 1))


async def test_a_hundred_reads_at_once_each_get_their_own_object_or_failure(served: Served) -> None:
    for number in range(50):
        await served.store.create(NS, NewObject(ObjectId(f"x{number}"), slots={"n": number}))
    reads = [served.client.get(NS, ObjectId(f"x{number}")) for number in range(100)]
    results = await asyncio.gather(*reads, return_exceptions=True)
    for number, found in enumerate(results):
        if number < 50:
            assert not isinstance(found, BaseException)
            assert found.slots == {"n": number}
        else:
            assert isinstance(found, ObjectNotFound)


async def test_a_commit_that_could_not_be_sent_is_told_as_not_made(served: Served) -> None:
    made = await served.store.create(NS, NewObject(ObjectId("a"), slots={"n": 1}))
    async with serving(served.store) as gone:
        pass
    async with channel(gone) as nowhere:
        client = StoreClient(nowhere, call_seconds=0.3)
        with pytest.raises(StoreUnavailable, match="nothing was sent"):
            await client.commit(writing(made, slots={"n": 2}), Lane("l", 1))


async def test_a_server_that_comes_back_a_moment_later_is_waited_for(served: Served) -> None:
    made = await served.store.create(NS, NewObject(ObjectId("a"), slots={"n": 1}))
    async with AsyncExitStack() as stack:
        async with serving(served.store) as address:
            client = StoreClient(await stack.enter_async_context(channel(address)))
            await client.get(NS, made.object_id)
        committing = asyncio.create_task(client.commit(writing(made, slots={"n": 2}), Lane("l", 1)))
        await asyncio.sleep(0.3)
        await stack.enter_async_context(serving(served.store, address))
        await committing
    assert (await served.store.get(NS, made.object_id)).slots == {"n": 2}
