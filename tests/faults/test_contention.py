"""One hot object through three dispatchers at once: no sum is lost, none is given twice."""

import asyncio
import random

import pytest

from fakes.history import Outcome, Recorder, operations
from fakes.linearizable import counter, explain
from fakes.promises import once
from faults.cluster import DISPATCHERS
from faults.conftest import BUILD, Clusters
from faults.load import Objects, Sender, settle

SENDERS = 24
MESSAGES = 40


@pytest.mark.asyncio(loop_scope="session")
async def test_a_hot_object_counts_each_message_once(clusters: Clusters) -> None:
    cluster = await clusters.of(1)
    objects = Objects(f"hot-{random.SystemRandom().randrange(1 << 32):08x}")
    await objects.make(cluster)
    hot = objects.counters[0]
    with Recorder(BUILD / "contention.jsonl") as recorder:
        senders = [
            Sender(f"sender-{number}", cluster, recorder, objects, random.Random(number)) for number in range(SENDERS)
        ]

        async def work(sender: Sender) -> None:
            for _ in range(MESSAGES):
                await sender.effect(hot, "increment")

        await asyncio.gather(*(work(sender) for sender in senders))
        assert await settle(senders[0], recorder) == []
    attempts = list(recorder.attempts.values())
    assert {each.at for each in attempts} == set(DISPATCHERS)
    assert once(attempts) == []
    assert explain(operations(attempts), counter()) == ""
    sums = [each.result for each in operations(attempts) if each.outcome is Outcome.OK]
    assert sorted(sums) == list(range(1, SENDERS * MESSAGES + 1))
