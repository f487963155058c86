"""Raises the walls around a worker and then becomes the worker.

Law: this file runs alone (``python -I -S launcher.py MODE WALLS BYTES BINARY FILE... -- ARGUMENT...``), before one line
of the guest exists, and imports the standard library only. It raises the walls it is told to, in the order it is told,
and in mode ``run`` one wall that fails ends it: a worker never starts with less than was promised. In mode ``probe`` it
tries every wall, writes ``name<TAB>ok`` or ``name<TAB>reason`` a line, and ends.

============  ======================================================================================================
unprivileged  the worker is not root: root becomes nobody, anyone else stays who they are
user          a user namespace of its own, in which it is nobody
net ipc uts   a network, System V and POSIX queues, and a host name of its own, all of them empty
capabilities  none
no_new_privs  and none to be had by running a program
landlock      no file but the ones given on the command line; no TCP; no signal and no abstract socket to the outside
rlimits       memory, no core dump, no file growth, 64 descriptors
descriptors   the two pipes to the host and ``/dev/null``
seccomp       the system calls of a program that computes; no socket, fork, exec, ptrace, mount, key, bpf, io_uring
============  ======================================================================================================

Why ``execveat`` of descriptor 200: the filter must let the worker's program be started and no other. It allows only
this one descriptor; that is closed by starting the program, and the limit of 64 descriptors keeps its number out of
reach for ever. Sources: landlock(7), seccomp(2), user_namespaces(7), ``struct seccomp_data`` in linux/seccomp.h.
"""

import ctypes
import functools
import os
import resource
import struct
import sys
from collections.abc import Callable, Sequence
from typing import NoReturn

_PROGRAM_FD = 200
_MAX_DESCRIPTORS = 64
_NOBODY = 65534
_CLONE_FLAGS = {"user": 0x10000000, "net": 0x40000000, "ipc": 0x08000000, "uts": 0x04000000}
_PR_SET_SECCOMP, _PR_SET_NO_NEW_PRIVS, _PR_CAP_AMBIENT = 22, 38, 47
_SECCOMP_MODE_FILTER, _PR_CAP_AMBIENT_CLEAR_ALL, _WORD = 2, 4, 0xFFFFFFFF
_LANDLOCK_CREATE, _LANDLOCK_ADD_RULE, _LANDLOCK_RESTRICT = 444, 445, 446  # the same number on every architecture
_LANDLOCK_EXECUTE, _LANDLOCK_READ_FILE = 1, 4
_FAILED = 3  # the exit status of a launcher that could not raise a wall

# The calls a program needs that computes, allocates, has threads, and talks over pipes it already has (x86-64).
_ALLOWED = (
    *(0, 1, 3, 5, 7, 8, 9),  # read write close fstat poll lseek mmap
    *(10, 11, 12, 13, 14, 15, 17, 19),  # mprotect munmap brk rt_sigaction rt_sigprocmask rt_sigreturn pread64 readv
    *(20, 24, 25, 28, 35, 39, 60),  # writev sched_yield mremap madvise nanosleep getpid exit
    *(96, 131, 158, 186),  # gettimeofday sigaltstack arch_prctl gettid
    *(201, 202, 204, 218, 219),  # time futex sched_getaffinity set_tid_address restart_syscall
    *(228, 229, 230, 231, 271, 273, 318, 324, 334),
    # clock_gettime clock_getres clock_nanosleep exit_group ppoll set_robust_list getrandom membarrier rseq
)


def _low(argument: int) -> int:
    return 16 + 8 * argument  # where ``struct seccomp_data`` keeps the low half of an argument


# Calls allowed for one use only: number -> (place, mask, value the masked word must have), all of them.
_CONDITIONAL = {
    257: ((_low(2), 0o3 | 0o100 | 0o1000, 0),),  # openat, only to read what is there
    262: ((_low(3), _WORD, 0x1000),),  # newfstatat, only of an open file (AT_EMPTY_PATH)
    56: ((_low(0), 0x00010000, 0x00010000),),  # clone, only a thread; clone3 cannot be judged and is refused
    157: ((_low(0), _WORD, 15),),  # prctl, only PR_SET_NAME
    302: ((_low(2), _WORD, 0), (_low(2) + 4, _WORD, 0)),  # prlimit64, only to read: no new limit
    322: ((_low(0), _WORD, _PROGRAM_FD), (_low(4), _WORD, 0x1000)),  # execveat of the worker's program
}
_AUDIT_ARCH_X86_64, _X32_BIT, _ENOSYS = 0xC000003E, 0x40000000, 38
_LOAD, _EQUAL, _GREATER_EQUAL, _AND, _RETURN = 0x20, 0x15, 0x35, 0x54, 0x06
_KILL, _REFUSE, _ALLOW = 0x80000000, 0x00050000 | _ENOSYS, 0x7FFF0000


