"""What waits for one method runs together, what comes alone waits for nothing, and no run is lost."""

import asyncio
from collections.abc import Sequence

from activation.batch import Chain, Outcome
from dispatcher.running import Running
from kernel.objects import MethodVersion, ObjectId, Selector


def method(digest: str = "a") -> MethodVersion:
    return MethodVersion(ObjectId("proto"), Selector("add"), 1, "", digest, ())


def chain(name: str = "o", calls: int = 1) -> Chain:
    return Chain(ObjectId(name), {}, [((), {})] * calls)


class ScriptedBatches:
    """Answers each activation with its place; waits, and fails, as a test says. It runs nothing."""

    def __init__(self) -> None:
        self.runs: list[tuple[str, str, int]] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.failure: Exception | None = None
        self.at_once = self.most_at_once = 0

    async def run(self, method: MethodVersion, principal: str, chains: Sequence[Chain]) -> list[list[Outcome | None]]:
        self.runs.append((method.digest, principal, len(chains)))
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            await self.gate.wait()
        finally:
            self.at_once -= 1
        if self.failure is not None:
            raise self.failure
        return [[Outcome(place, None) for place, _ in enumerate(each.calls)] for each in chains]


class Senders:
    """Adds chains, and keeps what they were told."""

    def __init__(self) -> None:
        self.batches = ScriptedBatches()
        self.running = Running(self.batches)  # pyright: ignore[reportArgumentType] - the part of it that running needs
        self.told: list[Sequence[Outcome | None]] = []

    def add(self, count: int = 1, digest: str = "a", principal: str = "local", calls: int = 1) -> None:
        for number in range(count):
            self.running.add(method(digest), principal, chain(f"o/{number}", calls), self.told.append)

    async def all_told(self, count: int) -> None:
        async with asyncio.timeout(5):
            while len(self.told) < count:  # noqa: ASYNC110 - each is told by itself
                await asyncio.sleep(0.001)


async def test_what_comes_alone_runs_at_once() -> None:
    senders = Senders()
    senders.add()
    for _ in range(3):
        await asyncio.sleep(0)
    assert [len(each) for each in senders.told] == [1]


async def test_what_comes_in_one_moment_runs_together() -> None:
    senders = Senders()
    senders.add(20)
    await senders.all_told(20)
    assert senders.batches.runs == [("a", "local", 20)]


async def test_what_comes_during_a_run_runs_together_next_and_one_run_at_a_time() -> None:
    senders = Senders()
    senders.batches.gate.clear()
    senders.add()
    await asyncio.sleep(0.01)
    for _ in range(10):
        senders.add()
        await asyncio.sleep(0)
    senders.batches.gate.set()
    await senders.all_told(11)
    counts = [count for _, _, count in senders.batches.runs]
    assert (counts[0], sum(counts)) == (1, 11)
    assert len(counts) <= 5  # not two: after a run that took so long the next takes fewer, and then more again
    assert senders.batches.most_at_once == 1


async def test_methods_and_principals_do_not_wait_for_each_other_and_share_nothing() -> None:
    senders = Senders()
    senders.batches.gate.clear()
    senders.add(2, digest="a")
    senders.add(2, digest="b")
    senders.add(2, digest="a", principal="other")
    await asyncio.sleep(0.01)
    senders.batches.gate.set()
    await senders.all_told(6)
    assert sorted(senders.batches.runs) == [("a", "local", 2), ("a", "other", 2), ("b", "local", 2)]
    assert senders.batches.most_at_once == 3


async def test_where_chains_keep_coming_a_run_waits_for_them() -> None:
    senders = Senders()
    for _ in range(60):
        senders.add(3)
        await asyncio.sleep(0)
    await senders.all_told(180)
    counts = [count for _, _, count in senders.batches.runs]
    assert sum(counts) == 180
    assert len(counts) < 20


async def test_a_run_takes_no_more_than_it_may() -> None:
    senders = Senders()
    senders.add(20, calls=100)
    await senders.all_told(20)
    assert all(count <= 5 for _, _, count in senders.batches.runs)


async def test_a_run_that_fails_leaves_all_of_it_to_be_run_alone_and_the_next_goes_on() -> None:
    senders = Senders()
    senders.batches.failure = RuntimeError("a bug of ours")
    senders.add(2, calls=2)
    await senders.all_told(2)
    assert senders.told == [[None, None]] * 2
    senders.batches.failure = None
    senders.add()
    await senders.all_told(3)
    assert senders.told[-1] == [Outcome(0, None)]
