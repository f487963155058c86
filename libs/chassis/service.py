"""A service's process: `--help`, configuration, logs, telemetry, the event loop, exit codes.

Law: everything a service's `__main__` would repeat is here, and nothing that only one of them has. What cannot start
says why in one line on stderr and how to go on. Exit codes: 0 stopped as asked, 2 wrong configuration or arguments,
1 could not start.
"""

import argparse
import asyncio
import gc
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from importlib.metadata import version
from typing import Protocol, TypeVar

import uvloop

from chassis import workers
from chassis.address import Address
from chassis.config import ConfigError, describe, load, variable
from chassis.logs import setup_logging
from chassis.server import ListenError, announce
from chassis.telemetry import Telemetry, TelemetryConfig, setup

_WORKER = "--as-worker"


class StartError(Exception):
    """The service cannot start; the text says why and what to do."""


class ServiceConfig(Protocol):
    """What every service's configuration has: `log` is `text` or `json`."""

    @property
    def listen(self) -> Address:
        """Where it serves; port 0 for any."""
        ...

    @property
    def workers(self) -> int:
        """How many processes serve there; with several, each listens with `reuse_port`."""
        ...

    @property
    def log(self) -> str:
        """How log lines look."""
        ...


C = TypeVar("C", bound=ServiceConfig)


def main(
    name: str,
    about: str,
    config: type[C],
    serve: Callable[[C, Telemetry], Awaitable[None]],
    *,
    environ: Mapping[str, str],
    arguments: Sequence[str] | None = None,
) -> int:
    """Run the service `python -m NAME` until it is told to stop, and return its exit code."""
    asked = _help(name, about, config).parse_args(arguments)
    if asked.workers is not None:
        environ = {**environ, variable(config, "workers"): asked.workers}
    try:
        settings = load(config, environ)
        alone = settings.workers == 1
        telemetry = setup(name, environ) if alone or asked.worker else Telemetry.off()
    except ConfigError as error:
        sys.stderr.write(f"{name}: {error}\n  see python -m {name} --help\n")
        return 2
    setup_logging(name, json=settings.log == "json", worker=asked.worker)
    try:
        if not alone and not asked.worker:
            return asyncio.run(workers.keep(_workers(name, config, settings, environ)))
        if asked.worker:
            workers.tie_to_parent()
        _spare_collections()
        uvloop.run(_serve(serve, settings, telemetry))
    except (StartError, ListenError) as error:
        sys.stderr.write(f"{name}: {error}\n")
        return 1
    return 0


def _spare_collections() -> None:
    """Let the collector look less often, and never at what a service is made of.

    A request makes some fifty containers, and nearly all go with it by themselves: by default every fourteenth request
    would pay for a look at the young ones, and now and then one for a look at all.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)


async def _serve(serve: Callable[[C, Telemetry], Awaitable[None]], settings: C, telemetry: Telemetry) -> None:
    await serve(settings, telemetry)


def _workers(name: str, config: type[C], settings: C, environ: Mapping[str, str]) -> workers.WorkersSpec:
    listen = variable(config, "listen")
    return workers.WorkersSpec(
        command=(sys.executable, "-m", name, _WORKER),
        environment=lambda address: {**environ, listen: str(address)},
        count=settings.workers,
        listen=settings.listen,
        ready=announce,
    )


def _help(name: str, about: str, config: type[ServiceConfig]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=f"python -m {name}",
        description=about,
        epilog=f"environment:\n{describe(config)}\n\ntelemetry:\n{describe(TelemetryConfig)}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--workers",
        metavar="N",
        help=f"processes that serve the address together, one for each core, say; as {variable(config, 'workers')}",
    )
    # A worker's number, which its parent gives.
    parser.add_argument(_WORKER, dest="worker", type=int, default=0, help=argparse.SUPPRESS)
    parser.add_argument("--version", action="version", version=version("batos-services"))
    return parser