def _checked(outcome: int) -> int:
    """The outcome of a C call, or its errno raised as OSError."""
    if outcome < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return outcome


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _syscall(number: int, *arguments: object) -> int:
    return _checked(_libc().syscall(ctypes.c_long(number), *arguments))


def _long(value: int) -> ctypes.c_long:
    return ctypes.c_long(value)


def _prctl(option: int, argument: object, pointer: object = None) -> int:
    # prctl reads its arguments as long; a bare int would leave the upper half to chance.
    return _checked(_libc().prctl(option, argument, pointer or _long(0), _long(0), _long(0)))


def _become_nobody() -> None:
    if os.geteuid() == 0:
        os.setgroups([])
        os.setresgid(_NOBODY, _NOBODY, _NOBODY)
        os.setresuid(_NOBODY, _NOBODY, _NOBODY)


def _unshare(name: str) -> None:
    # No user is mapped into a namespace of its own: seen from there, everyone is the kernel's overflow user, nobody.
    _checked(_libc().unshare(_CLONE_FLAGS[name]))


def _drop_capabilities() -> None:
    _prctl(_PR_CAP_AMBIENT, _long(_PR_CAP_AMBIENT_CLEAR_ALL))
    header = struct.pack("Ii", 0x20080522, 0)  # _LINUX_CAPABILITY_VERSION_3, this thread
    _checked(_libc().capset(header, bytes(24)))


def _forbid_new_privileges() -> None:
    _prctl(_PR_SET_NO_NEW_PRIVS, _long(1))


def _limit_resources(address_space: int) -> None:
    limits = {
        resource.RLIMIT_AS: address_space,
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_FSIZE: 0,
        resource.RLIMIT_MEMLOCK: 0,
        resource.RLIMIT_NOFILE: _MAX_DESCRIPTORS,
    }
    for which, value in limits.items():
        _, hard = resource.getrlimit(which)
        bound = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(which, (bound, bound))


def _restrict_files(readable: Sequence[int]) -> None:
    """Landlock: everything its version knows is forbidden, then each file given may be read and run."""
    version = _syscall(_LANDLOCK_CREATE, None, _long(0), _long(1))
    rights = 0x1FFF | (0x2000 if version >= 2 else 0) | (0x4000 if version >= 3 else 0)  # noqa: PLR2004 - ABI versions
    rights |= 0x8000 if version >= 5 else 0  # noqa: PLR2004
    attributes = struct.pack("QQQ", rights, 0x3 if version >= 4 else 0, 0x3 if version >= 6 else 0)  # noqa: PLR2004
    size = 24 if version >= 6 else 16 if version >= 4 else 8  # noqa: PLR2004
    ruleset = _syscall(_LANDLOCK_CREATE, attributes, _long(size), _long(0))
    for descriptor in readable:
        rule = struct.pack("=Qi", _LANDLOCK_EXECUTE | _LANDLOCK_READ_FILE, descriptor)
        _syscall(_LANDLOCK_ADD_RULE, _long(ruleset), _long(1), rule, _long(0))
    _syscall(_LANDLOCK_RESTRICT, _long(ruleset), _long(0))
    os.close(ruleset)


def _close_descriptors(null: int) -> None:
    os.dup2(null, 2)  # a guest must not write into the host's log
    os.closerange(3, _PROGRAM_FD)
    os.closerange(_PROGRAM_FD + 1, max(resource.getrlimit(resource.RLIMIT_NOFILE)[1], 1 << 16))


def _instruction(code: int, k: int, jump_true: int = 0, jump_false: int = 0) -> bytes:
    return struct.pack("HBBI", code, jump_true, jump_false, k)


