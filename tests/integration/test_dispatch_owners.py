"""Dispatchers that pass messages on to each other over real streams, with a membership that the test tells."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field

import pytest

from chassis.address import Address
from chassis.telemetry import Telemetry
from dispatcher.cluster import member
from dispatcher.config import Config
from dispatcher.dispatch import Dispatch
from dispatcher.owners import Owners, rendezvous
from dispatcher.peers import Peers
from fakes.request_ids import request_id
from fakes.rig import INCREMENT, NS, READ, Rig
from kernel.errors import BadArguments, Conflict, NotUnderstood, SynthesisPending
from kernel.messages import Message, OnMiss, Reply
from kernel.objects import ObjectId, Selector
from kernel.values import Value
from objectstore.members import Member

pytestmark = pytest.mark.asyncio(loop_scope="module")


@dataclass
class Told:
    """A membership as the test tells it."""

    members: Sequence[Member] | None = None
    changed: asyncio.Event = field(default_factory=asyncio.Event)


@dataclass
class Node:
    """One dispatcher of the cluster."""

    owners: Owners
    dispatch: Dispatch
    told: Told
    stop: asyncio.Event
    address: str = ""

    async def send(self, to: str, selector: str, *arguments: Value, request_id: str = "") -> Reply:
        message = Message(ObjectId(to), Selector(selector), arguments, request_id=request_id, on_miss=OnMiss.NEVER)
        return await self.dispatch.send(message)


class Cluster:
    """Dispatchers over the rig's store; `gather` tells some of them who is there."""

    def __init__(self, rig: Rig, nodes: Sequence[Node]) -> None:
        self.rig, self.nodes = rig, nodes

    @property
    def members(self) -> list[Member]:
        return [Member(node.owners.me, node.address) for node in self.nodes]

    async def gather(self, *nodes: Node, members: Sequence[Member] | None = None) -> None:
        for node in nodes or self.nodes:
            node.told.members = self.members if members is None else members
            node.told.changed.set()
        await asyncio.sleep(0.01)

    def owned_by(self, node: Node, prefix: str) -> str:
        names = (ObjectId(f"{prefix}/{number}") for number in range(1000))
        return next(name for name in names if rendezvous(self.members, NS, name).name == node.owners.me)


@asynccontextmanager
async def clustered(rig: Rig, count: int = 2) -> AsyncGenerator[Cluster]:
    telemetry = Telemetry.off()
    async with AsyncExitStack() as stack:
        nodes: list[Node] = []
        for number in range(count):
            peers = Peers(telemetry)
            stack.push_async_callback(peers.close)
            owners, told, stop = Owners(f"d{number}", peers), Told(), asyncio.Event()
            dispatch = rig.another(owners=owners)
            stack.push_async_callback(dispatch.stop)
            node = Node(owners, dispatch, told, stop)

            @asynccontextmanager
            async def joined(service: str, name: str, address: str, node: Node = node) -> AsyncGenerator[Told]:
                assert (service, name) == ("dispatcher", node.owners.me)
                node.address = address
                yield node.told

            config = Config(peers=Address("127.0.0.1", 0))
            await stack.enter_async_context(member(config, dispatch, owners, joined, stop, telemetry))
            await asyncio.sleep(0.01)
            nodes.append(node)
        cluster = Cluster(rig, nodes)
        await cluster.gather()
        yield cluster


async def test_a_message_comes_back_the_same_from_whichever_dispatcher_it_was_sent_to(rig: Rig) -> None:
    async with clustered(rig, 3) as cluster:
        await rig.put("counter/one", INCREMENT, READ)
        results = [(await node.send("counter/one", "increment")).result for _ in range(4) for node in cluster.nodes]
        assert results == list(range(1, 13))
        with pytest.raises(BadArguments):
            await asyncio.gather(*(node.send("counter/one", "increment", 1, 2) for node in cluster.nodes))


async def test_three_dispatchers_at_one_object_meet_no_conflict(rig: Rig) -> None:
    async with clustered(rig, 3) as cluster:
        await rig.put("counter/hot", INCREMENT)
        sends = [node.send("counter/hot", "increment") for _ in range(100) for node in cluster.nodes]
        results = [str(reply.result) for reply in await asyncio.gather(*sends)]
        assert sorted(map(int, results)) == list(range(1, 301))


async def test_dispatchers_that_disagree_about_owners_lose_and_double_nothing(rig: Rig) -> None:
    async with clustered(rig) as cluster:
        first, second = cluster.nodes
        hot = cluster.owned_by(second, "disputed")
        await rig.put(hot, INCREMENT)
        await cluster.gather(first, members=cluster.members[:1])
        ids = [request_id() for _ in range(60)]

        async def until_done(node: Node, name: str) -> object:
            while True:
                with suppress(Conflict):
                    return (await node.send(hot, "increment", request_id=name)).result

        results = await asyncio.gather(
            *(until_done(node, name) for name, node in zip(ids, [first, second] * 30, strict=True))
        )
        assert sorted(map(int, map(str, results))) == list(range(1, 61))
        assert await rig.slots(hot) == {"count": 60}


