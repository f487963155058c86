"""One synthesis over real gRPC, in the real sandbox, with scripted endpoints: what is written, proved and told."""

from collections import Counter
from dataclasses import replace

import pytest

from fakes.endpoint import Asked, Reply, Say, answering, small_talk
from fakes.synthesis import ALSO_HONEST, COUNTER, HONEST, INCREMENT, NS, TWO_EXAMPLES, WRONG, message, synthesizing
from kernel.errors import NotUnderstood, SynthesisFailed
from kernel.messages import Example, Failure
from kernel.objects import SYSTEM_NAMESPACE, Level, ObjectId
from kernel.synthesis import Chosen, DraftAudited, DraftTried, Registered, Started, TurnFinished, TurnStarted
from kernel.values import Reference
from objectstore.store import Update
from sandbox.host import Sandbox

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_a_message_becomes_a_method_with_its_provenance_and_evidence(sandbox: Sandbox) -> None:
    async with synthesizing(sandbox, answering({"increment": [HONEST, ALSO_HONEST, WRONG]})) as rig:
        await rig.put()
        record = await rig.written(message(by=5, intent="Raise the count."))
        method, told = record.method, record.method.provenance
        assert (method.holder, method.selector, method.number, method.source) == (COUNTER, INCREMENT, 1, HONEST)
        assert record.active
        assert [proof.level for proof in record.evidence] == [Level.AUDITED, Level.AGREED, Level.EXAMPLES]
        assert {proof.by for proof in record.evidence} == {"synthesizer"}
        assert (told.asked_by, told.intent, told.drafts, told.agreeing, told.examples) == (
            "ada",
            "Raise the count.",
            3,
            2,
            2,
        )
        assert Counter(turn.persona for turn in told.turns) == {"BRICK": 1, "BABS": 1, "ROBIN": 1, "ALFRED": 3}
        assert all(turn.input_tokens and len(turn.prompt_digest) == 64 for turn in told.turns)
        assert len({turn.seed for turn in told.turns if turn.persona == "ALFRED"}) == 3
        assert (await rig.store.method(NS, COUNTER, INCREMENT, 0))[0].method.digest == method.digest


async def test_events_tell_who_speaks_what_is_found_and_how_each_draft_did(sandbox: Sandbox) -> None:
    async with synthesizing(
        sandbox, answering({"increment": [HONEST, WRONG, "def increment(self):\n    return 1\n", ALSO_HONEST]})
    ) as rig:
        await rig.put()
        events = await rig.synthesize(message(by=5))
    assert isinstance(events[0], Started)
    assert (events[0].target, events[0].joined, len(events[0].synthesis_id)) == (COUNTER, False, 32)
    assert isinstance(events[-1], Registered)
    begun = [event.persona for event in events if isinstance(event, TurnStarted)]
    assert set(begun[:3]) == {"BRICK", "BABS", "ROBIN"}
    assert begun[3:] == ["ALFRED"] * 6  # one that passed alone is doubted
    ended = [event.turn.persona for event in events if isinstance(event, TurnFinished)]
    assert set(ended[:3]) == {"BRICK", "BABS", "ROBIN"}
    audited = {event.draft: event for event in events if isinstance(event, DraftAudited)}
    refused = next(event for event in audited.values() if not event.passed)
    assert [each.rule for each in refused.findings] == ["BAT201"]
    tried = {event.draft: event for event in events if isinstance(event, DraftTried)}
    assert {1, 2, 3, 4} - {refused.draft} <= set(tried) <= set(audited) - {refused.draft}
    (chosen,) = (event for event in events if isinstance(event, Chosen))
    assert (chosen.agreeing, chosen.drafts, chosen.dissent) == (2, 2, 0)
    failed = next(event for event in tried.values() if event.failure)
    assert (failed.passed, failed.total) == (1, 2)
    assert "increment(by=2) on {'count': 4}: expected 6, got 2" in failed.failure


async def test_the_largest_agreeing_group_wins_and_the_shortest_of_it(sandbox: Sandbox) -> None:
    other = HONEST.replace("+ by", "+ abs(by)")  # passes the examples, and does another thing on what ROBIN asks
    answers = [other, ALSO_HONEST, HONEST]

    def script(asked: Asked) -> Reply:
        if asked.persona == "robin":
            return Say("increment(by=-3)")
        return Say(answers[min(asked.number, 2)]) if asked.persona == "alfred" else Say(small_talk(asked))

    async with synthesizing(sandbox, script) as rig:
        await rig.put()
        record = await rig.written(message(by=5))
    assert record.method.source == HONEST
    assert record.method.provenance.agreeing == 4  # two sources against one were no lead yet


async def test_a_draft_that_fails_is_repaired_with_its_smallest_failing_example(sandbox: Sandbox) -> None:
    async with synthesizing(sandbox, answering({"increment": [WRONG, WRONG, WRONG, HONEST]})) as rig:
        await rig.put()
        record = await rig.written(message(by=5))
        assert record.method.source == HONEST
        assert record.method.provenance.drafts == 6
        asked = rig.endpoint.by("alfred")[3]
        assert "increment(by=2) on {'count': 4}: expected 6, got 2" in asked.prompt
        assert asked.body["messages"][-2]["content"] == f"```python\n{WRONG}```"


async def test_where_no_draft_passes_the_nearest_failure_is_told_and_nothing_is_kept(sandbox: Sandbox) -> None:
    async with synthesizing(sandbox, answering({"increment": [WRONG]})) as rig:
        await rig.put()
        with pytest.raises(SynthesisFailed, match=r"none of 9 drafts of counter/main\.increment passed") as failed:
            await rig.synthesize(message(by=5))
        assert "expected 6, got 2" in failed.value.text
        assert await rig.versions() == []


