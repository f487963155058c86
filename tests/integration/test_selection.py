"""Drafts that agree, drafts that do not, and versions that are there already: over real gRPC, in the real sandbox."""

import asyncio
from collections.abc import Sequence

import pytest

from fakes.endpoint import Asked, Hang, Reply, Say, Script, small_talk
from fakes.synthesis import ALSO_HONEST, COUNTER, HONEST, INCREMENT, NS, TWO_EXAMPLES, WRONG, message, synthesizing
from kernel.errors import ApprovalPending, ExamplesNeeded, SynthesisFailed
from kernel.messages import Example
from kernel.objects import EffectSet, Level, ObjectId, Policy
from kernel.synthesis import Adopted, Chosen, DraftTried, Registered, TurnStarted
from objectstore.ledger_flights import LedgerFlights
from sandbox.host import Sandbox
from synthesizer.fitting import cost
from synthesizer.variations import MAX_VARIATIONS

pytestmark = pytest.mark.asyncio(loop_scope="module")

UPWARD = HONEST.replace("+ by", "+ abs(by)")  # passes the examples, and differs on what is negative
TRIAL_RUNS = len(TWO_EXAMPLES) + 2 + MAX_VARIATIONS


def saying(answers: Sequence[str | Reply], probe: str = "none") -> Script:
    """ALFRED's answers in turn, the last one again and again; ROBIN asks for the probe."""

    def reply(asked: Asked) -> Reply:
        if asked.persona == "robin":
            return Say(probe)
        if asked.persona != "alfred":
            return Say(small_talk(asked))
        answer = answers[min(asked.number, len(answers) - 1)]
        return Say(answer) if isinstance(answer, str) else answer

    return reply


# --- Early stop ------------------------------------------------------------------------------------------------------
async def test_no_more_is_waited_for_once_enough_agree(sandbox: Sandbox) -> None:
    async with synthesizing(sandbox, saying([HONEST, ALSO_HONEST, Hang()])) as rig:
        await rig.put()
        record = await rig.written(message(by=5))
        told = record.method.provenance
        assert (told.drafts, told.agreeing) == (2, 2)
        assert told.seconds < 5.0  # the third would have hung to the end of its turn


async def test_what_a_draft_cost_until_it_was_broken_off_is_charged(sandbox: Sandbox) -> None:
    async with synthesizing(sandbox, saying([HONEST, ALSO_HONEST, Hang()])) as rig:
        await rig.put(policy=Policy(tokens_per_hour=1_000_000))
        told = (await rig.written(message(by=5))).method.provenance
        known = sum(turn.input_tokens + turn.output_tokens for turn in told.turns)
        prompt = cost(rig.endpoint.by("alfred")[0].body["messages"])
        async with asyncio.timeout(5):
            flights = LedgerFlights(rig.store.core)
            while (await flights.spent(NS, [COUNTER]))[COUNTER] != (known + prompt, 1):  # noqa: ASYNC110 - told nobody
                await asyncio.sleep(0.02)


async def test_the_drafts_that_are_judged_do_not_depend_on_who_is_faster(sandbox: Sandbox) -> None:
    """The first is the slowest, and right; two that came earlier agree on something else, and are too few to lead."""
    answers = [Say(HONEST, seconds=0.3), UPWARD, UPWARD, HONEST, HONEST, HONEST]
    async with synthesizing(sandbox, saying(answers)) as rig:
        await rig.put()
        events = await rig.synthesize(message(by=5))
        (chosen,) = (each for each in events if isinstance(each, Chosen))
        assert (chosen.agreeing, chosen.drafts, chosen.dissent) == (4, 6, 1)


async def test_drafts_that_disagree_are_outvoted_by_more(sandbox: Sandbox) -> None:
    async with synthesizing(sandbox, saying([UPWARD, HONEST, WRONG, ALSO_HONEST])) as rig:
        await rig.put()
        record = await rig.written(message(by=5))
        assert record.method.source == HONEST
        assert record.method.provenance.agreeing == 4  # two sources, one of them three times: a lead of two


# --- Asking ----------------------------------------------------------------------------------------------------------
async def test_where_drafts_pass_and_disagree_the_caller_is_asked_and_the_example_decides(sandbox: Sandbox) -> None:
    half = [HONEST, UPWARD] * 6
    async with synthesizing(sandbox, saying(half), drafts=2) as rig:
        await rig.put()
        with pytest.raises(ExamplesNeeded, match="passed and disagree") as asked:
            await rig.synthesize(message(by=5))
        assert await rig.versions() == []
        told = asked.value.fields
        assert (told["object"], told["selector"]) == (COUNTER, INCREMENT)
        assert told["send"] in asked.value.text
        # The caller answers for just that send, and the group that is meant wins.
        down = Example(3, {"count": 4}, (), {"by": -1}, after={"count": 3})
        record = await rig.written(message(by=5, examples=(*TWO_EXAMPLES, down)))
        assert record.method.source == HONEST
        assert record.level is Level.EXAMPLES


