"""One hot object through three dispatchers at once: no sum is lost, none is given twice."""

import asyncio
import random
from collections.abc import Collection

import pytest

from fakes.history import Recorder, operations
from fakes.linearizable import counter, explain
from fakes.promises import once
from faults.cluster import DISPATCHERS, VISITOR, Cluster, Shape
from faults.conftest import BUILD, Clusters
from faults.load import UNCLEAR, Objects, Sender, settle

SENDERS = 24
MESSAGES = 25
LATE_S = 1.0
LONGEST_S = 60.0


@pytest.mark.asyncio(loop_scope="session")
async def test_a_hot_object_counts_each_message_once_while_dispatchers_disagree_about_its_owner(
    clusters: Clusters,
) -> None:
    """dispatcher-0 knows at once who is there, dispatcher-1 a second later, dispatcher-2 two seconds later."""
    cluster = await clusters.of(Shape(late=LATE_S))

    async def come_and_go() -> None:
        for _ in range(2):
            await cluster.start(VISITOR)
            await asyncio.sleep(LATE_S / 2)
            await cluster.drain(VISITOR)
            await cluster.kill("dispatcher-0")
            await cluster.start("dispatcher-0")

    moving = asyncio.create_task(come_and_go())
    await _count(cluster, UNCLEAR, 2 * MESSAGES, moving)


@pytest.mark.asyncio(loop_scope="session")
async def test_a_hot_object_counts_each_message_once(clusters: Clusters) -> None:
    await _count(await clusters.of(Shape()), {}, MESSAGES)


async def _count(
    cluster: Cluster, tolerated: Collection[str], messages: int, meanwhile: asyncio.Task[None] | None = None
) -> None:
    """Each sender's messages, and more for as long as something else goes on: 1 to n are answered, each once."""
    objects = Objects(f"hot-{random.SystemRandom().randrange(1 << 32):08x}")
    await objects.make(cluster)
    hot = objects.counters[0]
    with Recorder(BUILD / "contention.jsonl") as recorder:
        senders = [
            Sender(f"sender-{number}", cluster, recorder, objects, random.Random(number)) for number in range(SENDERS)
        ]

        async def work(sender: Sender) -> None:
            sent = 0
            while sent < messages or (meanwhile is not None and not meanwhile.done()):
                await sender.effect(hot, "increment")
                sent += 1

        async with asyncio.timeout(LONGEST_S):
            await asyncio.gather(*(work(sender) for sender in senders), *([meanwhile] if meanwhile else []))
        assert await settle(senders[0], recorder) == []
    attempts = list(recorder.attempts.values())
    assert {each.at for each in attempts} == set(DISPATCHERS)
    assert [str(each) for each in attempts if each.reason not in {"", "CONFLICT", *tolerated}] == []
    assert once(attempts) == []
    whole = operations(attempts)
    assert explain(whole, counter()) == ""
    assert sorted(each.result for each in whole) == list(range(1, len(whole) + 1))
