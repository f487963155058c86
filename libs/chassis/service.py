"""A service's process: `--help`, configuration, logs, telemetry, the event loop, exit codes.

Law: everything a service's `__main__` would repeat is here, and nothing that only one of them has. What cannot start
says why in one line on stderr and how to go on. Exit codes: 0 stopped as asked, 2 wrong configuration or arguments,
1 could not start.
"""

import argparse
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from importlib.metadata import version
from typing import Protocol, TypeVar

import uvloop

from chassis.config import ConfigError, describe, load
from chassis.server import ListenError
from chassis.telemetry import Telemetry, TelemetryConfig, setup, setup_logging


class StartError(Exception):
    """The service cannot start; the text says why and what to do."""


class LoggingConfig(Protocol):
    """What every service's configuration has: `log` is `text` or `json`."""

    @property
    def log(self) -> str:
        """How log lines look."""
        ...


C = TypeVar("C", bound=LoggingConfig)


def main(
    name: str,
    about: str,
    config: type[C],
    serve: Callable[[C, Telemetry], Awaitable[None]],
    *,
    environ: Mapping[str, str],
    arguments: Sequence[str] | None = None,
) -> int:
    """Run a service until it is told to stop, and return its exit code."""
    _help(name, about, config).parse_args(arguments)
    try:
        settings = load(config, environ)
        telemetry = setup(name, environ)
    except ConfigError as error:
        sys.stderr.write(f"{name}: {error}\n  see python -m {name} --help\n")
        return 2
    setup_logging(name, settings.log == "json")
    try:
        uvloop.run(_serve(serve, settings, telemetry))
    except (StartError, ListenError) as error:
        sys.stderr.write(f"{name}: {error}\n")
        return 1
    return 0


async def _serve(serve: Callable[[C, Telemetry], Awaitable[None]], settings: C, telemetry: Telemetry) -> None:
    await serve(settings, telemetry)


def _help(name: str, about: str, config: type[LoggingConfig]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=f"python -m {name}",
        description=about,
        epilog=f"environment:\n{describe(config)}\n\ntelemetry:\n{describe(TelemetryConfig)}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=version("batos-services"))
    return parser
