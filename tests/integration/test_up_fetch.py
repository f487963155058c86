"""Fetching the model before a start: what fails is one line, and Ctrl-C ends it."""

import asyncio
import sys
from pathlib import Path

import pytest

from batos.local.errors import NoModel
from batos.local.fetch import fetch_model
from batos.local.weights import KNOWN
from fakes.children import gone, until


def printing(text: str, code: int) -> tuple[str, ...]:
    return (sys.executable, "-c", f"import sys; sys.stdout.write({text!r}); sys.exit({code})")


async def test_why_a_fetch_failed_is_told_as_the_fetching_child_told_it(tmp_path: Path) -> None:
    failing = printing('{"error": "no way to the Hub", "hint": "check the network"}', 1)
    with pytest.raises(NoModel, match="no way to the Hub") as failed:
        await fetch_model(failing, "0.5b", {"XDG_CACHE_HOME": str(tmp_path)})
    assert failed.value.fields["hint"] == "check the network"


async def test_a_fetching_child_that_breaks_is_told_by_its_exit_status(tmp_path: Path) -> None:
    with pytest.raises(NoModel, match="exit status 3"):
        await fetch_model(printing("Traceback", 3), "0.5b", {"XDG_CACHE_HOME": str(tmp_path)})


async def test_a_torn_model_in_the_cache_is_not_taken_for_a_whole_one(tmp_path: Path) -> None:
    models = tmp_path / "batos" / "models"
    models.mkdir(parents=True)
    (models / KNOWN["0.5b"].file).write_bytes(b"GGUF")
    with pytest.raises(NoModel, match="fetched anew"):
        await fetch_model(
            printing('{"error": "fetched anew", "hint": ""}', 1), "0.5b", {"XDG_CACHE_HOME": str(tmp_path)}
        )


async def test_a_model_of_one_s_own_is_looked_at_and_never_fetched(tmp_path: Path) -> None:
    (tmp_path / "own.gguf").write_bytes(b"GGUF")
    await fetch_model(printing("never", 9), str(tmp_path / "own.gguf"), {})


async def test_a_fetch_that_is_cancelled_leaves_no_child(tmp_path: Path) -> None:
    script = f"import os, time; open({str(tmp_path / 'pid')!r}, 'w').write(str(os.getpid())); time.sleep(60)"
    fetching = asyncio.create_task(
        fetch_model((sys.executable, "-c", script), "0.5b", {"XDG_CACHE_HOME": str(tmp_path)})
    )
    assert await until(lambda: (tmp_path / "pid").exists() and (tmp_path / "pid").read_text() != "")
    fetching.cancel()
    with pytest.raises(asyncio.CancelledError):
        await fetching
    assert await gone([int((tmp_path / "pid").read_text())])
