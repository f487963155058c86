"""Runs rows: puts their load on, and measures what it costs whom. Law: one row at a time, all in one window."""

import asyncio
import os
import sys
import time
from array import array
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

import msgspec

from batos.local import leash
from bench import meter
from bench.jobs import Job, Outcome, shares
from bench.rows import Row
from bench.subjects import Load, Subject, base_environment

MACHINE = "the machine"
LEAD = 0.15
"""Seconds from asking the generators to the beginning of their warm-up."""


@dataclass(frozen=True, slots=True)
class Figure:
    """What one round of one row gave. CPU is in microseconds an operation, `share` in cores, latencies in seconds.

    `others` is what ran beside it on the machine, in cores.
    """

    rate: float
    p50: float
    p99: float
    count: int
    cpu: Mapping[str, float]
    share: Mapping[str, float]
    others: float
    failures: Mapping[str, int]


class Generator:
    """One load generator, started once and asked for many jobs."""

    def __init__(self, child: asyncio.subprocess.Process) -> None:
        self._child = child
        self.pid = child.pid

    @classmethod
    async def start(cls) -> Self:
        """Start it; it ends with this program."""
        command = (
            sys.executable,
            "-I",
            "-S",
            leash.__file__,
            str(os.getpid()),
            sys.executable,
            "-m",
            "bench.generator",
        )
        pipe = asyncio.subprocess.PIPE
        child = await asyncio.create_subprocess_exec(
            *command, stdin=pipe, stdout=pipe, env=base_environment(), limit=256 << 20
        )
        return cls(child)

    async def run(self, job: Job) -> Outcome:
        """One job. Raises RuntimeError where the generator ended."""
        reader, writer = self._child.stdout, self._child.stdin
        assert reader is not None
        assert writer is not None
        writer.write(msgspec.json.encode(job) + b"\n")
        await writer.drain()
        line = await reader.readline()
        if not line:
            raise RuntimeError("a load generator ended; its last words are above")
        return msgspec.json.decode(line, type=Outcome)

    async def stop(self) -> None:
        """End it."""
        if self._child.stdin is not None:
            self._child.stdin.close()
        await self._child.wait()


class Driver:
    """The generators, and how long a window is, in seconds."""

    def __init__(self, *, warm_up: float, window: float) -> None:
        self._warm_up, self._window = warm_up, window
        self._generators: list[Generator] = []

    async def stop(self) -> None:
        """End the generators."""
        for generator in self._generators:
            await generator.stop()

    async def measure(self, row: Row, subject: Subject, seconds: float | None = None) -> Figure:
        """One round of a row; its window is `seconds` where they are given."""
        window = seconds or self._window
        while len(self._generators) < row.generators:
            self._generators.append(await Generator.start())
        generators = self._generators[: row.generators]
        load = await subject.load(row)
        begin = time.monotonic() + LEAD + self._warm_up
        jobs = _jobs(row, load, begin, begin + window)
        running = asyncio.gather(*(each.run(job) for each, job in zip(generators, jobs, strict=True)))
        programs = dict(subject.pids) | {f"generator {n}": each.pid for n, each in enumerate(generators, 1)}
        before, after = await _window(programs, begin, window, running)
        return _figure(await running, before, after, window)


async def _window(
    programs: Mapping[str, int], begin: float, seconds: float, running: "asyncio.Future[list[Outcome]]"
) -> tuple[dict[str, float], dict[str, float]]:
    """CPU seconds by program when the window begins and when it ends."""
    await asyncio.wait((running,), timeout=begin - time.monotonic())
    before = meter.cpu_seconds(programs) | {MACHINE: meter.machine_seconds()}
    await asyncio.wait((running,), timeout=begin + seconds - time.monotonic())
    return before, meter.cpu_seconds(programs) | {MACHINE: meter.machine_seconds()}


def _jobs(row: Row, load: Load, begin: float, end: float) -> list[Job]:
    """The row's load, divided among its generators."""
    many = row.generators
    return [
        Job(
            road=row.road,
            target=load.target,
            method=load.method,
            requests=load.requests[number::many] or load.requests,
            in_flight=in_flight,
            begin=begin,
            end=end,
            stamped=row.stamped,
            beside=load.beside,
        )
        for number, in_flight in enumerate(shares(row.in_flight, many))
    ]


def _figure(outcomes: list[Outcome], before: Mapping[str, float], after: Mapping[str, float], window: float) -> Figure:
    latencies: array[float] = array("d")
    failures: Counter[str] = Counter()
    for outcome in outcomes:
        latencies.extend(outcome.seconds())
        failures.update(outcome.failures)
    ordered = sorted(latencies) or [0.0]
    used = {name: seconds - before.get(name, 0.0) for name, seconds in after.items()}
    machine = used.pop(MACHINE)
    return Figure(
        rate=len(latencies) / window,
        p50=ordered[len(ordered) // 2],
        p99=ordered[int(len(ordered) * 0.99)],
        count=len(latencies),
        cpu={name: seconds / max(len(latencies), 1) * 1e6 for name, seconds in used.items()},
        share={name: seconds / window for name, seconds in used.items()},
        others=max(0.0, machine - sum(used.values())) / window,
        failures=dict(failures),
    )
