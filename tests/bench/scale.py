"""`make bench-scale`: what 100,000 objects cost beside 100, with ten methods shared through prototypes.

    make bench-scale                                   two stores, 3 rounds: about 6 minutes
    make bench-scale ARGS="--objects 10000 --rounds 2"

Law: both stores run at once, and their rows take turns; a ratio is of two rows of one round.
"""

import argparse
import asyncio
import json
import os
import random
import shutil
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from batos.errors import BatosError
from bench import meter
from bench.drive import Driver, Figure
from bench.machine import machine
from bench.rows import PREFIX, SERIALIZABLE, Row
from bench.scale_changes import activation, changes, lists, preview
from bench.scale_lookup import lookups
from bench.scale_report import report
from bench.scale_store import Store

BUILD = Path("build/bench")
FEW = 100
SEED = 3
SENDS = (
    Row("read", "few", "unary", "read-only send", PREFIX, selector="read"),
    Row("durable", "few", "unary", "durable send", SERIALIZABLE, selector="increment"),
)


@dataclass(frozen=True, slots=True)
class Touch:
    """The first message to every object: a second, and CPU microseconds a message by program.

    `grown` is what a program's memory grew by, in bytes an object.
    """

    rate: float
    cpu: Mapping[str, float]
    grown: Mapping[str, float]


@dataclass(slots=True)
class Found:
    """All that one run found, by the store's name where there are two."""

    machine: Mapping[str, object]
    objects: Mapping[str, int]
    filled: dict[str, float] = field(default_factory=dict[str, float])
    started: dict[str, Any] = field(default_factory=dict[str, Any])
    sends: dict[str, list[Figure]] = field(default_factory=dict[str, list[Figure]])
    """By row: `read few`, `read first` (the first 100 of many), `read all`, and the same of durable sends."""
    lookups: dict[str, list[float]] = field(default_factory=dict[str, list[float]])
    """Microseconds of one lookup by the same loads."""
    touched: dict[str, Touch] = field(default_factory=dict[str, Touch])
    listed: dict[str, Any] = field(default_factory=dict[str, Any])
    changed: dict[str, Any] = field(default_factory=dict[str, Any])
    activated: dict[str, Any] = field(default_factory=dict[str, Any])
    previewed: dict[str, Any] = field(default_factory=dict[str, Any])


def drawn(objects: int, seed: int = SEED) -> Sequence[int]:
    """Every object once, in an order of chance that is the same in every run."""
    numbers = list(range(objects))
    random.Random(seed).shuffle(numbers)
    return numbers


async def sends(driver: Driver, stores: Mapping[str, Store], found: Found, rounds: int) -> None:
    """Both kinds of send, in turns: to few objects, to as many of the many, and to all of them."""
    few, many = stores["few"], stores["many"]
    loads = (("few", few, drawn(few.objects)), ("first", many, drawn(FEW)), ("all", many, drawn(many.objects)))
    for number in range(1, rounds + 1):
        loads = loads[1:] + loads[:1]  # so that none of them is always the first
        for row in SENDS:
            for which, store, objects in loads:
                _tell(f"round {number} of {rounds}: {row.what}, {which}")
                store.drawn = objects
                found.sends.setdefault(f"{row.name} {which}", []).append(await driver.measure(row, store))


async def touch(store: Store) -> Touch:
    """The first message to every object."""
    sizes, used, began = _sizes(store), meter.cpu_seconds(store.pids), time.monotonic()
    await store.touch("read", drawn(store.objects))
    seconds, after = time.monotonic() - began, meter.cpu_seconds(store.pids)
    cpu = {each: (after[each] - used.get(each, 0.0)) / store.objects * 1e6 for each in after}
    grown = {each: (size - sizes[each]) / store.objects for each, size in _sizes(store).items()}
    return Touch(store.objects / seconds, cpu, grown)


def _sizes(store: Store) -> dict[str, int]:
    return {each: meter.anonymous_bytes(pid) for each, pid in store.pids.items()}


async def run(asked: argparse.Namespace, folder: Path) -> Found:
    """All of it."""
    stores = {"few": Store(folder / "few", FEW), "many": Store(folder / "many", asked.objects)}
    found = Found(await machine(BUILD), {name: store.objects for name, store in stores.items()})
    _tell("lookups")
    found.lookups = await asyncio.to_thread(lambda: asyncio.run(lookups(FEW, asked.objects)))
    driver = Driver(warm_up=0.5, window=asked.seconds)
    try:
        for name, store in stores.items():
            _tell(f"filling and starting: {store.objects} objects")
            await store.start()
            found.filled[name] = store.filled
            found.started[name] = store.started
        for name, store in stores.items():
            _tell(f"first messages: {store.objects} objects")
            found.touched[name] = await touch(store)
        await sends(driver, stores, found, asked.rounds)
        for name, store in stores.items():
            _tell(f"lists and changes: {store.objects} objects")
            found.listed[name] = await lists(store)
            found.changed[name] = await changes(store)
            found.activated[name] = await activation(store)
            found.previewed[name] = await preview(store)
    finally:
        _tell("")
        await driver.stop()
        for store in stores.values():
            await store.stop()
    return found


def arguments() -> argparse.Namespace:
    """What the command line asks for."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.scale", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--objects", type=int, default=100_000, help="of the large store (100000)")
    parser.add_argument("--rounds", type=int, default=3, help="of the sends (3)")
    parser.add_argument("--seconds", type=float, default=3.0, help="of each row in each round (3)")
    parser.add_argument("--out", type=Path, default=Path("build/bench-scale.json"), help="where the JSON goes")
    return parser.parse_args()


def main() -> int:
    """Run, print and write what the command line asks for."""
    asked = arguments()
    folder = BUILD / f"scale-{os.getpid()}"
    try:
        found = asyncio.run(run(asked, folder))
    except BatosError as error:
        sys.stderr.write("\n".join((str(error), *error.fields.values(), "")))
        return 1
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    asked.out.parent.mkdir(parents=True, exist_ok=True)
    asked.out.write_text(json.dumps(asdict(found), indent=1) + "\n")
    sys.stdout.write("\n".join((*report(asdict(found)), f"\nwritten to {asked.out}", "")))
    return 0


def _tell(text: str) -> None:
    if sys.stderr.isatty():
        sys.stderr.write(f"\r\x1b[K{text}")
        sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main())
