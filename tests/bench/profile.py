"""Where a program's time goes under a row's load. Law: it is looked at from outside, and runs as it always does.

py-spy stops the program for a moment two hundred times a second, so figures of a profiled round are not reported.
Only what holds the interpreter's lock is counted, since that is what one Python program has one of: waiting is not, nor
what gRPC's core does beside it. Time in C shows as that of the Python function which is in it.
"""

import asyncio
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from bench.peers import INSTALLED, installed
from bench.subjects import NotHad

RATE = 200
LINES = 40


async def profile(pid: int, seconds: float, out: Path) -> None:
    """Sample one pid and write `out`: functions by the time in them, then folded stacks for a flame graph.

    Raises NotHad where py-spy cannot be had, or may not look.
    """
    await installed("pip")
    folded = out.with_suffix(".folded")
    command = (str(INSTALLED / "python" / "bin" / "py-spy"), "record", "--pid", str(pid), "--format", "raw")
    options = ("--duration", str(max(1, round(seconds))), "--rate", str(RATE), "--output", str(folded), "--gil")
    pipe = asyncio.subprocess.PIPE
    sampler = await asyncio.create_subprocess_exec(*command, *options, stdout=pipe, stderr=asyncio.subprocess.STDOUT)
    told, _ = await sampler.communicate()
    if sampler.returncode:
        raise NotHad(f"py-spy cannot look into it: {told.decode(errors='replace').strip().splitlines()[-1]}")
    stacks = await asyncio.to_thread(folded.read_text)
    await asyncio.to_thread(out.write_text, summary(stacks))


def summary(stacks: str) -> str:
    """Two tables from folded stacks (`frame;frame;… count`): time in a function itself, and in all it runs."""
    itself: Counter[str] = Counter()
    below: Counter[str] = Counter()
    for line in stacks.splitlines():
        stack, _, count = line.rpartition(" ")
        frames = [_function(frame) for frame in stack.split(";")]
        itself[frames[-1]] += int(count)
        below.update(dict.fromkeys(frames, int(count)))
    total = max(itself.total(), 1)
    return _table("in the function itself", itself, total) + "\n" + _table("in all that it runs", below, total)


def _function(frame: str) -> str:
    """A frame without its line number."""
    name, _, line = frame.rpartition(":")
    return f"{name})" if name and line.rstrip(")").isdigit() else frame


def _table(title: str, found: Mapping[str, int], total: int) -> str:
    ordered = sorted(found.items(), key=lambda each: -each[1])[:LINES]
    return "\n".join((f"share of {total} samples {title}", *(f"{n / total:6.1%}  {name}" for name, n in ordered), ""))
