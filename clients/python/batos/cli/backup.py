"""`batctl backup`, `restore` and `check`. Law: a file is there under its name only when it is whole."""

import os
import shutil
import stat
import sys
import tempfile
import time
from collections.abc import AsyncGenerator, AsyncIterable, Callable, Generator
from contextlib import aclosing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO, Final, cast

import click

from batos import backups
from batos.administration import TIMEOUT
from batos.cli.connection import Connection, connected_to_store, wait
from batos.cli.documents import json_text
from batos.cli.exits import Exit
from batos.cli.parameters import Seconds, output_option
from batos.cli.terminal import one_line, stderr
from batos.errors import BatosError
from batos.v1 import admin_pb2 as pb

_QUIET: Final = 1.0  # seconds without progress being told; what ends within them needs none
_EVERY: Final = 0.2
_EVERY_LINE: Final = 10.0  # where no terminal reads

timeout_option = click.option(
    "--timeout", type=Seconds(), default=TIMEOUT, metavar="SECONDS", help="Give up after so long."
)


@click.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False, allow_dash=True))
@click.option("--force", is_flag=True, help="Replace FILE where there is one.")
@timeout_option
@connected_to_store
def backup(connection: Connection, *, file: Path, force: bool, timeout: float) -> None:
    """Save the whole store, all namespaces at one revision, in FILE (`-`: to stdout).

    batctl backup store.backup
    batctl backup - | age -r RECIPIENT > store.backup.age

    FILE is gzip of JSON lines, and ends with a digest. Sends go on meanwhile. Links are followed, pipes written into.
    """
    with _writing(file, force=force) as out, _progress("saved") as told:
        header, entries = wait(_saved(connection, out, timeout, told))
    click.echo(f"saved {entries} entries of revision {header.revision}", err=True)


@click.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False, allow_dash=True))
@timeout_option
@connected_to_store
def restore(connection: Connection, *, file: Path, timeout: float) -> None:
    """Fill an empty store from FILE (`-`: from stdin), under a new epoch.

    batctl restore store.backup

    FILE is verified first. Until all is there the store serves nothing. If this is broken off, run it again.
    """
    with _reading(file) as source:
        with _progress("verified") as told:
            header = backups.verify(source, told)
        with _progress("restored") as told:
            answer = wait(_restored(connection, source, timeout, told))
    click.echo(f"restored {answer.entries} entries of revision {header.revision}", err=True)


@click.command()
@output_option
@timeout_option
@connected_to_store
def check(connection: Connection, *, output: str, timeout: float) -> int:
    """Read every key of the store, and tell what is wrong. Changes nothing.

    batctl check
    batctl check -o json | jq -r '.problems[] | select(.error).key'

    What is only to be known, such as a reference to no object, is no error.
    """
    problems: list[pb.Problem] = []
    with _progress("checked") as told:
        last = wait(_checked(connection, timeout, problems, told))
    errors = sum(1 for problem in problems if problem.error)
    if output == "json":
        click.echo(json_text(_report(last, problems)))
    else:
        for problem in problems:
            word = "error" if problem.error else "known"
            click.echo(f"{word}  {problem.kind}  {one_line(problem.key)}\n       {one_line(problem.text)}")
    click.echo(f"checked {last.keys} keys of revision {last.revision}: {errors} errors", err=True)
    return Exit.DAMAGED if errors else Exit.OK


async def _saved(
    connection: Connection,
    out: BinaryIO,
    seconds: float,
    told: backups.Told,
) -> tuple[pb.ExportHeader, int]:
    date = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    async with connection.client() as client, aclosing(client.administration.export(timeout=seconds)) as parts:
        return await backups.write(parts, out, date, told)


async def _restored(
    connection: Connection,
    source: BinaryIO,
    seconds: float,
    told: backups.Told,
) -> pb.ImportResponse:
    async with connection.client() as client:
        return await client.administration.restore(_sent(source, told), timeout=seconds)


