"""The locks in `requirements/` are what each `pyproject.toml` resolves to, with hashes and third parties only.

`python tools/locks.py` makes them anew with uv and keeps the pinned versions that still fit; further arguments go to uv
(`--upgrade`, `--upgrade-package grpcio`). With `--check` it compares, offline, what both distributions ask for with
what is pinned. No file names an index: where packages come from is the business of whoever installs them.
"""

import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from environment import ROOT, pip

REQUIREMENTS = ROOT / "requirements"
UV = ROOT / "build" / "uv"
SERVICES, CLIENT, BENCH = ".", "clients/python", "tests/bench"
LOCKS = {  # what each lock installs: distribution → extras
    "dev": {SERVICES: ("dev",), CLIENT: ("local",)},
    "objectstore": {SERVICES: ("objectstore",), CLIENT: ()},
    "dispatcher": {SERVICES: ("dispatcher",), CLIENT: ()},
    "synthesizer": {SERVICES: ("synthesizer",), CLIENT: ()},
    "bench": {BENCH: ()},
}
OURS = ("batos", "batos-services", "batos-bench")
PIN = re.compile(r"^([A-Za-z0-9._-]+)==([^ ;\\]+)", re.MULTILINE)


def compile_lock(name: str, options: list[str]) -> None:
    """Resolve one lock; all others take the versions of `dev`, so what is tested is what ships."""
    sources = [f"-e {path}[{','.join(extras)}]" for path, extras in LOCKS[name].items()]
    command = [str(UV / "bin" / "uv"), "pip", "compile", "-", "--universal", "--python-version", "3.11", "--quiet"]
    command += ["--generate-hashes", "--no-emit-index-url", "--no-emit-find-links", "--no-annotate"]
    command += ["--custom-compile-command", "make lock"]
    command += [f"--no-emit-package={package}" for package in OURS]
    if name == "dev":
        command += options
    else:
        command += ["--constraints", str(REQUIREMENTS / "dev.txt"), "--upgrade"]
    command += ["--output-file", str(REQUIREMENTS / f"{name}.txt")]
    subprocess.run(command, cwd=ROOT, input="\n".join(sources), text=True, check=True)


def wanted(distribution: str, extras: tuple[str, ...]) -> Iterator[Requirement]:
    """The third-party requirements of a distribution with some of its extras, those that name ours resolved."""
    project = tomllib.loads((ROOT / distribution / "pyproject.toml").read_text())["project"]
    optional = project.get("optional-dependencies", {})
    texts = [*project["dependencies"], *(text for extra in extras for text in optional[extra])]
    for requirement in map(Requirement, texts):
        if requirement.name not in OURS:
            yield requirement
        elif requirement.name == project["name"]:
            yield from wanted(distribution, tuple(requirement.extras))


def mismatches(name: str) -> Iterator[str]:
    """What the distributions ask for and one lock does not pin, or pins otherwise: a line each."""
    lock = REQUIREMENTS / f"{name}.txt"
    pins = {canonicalize_name(package): version for package, version in PIN.findall(lock.read_text())}
    for distribution, extras in LOCKS[name].items():
        for requirement in wanted(distribution, extras):
            pinned = pins.get(canonicalize_name(requirement.name))
            if pinned is None or not requirement.specifier.contains(pinned, prereleases=True):
                yield f"{lock.relative_to(ROOT)} pins {pinned or 'nothing'} where {distribution} asks for {requirement}"


def main(arguments: list[str]) -> int:
    """Lock, or compare with `--check`; the exit status is 1 where a lock is out of step."""
    if arguments == ["--check"]:
        found = dict.fromkeys(line for name in LOCKS for line in mismatches(name))
        for line in found:
            print(f"{line}: run `make lock` and commit it")
        return 1 if found else 0
    if not (UV / "bin" / "uv").exists():
        subprocess.run([*pip(), "install", "--quiet", "--target", str(UV), "uv"], check=True)
    for name in LOCKS:
        compile_lock(name, arguments)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
