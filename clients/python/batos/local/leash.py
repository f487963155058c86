"""Starts a program that ends when its parent does, even if the parent is killed. Law: needs nothing but Python itself.

    python -I -S leash.py PARENT_PID PROGRAM [ARGUMENTS...]

It becomes the program, so the pid stays. Linux tells a child of its parent's death by a signal: SIGTERM, since an etcd
that is killed may lose data and a service that is killed may leave workers behind.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def main(parent: int, command: list[str]) -> None:
    """Tie this program to its parent, and become `command`."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
        if os.getppid() != parent:  # it died before the line above
            sys.exit(1)
    try:
        os.execvp(command[0], command)  # noqa: S606 - the command is the suite's own
    except OSError as error:
        sys.exit(f"cannot start {command[0]}: {error.strerror}")


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])
