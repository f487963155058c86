"""A worker without an interpreter: a native program that makes the system calls it is told to make.

It stands for a guest that has taken over its worker, so that the walls around the process can be tried alone. It reads
seven 64-bit words (number and arguments), makes that call, writes back what the kernel returned, and so on until its
input ends. The program is a 64-bit ELF of one page, put together here; it needs no compiler, loader or library.
"""

import os
import signal
import struct
import subprocess
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

_BASE = 0x400000
_HEADERS = 64 + 56
_WORDS = _BASE + 0x1000  # where the seven words lie
MEMORY = _BASE + 0x2000  # 48 KiB for what arguments point to
_SIZE = 0x10000

_PROGRAM = (
    b"\x31\xff"  # loop: xor edi, edi
    b"\xbe"
    + struct.pack("<I", _WORDS)  # mov esi, words
    + b"\xba\x38\x00\x00\x00"  # mov edx, 56
    + b"\x31\xc0\x0f\x05"  # xor eax, eax; syscall (read)
    + b"\x48\x83\xf8\x38"  # cmp rax, 56
    + b"\x75\x3b"  # jne exit
    + b"\xbb"
    + struct.pack("<I", _WORDS)  # mov ebx, words
    + b"\x48\x8b\x03\x48\x8b\x7b\x08\x48\x8b\x73\x10\x48\x8b\x53\x18"  # mov rax, rdi, rsi, rdx from there
    + b"\x4c\x8b\x53\x20\x4c\x8b\x43\x28\x4c\x8b\x4b\x30"  # mov r10, r8, r9 from there
    + b"\x0f\x05"  # syscall
    + b"\x48\x89\x03"  # mov [rbx], rax
    + b"\xbf\x01\x00\x00\x00\x48\x89\xde\xba\x08\x00\x00\x00\xb8\x01\x00\x00\x00\x0f\x05"  # write(1, words, 8)
    + b"\xeb\xaf"  # jmp loop
    + b"\xbf\x07\x00\x00\x00\xb8\xe7\x00\x00\x00\x0f\x05"  # exit: exit_group(7)
)


def write_program(path: Path) -> Path:
    """Put the program there."""
    header = struct.pack(
        "<16sHHIQQQIHHHHHH",
        b"\x7fELF\x02\x01\x01",
        *(2, 62, 1),  # an executable for x86-64
        *(_BASE + _HEADERS, 64, 0, 0),  # entry, program headers, no sections
        *(64, 56, 1, 0, 0, 0),
    )
    segment = struct.pack("<IIQQQQQQ", 1, 7, 0, _BASE, _BASE, _HEADERS + len(_PROGRAM), _SIZE, 0x1000)
    path.write_bytes(header + segment + _PROGRAM)
    path.chmod(0o755)
    return path


class NativeWorker:
    """The program, started by this command line; it is offered descriptors and a secret in its environment."""

    def __init__(self, command: Sequence[str], descriptors: Sequence[int] = ()) -> None:
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env={"SECRET": "1"}, pass_fds=descriptors
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.communicate()

    @property
    def pid(self) -> int:
        return self._process.pid

    def call(self, number: int, *arguments: int) -> int:
        """Make a system call: what it returned, an error as its negative number."""
        words = [number, *arguments, *[0] * (6 - len(arguments))]
        self._send(struct.pack("<7Q", *[word % (1 << 64) for word in words]))
        return struct.unpack("<q", self._receive())[0]

    def place(self, content: bytes, at: int = MEMORY) -> int:
        """Put bytes into the program's memory: their address."""
        self._send(struct.pack("<7Q", 0, 0, at, len(content), 0, 0, 0))
        self._send(content)
        if struct.unpack("<q", self._receive())[0] != len(content):
            raise AssertionError("the program did not take the bytes")
        return at

    def ended(self) -> bool:
        return self._process.poll() is not None

    def _send(self, content: bytes) -> None:
        stream = self._process.stdin
        if stream is None:
            raise AssertionError("the program has an input")
        stream.write(content)
        stream.flush()

    def _receive(self) -> bytes:
        stream = self._process.stdout
        if stream is None:
            raise AssertionError("the program has an output")
        signal.alarm(20)  # a call that never returns ends the test run, loudly
        answer = os.read(stream.fileno(), 8)
        signal.alarm(0)
        if len(answer) != 8:
            raise AssertionError("the program died")
        return answer
