"""Takes over the worker as native code and reaches for the machine; stopped by the walls around the process.

Every attempt is made twice: without the walls, where it has to succeed or be refused for another reason, and behind the
walls that this machine offers. A wall that is missing here is named by the report, and is not tried.
"""

import ctypes
import errno
import os
import socket
from pathlib import Path

import pytest

from fakes.system_calls import NativeWorker
from fakes.taken import AT_EMPTY_PATH, AT_FDCWD, MMAP, WORKER_BYTES, only, opened, stands
from sandbox.jail import JailLevel

DANGEROUS = {
    "open": 2,
    "stat": 4,
    "access": 21,
    "dup": 32,
    "dup2": 33,
    "pause": 34,
    "socket": 41,
    "socketpair": 53,
    "fork": 57,
    "vfork": 58,
    "execve": 59,
    "kill": 62,
    "uname": 63,
    "shmget": 29,
    "msgget": 68,
    "chdir": 80,
    "rename": 82,
    "mkdir": 83,
    "unlink": 87,
    "readlink": 89,
    "chmod": 90,
    "ptrace": 101,
    "setuid": 105,
    "mknod": 133,
    "personality": 135,
    "pivot_root": 155,
    "chroot": 161,
    "mount": 165,
    "swapon": 167,
    "reboot": 169,
    "sethostname": 170,
    "init_module": 175,
    "tkill": 200,
    "io_setup": 206,
    "timer_create": 222,
    "tgkill": 234,
    "mq_open": 240,
    "kexec_load": 246,
    "add_key": 248,
    "request_key": 249,
    "keyctl": 250,
    "unshare": 272,
    "splice": 275,
    "tee": 276,
    "vmsplice": 278,
    "signalfd": 282,
    "eventfd2": 290,
    "pipe2": 293,
    "dup3": 292,
    "perf_event_open": 298,
    "open_by_handle_at": 304,
    "setns": 308,
    "process_vm_readv": 310,
    "kcmp": 312,
    "finit_module": 313,
    "seccomp": 317,
    "memfd_create": 319,
    "bpf": 321,
    "userfaultfd": 323,
    "statx": 332,
    "pidfd_send_signal": 424,
    "io_uring_setup": 425,
    "open_tree": 428,
    "fsopen": 430,
    "pidfd_open": 434,
    "clone3": 435,
    "openat2": 437,
    "pidfd_getfd": 438,
    "landlock_create_ruleset": 444,
    "memfd_secret": 447,
    "io_cancel": 210,
}


@pytest.mark.parametrize("name", DANGEROUS)
def test_dangerous_system_calls_do_not_exist(walled: NativeWorker, level: JailLevel, name: str) -> None:
    if stands(level, "seccomp"):
        assert walled.call(DANGEROUS[name]) == -errno.ENOSYS


def test_a_system_call_of_the_other_numbering_does_not_exist(walled: NativeWorker, level: JailLevel) -> None:
    if stands(level, "seccomp"):
        assert walled.call(0x40000000 + 39) == -errno.ENOSYS  # getpid of x32


@pytest.mark.parametrize("path", ["/etc/passwd", "/proc/self/environ", "/", "/dev/null", "/proc/1/status"])
def test_no_file_can_be_read(free: NativeWorker, walled: NativeWorker, level: JailLevel, path: str) -> None:
    assert opened(free, Path(path)) >= 0
    if stands(level, "landlock"):
        assert opened(walled, Path(path)) == -errno.EACCES


def test_no_file_can_be_written_or_made(
    program: Path, free: NativeWorker, walled: NativeWorker, level: JailLevel, tmp_path: Path
) -> None:
    tmp_path.chmod(0o777)
    there = tmp_path / "there"
    there.write_text("x")
    there.chmod(0o666)
    for path, flags in ((there, os.O_WRONLY), (there, os.O_RDWR | os.O_TRUNC), (tmp_path / "new", os.O_CREAT)):
        assert opened(walled, path, flags) < 0
    if stands(level, "landlock"):
        with only(program, level, "seccomp") as worker:
            assert opened(worker, there, os.O_WRONLY) == -errno.EACCES
            assert opened(worker, tmp_path / "new", os.O_CREAT | os.O_WRONLY) == -errno.EACCES
    if stands(level, "seccomp"):
        with only(program, level, "landlock") as worker:
            assert opened(worker, there, os.O_WRONLY) == -errno.ENOSYS
    assert opened(free, there, os.O_WRONLY) >= 0
    assert [path.name for path in tmp_path.iterdir()] == ["there"]


