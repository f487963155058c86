"""What README.md tells a newcomer to type, typed: each command line of "Use it", in order, with what it says comes."""

import json
import re
import shlex
from dataclasses import dataclass
from pathlib import Path

import pytest

from batos.local.suite import Suite
from fakes.batctl import Ran, batctl
from fakes.endpoint import ScriptedEndpoint, answering

pytestmark = pytest.mark.asyncio(loop_scope="session")

README = Path(__file__).parents[2] / "README.md"
COMMAND = re.compile(r"^\$ batctl ((?:.*\\\n)*.*)$", re.MULTILINE)
NAMESPACE = "readme"  # a tenant of its own, so that what other tests leave is not in the way
INCREMENT = """def increment(self, by=1):
    self.count = getattr(self, "count", 0) + by
    self._p_changed = True
    return self.count
"""


@dataclass(frozen=True)
class Line:
    """A command line: its arguments, and what the comment behind it says."""

    arguments: tuple[str, ...]
    comment: str


def told() -> list[Line]:
    """The command lines of the section "Use it"."""
    section = README.read_text().partition("\n## Use it\n")[2].partition("\n## ")[0]
    lines: list[Line] = []
    for found in COMMAND.finditer(section):
        command, _, comment = found[1].replace("\\\n", " ").partition(" # ")
        lines.append(Line(tuple(shlex.split(command)), comment.strip()))
    return lines


async def run(line: Line, suite: Suite) -> Ran:
    environment = {"BATOS_DATA": str(suite.data), "BATOS_NAMESPACE": NAMESPACE}
    return await batctl(*line.arguments, addresses=suite.addresses, environment=environment)


async def test_every_command_of_the_readme_does_what_it_says(suite: Suite, endpoint: ScriptedEndpoint) -> None:
    endpoint.script = answering({"increment": [INCREMENT]})
    lines = told()
    assert {line.arguments[0] for line in lines} >= {"object", "send", "method", "trace"}
    numbers = 0
    for line in lines:
        ran = await run(line, suite)
        assert ran.code == 0, (line.arguments, ran.stderr)
        if re.fullmatch(r"-?\d+", line.comment):
            numbers += 1
            assert json.loads(ran.stdout) == int(line.comment), line.arguments
    assert numbers
