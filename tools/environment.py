"""`make setup`: a virtual environment that holds exactly what the locks say, and the two distributions editable.

It needs Python 3.11 or later and pip, no root, and obeys the user's pip configuration. The interpreter that runs this
file is the one that gets the environment. A stamp inside it tells whether anything is left to do, so a second run costs
nothing.
"""

import hashlib
import importlib.util
import shutil
import subprocess
import sys
import venv
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
OLDEST = (3, 11)
VENV = ROOT / ".venv"
STAMP = VENV / "ready"
LOCK = ROOT / "requirements" / "dev.txt"
DISTRIBUTIONS = (ROOT, ROOT / "clients" / "python")


def wanted() -> str:
    """The digest of all that decides what the environment holds: this interpreter, the lock, both distributions."""
    digest = hashlib.sha256(f"{sys.version} {VENV} ".encode())
    for path in (Path(__file__), LOCK, *(distribution / "pyproject.toml" for distribution in DISTRIBUTIONS)):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def brings_pip() -> bool:
    """Whether this interpreter can put pip into an environment; Debian's cannot without python3-venv."""
    return importlib.util.find_spec("ensurepip") is not None


def pip() -> list[str]:
    """The command that is pip for the environment: its own, else this interpreter's pip pointed at it."""
    inside = str(VENV / "bin" / "python")
    if imports_pip(inside):
        return [inside, "-m", "pip"]
    if imports_pip(sys.executable):
        return [sys.executable, "-m", "pip", "--python", inside]
    sys.exit(f"{sys.executable} has no pip: install it (on Debian python3-pip), then run `make setup` again.")


def imports_pip(python: str) -> bool:
    """Whether an interpreter has pip."""
    return subprocess.run([python, "-c", "import pip"], capture_output=True, check=False).returncode == 0


def create() -> None:
    """Make the environment anew, unless it belongs to this interpreter and stands where it was made."""
    config, activate = VENV / "pyvenv.cfg", VENV / "bin" / "activate"
    if config.exists() and activate.exists():
        version = f"version = {sys.version.split()[0]}"
        if version in config.read_text().splitlines() and str(VENV) in activate.read_text():
            return
    shutil.rmtree(VENV, ignore_errors=True)
    venv.create(VENV, with_pip=brings_pip(), symlinks=True)


def install(*arguments: str) -> None:
    """Run pip for the environment, its progress in sight. Raises CalledProcessError where pip failed."""
    subprocess.run([*pip(), "install", "--disable-pip-version-check", *arguments], check=True)


def editable(distributions: Iterable[Path]) -> list[str]:
    """The pip arguments that install the distributions in place, with build tools of the environment itself."""
    sources = [argument for distribution in distributions for argument in ("--editable", str(distribution))]
    return ["--no-deps", "--no-build-isolation", *sources]


def main() -> int:
    """Bring the environment to what is wanted; the exit status is pip's."""
    if sys.version_info < OLDEST:
        sys.exit(f"{sys.executable} is too old: BatOS needs Python {'.'.join(map(str, OLDEST))} or later.")
    digest = wanted()
    if STAMP.exists() and STAMP.read_text() == digest:
        return 0
    print(f"Setting up {VENV} with {sys.executable}; the first time takes a minute or two.", flush=True)
    STAMP.unlink(missing_ok=True)
    create()
    try:
        install("--require-hashes", "--requirement", str(LOCK))
        install("--quiet", *editable(DISTRIBUTIONS))
    except subprocess.CalledProcessError as failure:
        print("pip could not install the above: see its message, then run `make setup` again.", file=sys.stderr)
        return failure.returncode
    STAMP.write_text(digest)
    return 0


if __name__ == "__main__":
    sys.exit(main())
