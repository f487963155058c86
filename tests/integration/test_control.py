"""What is refused before anything is spent, and what is settled after it, over real gRPC with scripted endpoints."""

import pytest

from fakes.endpoint import Asked, Reply, Say, Status, answering, fenced, small_talk
from fakes.synthesis import COUNTER, HONEST, INCREMENT, NS, WRONG, message, synthesizing
from kernel.errors import ApprovalPending, BudgetExhausted, EndpointUnavailable, NotUnderstood, SynthesisFailed
from kernel.objects import ROOT, SYSTEM_NAMESPACE, Policy
from kernel.synthesis import TurnStarted
from objectstore.ledger_flights import LedgerFlights
from objectstore.store import Update
from objectstore.switch import SLOT, SWITCH
from sandbox.host import Sandbox
from synthesizer import freeze

pytestmark = pytest.mark.asyncio(loop_scope="module")

FROZEN, THAWED = Update(SWITCH, slots={SLOT: True}), Update(SWITCH, slots={SLOT: False})
PLENTY = 1_000_000


async def test_a_misspelled_selector_costs_nothing_and_is_written_with_an_intent(sandbox: Sandbox) -> None:
    source = HONEST.replace("def increment", "def incremnt")
    async with synthesizing(sandbox, answering({"incremnt": [source]})) as rig:
        await rig.put(COUNTER, HONEST)
        with pytest.raises(NotUnderstood, match=r"send an intent or examples .* near selectors: increment"):
            await rig.synthesize(message(selector="incremnt", examples=(), by=5))
        assert rig.endpoint.asked == []
        assert (await rig.written(message(selector="incremnt", by=5))).method.number == 1


async def test_while_synthesis_is_frozen_nothing_is_asked_and_then_it_goes_on(sandbox: Sandbox) -> None:
    async with synthesizing(sandbox, answering({"increment": [HONEST]})) as rig:
        await freeze.bootstrap(rig.store)
        await rig.put()
        await rig.store.update(SYSTEM_NAMESPACE, FROZEN)
        with pytest.raises(NotUnderstood, match="synthesis is frozen: batctl thaw --all"):
            await rig.synthesize(message(by=5))
        assert rig.endpoint.asked == []
        await rig.store.update(SYSTEM_NAMESPACE, THAWED)
        assert (await rig.written(message(by=5))).active


async def test_what_is_under_way_when_synthesis_is_frozen_waits_for_a_person(sandbox: Sandbox) -> None:
    async with synthesizing(sandbox, answering({"increment": [Say(fenced(HONEST), seconds=0.3)]})) as rig:
        await freeze.bootstrap(rig.store)
        await rig.put()
        with pytest.raises(ApprovalPending, match="synthesis is frozen, and only a person activates"):  # noqa: PT012
            async for event in rig.client.synthesize(message(by=5)):
                if isinstance(event, TurnStarted) and event.persona == "ALFRED":
                    await rig.store.update(SYSTEM_NAMESPACE, FROZEN)
        (record,) = await rig.versions()
        assert not record.active


async def test_a_budget_is_charged_with_what_was_spent_and_no_more(sandbox: Sandbox) -> None:
    async with synthesizing(sandbox, answering({"increment": [HONEST]})) as rig:
        await rig.put(policy=Policy(tokens_per_hour=PLENTY))
        await rig.store.update(NS, Update(ROOT, policy=Policy(syntheses_per_hour=1)))
        record = await rig.written(message(by=5))
        turns = record.method.provenance.turns
        spent = sum(turn.input_tokens + turn.output_tokens for turn in turns)
        counted = await LedgerFlights(rig.store.core).spent(NS, [COUNTER, ROOT])
        assert counted == {COUNTER: (spent, 1), ROOT: (spent, 1)}
        asked = len(rig.endpoint.asked)
        with pytest.raises(BudgetExhausted, match="root allows 1 syntheses an hour, 0 are left") as refused:
            await rig.synthesize(message(selector="reset"))
        assert 0 < float(refused.value.fields["retry_seconds"]) <= 3600
        assert len(rig.endpoint.asked) == asked


async def test_an_endpoint_that_is_down_costs_no_budget(sandbox: Sandbox) -> None:
    def down(asked: Asked) -> Reply:
        del asked
        return Status(503, "no model is loaded")

    async with synthesizing(sandbox, down) as rig:
        await rig.put(policy=Policy(tokens_per_hour=PLENTY, syntheses_per_hour=1))
        with pytest.raises(EndpointUnavailable):
            await rig.synthesize(message(by=5))
        assert await LedgerFlights(rig.store.core).spent(NS, [COUNTER]) == {COUNTER: (0, 0)}


async def test_what_failed_is_told_again_and_not_paid_again_until_it_is_asked_otherwise(sandbox: Sandbox) -> None:
    def wrong(asked: Asked) -> Reply:
        return Say(fenced(WRONG) if asked.persona == "alfred" else small_talk(asked))

    async with synthesizing(sandbox, wrong) as rig:
        await rig.put()
        with pytest.raises(SynthesisFailed) as failed:
            await rig.synthesize(message(by=5))
        asked = len(rig.endpoint.asked)
        with pytest.raises(SynthesisFailed) as again:
            await rig.synthesize(message(by=7))
        assert again.value.text.startswith(failed.value.text)
        assert "another intent or other examples are tried at once" in again.value.text
        assert 0 < float(again.value.fields["retry_seconds"]) <= 60
        assert len(rig.endpoint.asked) == asked
        rig.endpoint.script = answering({"increment": [HONEST]})
        await rig.written(message(by=5, intent="add to the count"))
        assert await LedgerFlights(rig.store.core).setback(NS, COUNTER, INCREMENT) is None
