"""The roads that load takes: unary gRPC, the pipelined stream, HTTP, and etcd. Law: closed loops of prebuilt bytes.

A road does as little as it can for each request, because what it costs is taken from what it measures: requests are
bytes before the window begins, answers are not read further than is needed to tell them from failures.
"""

import asyncio
import os
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from importlib import import_module
from itertools import cycle
from typing import Any

import grpc
import grpc.aio
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2

from batos.identifiers import new_request_id
from batos.v1 import dispatcher_pb2 as pb
from bench.jobs import STAMP, Job, shares
from bench.tally import Tally

CHANNEL = (
    ("grpc.enable_http_proxy", 0),
    ("grpc.use_local_subchannel_pool", 1),
    ("grpc.max_receive_message_length", 64 << 20),
)

Road = Callable[[Job, Tally], Awaitable[None]]


def stamping(job: Job) -> Iterator[bytes]:
    """The job's requests, in turn and without end; a stamped one has a new request id each time."""
    if not job.stamped:
        yield from cycle(job.requests)
    parts = [request.split(STAMP.encode()) for request in job.requests]
    for part in cycle(parts):
        yield new_request_id().encode().join(part)


@asynccontextmanager
async def connections(job: Job) -> AsyncGenerator[list[Any]]:
    """The job's channels: each has a connection of its own, since none shares its pool with another."""
    async with AsyncExitStack() as stack:
        targets = (job.target, *job.beside)
        yield [await stack.enter_async_context(grpc.aio.insecure_channel(each, options=CHANNEL)) for each in targets]


async def unary(job: Job, tally: Tally) -> None:
    """Unary calls of `method`."""
    requests = stamping(job)
    async with connections(job) as channels:
        methods = cycle([channel.unary_unary(job.method) for channel in channels])

        async def sender() -> None:
            send = next(methods)
            began = due = time.monotonic()
            while began < job.end:
                try:
                    await send(next(requests))
                except grpc.aio.AioRpcError as error:
                    tally.failed(reason_of(error))
                    await tally.pause()
                    began = time.monotonic()
                else:
                    began = tally.done(began)
                    if job.rate:
                        due = max(due + job.in_flight / job.rate, began)
                        await asyncio.sleep(due - began)
                        began = time.monotonic()

        await side_by_side(job, sender)


async def stream(job: Job, tally: Tally) -> None:
    """Frames of `PipelinedSend`, a stream on each connection: what was answered in a frame is replaced in one frame.

    A request is a serialized Message. The window is full from the first frame on.
    """
    requests = stamping(job)
    async with connections(job) as channels, asyncio.TaskGroup() as group:
        for channel, in_flight in zip(channels, shares(job.in_flight, len(channels)), strict=True):
            call = channel.stream_stream(job.method)()
            group.create_task(_stream(call, requests, job, tally, in_flight))


async def _stream(call: Any, requests: Iterator[bytes], job: Job, tally: Tally, in_flight: int) -> None:
    try:
        await _pipeline(call, requests, job, tally, in_flight)
    except grpc.aio.AioRpcError as error:
        tally.failed(reason_of(error))
    except asyncio.InvalidStateError:  # what writing on a stream that ended raises
        tally.failed((await call.code()).name)
    finally:
        call.cancel()


async def _pipeline(call: Any, requests: Iterator[bytes], job: Job, tally: Tally, in_flight: int) -> None:
    began = dict.fromkeys(range(in_flight), time.monotonic())
    await call.write(b"".join(pipelined(number, next(requests)) for number in began))
    read = pb.PipelineResponse.FromString
    while True:
        frame = await call.read()
        if frame is grpc.aio.EOF:
            tally.failed((await call.code()).name)
            return
        free: list[int] = []
        for reply in read(frame).replies:
            if reply.HasField("reply"):
                now = tally.done(began[reply.id])
            else:
                tally.failed(reply.failure.message[:60])
                now = time.monotonic()
            began[reply.id] = now
            free.append(reply.id)
        if time.monotonic() >= job.end:
            return
        await call.write(b"".join(pipelined(number, next(requests)) for number in free))


def pipelined(number: int, message: bytes) -> bytes:
    """One more `sends` of a serialized PipelineRequest."""
    inner = b"".join((b"\x08", varint(number), b"\x12", varint(len(message)), message))
    return b"".join((b"\x0a", varint(len(inner)), inner))


def varint(number: int) -> bytes:
    """A number as protobuf writes it."""
    written = bytearray()
    while number > 0x7F:
        written.append(number & 0x7F | 0x80)
        number >>= 7
    written.append(number)
    return bytes(written)


