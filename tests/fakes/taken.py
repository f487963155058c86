"""A worker taken over by native code, behind the walls that this machine offers, or some of them."""

import contextlib
import os
from collections.abc import Generator, Sequence
from pathlib import Path

from fakes.system_calls import MEMORY, NativeWorker
from sandbox.jail import JailLevel, launch_command, wall_order

WORKER_BYTES = 1 << 30
AT_FDCWD, AT_EMPTY_PATH = -100, 0x1000
READ, WRITE, OPEN, MMAP, OPENAT = 0, 1, 2, 9, 257


def command(program: Path, level: JailLevel, without: Sequence[str] = ()) -> list[str]:
    walls = [name for name in wall_order() if name in level.applied and name not in without]
    return launch_command("run", walls, WORKER_BYTES, program, [])


@contextlib.contextmanager
def only(program: Path, level: JailLevel, *without: str) -> Generator[NativeWorker]:
    """A worker with these walls left out, so that another has to hold."""
    with NativeWorker(command(program, level, without)) as worker:
        worker.call(READ, 0, MEMORY, 0)  # answers when the launcher is through
        yield worker


def stands(level: JailLevel, wall: str) -> bool:
    """Whether a wall can be tried here; one that cannot has a reason."""
    return wall in level.applied or not level.missing[wall]


def opened(worker: NativeWorker, path: Path, flags: int = os.O_RDONLY) -> int:
    return worker.call(OPENAT, AT_FDCWD, worker.place(f"{path}\0".encode()), flags, 0o600)


def status(pid: int) -> dict[str, str]:
    lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
    return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}
