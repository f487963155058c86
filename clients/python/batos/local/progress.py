"""How a long download tells where it is. LAW: standard error only, so that standard output stays the answer.

A terminal gets one moving bar; anything else (a log, CI, a pipe) gets a plain line for every tenth.
"""

import sys
from collections.abc import Generator
from contextlib import contextmanager
from typing import Protocol, TextIO

import rich.progress
from rich.console import Console


class Meter(Protocol):
    """Where a download is."""

    def at(self, done: int) -> None:
        """So many bytes of the whole are here."""
        ...


class PlainMeter:
    """A line for every tenth of `total` bytes."""

    def __init__(self, title: str, total: int, out: TextIO) -> None:
        self._title, self._total, self._out = title, total, out
        self._tenth = -1

    def at(self, done: int) -> None:
        """See Meter."""
        tenth = min(10, done * 10 // self._total)
        if tenth > self._tenth:
            self._tenth = tenth
            self._out.write(f"{self._title}: {tenth * 10} % of {self._total / 1e6:.0f} MB\n")
            self._out.flush()


class BarMeter:
    """One task of a rich progress bar."""

    def __init__(self, bar: rich.progress.Progress, task: rich.progress.TaskID) -> None:
        self._bar, self._task = bar, task

    def at(self, done: int) -> None:
        """See Meter."""
        self._bar.update(self._task, completed=done)


@contextmanager
def meter(title: str, total: int) -> Generator[Meter]:
    """A meter for `total` bytes, on standard error."""
    out = sys.stderr
    if not out.isatty():
        yield PlainMeter(title, total, out)
        return
    columns = (
        rich.progress.TextColumn("{task.description}"),
        rich.progress.BarColumn(),
        rich.progress.DownloadColumn(),
        rich.progress.TransferSpeedColumn(),
        rich.progress.TimeRemainingColumn(),
    )
    with rich.progress.Progress(*columns, console=Console(file=out)) as bar:
        yield BarMeter(bar, bar.add_task(title, total=total))
