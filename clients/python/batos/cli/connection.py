"""How a command finds the services. Law: an option beats the environment, that beats the file of `batctl up`."""

import asyncio
import functools
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar

import click

from batos.addresses import Addresses
from batos.client import Client

PATIENCE = 1.0  # seconds; a person would rather read what is wrong

_OPTIONS = (  # name, variable, default, help; the last is shown first
    ("--namespace", "BATOS_NAMESPACE", "default", "The tenant."),
    ("--synthesizer", "BATOS_SYNTHESIZER", "", "Where the synthesizer listens; `audit` and `synthesis` ask it."),
    ("--objectstore", "BATOS_OBJECTSTORE", "", "Where the objectstore listens; `object` and `method` ask it."),
    ("--address", "BATOS_DISPATCHER", "", "Where the dispatcher listens; `send` and `version` ask it."),
)
P = ParamSpec("P")
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Environment:
    """What `__main__` took from the environment: where data is kept by default, and the rest, for children."""

    data: Path
    variables: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Connection:
    """Where the services are, and the namespace that is meant."""

    addresses: Addresses
    namespace: str

    def client(self) -> Client:
        """A client; make it inside the event loop."""
        return Client(self.addresses, namespace=self.namespace, patience=PATIENCE, pipeline=False)


def data_option(command: Callable[P, R]) -> Callable[P, R]:
    """The option `--data`, the folder of `batctl up`; None for the default."""
    kind = click.Path(path_type=Path, file_okay=False)
    text = "Folder of `batctl up`.  [default: $XDG_DATA_HOME/batos]"
    return click.option("--data", type=kind, envvar="BATOS_DATA", metavar="DIR", help=text)(command)


def connected(command: Callable[Concatenate[Connection, P], R]) -> Callable[..., R]:
    """Give a command the options that say where the services are; its first parameter becomes the Connection."""
    return _connected(command, _OPTIONS)


def connected_to_store(command: Callable[Concatenate[Connection, P], R]) -> Callable[..., R]:
    """The same for a command that asks the objectstore alone, of all namespaces."""
    return _connected(command, [option for option in _OPTIONS if option[0] == "--objectstore"])


def _connected(
    command: Callable[Concatenate[Connection, P], R], named: Sequence[tuple[str, str, str, str]]
) -> Callable[..., R]:
    @functools.wraps(command)
    def connect(
        *arguments: Any,
        data: Path | None,
        address: str = "",
        objectstore: str = "",
        synthesizer: str = "",
        namespace: str = "default",
        **options: Any,
    ) -> R:
        environment = click.get_current_context().find_object(Environment)
        kept = Addresses.read(data or (environment.data if environment else Path()))
        given = {"dispatcher": address, "objectstore": objectstore, "synthesizer": synthesizer}
        return command(Connection(kept.changed(given), namespace), *arguments, **options)

    decorated: Callable[..., R] = data_option(connect)
    for name, envvar, default, text in named:
        kind = "NAME" if name == "--namespace" else "HOST:PORT"
        option = click.option(name, envvar=envvar, default=default, help=text, metavar=kind, show_envvar=True)
        decorated = option(decorated)
    return decorated


def wait(coroutine: Coroutine[Any, Any, R]) -> R:
    """Its result. Ctrl-C cancels it and raises KeyboardInterrupt."""
    return asyncio.run(coroutine)
