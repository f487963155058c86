"""The real `batctl`, as a shell would run it: its own interpreter, its exit code, stdout and stderr apart."""

import asyncio
import os
import signal
import sys
from collections.abc import Mapping
from dataclasses import dataclass

from batos.addresses import Addresses


@dataclass(frozen=True)
class Ran:
    code: int
    stdout: str
    stderr: str

    @property
    def reason(self) -> str:
        """The reason of the one `error:` line. Raises AssertionError where there is not exactly one."""
        (line,) = [line for line in self.stderr.splitlines() if line.startswith("error: ")]
        return line.split(": ")[1]


async def batctl(
    *arguments: str,
    addresses: Addresses | None = None,
    stdin: str = "",
    environment: Mapping[str, str] | None = None,
    interrupt_after: float | None = None,
) -> Ran:
    """Run a command line to its end; Ctrl-C it after so many seconds, where asked."""
    given = (
        {}
        if addresses is None
        else {
            "BATOS_DISPATCHER": addresses.dispatcher,
            "BATOS_OBJECTSTORE": addresses.objectstore,
            "BATOS_SYNTHESIZER": addresses.synthesizer,
        }
    )
    child = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "batos.cli", *arguments),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, "XDG_DATA_HOME": "/nonexistent", **given, **(environment or {})},
    )
    running = asyncio.ensure_future(child.communicate(stdin.encode()))
    if interrupt_after is not None:
        await asyncio.sleep(interrupt_after)
        child.send_signal(signal.SIGINT)
    stdout, stderr = await asyncio.wait_for(running, 30)
    return Ran(child.returncode or 0, stdout.decode(), stderr.decode())