def test_its_own_program_is_all_it_can_read(program: Path, walled: NativeWorker, level: JailLevel) -> None:
    if stands(level, "landlock") and os.access(program.parent, os.X_OK):
        assert opened(walled, program) in {-errno.EACCES, *range(3, 64)}
        assert opened(walled, program, os.O_WRONLY) < 0


def test_no_socket_can_be_made_and_no_port_reached(program: Path, free: NativeWorker, level: JailLevel) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        address = socket.AF_INET.to_bytes(2, "little") + port.to_bytes(2, "big") + bytes([127, 0, 0, 1]) + bytes(8)

        def connected(worker: NativeWorker) -> int:
            made = worker.call(41, socket.AF_INET, socket.SOCK_STREAM, 0)
            return made if made < 0 else worker.call(42, made, worker.place(address), len(address))

        assert connected(free) == 0
        if stands(level, "seccomp"):
            with only(program, level, "landlock", "net") as worker:
                assert connected(worker) == -errno.ENOSYS
        if stands(level, "net"):
            with only(program, level, "landlock", "seccomp") as worker:
                assert connected(worker) == -errno.ENETUNREACH
        if stands(level, "landlock"):
            with only(program, level, "net", "seccomp") as worker:
                assert connected(worker) == (-errno.EACCES if _landlock_version() >= 4 else 0)


def _landlock_version() -> int:
    return ctypes.CDLL(None).syscall(444, None, ctypes.c_long(0), ctypes.c_long(1))


def test_no_process_can_be_started(free: NativeWorker, walled: NativeWorker, level: JailLevel) -> None:
    def executed(worker: NativeWorker) -> int:
        path = worker.place(b"/nonexistent\0")
        return worker.call(59, path, 0, 0)

    assert executed(free) == -errno.ENOENT
    if stands(level, "seccomp"):
        assert executed(walled) == -errno.ENOSYS
        assert walled.call(56, 0x11) == -errno.ENOSYS  # clone of a whole process
        assert walled.call(322, AT_FDCWD, walled.place(b"/bin/sh\0"), 0, 0, 0) == -errno.ENOSYS


def test_no_program_but_its_own_may_be_started_at_all(program: Path, level: JailLevel) -> None:
    if stands(level, "landlock"):
        with only(program, level, "seccomp") as worker:
            assert worker.call(59, worker.place(b"/bin/sh\0"), 0, 0) == -errno.EACCES


def test_the_descriptor_that_started_it_is_out_of_reach(walled: NativeWorker, level: JailLevel) -> None:
    empty = walled.place(b"\0")
    assert walled.call(322, 200, empty, 0, 0, AT_EMPTY_PATH) < 0
    if stands(level, "seccomp"):
        assert walled.call(322, 200, empty, 0, 0, AT_EMPTY_PATH) == -errno.EBADF
        limits = walled.place((256).to_bytes(8, "little") * 2)
        assert walled.call(302, 0, 7, limits, 0) == -errno.ENOSYS  # prlimit64 of RLIMIT_NOFILE


def test_nobody_can_be_traced_or_signalled(program: Path, free: NativeWorker, level: JailLevel) -> None:
    assert free.call(62, os.getpid(), 0) == 0
    if stands(level, "seccomp"):
        with only(program, level, "landlock", "unprivileged", "user", "net", "ipc", "uts") as worker:
            assert worker.call(62, os.getpid(), 0) == -errno.ENOSYS
            assert worker.call(101, 16, os.getpid()) == -errno.ENOSYS  # PTRACE_ATTACH
    with only(program, level, "seccomp") as worker:
        assert worker.call(62, os.getpid(), 0) in ({-errno.EPERM} if os.geteuid() == 0 else {-errno.EPERM, 0})


def test_memory_ends_at_the_bound(free: NativeWorker, walled: NativeWorker, level: JailLevel) -> None:
    def mapped(worker: NativeWorker) -> int:
        return worker.call(MMAP, 0, 2 * WORKER_BYTES, 3, 0x4022, -1, 0)  # private, anonymous, not reserved

    assert mapped(free) > 0
    if stands(level, "rlimits"):
        assert mapped(walled) == -errno.ENOMEM


def test_no_more_threads_than_share_its_memory(walled: NativeWorker, level: JailLevel) -> None:
    if stands(level, "seccomp"):
        for flag in (0x00000100, 0x10000000, 0x40000000, 0x20000000):  # a process, or a namespace
            assert walled.call(56, flag) == -errno.ENOSYS
