"""A dispatcher and an objectstore of several processes each: nothing acknowledged is lost when one is killed."""

import asyncio
import os
import re
import signal
from collections.abc import AsyncGenerator
from pathlib import Path

import grpc.aio
import pytest

from batos.identifiers import new_request_id
from batos.local.child import Child
from batos.local.errors import NotStarted
from batos.v1 import dispatcher_pb2 as pb
from batos.v1.dispatcher_pb2_grpc import DispatcherStub
from batos.v1.object_pb2 import Message
from batos.values import from_wire
from chassis.client import channel
from fakes.children import gone, until
from fakes.programs import COUNTERS as OBJECTS
from fakes.programs import filled, started

SENDERS = 8
TRIES_S = 30.0


@pytest.fixture
async def dispatcher(etcd_endpoint: str, tmp_path: Path) -> AsyncGenerator[Child]:
    """A dispatcher of two workers over an objectstore of two, with a counter that others are cloned from."""
    store = await started(tmp_path, "objectstore", BATOS_ETCD_ENDPOINTS=etcd_endpoint)
    try:
        await filled(store.address)
        child = await started(tmp_path, "dispatcher", BATOS_OBJECTSTORE=store.address)
        try:
            yield child
        finally:
            await child.stop()
    finally:
        await store.stop()


class Sender:
    """Sends increments on a connection of its own, each until it is answered."""

    def __init__(self, address: str, number: int) -> None:
        self._address, self._number = address, number
        self.sent = [0] * OBJECTS

    async def run(self, stop: asyncio.Event) -> None:
        # gRPC shares a connection among channels that are alike.
        async with channel(self._address, max_message_bytes=(1 << 20) + self._number) as to:
            while not stop.is_set():
                which = (self._number + sum(self.sent)) % OBJECTS
                await self._insist(DispatcherStub(to), which)
                self.sent[which] += 1

    async def _insist(self, to: DispatcherStub, which: int) -> None:
        message = Message(receiver=f"counter/{which}", selector="increment", request_id=new_request_id())
        async with asyncio.timeout(TRIES_S):
            while True:
                try:
                    await to.Send(pb.SendRequest(message=message), timeout=5)
                except grpc.aio.AioRpcError as error:
                    if error.code() not in {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.ABORTED}:
                        raise
                    await asyncio.sleep(0.05)
                else:
                    return


def pids(child: Child) -> dict[str, int]:
    return {number: int(pid) for number, pid in re.findall(r"worker (\d) is ready, pid (\d+)", child.said())}


async def counts(address: str) -> list[object]:
    """What each counter has after one more."""
    async with channel(address) as to:
        messages = [Message(receiver=f"counter/{number}", selector="increment") for number in range(OBJECTS)]
        replies = [await DispatcherStub(to).Send(pb.SendRequest(message=message)) for message in messages]
    return [from_wire(reply.reply.result) for reply in replies]


async def test_a_killed_worker_takes_no_acknowledged_effect_with_it_and_comes_back(dispatcher: Child) -> None:
    before, stop = pids(dispatcher), asyncio.Event()
    assert await until(lambda: len(set(re.findall(r"the members are (\w+, \w+)", dispatcher.said()))) == 1)
    senders = [Sender(dispatcher.address, number) for number in range(SENDERS)]
    sending = [asyncio.create_task(sender.run(stop)) for sender in senders]
    try:
        assert await until(lambda: all(sum(sender.sent) > 3 for sender in senders))
        os.kill(before["2"], signal.SIGKILL)
        assert await until(lambda: pids(dispatcher)["2"] != before["2"])
        already = [sum(sender.sent) for sender in senders]
        assert await until(lambda: all(sum(sender.sent) > some for sender, some in zip(senders, already, strict=True)))
    finally:
        stop.set()
        await asyncio.gather(*sending)
    acknowledged = [sum(sender.sent[which] for sender in senders) for which in range(OBJECTS)]
    assert await counts(dispatcher.address) == [count + 1 for count in acknowledged]


async def test_a_stop_ends_all_workers_in_time(dispatcher: Child) -> None:
    os.kill(dispatcher.pid, signal.SIGTERM)
    assert "exit status 0" in str(await asyncio.wait_for(dispatcher.ended(), 14))
    assert await gone(list(pids(dispatcher).values()))


async def test_workers_cannot_share_one_port_for_the_other_dispatchers(tmp_path: Path) -> None:
    with pytest.raises(NotStarted, match="exit status 1"):
        await started(tmp_path, "dispatcher", BATOS_PEERS_LISTEN="127.0.0.1:7099")
    assert (tmp_path / "dispatcher.log").read_text().count("leave port 0 in BATOS_PEERS_LISTEN") == 1
