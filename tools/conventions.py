"""The conventions of this repository that no linter knows: patterns that no line of some tracked files may match.

`python tools/conventions.py` prints every breach as `path:line: reason` and exits with 1 if there is one.
"""

import re
import subprocess
import sys
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
LONGEST_MODULE = 300
GENERATED = "clients/python/batos/v1/*"


class Convention(NamedTuple):
    """One thing that may not stand in the files whose path matches a shell pattern, and why."""

    paths: str
    forbidden: re.Pattern[str]
    reason: str


CONVENTIONS = (
    Convention(
        "*",
        re.compile(
            r"\b(?:index|registry|proxy|files|repo1?|deb|security|static|mirrors?)\.(?!example\b)[\w-]+\.(?:org|io|com|net)\b"
            r"|\b(?:pypi|npmjs|crates|pythonhosted|golang|rubygems)\.(?:org|io|com)\b"
            r"|--(?:extra-)?index-url"
        ),
        "names a package registry: where packages come from is the business of whoever installs them",
    ),
    Convention(
        "libs/vocabulary.py",
        re.compile(r"^\s*(?:from|import)\s+(?!typing\b)"),
        "the vocabulary is strings only and imports nothing",
    ),
    Convention(
        "*.py",
        re.compile(r"\bunittest\.mock\b|\bMagicMock\b"),
        "a mock: write a fake that passes the contract of what it fakes",
    ),
)


def tracked() -> list[str]:
    """The paths of the files that git tracks, or will once they are added."""
    command = ["git", "-C", str(ROOT), "ls-files", "--cached", "--others", "--exclude-standard"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()


def breaches(path: str, text: str) -> Iterator[str]:
    """What one file does against the conventions: a line each."""
    conventions = [convention for convention in CONVENTIONS if fnmatch(path, convention.paths)]
    lines = text.splitlines()
    for number, line in enumerate(lines, start=1):
        broken = (convention for convention in conventions if convention.forbidden.search(line))
        yield from (f"{path}:{number}: {convention.reason}" for convention in broken)
    if path.endswith(".py") and not fnmatch(path, GENERATED) and len(lines) > LONGEST_MODULE:
        yield f"{path}:{len(lines)}: a module has at most {LONGEST_MODULE} lines: split it by concept"


def main() -> int:
    """Judge every tracked file; the exit status is 1 where one breaks a convention."""
    files = [path for path in tracked() if (ROOT / path).is_file()]  # a deleted file may still be in git's index
    found = [breach for path in files for breach in breaches(path, (ROOT / path).read_text(errors="replace"))]
    for breach in found:
        print(breach)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
