"""Every no comes before anything is spent, and says what would make it a yes."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest

import vocabulary
from fakes.desk import BASE, FAILED, MAIN, NS, PLENTY, Desk, desk_with_a_counter, message
from kernel.errors import (
    ApprovalPending,
    EndpointUnavailable,
    NotPermitted,
    NotUnderstood,
    SynthesisCancelled,
    SynthesisFailed,
)
from kernel.messages import Example, Message
from kernel.objects import ROOT, SYSTEM_NAMESPACE, ObjectId, Selector, Synthesis
from kernel.values import Value
from objectstore.switch import SWITCH
from synthesizer import freeze
from wire.errors import status_of


@pytest.fixture
async def desk() -> Desk:
    return await desk_with_a_counter()


# --- The kill switch -------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("held", [True, 1, "yes", 0, ""], ids=repr)
async def test_while_the_switch_holds_nothing_begins_however_it_was_set(desk: Desk, held: Value) -> None:
    await desk.freeze(held)
    with pytest.raises(NotUnderstood, match="synthesis is frozen: batctl thaw --all; near selectors: increment"):
        await desk.permit(message("incremnt", intent="add one"))
    with pytest.raises(NotPermitted, match="stays as it is: synthesis is frozen"):
        await desk.permit(message("increment"), evolves=1)
    assert desk.refused(vocabulary.REFUSAL_FROZEN) == 2


@pytest.mark.parametrize("held", [False, None], ids=repr)
async def test_an_open_switch_lets_begin_what_it_refused_a_moment_ago(desk: Desk, held: Value) -> None:
    await desk.freeze()
    with pytest.raises(NotUnderstood):
        await desk.permit(message())
    await desk.freeze(held)
    await desk.permit(message())


async def test_a_switch_that_nobody_made_is_open_and_is_made_once(desk: Desk) -> None:
    await desk.store.delete(SYSTEM_NAMESPACE, SWITCH)
    await desk.permit(message())
    await asyncio.gather(*(freeze.bootstrap(desk.store) for _ in range(3)))
    await desk.freeze()
    await freeze.bootstrap(desk.store)
    assert await freeze.frozen(desk.store)


# --- Misspelled ------------------------------------------------------------------------------------------------------
async def test_what_looks_misspelled_is_told_what_answers(desk: Desk) -> None:
    with pytest.raises(NotUnderstood) as refused:
        await desk.permit(message("incremnt", 2))
    assert refused.value.near == ("increment",)
    assert refused.value.text == (
        "counter/main does not understand incremnt: it looks misspelled; send an intent or examples to have it written "
        "all the same; near selectors: increment"
    )
    assert desk.refused(vocabulary.REFUSAL_SPELLING) == 1


@pytest.mark.parametrize(
    "sent",
    [
        message("incremnt", 2, intent="subtract"),
        message("incremnt", 2, examples=(Example(1),)),
        message("incremnt", 2, 3),
        message("incremnt", keywords={"unit": "x"}),
        message("decrement"),
    ],
    ids=["intent", "examples", "too many arguments", "another keyword", "another word"],
)
async def test_what_is_meant_as_it_stands_is_written(desk: Desk, sent: Message) -> None:
    await desk.permit(sent)


async def test_what_nothing_answers_any_more_is_no_near_selector(desk: Desk) -> None:
    await desk.store.activate(NS, BASE, Selector("increment"), 0)
    await desk.permit(message("incremnt"))


# --- Setbacks --------------------------------------------------------------------------------------------------------
async def test_a_failure_is_told_again_by_every_synthesizer_until_its_time_is_over(desk: Desk) -> None:
    control, other = desk.control(), desk.control()
    for wait in (60, 120):
        await control.settled(await desk.permit(message(), control), 10, FAILED)
        desk.clock.now += wait - 1
        with pytest.raises(SynthesisFailed, match=r"no draft passed .* is tried again in 1 s") as refused:
            await desk.permit(message(), other)
        status = status_of(refused.value)
        assert status is not None
        assert status.details[1].type_url.endswith("RetryInfo")
        desk.clock.now += 1
    assert desk.refused(vocabulary.REFUSAL_SETBACK) == 2


async def test_a_refusal_costs_no_budget(desk: Desk) -> None:
    control = desk.control()
    await control.settled(await desk.permit(message(), control), 10, FAILED)
    await desk.policy(ROOT, tokens_per_hour=PLENTY)
    with pytest.raises(SynthesisFailed):
        await desk.permit(message(), control)
    assert (await desk.flights.spent(NS, [ROOT]))[ROOT] == (0, 0)


async def test_new_examples_and_another_intent_are_tried_at_once(desk: Desk) -> None:
    control = desk.control()
    await control.settled(await desk.permit(message(), control), 10, FAILED)
    await desk.permit(message(intent="back to zero"), control)
    await desk.permit(message(examples=(Example(0),)), control)
    await desk.permit(message("drain"), control)


@pytest.mark.parametrize("end", [None, ApprovalPending("a version waits")], ids=["registered", "waits"])
async def test_a_good_end_forgets_what_failed(desk: Desk, end: Exception | None) -> None:
    control = desk.control()
    await control.settled(await desk.permit(message(), control), 10, FAILED)
    desk.clock.now += 60
    await control.settled(await desk.permit(message(), control), 10, end)
    assert await desk.flights.setback(NS, MAIN, Selector("reset")) is None


@pytest.mark.parametrize("end", [SynthesisCancelled("by ada"), RuntimeError("a fault")], ids=["cancelled", "fault"])
async def test_what_says_nothing_of_the_method_is_neither_kept_nor_forgives(desk: Desk, end: Exception) -> None:
    control = desk.control()
    await control.settled(await desk.permit(message(), control), 10, FAILED)
    desk.clock.now += 60
    await control.settled(await desk.permit(message(), control), 10, end)
    await desk.permit(message(), control)
    await control.settled(await desk.permit(message(), control), 10, FAILED)
    setback = await desk.flights.setback(NS, MAIN, Selector("reset"))
    assert setback is not None
    assert setback.times == 2


async def test_an_endpoint_that_is_down_holds_back_every_ask_for_two_seconds(desk: Desk) -> None:
    control = desk.control()
    await control.settled(await desk.permit(message(), control), 0, EndpointUnavailable("alfred is down"))
    with pytest.raises(EndpointUnavailable, match="alfred is down"):
        await desk.permit(message(intent="back to zero"), control)
    desk.clock.now += 2
    await desk.permit(message(), control)


async def test_a_better_version_that_failed_holds_back_no_method_that_is_missing(desk: Desk) -> None:
    control = desk.control()
    better = message("increment", intent="faster")
    await control.settled(await desk.permit(better, control, evolves=1), 10, FAILED)
    with pytest.raises(SynthesisFailed):
        await desk.permit(better, control, evolves=1)
    await desk.permit(replace(better, selector=Selector("decrement")), control)


# --- Policies --------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("policy", [{"synthesis": Synthesis.OFF}, {"never": ("increment",)}], ids=["off", "never"])
async def test_what_policies_forbid_is_not_bettered_either(desk: Desk, policy: dict[str, Any]) -> None:
    await desk.policy(BASE, **policy)
    with pytest.raises(NotPermitted, match=r"counter/main\.increment stays as it is: the policy"):
        await desk.permit(message("increment"), evolves=1)


@pytest.mark.parametrize("receiver", [ROOT, SWITCH])
async def test_nothing_is_written_that_the_personas_or_the_switch_would_answer(desk: Desk, receiver: ObjectId) -> None:
    """A method of the root object runs with whoever inherits from it as `self`, and could thaw what is frozen."""
    thaw = Message(receiver, Selector("thaw"), namespace=SYSTEM_NAMESPACE, intent="set frozen to False")
    with pytest.raises(NotUnderstood, match="no method is ever written in the namespace system"):
        await desk.permit(thaw)
