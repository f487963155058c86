"""A service of several processes over nothing: `python -m fakes.tiny_workers`. Ask answers the pid that serves.

TINY_FAILS: a file of worker numbers, separated by spaces, that cannot start. TINY_SLOW: seconds that Ask takes.
TINY_STUCK: Ask keeps the event loop to itself. TINY_PRINTS: characters that Ask prints, before a § and the end.
"""

import asyncio
import logging
import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from chassis.address import Address
from chassis.config import address, between, integer, setting
from chassis.server import ServerSpec, announce, run
from chassis.service import StartError, main
from chassis.telemetry import Telemetry
from fakes.tiny import NAME, ServicerContext, Tiny, status_of


@dataclass(frozen=True, slots=True)
class Config:
    """Where to listen, and how."""

    listen: Address = setting("BATOS_LISTEN", default=Address("127.0.0.1", 0), parse=address, help="host:port")
    workers: int = setting("BATOS_WORKERS", default=1, parse=between(integer, 1, 8), help="processes")
    log: str = setting("BATOS_LOG", default="text", help="text or json")


async def serve(config: Config, telemetry: Telemetry) -> None:
    """Serve until told to stop."""
    if (number := sys.argv[-1]) in _failing():
        raise StartError(f"worker {number} cannot start: the test says so")

    async def ask(context: ServicerContext) -> bytes:
        logging.getLogger("tiny").warning("asked")
        if os.environ.get("TINY_STUCK"):
            time.sleep(300)  # noqa: ASYNC251 - that is what it is asked for
        if prints := int(os.environ.get("TINY_PRINTS", "0")):
            sys.stdout.write("é" * prints + "§\n")
            sys.stdout.flush()
        await asyncio.sleep(float(os.environ.get("TINY_SLOW", "0")))
        return str(os.getpid()).encode()

    spec = ServerSpec(
        services={NAME: Tiny(ask).register},
        listen=config.listen,
        status_of=status_of,
        telemetry=telemetry,
        ready=announce,
        reuse_port=config.workers > 1,
        grace=3.0,
    )
    await run(spec)


def _failing() -> list[str]:
    return Path(os.environ["TINY_FAILS"]).read_text().split() if "TINY_FAILS" in os.environ else []


if __name__ == "__main__":
    sys.exit(main("fakes.tiny_workers", "Answers who serves.", Config, serve, environ=os.environ))
