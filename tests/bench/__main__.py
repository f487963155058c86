"""`make bench`: measures the suite and its peers in one run, prints the table, and writes it as JSON.

    make bench                                              every row, 5 rounds, with Restate and Temporal
    make bench-quick                                        within a minute, without them
    make bench-quick ARGS="--only durable-unary-64 --rounds 2"
    make bench-quick ARGS="--only durable-unary-64 --profile dispatcher"
    make bench-long                                         half an hour: whether memory and database stay flat

Law: rows of one run take turns, so that a mood of the machine falls on all of them.
"""

import argparse
import asyncio
import math
import os
import shutil
import sys
import time
from pathlib import Path

from batos.errors import BatosError
from bench.machine import machine
from bench.report import Run, table, write
from bench.rounds import Plan, take_turns
from bench.rows import ROWS, chosen
from bench.soak import soak

BUILD = Path("build/bench")
QUICK_S = 55.0


def arguments() -> argparse.Namespace:
    """What the command line asks for."""
    parser = argparse.ArgumentParser(
        prog="python -m bench", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="short rounds, no peers: within a minute")
    parser.add_argument("--only", action="append", default=[], metavar="ROW[,ROW]", help="these rows alone")
    parser.add_argument("--list", action="store_true", help="list the rows and end")
    parser.add_argument("--rounds", type=int, help="how often each row is measured (5, quick: 2)")
    parser.add_argument("--seconds", type=float, help="how long each time (3, quick: 1)")
    parser.add_argument("--warm-up", type=float, help="how long before each time (1, quick: 0.3)")
    parser.add_argument("--profile", metavar="PROGRAM", help="tell where a program spends its time")
    parser.add_argument("--long", type=float, metavar="MINUTES", help="a steady load for so long instead")
    parser.add_argument("--rate", type=float, default=200.0, help="messages a second of that load (200)")
    parser.add_argument("--out", type=Path, help="where the JSON goes (build/bench.json, build/bench-long.json)")
    return parser.parse_args()


async def run(asked: argparse.Namespace, folder: Path) -> int:
    """Measure, print, write; the programs' files go into `folder`."""
    if asked.long:
        return await soak(folder, asked.long, asked.rate, asked.out or Path("build/bench-long.json"))
    quick = asked.quick
    try:
        rows = chosen(tuple(name for each in asked.only for name in each.split(",")), quick=quick)
    except KeyError as unknown:
        sys.stderr.write(f"no row is called {unknown}: --list lists them\n")
        return 2
    plan = Plan(
        rows=rows,
        rounds=asked.rounds or (2 if quick else 5),
        warm_up=asked.warm_up or (0.3 if quick else 1.0),
        window=asked.seconds or (1.0 if quick else 3.0),
        profile=asked.profile,
        folder=BUILD,
        run=folder,
        ends=time.monotonic() + QUICK_S if quick and not asked.rounds else math.inf,
    )
    found = await machine(BUILD)
    rounds, missing = await take_turns(plan)
    done = Run(found, rows, rounds, missing, plan.warm_up, plan.window)
    out = asked.out or Path("build/bench.json")
    write(done, out)
    sys.stdout.write("\n".join((*table(done), f"\nwritten to {out}", "")))
    return 0


def main() -> int:
    """Run what the command line asks for."""
    asked = arguments()
    if asked.list:
        sys.stdout.writelines(f"{row.name:<27} {row.what}: {row.consistency}\n" for row in ROWS)
        return 0
    folder = BUILD / f"run-{os.getpid()}"  # several runs at once do not meet
    try:
        return asyncio.run(run(asked, folder))
    except BatosError as error:
        told = "\n".join((str(error), *error.fields.values()))
        sys.stderr.write(f"{told}\n")
        return 1
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
