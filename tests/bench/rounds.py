"""The rounds of a run. Law: each measures every row once, in the same order; what cannot be had is told."""

import asyncio
import math
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from bench.clusters import Cluster, Workers
from bench.drive import Driver, Figure
from bench.peers import Restate, Temporal
from bench.profile import profile
from bench.rows import Row
from bench.subjects import Batos, Echo, Etcd, NotHad, Subject

PROFILED_S = 5.0


@dataclass(frozen=True, slots=True)
class Plan:
    """What to measure, how often, and for how many seconds each time."""

    rows: tuple[Row, ...]
    rounds: int
    warm_up: float
    window: float
    profile: str | None
    folder: Path
    run: Path
    """Where the programs' files go."""
    ends: float = math.inf
    """When it must be done, on the monotonic clock: a round that would end later is left out."""


def subject_of(name: str, folder: Path) -> Subject:
    """The subject of a row, with a folder of its own."""
    where = folder / name
    kinds: dict[str, Callable[[Path], Subject]] = {
        "echo": Echo,
        "etcd": Etcd,
        "batos": Batos,
        "traced": partial(Batos, traced=True),
        "cluster": Cluster,
        "workers": Workers,
        "restate": Restate,
        "temporal": Temporal,
    }
    return kinds[name](where)


async def take_turns(plan: Plan) -> tuple[dict[str, list[Figure]], dict[str, str]]:
    """The figures of each row by its name, and why a row has none."""
    subjects = {name: subject_of(name, plan.run) for name in dict.fromkeys(row.subject for row in plan.rows)}
    driver = Driver(warm_up=plan.warm_up, window=plan.window)
    try:
        missing = await _start(subjects, plan)
        rounds: dict[str, list[Figure]] = {row.name: [] for row in plan.rows if row.name not in missing}
        for number in range(1, plan.rounds + 1):
            began = time.monotonic()
            for row in plan.rows:
                if row.name not in missing:
                    _tell(f"round {number} of {plan.rounds}: {row.name}")
                    rounds[row.name].append(await driver.measure(row, subjects[row.subject]))
            if 2 * time.monotonic() - began > plan.ends:  # one more would end too late
                break
        if plan.profile:
            await _profile(plan, driver, subjects, missing)
        return rounds, missing
    finally:
        _tell("")
        await driver.stop()
        for subject in subjects.values():
            await subject.stop()


async def _profile(plan: Plan, driver: Driver, subjects: Mapping[str, Subject], missing: Mapping[str, str]) -> None:
    """Once more each row that the program takes part in, under the profiler; says where its profile lies."""
    for row in plan.rows:
        pid = subjects[row.subject].pids.get(plan.profile or "")
        if pid and row.name not in missing:
            out = plan.folder / f"profile-{plan.profile}-{row.name}.txt"
            profiling = asyncio.create_task(profile(pid, PROFILED_S, out))
            try:
                await driver.measure(row, subjects[row.subject], seconds=PROFILED_S)
                await profiling
            except NotHad as why:
                sys.stderr.write(f"no profile: {why}\n")
            else:
                sys.stderr.write(f"profile of {plan.profile} under {row.name}: {out}\n")


async def _start(subjects: Mapping[str, Subject], plan: Plan) -> dict[str, str]:
    missing: dict[str, str] = {}
    for name, subject in subjects.items():
        _tell(f"starting {name}")
        try:
            await subject.start()
        except NotHad as why:
            missing |= {row.name: f"NOT RUN: {why}" for row in plan.rows if row.subject == name}
    return missing


def _tell(text: str) -> None:
    if sys.stderr.isatty():
        sys.stderr.write(f"\r\x1b[K{text}")
        sys.stderr.flush()
