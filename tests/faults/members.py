"""What the fault tests need of etcd beyond `fakes`. Law: etcd is asked in its own words, not through the suite."""

import random
import re
import socket
import subprocess
from pathlib import Path
from typing import Final

from fakes.etcd import Cluster, EtcdFailed, program

HOST: Final = "127.0.0.1"
USER, PASSWORD = "batos", "secret"
TOKEN_S: Final = 2  # so that tokens expire in the middle of a schedule
# Below the ports that the system gives to those who connect, so that nobody takes the port of one who is away.
PORTS: Final = range(20_000, 32_000)
UNSOUND: Final = ((3, 5, 0), (3, 5, 22))  # from the first up to the second, an etcd may lose data when it is killed
ASK_S: Final = 3.0


def version() -> tuple[int, ...]:
    """That of the etcd the tests run."""
    said = subprocess.run([program(), "--version"], capture_output=True, text=True, check=True).stdout
    found = re.search(r"etcd Version: (\d+)\.(\d+)\.(\d+)", said)
    assert found, said
    return tuple(map(int, found.groups()))


def survives_kill() -> bool:
    """Whether that etcd keeps what it acknowledged when it is killed."""
    return not UNSOUND[0] <= version() < UNSOUND[1]


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


def members(folder: Path, size: int, *, guarded: bool) -> Cluster:
    """An etcd that does not run yet; a guarded one forgets who logged in after 2 s."""
    cluster = Cluster(folder, size, [f"--auth-token-ttl={TOKEN_S}"] if guarded else [])
    for number, member in enumerate(cluster.members):
        member.name = f"etcd-{number}"
        member.client_port, member.peer_port, member.metrics_port = ports(3)
    for member in cluster.members:
        member.peers = {each.name: each.peer for each in cluster.members}
    return cluster


def compact(cluster: Cluster) -> int:
    """Let etcd forget what came before now; the revision. 0 where no member does it."""
    for member in cluster.members:
        try:
            found = member.post("/v3/kv/range", {"key": "AA=="}, ASK_S)
            revision = int(found["header"]["revision"])
            member.post("/v3/kv/compaction", {"revision": revision, "physical": True}, ASK_S)
        except (OSError, EtcdFailed):
            continue
        return revision
    return 0
