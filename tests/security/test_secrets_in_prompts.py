"""Tries to get what slots and arguments hold into a prompt, by drafts that raise with it and have it told in repair.

What stops it: a persona is told of a failure on the message's own state without arguments, state and the exception's
text; everything else that it is shown is made up by rule (synthesizer.disclosure).
"""

import json

import pytest

from fakes.endpoint import answering
from fakes.synthesis import COUNTER, NS, message, synthesizing
from kernel.errors import SynthesisFailed
from kernel.messages import Example
from kernel.objects import ObjectId
from kernel.values import Reference
from objectstore.store import NewObject
from sandbox.host import Sandbox

pytestmark = pytest.mark.asyncio(loop_scope="module")

SECRETS = ("s3cret-slot", "s3cret-argument", "s3cret-key", "vault/s3cret", "777123")
SLOTS = {"name": "s3cret-slot", "table": {"s3cret-key": 777123}, "other": Reference("vault/s3cret")}
RAISING = (
    "raise ValueError(self.name)",
    "return self.table[self.name]",
    "return {}[list(self.table)[0]]",
    "return int(self.name)",
    "return int(key)",
    "return self.send(self.other, 'open_it')",
    "return self.send(self, self.name)",
    "raise ValueError(str(self.table))",
)


@pytest.mark.parametrize("line", RAISING)
@pytest.mark.parametrize("examples", [(), (Example(1, {"name": "x"}, (), {"key": "5"}),)], ids=["none", "one"])
async def test_no_prompt_of_any_persona_holds_a_secret(
    sandbox: Sandbox, line: str, examples: tuple[Example, ...]
) -> None:
    start = "def increment(self, key):\n    self._p_changed = True\n    if self.name == 'x':\n        return 1\n"
    draft = f"{start}    {line}\n"
    async with synthesizing(sandbox, answering({"increment": [draft]}), drafts=2) as rig:
        await rig.put(COUNTER, slots=SLOTS)
        await rig.store.create(NS, NewObject(ObjectId("vault/s3cret")))
        try:
            await rig.synthesize(message(key="s3cret-argument", examples=examples))
        except SynthesisFailed as failed:
            told = failed.text
        else:
            told = ""
        asked = [(each.persona, json.dumps(each.body["messages"])) for each in rig.endpoint.asked]
    assert {who for who, _ in asked} == {"brick", "babs", "robin", "alfred"}
    for who, prompt in asked:
        assert not [secret for secret in SECRETS if secret in prompt], who
    if not examples:
        assert "increment(" in told  # the caller, whose own message it is, is told all of it
        assert sum(who == "alfred" for who, _ in asked) > 2  # it was asked to repair