async def test_when_an_owner_cannot_be_reached_the_message_is_run_where_it_came(rig: Rig) -> None:
    async with clustered(rig) as cluster:
        first, second = cluster.nodes
        name = cluster.owned_by(second, "orphan")
        await rig.put(name, INCREMENT)
        gone = Member(second.owners.me, "127.0.0.1:1")
        await cluster.gather(first, members=[cluster.members[0], gone])
        assert (await first.send(name, "increment")).result == 1


async def test_a_request_sent_to_two_dispatchers_takes_effect_once(rig: Rig) -> None:
    async with clustered(rig) as cluster:
        name = cluster.owned_by(cluster.nodes[1], "once")
        await rig.put(name, INCREMENT)
        request = request_id()
        replies = [await node.send(name, "increment", request_id=request) for node in cluster.nodes]
        assert [(reply.result, reply.replayed) for reply in replies] == [(1, False), (1, True)]


async def test_a_dispatcher_that_stops_runs_what_still_comes_and_the_others_take_over(rig: Rig) -> None:
    async with clustered(rig) as cluster:
        first, second = cluster.nodes
        name = cluster.owned_by(second, "moving")
        await rig.put(name, INCREMENT)
        await first.send(name, "increment")
        second.stop.set()
        await asyncio.sleep(0.01)
        assert (await first.send(name, "increment")).result == 2  # it does not know yet
        assert (await second.send(name, "increment")).result == 3
        await cluster.gather(first, members=cluster.members[:1])
        assert (await first.send(name, "increment")).result == 4


async def test_what_is_under_way_at_a_dispatcher_that_leaves_is_still_answered(rig: Rig) -> None:
    slow = (
        "def slow(self):\n    self._p_changed = True\n    for n in range(60000):\n        n += 1\n    return 'done'\n"
    )
    async with clustered(rig) as cluster:
        first, second = cluster.nodes
        name = cluster.owned_by(second, "slow")
        await rig.put(name, slow)
        sends = [asyncio.ensure_future(first.send(name, "slow")) for _ in range(20)]
        await asyncio.sleep(0.02)
        second.stop.set()
        await cluster.gather(first, members=cluster.members[:1])
        assert [reply.result for reply in await asyncio.gather(*sends)] == ["done"] * 20


async def test_what_the_owner_does_not_understand_waits_where_its_sender_is(rig: Rig) -> None:
    async with clustered(rig) as cluster:
        name = cluster.owned_by(cluster.nodes[1], "miss")
        await rig.put(name)
        with pytest.raises(NotUnderstood):
            await cluster.nodes[0].send(name, "increment")
        rig.synthesizer.sources[Selector("increment")] = INCREMENT
        message = Message(ObjectId(name), Selector("increment"), on_miss=OnMiss.ASYNC)
        with pytest.raises(SynthesisPending, match="synthesis-1"):
            await cluster.nodes[0].dispatch.send(message)
        reply = await cluster.nodes[0].dispatch.send(Message(ObjectId(name), Selector("increment")))
        assert (reply.result, reply.synthesized) == (1, True)
        assert (await cluster.nodes[0].dispatch.send(message)).result == 2


async def test_the_owners_does_not_understand_answers_once_for_a_request_whoever_is_asked(rig: Rig) -> None:
    hears = (
        "def does_not_understand(self, selector, arguments, keywords):\n"
        "    if selector == 'increment':\n        raise LookupError(selector)\n"
        "    self.heard = getattr(self, 'heard', 0) + 1\n    self._p_changed = True\n    return self.heard\n"
    )
    async with clustered(rig) as cluster:
        name = cluster.owned_by(cluster.nodes[1], "hears")
        await rig.put(name, hears)
        message = Message(ObjectId(name), Selector("spin"), request_id=request_id(), on_miss=OnMiss.NEVER)
        replies = [await node.dispatch.send(message) for node in (*cluster.nodes, *cluster.nodes)]
        assert [(reply.result, reply.replayed) for reply in replies] == [(1, False), (1, True), (1, True), (1, True)]
        declined = Message(ObjectId(name), Selector("increment"), on_miss=OnMiss.ASYNC)
        with pytest.raises(SynthesisPending, match="synthesis-1"):
            await cluster.nodes[0].dispatch.send(declined)
        assert await rig.slots(name) == {"heard": 1}
