"""Which file a model is, and what is said where it is none."""

import sys
from dataclasses import replace
from pathlib import Path

import pytest

from batos.local import weights
from batos.local.errors import NoModel
from batos.local.progress import PlainMeter
from fakes.downloads import tiny


@pytest.mark.parametrize(
    ("given", "folder"),
    [
        ("/var/cache/me", Path("/var/cache/me/batos/models")),
        (None, Path.home() / ".cache/batos/models"),
        ("", Path.home() / ".cache/batos/models"),
        ("relative", Path.home() / ".cache/batos/models"),
    ],
)
def test_models_are_kept_in_the_cache_folder_of_the_user(given: str | None, folder: Path) -> None:
    assert weights.cache_folder(given) == folder


def test_a_file_of_ones_own_is_taken_as_it_is(tmp_path: Path) -> None:
    own = tmp_path / "own.gguf"
    own.write_bytes(b"GGUF and more")
    assert weights.find(str(own), tmp_path, pytest.fail) == own


@pytest.mark.parametrize(("content", "reason"), [(b"PK\x03\x04", "is not a GGUF file"), (None, "No such file")])
def test_what_is_no_model_is_told_with_what_would_be_one(tmp_path: Path, content: bytes | None, reason: str) -> None:
    own = tmp_path / "own.gguf"
    if content:
        own.write_bytes(content)
    with pytest.raises(NoModel, match=reason) as told:
        weights.find(str(own), tmp_path, pytest.fail)
    assert told.value.fields["hint"]


def test_a_disk_without_room_is_told_before_anything_is_fetched(tmp_path: Path) -> None:
    with pytest.raises(NoModel, match=r"not enough space in .*: 2100000.0 GB are needed"):
        weights.fetch(replace(tiny(), size=10**15), tmp_path, pytest.fail)


def test_a_folder_that_cannot_be_used_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(NoModel, match="Not a directory"):
        weights.fetch(tiny(), tmp_path / "file" / "models", pytest.fail)


def test_each_known_model_has_a_whole_sha256_and_a_revision_that_cannot_move() -> None:
    for known in weights.KNOWN.values():
        assert len(bytes.fromhex(known.sha256)) == 32
        assert known.hub is None or len(bytes.fromhex(known.hub.revision)) == 20


def test_where_nobody_looks_on_progress_is_a_line_for_each_tenth(capsys: pytest.CaptureFixture[str]) -> None:
    meter = PlainMeter("m.gguf", 2_000_000, sys.stderr)
    for done in (0, 1000, 250_000, 260_000, 2_000_000, 2_100_000):
        meter.at(done)
    assert capsys.readouterr().err.splitlines() == [f"m.gguf: {tenth} % of 2 MB" for tenth in (0, 10, 100)]
