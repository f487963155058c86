"""One schedule against one cluster, from new objects to the verdict. Law: judged only when all is whole and settled."""

import asyncio
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from fakes.history import Attempt, Outcome, Recorder, operations
from fakes.linearizable import Model, counter, explain, register
from fakes.promises import Slots, States, always, once, together, tokens, watched
from faults.cluster import DISPATCHERS, STORES, Cluster
from faults.load import EXPECTED, Objects, Sender, settle
from faults.nemesis import Nemesis
from faults.schedule import Schedule
from faults.watching import Watcher

LOAD_S: Final = 5.5
AFTER_S: Final = 1.0
PAUSE_S: Final = 0.005
WATCH_S: Final = 20.0


async def run(schedule: Schedule, cluster: Cluster, path: Path) -> list[str]:
    """The breaches; the history is in `path`."""
    objects = Objects(f"s{schedule.number:03d}-{random.SystemRandom().randrange(1 << 32):08x}")
    begin = (await cluster.clients["dispatcher-0"].objects.update("fault/counter", slots={})).token
    with Recorder(path) as recorder:
        watchers = [Watcher(name, lambda name=name: cluster.store(name), begin) for name in STORES]
        try:
            await objects.make(cluster)
            await _load(schedule, cluster, recorder, objects)
            breaches = await _end(cluster, recorder, objects)
            breaches += await _caught_up(watchers, recorder)
        finally:
            for watcher in watchers:
                await watcher.stop()
        return breaches + judge(objects, list(recorder.attempts.values()), watchers)


async def _load(schedule: Schedule, cluster: Cluster, recorder: Recorder, objects: Objects) -> None:
    stop = asyncio.Event()
    nemesis = Nemesis(cluster, recorder)
    async with asyncio.TaskGroup() as group:
        for number in range(schedule.senders):
            choice = random.Random(f"{schedule.seed}/{schedule.number}/{number}")
            sender = Sender(f"sender-{number}", cluster, recorder, objects, choice)
            group.create_task(sender.run(stop, PAUSE_S * schedule.senders / 2))
        try:
            await asyncio.gather(
                asyncio.sleep(LOAD_S - AFTER_S), *(nemesis.inflict(fault) for fault in schedule.faults)
            )
            await asyncio.sleep(AFTER_S)
        finally:
            stop.set()


async def _end(cluster: Cluster, recorder: Recorder, objects: Objects) -> list[str]:
    """Everything is well: what is unknown is settled, and each object is read through each dispatcher."""
    recorder.note("settling")
    last = Sender("last", cluster, recorder, objects, random.Random(0))
    breaches = await settle(last, recorder)
    for receiver in (*objects.counters, *objects.registers, objects.pair[0], objects.pair[1]):
        asked = [Attempt(0, "last", name, receiver, "read", (), "full") for name in DISPATCHERS]
        breaches += await last.finally_read(asked)
    asked = [Attempt(0, "last", name, objects.pair[0], "sums", (objects.pair[1],), "full") for name in DISPATCHERS]
    return breaches + await last.finally_read(asked)


async def _caught_up(watchers: Sequence[Watcher], recorder: Recorder) -> list[str]:
    revision = max(each.revision for each in recorder.attempts.values())
    reached = [await watcher.reached(revision, WATCH_S) for watcher in watchers]
    return [
        f"{watcher.seen.name} was told nothing after {watcher.seen.upto}, {WATCH_S:g} s after revision {revision}"
        for watcher, did in zip(watchers, reached, strict=True)
        if not did
    ]


def judge(objects: Objects, attempts: Sequence[Attempt], watchers: Sequence[Watcher]) -> list[str]:
    """All that a history and what was watched are held to."""
    whole = operations(attempts)
    breaches = [f"nobody foresaw: {each}" for each in attempts if not _foreseen(each)]
    for receivers, model in (((*objects.counters, objects.pair[0]), counter()), (objects.registers, register(0))):
        for receiver in receivers:
            breaches += _linear(receiver, whole, model)
    breaches += once(attempts) + together(attempts, "sums")
    breaches += [breach for watcher in watchers for breach in watcher.broken]
    seen = [watcher.seen for watcher in watchers]
    breaches += watched(seen)
    states = States(seen)
    if not set(seen[0].gaps) or not set(seen[1].gaps):  # one of them saw everything
        counters = [each for each in attempts if each.receiver in {*objects.counters, *objects.pair}]
        breaches += tokens(counters, states, "count")
        breaches += always(states, objects.guards, _one_is_on, "one guard is on")
        breaches += always(states, objects.pair, _sums_are_equal, "sums are equal")
    return breaches


def _one_is_on(slots: Sequence[Slots]) -> bool:
    return any(each["on"] for each in slots)


def _sums_are_equal(slots: Sequence[Slots]) -> bool:
    return len({each["count"] for each in slots}) == 1


def _foreseen(attempt: Attempt) -> bool:
    return attempt.outcome is Outcome.OK or attempt.reason in EXPECTED


def _linear(receiver: str, whole: Sequence[Attempt], model: Model) -> list[str]:
    """Writes and FULL reads of one object, judged."""
    mine = [each for each in whole if each.receiver == receiver and each.selector in {"increment", "write", "read"}]
    strict = [each for each in mine if each.selector != "read" or each.consistency == "full"]
    found = explain(strict, model)
    return [f"{receiver} is not linearizable: {found}"] if found else []