async def _sent(source: BinaryIO, told: backups.Told) -> AsyncGenerator[pb.ExportResponse]:
    for part in backups.read(source, told):
        yield part


async def _checked(
    connection: Connection,
    seconds: float,
    problems: list[pb.Problem],
    told: backups.Told,
) -> pb.CheckResponse:
    last = pb.CheckResponse()
    async with connection.client() as client:
        parts: AsyncIterable[pb.CheckResponse] = client.administration.check(timeout=seconds)
        async for last in parts:
            problems += last.problems
            told(last.keys)
    return last


def _report(last: pb.CheckResponse, problems: list[pb.Problem]) -> dict[str, object]:
    told = [{"kind": each.kind, "key": each.key, "text": each.text, "error": each.error} for each in problems]
    return {"revision": last.revision, "keys": last.keys, "problems": told}


@contextmanager
def _writing(file: Path, *, force: bool) -> Generator[BinaryIO]:
    """Where to write. The file is under its name when the block has ended well, and gone when it has not."""
    if str(file) == "-":
        yield sys.stdout.buffer
        return
    kind = _kind(file)
    if kind in {stat.S_IFIFO, stat.S_IFCHR}:
        with _failing(file), file.open("wb") as out:
            yield out
        return
    if kind not in {0, stat.S_IFREG}:
        raise click.UsageError(f"{file} is neither a file nor a pipe")
    if kind and not force:
        raise BatosError(f"{file} exists already", reason="FILE_EXISTS", fields={"hint": "replace it with --force"})
    with _failing(file), _replacing(file.resolve()) as out:  # a link is not what is to be replaced
        yield out


@contextmanager
def _replacing(file: Path) -> Generator[BinaryIO]:
    number, name = tempfile.mkstemp(prefix=f".{file.name}.", dir=file.parent)
    try:
        with os.fdopen(number, "wb") as out:
            yield out
            out.flush()
            os.fsync(out.fileno())
        Path(name).replace(file)
    finally:
        Path(name).unlink(missing_ok=True)


def _kind(file: Path) -> int:
    """What is there, links followed: one of stat's S_IF numbers, 0 for nothing."""
    try:
        return stat.S_IFMT(file.stat().st_mode)
    except FileNotFoundError:
        return 0
    except OSError as error:
        raise click.FileError(str(file), error.strerror) from None


@contextmanager
def _failing(file: Path) -> Generator[None]:
    """Names the file in what fails in the block."""
    try:
        yield
    except FileNotFoundError as error:
        raise click.FileError(str(file), error.strerror) from None
    except OSError as error:
        text = f"cannot write {file}: {error.strerror}"
        raise BatosError(text, reason="NOT_WRITTEN", fields={"hint": "nothing whole is there; take another"}) from None


@contextmanager
def _reading(file: Path) -> Generator[BinaryIO]:
    """The file; what comes on stdin or through a pipe is kept aside first, since it is read twice."""
    try:
        with sys.stdin.buffer if str(file) == "-" else file.open("rb") as source:
            if source.seekable():
                yield cast("BinaryIO", source)
                return
            with tempfile.TemporaryFile() as kept:
                shutil.copyfileobj(source, kept)
                kept.seek(0)
                yield cast("BinaryIO", kept)
    except OSError as error:
        raise click.FileError(str(file), error.strerror) from None


@contextmanager
def _progress(verb: str) -> Generator[Callable[[int], None]]:
    """What tells on stderr how far something is, once it takes longer than a second."""
    terminal = stderr().is_terminal
    due = time.monotonic() + _QUIET
    shown = False

    def told(count: int) -> None:
        nonlocal due, shown
        if time.monotonic() >= due:
            due, shown = time.monotonic() + (_EVERY if terminal else _EVERY_LINE), True
            click.echo(f"{chr(13) if terminal else ''}{verb} {count} ...", err=True, nl=not terminal)

    try:
        yield told
    finally:
        if shown and terminal:
            click.echo(err=True)
