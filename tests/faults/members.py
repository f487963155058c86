"""The etcd of a cluster: one member or three. Law: a member comes back as itself, with its data and ports."""

import asyncio
import http.client
import json
import os
import random
import re
import socket
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from batos.local.child import Child, Program
from fakes.etcd import program

HOST = "127.0.0.1"
PROBE_S = 1.0
ASK_S = 3.0
# Below the ports that the system gives to those who connect, so that nobody takes the port of one who is away.
PORTS = range(20_000, 32_000)
SOUND = ((3, 5, 0), (3, 5, 22))  # from the first up to the second, an etcd may lose data when it is killed


def version() -> tuple[int, ...]:
    """That of the etcd the tests run."""
    said = subprocess.run([program(), "--version"], capture_output=True, text=True, check=True).stdout
    found = re.search(r"etcd Version: (\d+)\.(\d+)\.(\d+)", said)
    assert found, said
    return tuple(map(int, found.groups()))


def survives_kill() -> bool:
    """Whether that etcd keeps what it acknowledged when it is killed."""
    return not SOUND[0] <= version() < SOUND[1]


def ports(count: int) -> list[int]:
    """Different loopback ports that nothing listens on, and that nobody gets by connecting."""
    found: list[int] = []
    while len(found) < count:
        port = random.SystemRandom().choice(PORTS)
        with socket.socket() as trial:
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                trial.bind((HOST, port))
            except OSError:
                continue
        if port not in found:
            found.append(port)
    return found


@dataclass(frozen=True, slots=True)
class Member:
    """One member of etcd: where it serves and what it is started with."""

    name: str
    client_port: int
    peer_port: int
    data: Path

    @property
    def endpoint(self) -> str:
        """Where clients connect."""
        return f"{HOST}:{self.client_port}"

    def program(self, members: list["Member"]) -> Program:
        """What to run, one of these members."""
        client, peer = f"http://{self.endpoint}", f"http://{HOST}:{self.peer_port}"
        everyone = ",".join(f"{each.name}=http://{HOST}:{each.peer_port}" for each in members)
        command = [program(), f"--name={self.name}", f"--data-dir={self.data}", f"--initial-cluster={everyone}"]
        command += [f"--listen-client-urls={client}", f"--advertise-client-urls={client}"]
        command += [f"--listen-peer-urls={peer}", f"--initial-advertise-peer-urls={peer}"]
        without = {name: value for name, value in os.environ.items() if not name.startswith("ETCD_")}
        return Program(self.name, command, without)

    async def serving(self, child: Child) -> str | None:
        """The probe: where it serves, once it answers linearizable reads."""
        try:
            await ask(self.endpoint, "/v3/kv/range", {"key": "AA=="}, PROBE_S)
        except (OSError, http.client.HTTPException):
            return None
        return self.endpoint


async def ask(endpoint: str, path: str, body: dict[str, Any], seconds: float = ASK_S) -> dict[str, Any]:
    """The answer of etcd's HTTP gateway. Raises OSError, HTTPException (also for what etcd refuses)."""
    return await asyncio.to_thread(_ask, endpoint, path, body, seconds)


def _ask(endpoint: str, path: str, body: dict[str, Any], seconds: float) -> dict[str, Any]:
    connection = http.client.HTTPConnection(endpoint, timeout=seconds)
    try:
        connection.request("POST", path, json.dumps(body))
        response = connection.getresponse()
        text = response.read().decode(errors="replace")
    finally:
        connection.close()
    if response.status != http.client.OK:
        raise http.client.HTTPException(f"{path} answered {response.status}: {text}")
    return json.loads(text)


def members(count: int, folder: Path) -> list[Member]:
    """Members that do not run yet."""
    found = ports(2 * count)
    return [
        Member(f"etcd-{number}", found[2 * number], found[2 * number + 1], folder / f"etcd-{number}")
        for number in range(count)
    ]


async def leader(of: list[Member]) -> Member | None:
    """Who leads now; None where nobody says so."""
    for member in of:
        try:
            status = await ask(member.endpoint, "/v3/maintenance/status", {}, PROBE_S)
        except (OSError, http.client.HTTPException):
            continue
        if status.get("leader") == status["header"]["member_id"]:
            return member
    return None


async def compact(of: list[Member]) -> int:
    """Let etcd forget what came before now; the revision. 0 where no member does it."""
    for member in of:
        try:
            found = await ask(member.endpoint, "/v3/kv/range", {"key": "AA=="})
            revision = found["header"]["revision"]
            await ask(member.endpoint, "/v3/kv/compaction", {"revision": revision, "physical": True})
        except (OSError, http.client.HTTPException):
            continue
        return int(revision)
    return 0
