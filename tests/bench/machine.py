"""What the figures were taken on. Law: facts that a reader needs to judge them, and nothing that names a person."""

import os
import platform
import subprocess
from importlib.metadata import version
from pathlib import Path

from batos.local.etcd import find_etcd, version_of


async def machine(folder: Path) -> dict[str, object]:
    """Cores, kernel, versions, where the stores' files lie, and the load of others before the run."""
    etcd = await version_of(find_etcd(os.environ.get("PATH")))
    return {
        "cores": len(os.sched_getaffinity(0)),
        "cpu": _cpu_model(),
        "kernel": platform.release(),
        "filesystem": _filesystem(folder),
        "load": round(os.getloadavg()[0], 2),
        "python": platform.python_version(),
        "grpcio": version("grpcio"),
        "uvloop": version("uvloop"),
        "etcd": ".".join(map(str, etcd)),
        "commit": _commit(),
    }


def _cpu_model() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _filesystem(folder: Path) -> str:
    """The type of what is mounted closest above the folder."""
    mounts = [line.split()[1:3] for line in Path("/proc/mounts").read_text().splitlines()]
    within = [(point, kind) for point, kind in mounts if folder.absolute().is_relative_to(point)]
    return max(within, key=lambda each: len(each[0]), default=("", "unknown"))[1]


def _commit() -> str:
    told = subprocess.run(["git", "describe", "--always", "--dirty"], capture_output=True, text=True, check=False)
    return told.stdout.strip() or "unknown"
