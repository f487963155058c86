"""Ports of the loopback. Law: a port that was asked for is checked before anything is started on it.

gRPC servers may share a port on purpose, so that a second one would start, and get some of the first one's messages.
"""

import socket
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Self

from batos.local.errors import PortInUse

HOST = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Ports:
    """A port for each child; 0 takes any that is free."""

    dispatcher: int = 0
    synthesizer: int = 0
    objectstore: int = 0
    etcd: int = 0
    model: int = 0

    @classmethod
    def usual(cls, given: Mapping[str, int]) -> Self:
        """These, and for the services that have none the default ports, those of them that are free."""
        usual = {"dispatcher": 7001, "synthesizer": 7002, "objectstore": 7003}
        free = {name: port for name, port in usual.items() if port not in given.values() and is_free(port)}
        return cls(**{**free, **given})

    def check(self) -> None:
        """Raises PortInUse for the first that is given and not free, or given to another too."""
        names: dict[int, str] = {}
        for field in fields(self):
            port: int = getattr(self, field.name)
            if port and (port in names or not is_free(port)):
                raise PortInUse(field.name, port, names.get(port, ""))
            names |= {port: field.name} if port else {}


def is_free(port: int) -> bool:
    """Whether nothing listens on the port."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # what only closes does not listen
        try:
            probe.bind((HOST, port))
            probe.listen(1)
        except OSError:
            return False
        return True


def free_port() -> int:
    """A port that is free now; it may be taken before it is used."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return probe.getsockname()[1]