async def cas(job: Job, tally: Tally) -> None:
    """Each sender compares and puts a key of its own through aetcd's stub; a request is the value that is put."""
    async with _etcd(job) as (stub, rpc):
        keys = iter(range(job.in_flight))

        async def sender() -> None:
            key, revision = f"cas/{job.begin}/{os.getpid()}/{next(keys)}".encode(), 0
            began = time.monotonic()
            while began < job.end:
                response = await stub.Txn(compare_and_put(rpc, key, revision, job.requests[0]))
                if response.succeeded:
                    revision = response.header.revision
                    began = tally.done(began)
                else:
                    tally.failed("a key that no one else writes was changed")

        await side_by_side(job, sender)


async def cas_one(job: Job, tally: Tally) -> None:
    """All senders compare and put one key, and try again with the revision that a failed compare brought back.

    A latency is from the first try to the one that succeeded; a try that failed is no failure, it is the contention.
    """
    async with _etcd(job) as (stub, rpc):
        key = b"cas/one"

        async def sender() -> None:
            revision, began = 0, time.monotonic()
            while time.monotonic() < job.end:
                response = await stub.Txn(compare_and_put(rpc, key, revision, job.requests[0], read=True))
                if response.succeeded:
                    revision, began = response.header.revision, tally.done(began)
                else:
                    revision = next((kv.mod_revision for kv in response.responses[0].response_range.kvs), 0)

        await side_by_side(job, sender)


def compare_and_put(rpc: Any, key: bytes, revision: int, value: bytes, *, read: bool = False) -> Message:
    """One transaction: put the key where it still has the revision; else, with `read`, read it."""
    compare = rpc.Compare(key=key, target=rpc.Compare.MOD, result=rpc.Compare.EQUAL, mod_revision=revision)
    put = rpc.RequestOp(request_put=rpc.PutRequest(key=key, value=value))
    otherwise = [rpc.RequestOp(request_range=rpc.RangeRequest(key=key))] if read else []
    return rpc.TxnRequest(compare=[compare], success=[put], failure=otherwise)


@asynccontextmanager
async def _etcd(job: Job) -> AsyncGenerator[tuple[Any, Any]]:
    aetcd = import_module("aetcd")  # only a generator that drives etcd loads its stubs
    host, _, port = job.target.rpartition(":")
    async with aetcd.Client(host, int(port)) as client:
        yield client.kvstub, aetcd.rpc


async def http(job: Job, tally: Tally) -> None:
    """HTTP/1.1 on `in_flight` connections that are kept; a request is all of its bytes. 200 is an answer."""
    host, _, port = job.target.rpartition(":")
    requests = stamping(job)

    async def sender() -> None:
        reader, writer = await asyncio.open_connection(host, int(port))
        try:
            began = time.monotonic()
            while began < job.end:
                writer.write(next(requests))
                head = await reader.readuntil(b"\r\n\r\n")
                await _body(reader, head)
                if head.startswith(b"HTTP/1.1 200"):
                    began = tally.done(began)
                else:
                    tally.failed(head.split(b"\r\n", 1)[0].decode())
                    await tally.pause()
                    began = time.monotonic()
        finally:
            writer.close()

    await side_by_side(job, sender)


async def _body(reader: asyncio.StreamReader, head: bytes) -> None:
    fields = head.lower()
    if b"transfer-encoding: chunked" in fields:
        while (size := int(await reader.readline(), 16)) > 0:
            await reader.readexactly(size + 2)
        await reader.readline()
    else:
        length = fields.partition(b"content-length:")[2].split(b"\r\n", 1)[0]
        await reader.readexactly(int(length or b"0"))


async def side_by_side(job: Job, sender: Callable[[], Awaitable[None]]) -> None:
    """Run `in_flight` senders; where one raises, the others are cancelled."""
    async with asyncio.TaskGroup() as group:
        for _ in range(job.in_flight):
            group.create_task(_run(sender))


async def _run(sender: Callable[[], Awaitable[None]]) -> None:
    await sender()


def reason_of(error: grpc.aio.AioRpcError) -> str:
    """The stable reason of a failure, else its code."""
    for key, value in error.trailing_metadata() or ():
        if key == "grpc-status-details-bin" and isinstance(value, bytes):
            for detail in status_pb2.Status.FromString(value).details:
                told = error_details_pb2.ErrorInfo()
                if detail.Unpack(told):
                    return told.reason
    return error.code().name


ROADS: dict[str, Road] = {"unary": unary, "stream": stream, "cas": cas, "cas-one": cas_one, "http": http}