def _filter_program() -> bytes:
    """The seccomp filter: allowed calls pass, every other is ENOSYS, foreign architectures are killed."""
    program = [
        _instruction(_LOAD, 4),
        _instruction(_EQUAL, _AUDIT_ARCH_X86_64, 1, 0),
        _instruction(_RETURN, _KILL),
        _instruction(_LOAD, 0),
        _instruction(_GREATER_EQUAL, _X32_BIT, 0, 1),
        _instruction(_RETURN, _REFUSE),
    ]
    for number in _ALLOWED:
        program += [_instruction(_EQUAL, number, 0, 1), _instruction(_RETURN, _ALLOW)]
    for number, conditions in _CONDITIONAL.items():
        body: list[bytes] = []
        for place, mask, value in conditions:
            body += [
                _instruction(_LOAD, place),
                _instruction(_AND, mask),
                _instruction(_EQUAL, value, 1, 0),
                _instruction(_RETURN, _REFUSE),
            ]
        body.append(_instruction(_RETURN, _ALLOW))
        program += [_instruction(_EQUAL, number, 0, len(body)), *body]
    return b"".join([*program, _instruction(_RETURN, _REFUSE)])


def _filter_system_calls() -> None:
    machine = os.uname().machine
    if machine != "x86_64" or sys.maxsize < 1 << 32:
        raise OSError(_ENOSYS, f"the numbers of the system calls of {machine} are not known here")
    program = _filter_program()
    code = ctypes.create_string_buffer(program, len(program))
    header = struct.pack("HxxxxxxP", len(program) // 8, ctypes.addressof(code))
    _prctl(_PR_SET_SECCOMP, _long(_SECCOMP_MODE_FILTER), header)


def _raise_walls(
    walls: Sequence[str], address_space: int, readable: Sequence[str], failed: Callable[[str, OSError], None]
) -> None:
    """Raise the walls in order; ``failed`` is told of each that does not stand, and may end the launcher."""
    null = os.open("/dev/null", os.O_WRONLY | os.O_CLOEXEC)
    # Opened while this is still who it was: nobody may not enter the folder in which a program is installed.
    files = [os.open(path, os.O_PATH | os.O_CLOEXEC) for path in readable]
    steps: dict[str, Callable[[], None]] = {
        "unprivileged": _become_nobody,
        "capabilities": _drop_capabilities,
        "no_new_privs": _forbid_new_privileges,
        "landlock": lambda: _restrict_files(files),
        "rlimits": lambda: _limit_resources(address_space),
        "descriptors": lambda: _close_descriptors(null),
        "seccomp": _filter_system_calls,
        **{name: functools.partial(_unshare, name) for name in _CLONE_FLAGS},
    }
    for name in walls:
        try:
            steps[name]()
        except OSError as error:
            failed(name, error)


def _probe(walls: Sequence[str], address_space: int, readable: Sequence[str]) -> NoReturn:
    """Try every wall and write what stands to standard output."""
    reasons: dict[str, str] = {}

    def failed(name: str, error: OSError) -> None:
        reasons[name] = error.strerror or str(error)

    _raise_walls(walls, address_space, readable, failed)
    os.write(1, "".join(f"{name}\t{reasons.get(name, 'ok')}\n" for name in walls).encode())
    os._exit(0)


def _become(
    walls: Sequence[str], address_space: int, readable: Sequence[str], binary: str, arguments: Sequence[str]
) -> NoReturn:
    """Raise exactly these walls and turn into the worker's program, with an empty environment."""

    def failed(name: str, error: OSError) -> None:
        os.write(2, f"sandbox: the wall {name!r} does not stand: {error}; no worker is started\n".encode())
        os._exit(_FAILED)

    program = os.open(binary, os.O_PATH | os.O_CLOEXEC)
    os.dup2(program, _PROGRAM_FD, inheritable=False)
    _raise_walls(walls, address_space, readable, failed)
    os.execve(_PROGRAM_FD, [binary, *arguments], {})  # noqa: S606 - a shell is what must not be there


def main(command: Sequence[str]) -> NoReturn:
    """Do what the command line says (see the module)."""
    end = command.index("--")
    mode, walls, address_space, binary, *files = command[:end]
    names, readable = walls.split(","), [binary, *files]
    if mode == "probe":
        _probe(names, int(address_space), readable)
    _become(names, int(address_space), readable, binary, command[end + 1 :])


if __name__ == "__main__":
    main(sys.argv[1:])
