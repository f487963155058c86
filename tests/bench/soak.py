"""`make bench-long`: whether memory and database stay flat under a steady load. Law: judged on figures, not by eye.

The load is as fast as it is told to be and no faster, over many objects, each message with a request id. Replies are
kept for a quarter of an hour, and the history that etcd compacts is two minutes: a database can be flat only after
that, so the judgement is on the last third of a run that is long enough.
"""

import asyncio
import http.client
import json
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import fmean

from bench import meter
from bench.drive import Generator
from bench.jobs import Job, Outcome
from bench.rows import SERIALIZABLE, Row
from bench.subjects import Batos

EVERY_S = 10.0
KEPT_S = 920.0  # how long replies are kept, and a little more
HOUR = 3600.0
TOLERATED = 0.05  # of the level, an hour: what is less cannot be told from noise in a quarter of an hour
COUNTERS = Row("soak", "batos", "unary", "counters", SERIALIZABLE, objects=256, stamped=True)
MIX = Row("soak-mix", "batos", "unary", "the mix", SERIALIZABLE, selector="", stamped=True)
DATABASE = {
    "etcd_mvcc_db_total_size_in_bytes": "database file",
    "etcd_mvcc_db_total_size_in_use_in_bytes": "database in use",
}


@dataclass(frozen=True, slots=True)
class Sample:
    """Bytes by name, `seconds` after the load began."""

    seconds: float
    sizes: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Trend:
    """How a size goes: its mean in bytes, its slope in bytes an hour, and the slope's standard error."""

    mean: float
    slope: float
    error: float

    @property
    def grows(self) -> bool:
        """Whether it grows by more than it may, beyond doubt (two standard errors)."""
        return self.slope - 2 * self.error > 0 and self.slope > TOLERATED * self.mean


def trend(points: Sequence[tuple[float, float]]) -> Trend:
    """The least-squares line through (seconds, bytes); needs three points."""
    seconds, sizes = [point[0] for point in points], [point[1] for point in points]
    middle, mean = fmean(seconds), fmean(sizes)
    spread = sum((each - middle) ** 2 for each in seconds)
    slope = sum((at - middle) * (size - mean) for at, size in points) / spread
    rest = sum((size - mean - slope * (at - middle)) ** 2 for at, size in points)
    error = (rest / (len(points) - 2) / spread) ** 0.5
    return Trend(mean, slope * HOUR, error * HOUR)


async def soak(folder: Path, minutes: float, rate: float, out: Path) -> int:
    """Run it, print the judgement, write the samples; 1 where something grows or a message failed."""
    subject = Batos(folder, retention="1m")
    generator = await Generator.start()
    try:
        await subject.start()
        outcome, samples = await _load(subject, generator, minutes * 60, rate)
    finally:
        await generator.stop()
        await subject.stop()
    return _judge(outcome, samples, minutes, out)


def _judge(outcome: Outcome, samples: Sequence[Sample], minutes: float, out: Path) -> int:
    judged = [sample for sample in samples if sample.seconds >= samples[-1].seconds * 2 / 3]
    trends = {name: trend([(each.seconds, each.sizes[name]) for each in judged]) for name in judged[-1].sizes}
    sent = len(outcome.seconds())
    found: dict[str, object] = {"minutes": minutes, "answers": sent, "failures": outcome.failures}
    found["samples"] = [asdict(each) for each in samples]
    found["trends"] = {name: asdict(of) for name, of in trends.items()}
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(found, indent=1) + "\n")
    sys.stdout.write("\n".join(_judgement(trends, sent, minutes, outcome.failures, judged)) + f"\nwritten to {out}\n")
    return int(bool(outcome.failures) or any(each.grows for each in trends.values()))


async def _load(subject: Batos, generator: Generator, seconds: float, rate: float) -> tuple[Outcome, list[Sample]]:
    counters, mix = await subject.load(COUNTERS), await subject.load(MIX)
    begin = time.monotonic() + 0.5
    job = Job(
        road="unary",
        target=counters.target,
        method=counters.method,
        requests=(*counters.requests, *mix.requests),
        in_flight=64,
        begin=begin,
        end=begin + seconds,
        stamped=True,
        rate=rate,
    )
    running = asyncio.create_task(generator.run(job))
    samples: list[Sample] = []
    while not running.done():
        await asyncio.wait((running,), timeout=min(EVERY_S, seconds / 12))
        sizes = await asyncio.to_thread(_sizes, dict(subject.pids), subject.children["etcd"].address)
        samples.append(Sample(time.monotonic() - begin, sizes))
        if sys.stderr.isatty():
            sys.stderr.write(f"\r\x1b[K{samples[-1].seconds:.0f} s of {seconds:.0f} s")
    return await running, samples


def _sizes(pids: Mapping[str, int], etcd: str) -> dict[str, float]:
    """Anonymous memory of each program with its children, and what etcd says of its database, in bytes."""
    sizes = {name: float(meter.anonymous_bytes(pid)) for name, pid in pids.items()}
    host, _, port = etcd.rpartition(":")
    connection = http.client.HTTPConnection(host, int(port), timeout=EVERY_S)
    try:
        connection.request("GET", "/metrics")
        lines = connection.getresponse().read().decode().splitlines()
    finally:
        connection.close()
    told = dict(line.split() for line in lines if line.startswith(tuple(DATABASE)))
    return sizes | {DATABASE[name]: float(value) for name, value in told.items() if name in DATABASE}


def _judgement(
    trends: Mapping[str, Trend], sent: int, minutes: float, failures: Mapping[str, int], judged: Sequence[Sample]
) -> list[str]:
    lines = [f"{sent:,} messages in {minutes:g} min, judged on {len(judged)} samples from {judged[0].seconds:.0f} s on"]
    if judged[0].seconds < KEPT_S:
        lines.append("too short to judge the database: replies are kept for 15 minutes, so it grows until then")
    lines.append(f"{'':<18}{'MiB':>9}{'MiB/hour':>11}{'±':>8}  verdict")
    for name, of in trends.items():
        verdict = "GROWING" if of.grows else "flat"
        lines.append(f"{name:<18}{_mib(of.mean):>9}{_mib(of.slope):>11}{_mib(2 * of.error):>8}  {verdict}")
    if failures:
        lines.append("FAILURES: " + ", ".join(f"{many} of {reason}" for reason, many in failures.items()))
    return lines


def _mib(size: float) -> str:
    return f"{size / (1 << 20):.1f}"
