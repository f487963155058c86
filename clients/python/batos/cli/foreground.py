"""A suite in the foreground of a terminal. Law: one line a child, and when it returns nothing of it runs."""

import asyncio
import signal
from collections.abc import Mapping
from pathlib import Path

from rich.text import Text

from batos.cli.terminal import stdout
from batos.local.ports import Ports
from batos.local.suite import Suite, Told

# Without an example, a new method waits for a person's approval.
TRY = (
    "batctl object create counter/main --slot count=0",
    (
        'batctl send counter/main increment 2 --intent "Add to the count" '
        """--example '{"before": {"count": 1}, "args": [2], "result": 3}'"""
    ),
)


async def stay(
    *, data: Path, model: str, persona_url: str, workers: int, ports: Ports, environment: Mapping[str, str]
) -> None:
    """Run the suite until a signal comes. Raises BatosError where it does not start, or a child ends."""
    suite = Suite(
        data=data,
        model=model,
        persona_url=persona_url,
        ports=ports,
        environment=environment,
        workers=workers,
        tell=_tell,
    )
    stop = _Stop(suite)
    running = asyncio.create_task(_run(suite))
    told = asyncio.create_task(stop.told.wait())
    await asyncio.wait({running, told}, return_when=asyncio.FIRST_COMPLETED)
    told.cancel()
    if stop.told.is_set():
        stdout().print("stopping; once more does not wait")
        running.cancel()
    try:
        await running
    except asyncio.CancelledError:
        stdout().print("stopped")


async def _run(suite: Suite) -> None:
    async with suite:
        stdout().print(Text(f"serving from {suite.data}, Ctrl-C stops it", style="bold"))
        for words, command in zip(("try, elsewhere:", ""), TRY, strict=True):
            stdout().print(f"{words:15} {command}")
        raise await suite.ended()


class _Stop:
    """What SIGINT and SIGTERM do: the first stops in order, the second at once."""

    def __init__(self, suite: Suite) -> None:
        self.told = asyncio.Event()
        self._suite = suite
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, self._signal)

    def _signal(self) -> None:
        if self.told.is_set():
            self._suite.kill()
        self.told.set()


def _tell(told: Told) -> None:
    child = told.child
    if child is None:
        stdout().print(Text(told.text, style="yellow"))
        return
    stdout().print(f"{child.name:12} {child.address:22} pid {child.pid:<8} {child.seconds:5.1f} s")
