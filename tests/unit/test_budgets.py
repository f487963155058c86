"""Money is reserved before it is spent, from every object along the path, and what is left over goes back."""

import asyncio

import pytest

import vocabulary
from fakes.desk import BASE, FAILED, MAIN, NS, PLENTY, Desk, desk_with_a_counter, message
from kernel.errors import (
    BudgetExhausted,
    EndpointUnavailable,
    ObjectNotFound,
    StoreFull,
    StoreUnavailable,
    SynthesisFailed,
)
from kernel.objects import ROOT, Namespace, ObjectId, Selector
from kernel.synthesis import SynthesisRecord
from objectstore.flights import Reservation, Setback
from objectstore.ledger_flights import LedgerFlights
from synthesizer.control import Hourly, Permit
from wire.errors import status_of


@pytest.fixture
async def desk() -> Desk:
    return await desk_with_a_counter()


# --- Budgets ---------------------------------------------------------------------------------------------------------
async def test_a_hundred_misses_at_a_budget_of_three_are_three_syntheses(desk: Desk) -> None:
    await desk.policy(BASE, syntheses_per_hour=3)
    controls = [desk.control() for _ in range(2)]
    asked = [desk.permit(message(f"method_{number}"), controls[number % 2]) for number in range(100)]
    outcomes = await asyncio.gather(*asked, return_exceptions=True)
    assert sum(isinstance(each, Permit) for each in outcomes) == 3
    assert sum(isinstance(each, BudgetExhausted) for each in outcomes) == 97
    assert (await desk.flights.spent(NS, [BASE]))[BASE][1] == 3
    assert desk.refused(vocabulary.REFUSAL_BUDGET) == 97


async def test_an_exhausted_budget_tells_whose_it_is_what_is_left_and_when_it_renews(desk: Desk) -> None:
    await desk.policy(BASE, syntheses_per_hour=1)
    await desk.permit(message())
    desk.clock.now += 600
    with pytest.raises(BudgetExhausted, match="counter allows 1 syntheses an hour, 0 are left") as refused:
        await desk.permit(message("drain"))
    assert refused.value.fields["object"] == BASE
    left = 3600 - desk.clock.now % 3600
    assert float(refused.value.fields["retry_seconds"]) == pytest.approx(left, abs=1)
    status = status_of(refused.value)
    assert status is not None
    assert [detail.type_url.rpartition(".")[2] for detail in status.details] == ["ErrorInfo", "RetryInfo"]
    desk.clock.now += left
    await desk.permit(message("drain"))


async def test_where_one_budget_of_the_path_is_spent_nothing_is_taken_of_the_others(desk: Desk) -> None:
    await desk.policy(MAIN, syntheses_per_hour=5, tokens_per_hour=PLENTY)
    await desk.policy(ROOT, syntheses_per_hour=0)
    with pytest.raises(BudgetExhausted, match="root allows 0 syntheses") as refused:
        await desk.permit(message())
    assert "retry_seconds" not in refused.value.fields
    assert (await desk.flights.spent(NS, [MAIN]))[MAIN] == (0, 0)


async def test_every_object_of_the_path_pays_and_what_was_not_spent_goes_back(desk: Desk) -> None:
    for each in (MAIN, BASE, ROOT):
        await desk.policy(each, tokens_per_hour=PLENTY)
    control = desk.control()
    permit = await desk.permit(message(), control)
    reserved = await desk.flights.spent(NS, [MAIN, BASE, ROOT])
    assert permit.reservation is not None
    assert set(reserved.values()) == {(permit.reservation.tokens, 1)}
    await control.settled(permit, 1234, None)
    assert set((await desk.flights.spent(NS, [MAIN, BASE, ROOT])).values()) == {(1234, 1)}


