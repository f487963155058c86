"""The budget of retries: few are free, many are a share, and a minute forgets."""

from dataclasses import dataclass

import hypothesis.strategies as st
from hypothesis import given

from synthesizer.retries import FREE, SHARE, WINDOW, RetryBudget


@dataclass
class Clock:
    now: float = 0.0

    def __call__(self) -> float:
        return self.now


def test_where_there_are_few_requests_a_few_retries_are_free() -> None:
    budget = RetryBudget(Clock())
    assert [budget.take() for _ in range(FREE + 1)] == [True] * FREE + [False]


def test_of_many_requests_one_in_five_may_be_a_retry() -> None:
    budget = RetryBudget(Clock())
    for _ in range(100):
        budget.asked()
    assert sum(budget.take() for _ in range(100)) == 20


def test_after_a_minute_all_is_forgotten() -> None:
    clock = Clock()
    budget = RetryBudget(clock)
    while budget.take():
        pass
    clock.now += WINDOW - 0.001
    assert not budget.take()
    clock.now += 0.001
    assert budget.take()


@given(st.lists(st.tuples(st.floats(0, 20), st.booleans()), max_size=300))
def test_no_minute_has_more_retries_than_its_share(events: list[tuple[float, bool]]) -> None:
    clock = Clock()
    budget = RetryBudget(clock)
    requests: list[float] = []
    retries: list[float] = []
    for pause, fails in events:
        clock.now += pause / 10
        budget.asked()
        requests.append(clock.now)
        if fails and budget.take():
            retries.append(clock.now)
            budget.asked()
            requests.append(clock.now)
        lately = [each for each in retries if each > clock.now - WINDOW]
        asked = [each for each in requests if each > clock.now - WINDOW]
        assert len(lately) <= max(FREE, SHARE * len(asked) + 1)
