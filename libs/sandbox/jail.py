"""Which walls this machine offers, and the program that raises them.

Law: what is reported is what was tried. The launcher is probed for every wall before the first worker starts; exactly
the walls that stood are ordered for each worker, and a worker that misses one of them does not start. A wall is never
dropped silently: it is named in ``JailLevel.missing`` with the kernel's reason, and ``require`` makes that an error.
"""

import contextlib
import os
import shlex
import shutil
import struct
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sandbox import launcher
from sandbox.errors import SandboxUnavailable

WALLS: Mapping[str, str] = {
    "unprivileged": "the worker is not root",
    "user": "a user namespace of its own",
    "net": "a network of its own, without any interface",
    "ipc": "System V and POSIX message queues of its own",
    "uts": "a host name of its own",
    "capabilities": "no capability",
    "no_new_privs": "no privilege to be had by starting a program",
    "landlock": "no file but its own program and libraries",
    "rlimits": "a bound on memory and descriptors, no core dump, no file growth",
    "descriptors": "no descriptor but the two pipes to the host",
    "seccomp": "no system call but those of a program that computes",
}
_NAMESPACES = ("net", "ipc", "uts")
_LAST = ("capabilities", "no_new_privs", "landlock", "rlimits", "descriptors", "seccomp")
_CAP_SYS_ADMIN = 21
_PROBE_SECONDS = 20.0
_HEADER_BYTES = 1 << 16  # of a program; its segments are described in the first pages
_STATUS = {"no_new_privs": ("NoNewPrivs", "1"), "seccomp": ("Seccomp", "2"), "capabilities": ("CapEff", "0" * 16)}


@dataclass(frozen=True, slots=True)
class JailLevel:
    """The walls around every worker (keys of WALLS), and those that are missing, each with the reason."""

    applied: frozenset[str]
    missing: Mapping[str, str]

    def __str__(self) -> str:
        stands = f"{len(self.applied)} of {len(WALLS)} walls: {', '.join(sorted(self.applied)) or 'none'}"
        lacks = "; ".join(f"{name} ({reason})" for name, reason in sorted(self.missing.items()))
        return f"{stands}; missing: {lacks}" if lacks else stands


@dataclass(frozen=True, slots=True)
class Jail:
    """A program to start in the worker's place, and the level that it reaches. ``close`` removes what it made."""

    level: JailLevel
    program: Path
    folder: tempfile.TemporaryDirectory[str] | None  # removed at the interpreter's end too

    def close(self) -> None:
        """Remove the folder of the launcher's program."""
        if self.folder is not None:
            self.folder.cleanup()

    def confirm(self, pid: int) -> None:
        """Read the walls of a running worker back from the kernel. Raises SandboxUnavailable if one does not stand."""
        lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
        status = {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}
        wrong = [wall for wall in self.level.applied & _STATUS.keys() if status[_STATUS[wall][0]] != _STATUS[wall][1]]
        if "unprivileged" in self.level.applied and status["Uid"].split()[0] == "0":
            wrong.append("unprivileged")
        if wrong:
            raise SandboxUnavailable(f"a worker runs without {', '.join(wrong)}, which the probe had raised")


def build_jail(*, jailed: bool, require: frozenset[str], worker_bytes: int, binary: Path | None) -> Jail:
    """Probe this machine and write the launcher's program.

    Raises SandboxUnavailable if a required wall or Monty's program is missing, ValueError for an unknown wall.
    """
    if unknown := require - WALLS.keys():
        raise ValueError(f"no such wall: {', '.join(sorted(unknown))}; there are {', '.join(WALLS)}")
    program = (binary or find_worker()).resolve()
    if not program.is_file():
        raise SandboxUnavailable(f"there is no program {program}; install pydantic-monty")
    jail = _walled(program, worker_bytes) if jailed else _unwalled(program, "the jail is switched off")
    if lacking := require - jail.level.applied:
        jail.close()
        reasons = "; ".join(f"{name}: {jail.level.missing[name]}" for name in sorted(lacking))
        raise SandboxUnavailable(f"required walls do not stand here ({reasons})")
    return jail


def find_worker() -> Path:
    """Monty's program beside this Python, else on PATH. Raises SandboxUnavailable."""
    beside = Path(sysconfig.get_path("scripts")) / "monty"
    found = beside if beside.is_file() else shutil.which("monty")
    if found is None:
        raise SandboxUnavailable("the program `monty` is missing; install pydantic-monty")
    return Path(found)