@pytest.mark.parametrize("failure", [None, EndpointUnavailable("down")], ids=["nothing was needed", "endpoint down"])
async def test_where_nothing_was_spent_all_of_it_goes_back(desk: Desk, failure: Exception | None) -> None:
    await desk.policy(ROOT, tokens_per_hour=PLENTY, syntheses_per_hour=1)
    control = desk.control()
    await control.settled(await desk.permit(message(), control), 0, failure)
    assert (await desk.flights.spent(NS, [ROOT]))[ROOT] == (0, 0)


async def test_a_budget_too_small_for_one_synthesis_says_that_no_hour_will_do(desk: Desk) -> None:
    await desk.policy(MAIN, tokens_per_hour=100)
    with pytest.raises(BudgetExhausted, match="raise the budget") as refused:
        await desk.permit(message())
    assert "retry_seconds" not in refused.value.fields


async def test_a_namespace_has_the_configured_budget_unless_its_root_says_another(desk: Desk) -> None:
    control = desk.control(hourly=Hourly(syntheses=1))
    await desk.permit(message(), control)
    with pytest.raises(BudgetExhausted, match="root allows 1 syntheses"):
        await desk.permit(message("drain"), control)
    await desk.policy(ROOT, syntheses_per_hour=2)
    await desk.permit(message("drain"), control)


async def test_without_budgets_nothing_is_reserved(desk: Desk) -> None:
    assert (await desk.permit(message())).reservation is None


async def test_who_takes_a_synthesis_over_settles_what_the_first_one_reserved(desk: Desk) -> None:
    await desk.policy(ROOT, tokens_per_hour=PLENTY)
    first = await desk.permit(message(), name="s1")
    taker = desk.control()
    permit = await taker.resumed(SynthesisRecord("s1", message(), "ada", desk.clock.now))
    assert permit is not None
    assert (permit.reservation, permit.ask) == (first.reservation, first.ask)
    await taker.settled(permit, 500, FAILED)
    await desk.control().settled(first, 900, FAILED)
    assert (await desk.flights.spent(NS, [ROOT]))[ROOT] == (500, 1)
    with pytest.raises(SynthesisFailed):
        await desk.permit(message())


async def test_what_was_reserved_for_an_object_that_is_gone_goes_back_to_the_others(desk: Desk) -> None:
    await desk.policy(ROOT, tokens_per_hour=PLENTY)
    await desk.permit(message(), name="s1")
    await desk.store.delete(NS, MAIN)
    taker = desk.control()
    permit = await taker.resumed(SynthesisRecord("s1", message(), "ada", desk.clock.now))
    assert permit is not None
    await taker.settled(permit, 500, ObjectNotFound(MAIN))
    assert (await desk.flights.spent(NS, [ROOT]))[ROOT] == (500, 1)


async def test_a_store_that_is_full_at_the_end_does_not_hide_how_it_ended(desk: Desk) -> None:
    class Full(LedgerFlights):
        async def settle(self, reservation: Reservation, tokens: int, *, begun: bool = True) -> None:
            raise StoreFull("no space")

        async def set_back(
            self, namespace: Namespace, target: ObjectId, selector: Selector, setback: Setback | None
        ) -> None:
            raise StoreFull("no space")

    await desk.policy(ROOT, tokens_per_hour=PLENTY)
    control = desk.control(Full(desk.store.core))
    await control.settled(await desk.permit(message(), control), 1, FAILED)


async def test_a_store_that_is_away_at_the_end_fails_nothing(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    class Away(LedgerFlights):
        async def settle(self, reservation: Reservation, tokens: int, *, begun: bool = True) -> None:
            raise StoreUnavailable("etcd is away")

    await desk.policy(ROOT, tokens_per_hour=PLENTY)
    control = desk.control(Away(desk.store.core))
    await control.settled(await desk.permit(message(), control), 1, FAILED)
    assert "etcd is away" in caplog.text
    with pytest.raises(SynthesisFailed):  # the failure is kept all the same
        await desk.permit(message())
