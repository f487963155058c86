"""What README.md and batctl itself tell a newcomer to type, typed, in order: it does what they say."""

import json
import re
import shlex
from dataclasses import dataclass
from pathlib import Path

import pytest

from batos.cli.foreground import TRY
from batos.local.suite import Suite
from fakes.batctl import Ran, batctl
from fakes.endpoint import ScriptedEndpoint, answering

pytestmark = pytest.mark.asyncio(loop_scope="session")

README = Path(__file__).parents[2] / "README.md"
COMMAND = re.compile(r"^\$ batctl ((?:.*\\\n)*.*)$", re.MULTILINE)
# As a small model writes it: where the slot is missing, in an example or in the object, this raises.
INCREMENT = """def increment(self, by=1):
    self.count += by
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


# Each text has a namespace of its own, so that what others leave there is not in the way.
async def run(line: Line, suite: Suite, namespace: str) -> Ran:
    environment = {"BATOS_DATA": str(suite.data), "BATOS_NAMESPACE": namespace}
    return await batctl(*line.arguments, addresses=suite.addresses, environment=environment)


async def test_every_command_of_the_readme_does_what_it_says(suite: Suite, endpoint: ScriptedEndpoint) -> None:
    endpoint.script = answering({"increment": [INCREMENT]})
    lines = told()
    assert {line.arguments[0] for line in lines} >= {"object", "send", "method", "trace"}
    numbers = 0
    for line in lines:
        ran = await run(line, suite, "readme")
        assert ran.code == 0, (line.arguments, ran.stderr)
        if re.fullmatch(r"-?\d+", line.comment):
            numbers += 1
            assert json.loads(ran.stdout) == int(line.comment), line.arguments
    assert numbers


async def test_what_up_tells_to_try_works(suite: Suite, endpoint: ScriptedEndpoint) -> None:
    endpoint.script = answering({"increment": [INCREMENT]})
    for command in TRY:
        ran = await run(Line(tuple(shlex.split(command)[1:]), ""), suite, "up")
        assert ran.code == 0, (command, ran.stderr)


async def test_the_examples_of_the_help_work(suite: Suite, endpoint: ScriptedEndpoint) -> None:
    endpoint.script = answering({"increment": [INCREMENT]})
    (_, *commands) = re.findall(r"^ +batctl (.*)$", (await batctl("--help")).stdout, re.MULTILINE)
    assert len(commands) == 4
    for command in commands:
        ran = await run(Line(tuple(shlex.split(command)), ""), suite, "help")
        assert ran.code == 0, (command, ran.stderr)


async def test_later_versions_come_to_be_as_the_readme_tells(suite: Suite, endpoint: ScriptedEndpoint) -> None:
    endpoint.script = answering({"increment": [INCREMENT]})
    environment = {"BATOS_DATA": str(suite.data), "BATOS_NAMESPACE": "versions"}
    example = '{"before": {"count": 1}, "args": [2], "result": 3}'
    by_hand = INCREMENT.replace("by=1", "by=100")
    for words, stdin in (
        ("object create counter/main --slot count=0", ""),
        (f"send counter/main increment 2 --example '{example}'", ""),
        ("method retire counter/main increment 1", ""),
        (f"send counter/main increment 2 --example '{example}'", ""),
        ("method register counter/main increment - --activate", by_hand),
    ):
        ran = await batctl(*shlex.split(words), addresses=suite.addresses, environment=environment, stdin=stdin)
        assert ran.code == 0, (words, ran.stderr)
    sent = ("send", "counter/main", "increment", "-o", "json")
    reply = json.loads((await batctl(*sent, addresses=suite.addresses, environment=environment)).stdout)
    assert (reply["result"], reply["method"]["number"], reply["method"]["evidence"]) == (104, 3, "")
