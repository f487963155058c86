"""Asks, as native code in the worker's place, who it is and what it was given; stopped by what the launcher drops.

A wall that is missing here is named by the report, and is not tried.
"""

import os
import subprocess
from pathlib import Path

import pytest

from fakes.system_calls import MEMORY, NativeWorker
from fakes.taken import READ, WORKER_BYTES, command, stands, status
from sandbox.jail import JailLevel, launch_command


def test_it_is_nobody_with_no_power_and_no_way_to_any(
    free: NativeWorker, walled: NativeWorker, level: JailLevel
) -> None:
    found = status(walled.pid)
    if stands(level, "unprivileged"):
        assert set(found["Uid"].split()) & {"0"} == set()
        assert os.geteuid() != 0 or (found["Uid"].split()[0], found["Groups"]) == ("65534", "")
    if stands(level, "capabilities"):
        assert {found[name] for name in ("CapInh", "CapPrm", "CapEff", "CapAmb")} == {"0" * 16}
    if stands(level, "no_new_privs"):
        assert (found["NoNewPrivs"], status(free.pid)["NoNewPrivs"]) == ("1", status(os.getpid())["NoNewPrivs"])
    if stands(level, "seccomp"):
        assert (found["Seccomp"], found["Threads"]) == ("2", "1")


@pytest.mark.parametrize("name", ["user", "net", "ipc", "uts"])
def test_its_namespaces_are_its_own(free: NativeWorker, walled: NativeWorker, level: JailLevel, name: str) -> None:
    def namespace(pid: int) -> Path:
        return Path(f"/proc/{pid}/ns/{name}").readlink()

    assert namespace(free.pid) == namespace(os.getpid())
    if stands(level, name):
        assert namespace(walled.pid) != namespace(os.getpid())


def test_it_inherits_two_pipes_and_nothing_else(program: Path, level: JailLevel, tmp_path: Path) -> None:
    def inherited(start: list[str], descriptor: int) -> tuple[dict[int, str], bytes]:
        with NativeWorker(start, [descriptor]) as worker:
            worker.call(READ, 0, MEMORY, 0)
            home = Path(f"/proc/{worker.pid}")
            found = {int(entry.name): str(entry.readlink()) for entry in (home / "fd").iterdir()}
            return found, (home / "environ").read_bytes()

    with (tmp_path / "secret").open("w") as secret:
        found, environment = inherited([str(program)], secret.fileno())
        assert (secret.name in found.values(), b"SECRET" in environment) == (True, True)
        found, environment = inherited(command(program, level), secret.fileno())
    assert environment == b""
    if stands(level, "descriptors"):
        assert sorted(found) == [0, 1, 2]
        assert [found[0][:5], found[1][:5], found[2]] == ["pipe:", "pipe:", "/dev/null"]


def test_a_worker_that_misses_a_wall_does_not_start(program: Path) -> None:
    # No kernel nests user namespaces forty deep, so this order cannot be followed on any machine.
    walls = ["user"] * 40
    done = subprocess.run(launch_command("run", walls, WORKER_BYTES, program, []), capture_output=True, check=False)
    assert done.returncode == 3
    assert b"no worker is started" in done.stderr


def test_the_report_names_what_a_machine_refuses(program: Path) -> None:
    # A machine without user namespaces, made of one that has them: there, as root of a namespace, allow no more.
    refuse = (
        "import ctypes, os, sys; uid = os.getuid(); libc = ctypes.CDLL(None); libc.unshare(0x10000000)\n"
        "for path, text in (('self/setgroups', 'deny'), ('self/uid_map', f'0 {uid} 1'),"
        " ('sys/user/max_user_namespaces', '0')):\n"
        "    try: open(f'/proc/{path}', 'w').write(text)\n"
        "    except OSError: pass\n"
        "os.execv(sys.argv[1], sys.argv[1:])"
    )
    command = launch_command("probe", ["user", "no_new_privs", "rlimits"], WORKER_BYTES, program, [])
    done = subprocess.run([command[0], "-c", refuse, *command], capture_output=True, text=True, check=True)
    user, *others = done.stdout.splitlines()
    assert user.startswith("user\t")
    assert user != "user\tok"
    assert others == ["no_new_privs\tok", "rlimits\tok"]
