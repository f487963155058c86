"""The end-to-end scenario on the small real model: learned live, hit, kept over a restart, one trace.

A model may fail to learn any one message; that it fails two of four that it nearly always learns means that something
between the message and the model is broken.
"""

from pathlib import Path

import pytest
from demo.__main__ import demonstrate
from demo.messages import load

from batos.local.suite import Suite

SELECTORS = ("add_points", "total_quantity", "out_of_stock", "longest_word")


async def test_objects_learn_from_the_real_model_and_keep_what_they_learned(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tasks = [task for task in load() if task.selector in SELECTORS]
    assert len(tasks) == len(SELECTORS)
    kept = await demonstrate(Suite(data=tmp_path, model="0.5b"), tasks)
    told = capsys.readouterr().out
    assert kept, told
    for span in ("synthesize", "panel", "chat alfred", "audit", "trial", "register", "activate", "commit"):
        assert span in told
