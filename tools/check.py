"""`make check`: everything that must hold of the source before a test runs, one line each.

Every check runs, two at a time, and says nothing of its own unless it fails; none changes a file or needs a network.
"""

import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent

# The slow one comes first, so that the others run beside it.
CHECKS: dict[str, tuple[str, ...]] = {
    "types": ("pyright",),
    "format": ("ruff", "format", "--check", "--quiet", "."),
    "lint": ("ruff", "check", "--quiet", "."),
    "walls": ("lint-imports", "--no-logo"),
    "contract lint": ("buf", "lint", "proto"),
    "contract format": ("buf", "format", "--diff", "--exit-code", "proto"),
    "generated code": ("python", "tools/protos.py", "--check"),
    "locks": ("python", "tools/locks.py", "--check"),
    "conventions": ("python", "tools/conventions.py"),
}


def last_release() -> str | None:
    """The tag of the latest release that this commit follows, if there was one."""
    command = ["git", "-C", str(ROOT), "describe", "--tags", "--abbrev=0", "--match", "v[0-9]*"]
    found = subprocess.run(command, capture_output=True, text=True, check=False)
    return found.stdout.strip() or None


def run(name: str, command: tuple[str, ...]) -> bool:
    """Run one check, print its line, and its output too where it failed; whether it passed."""
    began = time.monotonic()
    program, *arguments = command
    done = subprocess.run(
        [str(BIN / program), *arguments], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False
    )
    passed = done.returncode == 0
    line = f"{'ok    ' if passed else 'FAILED'} {name} ({' '.join(command)}) {time.monotonic() - began:.1f} s\n"
    sys.stdout.write(line if passed else line + done.stdout.decode(errors="replace"))
    sys.stdout.flush()
    return passed


def main() -> int:
    """Run every check; the exit status is 1 if one failed."""
    checks = dict(CHECKS)
    if release := last_release():
        checks["contract unbroken"] = ("buf", "breaking", "proto", "--against", f".git#tag={release},subdir=proto")
    else:
        print("skip   contract unbroken: no release yet to compare with")
    with ThreadPoolExecutor(max_workers=2) as pool:
        passed = list(pool.map(run, checks.keys(), checks.values()))
    if failed := passed.count(False):
        print(f"{failed} of {len(passed)} checks failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