async def test_without_examples_drafts_that_disagree_are_not_chosen_by_chance(sandbox: Sandbox) -> None:
    async with synthesizing(sandbox, saying([HONEST, WRONG] * 6), drafts=2) as rig:
        await rig.put(slots={"count": 4})
        with pytest.raises(ExamplesNeeded) as asked:
            await rig.synthesize(message(by=5, examples=()))
        assert asked.value.fields["send"].startswith("increment(by=")
        assert await rig.versions() == []


# --- Repair ----------------------------------------------------------------------------------------------------------
async def test_two_near_drafts_are_repaired_at_once(sandbox: Sandbox) -> None:
    other = HONEST.replace("+ by", "* by")
    async with synthesizing(sandbox, saying([WRONG, other, HONEST, ALSO_HONEST]), drafts=2) as rig:
        await rig.put()
        assert (await rig.written(message(by=5))).method.source == HONEST
        shown = [each.body["messages"][-2]["content"] for each in rig.endpoint.by("alfred")[2:]]
        assert sorted(shown) == sorted(f"```python\n{source}```" for source in (WRONG, other))


async def test_after_two_rounds_of_repair_it_fails(sandbox: Sandbox) -> None:
    async with synthesizing(sandbox, saying([WRONG]), drafts=1) as rig:
        await rig.put()
        with pytest.raises(SynthesisFailed, match="none of 3 drafts"):
            await rig.synthesize(message(by=5))
        assert len(rig.endpoint.by("alfred")) == 3


# --- Adoption --------------------------------------------------------------------------------------------------------
async def test_a_siblings_version_that_passes_everything_is_adopted_and_nothing_is_asked(sandbox: Sandbox) -> None:
    async with synthesizing(sandbox, saying([WRONG])) as rig:
        await rig.put("counter/other", HONEST)
        await rig.put()
        events = await rig.synthesize(message(by=5))
        assert Adopted(ObjectId("counter/other"), INCREMENT, 1) in events
        assert not [each for each in events if isinstance(each, TurnStarted | DraftTried)]
        assert rig.endpoint.asked == []
        last = events[-1]
        assert isinstance(last, Registered)
        told = last.record.method.provenance
        assert (told.adopted, told.turns, told.drafts, told.examples) == ("counter/other.increment@1", (), 0, 2)
        assert last.record.method.source == HONEST
        assert last.record.level is Level.EXAMPLES
        assert last.record.active


@pytest.mark.parametrize("source", [WRONG, HONEST.replace("by=1", "step=1").replace("by", "step")])
async def test_a_siblings_version_that_fails_an_example_or_the_message_is_not_adopted(
    sandbox: Sandbox, source: str
) -> None:
    async with synthesizing(sandbox, saying([HONEST])) as rig:
        await rig.put("counter/other", source)
        await rig.put()
        record = await rig.written(message(by=5))
        assert (record.method.source, record.method.provenance.adopted) == (HONEST, "")


async def test_without_examples_nothing_is_adopted(sandbox: Sandbox) -> None:
    async with synthesizing(sandbox, saying([HONEST])) as rig:
        await rig.put("counter/other", HONEST)
        await rig.put()
        with pytest.raises(ApprovalPending):
            await rig.synthesize(message(by=5, examples=()))
        assert (await rig.versions())[0].method.provenance.adopted == ""


# --- What a version carries ------------------------------------------------------------------------------------------
async def test_a_version_carries_its_effects_and_how_often_drafts_were_run(sandbox: Sandbox) -> None:
    async with synthesizing(sandbox, saying([HONEST, ALSO_HONEST, HONEST])) as rig:
        await rig.put()
        record = await rig.written(message(by=5))
        assert record.method.effects == EffectSet(("count",), ("count",), ())
        assert 2 * (len(TWO_EXAMPLES) + 2) < record.method.provenance.trials <= 3 * TRIAL_RUNS
        assert (await rig.store.method(NS, COUNTER, INCREMENT, 1))[0].method.effects == record.method.effects


# --- What a synthesis costs beside its endpoints ----------------------------------------------------------------------
async def test_what_is_done_beside_the_endpoints_is_bounded_by_count(sandbox: Sandbox) -> None:
    """Runs in the sandbox grow with drafts and examples, and with nothing else that a sender could make large."""
    many = [Example(index + 5, {"count": index}, (), {"by": 5}) for index in range(32)]
    async with synthesizing(sandbox, saying([HONEST])) as rig:
        await rig.put(slots={f"slot{index}": index for index in range(50)})
        record = await rig.written(message(by=5, examples=many))
        assert record.method.provenance.trials <= 3 * (len(many) + 2 + MAX_VARIATIONS)


async def test_a_draft_that_never_ends_beside_its_examples_costs_one_limit_and_not_twelve(sandbox: Sandbox) -> None:
    slow = HONEST.replace("    self.count", "    while by < 0:\n        by -= 1\n    self.count", 1)
    async with synthesizing(sandbox, saying([slow]), drafts=2) as rig:
        await rig.put()
        record = await rig.written(message(by=5))
        assert record.method.source == slow
        assert record.method.provenance.trials < 2 * TRIAL_RUNS
