"""The load generator, a program of its own: `python -m bench.generator` runs the jobs that stdin brings, one a line.

Law: between `begin` and `end` it does nothing but send and count. Its own CPU is read from outside, as everyone's.
"""

import asyncio
import gc
import sys
import time

import msgspec
import uvloop

from bench.jobs import Job, Outcome
from bench.roads import ROADS
from bench.tally import Refused, Tally

PATIENCE_S = 10.0


async def run(job: Job) -> Outcome:
    """One job, to its end."""
    tally = Tally(job)
    gc.collect()
    gc.freeze()
    gc.disable()  # its own pauses are no one's latency
    try:
        async with asyncio.timeout(job.end + PATIENCE_S - time.monotonic()):
            await ROADS[job.road](job, tally)
    except* Refused:
        pass  # the tally says what was refused, and how often
    except* TimeoutError:
        tally.failed(f"no answer {PATIENCE_S:g} s after the end")
    finally:
        gc.enable()
        gc.unfreeze()
    return tally.outcome()


async def main() -> None:
    """Answer each line of stdin with one of stdout, until there is none."""
    while line := await asyncio.to_thread(sys.stdin.buffer.readline):
        outcome = await run(msgspec.json.decode(line, type=Job))
        sys.stdout.buffer.write(msgspec.json.encode(outcome) + b"\n")
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    uvloop.run(main())
