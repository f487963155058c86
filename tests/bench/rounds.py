"""The rounds of a run. Law: each measures every row once, in the same order; what cannot be had is told."""

import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from bench.drive import Driver, Figure
from bench.rows import Row
from bench.subjects import Batos, Echo, Etcd, NotHad, Subject


@dataclass(frozen=True, slots=True)
class Plan:
    """What to measure, how often, and for how many seconds each time."""

    rows: tuple[Row, ...]
    rounds: int
    warm_up: float
    window: float
    profile: str | None
    folder: Path


def subject_of(name: str, folder: Path) -> Subject:
    """The subject of a row; its files go into a new folder."""
    where = folder / "run" / name
    shutil.rmtree(where, ignore_errors=True)
    match name:
        case "echo":
            return Echo(where)
        case "etcd":
            return Etcd(where)
        case "traced":
            return Batos(where, traced=True)
        case _:
            return Batos(where)


async def take_turns(plan: Plan) -> tuple[dict[str, list[Figure]], dict[str, str]]:
    """The figures of each row by its name, and why a row has none."""
    subjects = {name: subject_of(name, plan.folder) for name in dict.fromkeys(row.subject for row in plan.rows)}
    driver = Driver(warm_up=plan.warm_up, window=plan.window)
    try:
        missing = await _start(subjects, plan)
        rounds: dict[str, list[Figure]] = {row.name: [] for row in plan.rows if row.name not in missing}
        for number in range(1, plan.rounds + 1):
            for row in plan.rows:
                if row.name not in missing:
                    _tell(f"round {number} of {plan.rounds}: {row.name}")
                    rounds[row.name].append(await driver.measure(row, subjects[row.subject]))
        return rounds, missing
    finally:
        _tell("")
        await driver.stop()
        for subject in subjects.values():
            await subject.stop()


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