def _unwalled(program: Path, reason: str) -> Jail:
    return Jail(JailLevel(frozenset(), dict.fromkeys(WALLS, reason)), program, None)


def _walled(program: Path, worker_bytes: int) -> Jail:
    if sys.platform != "linux":
        return _unwalled(program, f"{sys.platform} has no such wall")
    files = needed_files(program)
    level = probe(program, files, worker_bytes)
    walls = [name for name in wall_order() if name in level.applied]
    folder = tempfile.TemporaryDirectory(prefix="sandbox-")
    script = Path(folder.name) / "worker"
    command = shlex.join(launch_command("run", walls, worker_bytes, program, files))
    script.write_text(f'#!/bin/sh\nexec {command} "$@"\n', encoding="utf-8")
    script.chmod(0o700)
    return Jail(level, script, folder)


def launch_command(
    mode: str, walls: Sequence[str], worker_bytes: int, program: Path, files: Sequence[Path]
) -> list[str]:
    """The command line of the launcher; the arguments of the program are to follow."""
    script = Path(launcher.__file__)
    return [sys.executable, "-I", "-S", *map(str, (script, mode, ",".join(walls), worker_bytes, program, *files)), "--"]


def probe(program: Path, files: Sequence[Path], worker_bytes: int) -> JailLevel:
    """Raise every wall once, in a process that then ends. Raises SandboxUnavailable if the launcher itself fails."""
    command = launch_command("probe", wall_order(), worker_bytes, program, files)
    try:
        output = _output(command)
    except (OSError, subprocess.SubprocessError) as error:
        detail = getattr(error, "stderr", None) or error
        raise SandboxUnavailable(f"the launcher cannot be tried: {detail}") from error
    outcome = dict(line.split("\t", 1) for line in output.splitlines())
    missing = {name: outcome.get(name, "not tried") for name in WALLS if outcome.get(name) != "ok"}
    return JailLevel(frozenset(WALLS.keys() - missing.keys()), missing)


def wall_order() -> tuple[str, ...]:
    """The order that gets most walls up: root's power over namespaces goes with root; others gain it in ``user``."""
    if _may_administer():
        return (*_NAMESPACES, "unprivileged", "user", *_LAST)
    return ("unprivileged", "user", *_NAMESPACES, *_LAST)


def _may_administer() -> bool:
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    effective = next(line.split()[1] for line in lines if line.startswith("CapEff:"))
    return os.geteuid() == 0 and bool(int(effective, 16) >> _CAP_SYS_ADMIN & 1)


def needed_files(program: Path) -> list[Path]:
    """What a program reads to be started: its dynamic loader, the loader's cache, its libraries; none if it is static.

    The loader itself is asked (``ld.so --list``), so the answer is what the worker will load.
    """
    loader = _interpreter(program)
    if loader is None:
        return []
    try:
        listed = _output([str(loader), "--list", str(program)])
    except (OSError, subprocess.SubprocessError) as error:
        raise SandboxUnavailable(f"{loader} cannot tell the libraries of {program}: {error}") from error
    words = [word for line in listed.splitlines() for word in line.split()]
    found = {Path(word) for word in words if word.startswith("/")}
    return [path for path in sorted({loader, Path("/etc/ld.so.cache"), *found}) if path.exists()]


def _output(command: Sequence[str]) -> str:
    # Both commands are built here, of this Python, the launcher and the worker's program.
    done = subprocess.run(command, capture_output=True, text=True, timeout=_PROBE_SECONDS, check=True, env={})  # noqa: S603
    return done.stdout


def _interpreter(program: Path) -> Path | None:
    """The dynamic loader that a 64-bit ELF program names (its PT_INTERP segment)."""
    with program.open("rb") as file:
        content = file.read(_HEADER_BYTES)
    with contextlib.suppress(struct.error):
        (table,) = struct.unpack_from("<Q", content, 32)
        size, count = struct.unpack_from("<HH", content, 54)
        for number in range(count):
            kind, _, offset, _, _, length = struct.unpack_from("<IIQQQQ", content, table + number * size)
            if kind == 3:  # noqa: PLR2004 - PT_INTERP
                return Path(content[offset : offset + length].rstrip(b"\0").decode())
    return None
