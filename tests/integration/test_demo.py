"""The demonstration over the real services, with a scripted endpoint in the model's place.

How well a model does is not told here; only that what it does is told as it is.
"""

import asyncio
import json
import os
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from fakes.endpoint import ScriptedEndpoint, answering, sources_in

ROOT = Path(__file__).parent.parent.parent
ANSWERS = Path(__file__).parent.parent / "fakes" / "answers"
MESSAGES = json.loads((ROOT / "demo" / "messages.json").read_text())
LATENCIES = re.compile(r"miss \d+\.\d s   hit \d+\.\d ms")


async def demo(sources: Mapping[str, Sequence[str]], *arguments: str) -> tuple[int, str]:
    """Run it to its end: exit status and output."""
    async with ScriptedEndpoint(answering(sources)) as endpoint:
        given = {name: value for name, value in os.environ.items() if not name.startswith(("BATOS_", "OTEL_"))}
        child = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "demo", *arguments),
            cwd=ROOT,
            env={**given, "BATOS_PERSONA_URL": endpoint.url},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        output, _ = await asyncio.wait_for(child.communicate(), 200)
    return child.returncode or 0, output.decode()


async def test_eight_messages_are_learned_hit_and_kept_over_a_restart() -> None:
    code, said = await demo(sources_in(ANSWERS), "--seed", "7")
    assert code == 0, said
    assert said.startswith("seed 7")
    assert "learned 8 of 8, kept 8" in said
    assert len(LATENCIES.findall(said)) == 8
    assert "the state of 3 objects is the same" in said
    assert "8 methods answer as before, by the same versions" in said
    assert "chat" in said  # the trace of one miss
    assert said.count("  yes  ") == 8


async def test_what_is_wrong_or_not_learned_is_told_and_fails_the_demonstration(tmp_path: Path) -> None:
    honest = sources_in(ANSWERS)
    wrong = {
        name: [source.replace("return ", "return 7 or ") for source in sources] for name, sources in honest.items()
    }
    code, said = await demo(wrong, "--seed", "7", "--count", "3", "--data", str(tmp_path))
    assert code == 1
    assert "learned 0 of 3" in said
    assert "SYNTHESIS_FAILED" in said
    assert str(tmp_path) in said
    assert list((tmp_path / "logs").glob("*.log"))


def test_there_are_enough_messages_of_each_group_and_each_is_whole() -> None:
    assert len(MESSAGES) >= 40
    assert len({entry["selector"] for entry in MESSAGES}) == len(MESSAGES)
    assert {entry["group"] for entry in MESSAGES} == {"counter", "feed", "text"}
    assert all(entry["intent"] and len(entry["examples"]) == 2 for entry in MESSAGES)
