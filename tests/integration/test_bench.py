"""The benchmark itself, on a tiny round: real programs, real etcd, real load."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]


def bench(*arguments: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"PYTHONPATH": str(ROOT / "tests")}
    command = [sys.executable, "-m", "bench", *arguments]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=90, check=False)


def test_a_tiny_round_measures_the_suite_beside_its_peers(tmp_path: Path) -> None:
    rows = ["echo-unary", "etcd-cas", "etcd-cas-contended", "read-unary", "durable-unary-64"]
    out = tmp_path / "bench.json"

    done = bench("--only", ",".join(rows), "--rounds", "1", "--seconds", "0.5", "--warm-up", "0.2", "--out", str(out))

    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(out.read_text())
    rounds = {row["name"]: row["rounds"] for row in found["rows"]}
    assert list(rounds) == rows
    assert all(each["count"] > 0 and not each["failures"] for (each,) in rounds.values()), rounds
    assert "dispatcher" in rounds["durable-unary-64"][0]["cpu"]
    measured = [goal["name"] for goal in found["goals"] if goal["ratios"]]
    assert measured == [
        "read-only send, unary ÷ E",
        "durable send, 64 objects, unary ÷ E",
        "durable unary p99 ÷ echo p99",
    ]
    assert "durable send, 64 objects, unary ÷ E" in done.stdout


def test_a_hot_object_is_loaded_through_three_dispatchers_and_through_one(tmp_path: Path) -> None:
    rows = ["hot-stream-one-of-3", "hot-stream-3", "hot-stream-owner-of-3", "durable-unary-64-workers-2"]
    out = tmp_path / "bench.json"

    done = bench("--only", ",".join(rows), "--rounds", "1", "--seconds", "1", "--warm-up", "0.2", "--out", str(out))

    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(out.read_text())
    rounds = {row["name"]: row["rounds"][0] for row in found["rows"]}
    assert all(each["count"] > 0 and not each["failures"] for each in rounds.values()), rounds
    assert [len(busy(rounds[name])) for name in rows] == [2, 3, 1, 2]


def busy(measured: dict[str, Any]) -> set[str]:
    """The programs that took a good part in dispatching."""
    used = {name: cpu for name, cpu in measured["cpu"].items() if name[-1].isdigit() and "generator" not in name}
    return {name for name, cpu in used.items() if cpu > max(used.values()) / 4}


def test_a_row_that_does_not_exist_is_told() -> None:
    done = bench("--only", "no-such-row")

    assert done.returncode == 2
    assert "no-such-row" in done.stderr