async def test_a_draft_has_to_take_the_message_that_asked_for_it(sandbox: Sandbox) -> None:
    async with synthesizing(sandbox, answering({"increment": [HONEST]})) as rig:
        await rig.put()
        with pytest.raises(SynthesisFailed, match=r"increment\(step=5\) failed: .*no parameter step"):
            await rig.synthesize(message(step=5))


async def test_a_method_may_raise_on_the_message_where_examples_say_what_it_does(sandbox: Sandbox) -> None:
    strict = HONEST.replace("    self.count", "    if by < 0:\n        raise ValueError('negative')\n    self.count", 1)
    raising = Example(Failure("METHOD_RAISED", "ValueError"), {"count": 1}, (), {"by": -1}, after={"count": 1})
    async with synthesizing(sandbox, answering({"increment": [strict]})) as rig:
        await rig.put()
        record = await rig.written(message(by=-5, examples=(*TWO_EXAMPLES, raising)))
        assert record.level is Level.EXAMPLES


async def test_a_method_that_reaches_a_limit_fails_its_trial(sandbox: Sandbox) -> None:
    slow = HONEST.replace("    self.count", "    while by:\n        by += 1\n    self.count", 1)
    async with synthesizing(sandbox, answering({"increment": [slow]}), drafts=1) as rig:
        await rig.put()
        with pytest.raises(SynthesisFailed, match="limit"):
            await rig.synthesize(message(by=5))


async def test_examples_after_one_that_expects_a_limit_are_tried_too(sandbox: Sandbox) -> None:
    source = (
        "def increment(self, by=1):\n    self._p_changed = True\n    while by < 0:\n        by -= 1\n    return 99\n"
    )
    limit = Example(Failure("LIMIT_EXCEEDED"), {}, (-1,))
    async with synthesizing(sandbox, answering({"increment": [source]}), drafts=1) as rig:
        await rig.put()
        with pytest.raises(SynthesisFailed, match="got 99"):
            await rig.synthesize(message(1, examples=[limit, Example(2, {}, (1,))]))
        assert await rig.versions() == []
        record = await rig.written(message(1, examples=[limit, Example(99, {}, (1,))]))
        assert (record.level, record.method.provenance.examples) == (Level.EXAMPLES, 2)


async def test_a_method_that_sends_to_what_the_message_refers_to_is_tried_on_it(sandbox: Sandbox) -> None:
    source = "def total(self, other):\n    self._p_changed = True\n    return self.send(other, 'read') + self.own\n"
    read = "def read(self):\n    self._p_changed = True\n    return self.count\n"
    example = Example(5, {"own": 2}, (Reference("tank/1"),), others={ObjectId("tank/1"): {"count": 3}})
    async with synthesizing(sandbox, answering({"total": [source]})) as rig:
        await rig.put("tank/1", read, slots={"count": 40})
        await rig.put("pump/1", slots={"own": 1})
        sent = message(Reference("tank/1"), to="pump/1", selector="total", examples=[example])
        assert (await rig.written(sent)).level is Level.EXAMPLES


async def test_methods_that_exist_are_shown_to_babs_and_worked_out_for_alfred(sandbox: Sandbox) -> None:
    double = "def double(self):\n    self.count *= 2\n    self._p_changed = True\n    return self.count\n"

    def script(asked: Asked) -> Reply:
        if asked.persona == "babs":
            return Say("double")
        return Say(HONEST) if asked.persona == "alfred" else Say(small_talk(asked))

    async with synthesizing(sandbox, script) as rig:
        await rig.put("counter", double)
        await rig.put(parents=[ObjectId("counter")])
        await rig.written(message(by=5))
        assert "- double()" in rig.endpoint.by("babs")[0].prompt
        shown = rig.endpoint.by("alfred")[0].body["messages"]
        assert f"```python\n{double}```" in [each["content"] for each in shown]
        assert "def double" not in str(rig.endpoint.by("robin")[0].body)
        assert "def double" not in str(rig.endpoint.by("brick")[0].body)


# --- Personas --------------------------------------------------------------------------------------------------------
async def test_editing_a_persona_changes_the_next_panel(sandbox: Sandbox) -> None:
    async with synthesizing(sandbox, answering({"increment": [HONEST]})) as rig:
        await rig.put()
        robin = ObjectId("persona/robin")
        slots = dict((await rig.store.get(SYSTEM_NAMESPACE, robin)).slots or {})
        slots.update(core_identity="You are ROBIN, in a hurry.", model_id="robin-v2", endpoint="default")
        await rig.store.update(SYSTEM_NAMESPACE, Update(robin, slots=slots))
        await rig.written(message(by=5))
        (asked,) = rig.endpoint.by("robin-v2")
        assert asked.body["messages"][0]["content"].startswith("You are ROBIN, in a hurry. ")


async def test_a_persona_whose_slot_is_spoilt_is_named(sandbox: Sandbox) -> None:
    async with synthesizing(sandbox, answering({})) as rig:
        await rig.put()
        await rig.store.update(SYSTEM_NAMESPACE, Update(ObjectId("persona/babs"), slots={"core_identity": 7}))
        with pytest.raises(SynthesisFailed, match="BABS cannot speak: the slot core_identity of persona/babs"):
            await rig.synthesize(message(by=5))


async def test_no_method_is_written_for_a_persona(sandbox: Sandbox) -> None:
    async with synthesizing(sandbox, answering({"increment": [HONEST]})) as rig:
        with pytest.raises(NotUnderstood, match="no method is ever written in the namespace system"):
            await rig.synthesize(replace(message(by=1, to="persona/brick"), namespace=SYSTEM_NAMESPACE))
