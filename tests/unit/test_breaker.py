"""The breaker beside a model that keeps its whole history, and the rules it stands for, one by one."""

from collections.abc import Callable
from dataclasses import dataclass, field

import hypothesis.strategies as st
import pytest
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, rule

from synthesizer.breaker import Breaker, Entry, Open, Rule, State

RULE = Rule(in_a_row=3, of_the_last=6, share=0.5, first_pause=1.0, longest_pause=8.0)


@dataclass
class Clock:
    now: float = 0.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Model:
    """The same in other words: what was told since the last change of state, and who entered since then."""

    state: State = State.CLOSED
    told: list[bool] = field(default_factory=list[bool])
    since: list[Entry] = field(default_factory=list[Entry])
    opened: float = 0.0
    openings: int = 0  # since it was last closed

    @property
    def pause(self) -> float:
        return min(RULE.first_pause * 2 ** (self.openings - 1), RULE.longest_pause)

    def become(self, state: State) -> None:
        self.state = state
        self.told, self.since = [], []

    @property
    def broken(self) -> bool:
        row, last = self.told[-RULE.in_a_row :], self.told[-RULE.of_the_last :]
        return row == [True] * RULE.in_a_row or (
            len(last) == RULE.of_the_last and sum(last) >= RULE.share * RULE.of_the_last
        )


class BreakerBesideItsModel(RuleBasedStateMachine):
    entries: Bundle[Entry] = Bundle("entries")

    def __init__(self) -> None:
        super().__init__()
        self.clock, self.model = Clock(), Model()
        self.breaker = Breaker(self.clock, RULE)

    @rule(seconds=st.sampled_from([0.25, 1.0, 2.0, 8.0]))
    def time_passes(self, seconds: float) -> None:
        self.clock.now += seconds

    @rule(target=entries)
    def enter(self) -> Entry:
        may = self.model.state is State.CLOSED or (
            self.model.state is State.OPEN and self.clock.now >= self.model.opened + self.model.pause
        )
        if not may:
            with pytest.raises(Open) as refused:
                self.breaker.enter()
            assert 0 < refused.value.seconds <= RULE.longest_pause
            return Entry(-1)  # of no period: what is told of it counts nowhere
        if self.model.state is State.OPEN:
            self.model.become(State.HALF_OPEN)
        entry = self.breaker.enter()
        self.model.since.append(entry)
        return entry

    @rule(entry=consumes(entries))
    def answered(self, entry: Entry) -> None:
        self.breaker.answered(entry)
        if self._counts(entry):
            if self.model.state is State.HALF_OPEN:
                self.model.become(State.CLOSED)
                self.model.openings = 0
            self.model.told.append(False)

    @rule(entry=consumes(entries))
    def failed(self, entry: Entry) -> None:
        self.breaker.failed(entry)
        if self._counts(entry):
            self.model.told.append(True)
            if self.model.state is State.HALF_OPEN or self.model.broken:
                self.model.opened = self.clock.now
                self.model.openings += 1
                self.model.become(State.OPEN)

    @rule(entry=consumes(entries))
    def left(self, entry: Entry) -> None:
        self.breaker.left(entry)
        if self._counts(entry) and self.model.state is State.HALF_OPEN:
            self.model.become(State.OPEN)
            self.model.opened = self.clock.now - self.model.pause

    def _counts(self, entry: Entry) -> bool:
        return any(entry is each for each in self.model.since)

    @invariant()
    def both_are_in_the_same_state(self) -> None:
        assert self.breaker.state is self.model.state

    @invariant()
    def one_may_ask_exactly_where_no_seconds_are_left(self) -> None:
        left = self.model.opened + self.model.pause - self.clock.now if self.model.openings else 0.0
        match self.model.state:
            case State.CLOSED:
                assert self.breaker.seconds == 0
            case State.OPEN:
                assert self.breaker.seconds == pytest.approx(max(0.0, left))
            case State.HALF_OPEN:
                assert self.breaker.seconds > 0


TestBreakerBesideItsModel = BreakerBesideItsModel.TestCase


def opened(clock: Callable[[], float]) -> Breaker:
    breaker = Breaker(clock, RULE)
    for _ in range(RULE.in_a_row):
        breaker.failed(breaker.enter())
    assert breaker.state is State.OPEN
    return breaker


def test_a_breaker_opens_after_so_many_faults_in_a_row() -> None:
    breaker = Breaker(Clock(), RULE)
    for _ in range(2):
        breaker.failed(breaker.enter())
    breaker.answered(breaker.enter())
    for _ in range(2):
        breaker.failed(breaker.enter())
    assert breaker.state is State.CLOSED
    breaker.failed(breaker.enter())
    assert breaker.state is State.OPEN


def test_a_breaker_opens_when_half_of_the_last_ones_failed() -> None:
    breaker = Breaker(Clock(), RULE)
    for _ in range(3):
        breaker.answered(breaker.enter())
        assert breaker.state is State.CLOSED
        breaker.failed(breaker.enter())
    assert breaker.state is State.OPEN


def test_one_probe_at_a_time_decides_and_each_failed_one_doubles_the_pause() -> None:
    clock = Clock()
    breaker = opened(clock)
    for pause in (1.0, 2.0, 4.0, 8.0, 8.0):
        with pytest.raises(Open) as refused:
            breaker.enter()
        assert refused.value.seconds == pause
        clock.now += pause
        probe = breaker.enter()
        with pytest.raises(Open):
            breaker.enter()
        breaker.failed(probe)
    clock.now += 8.0
    breaker.answered(breaker.enter())
    assert breaker.state is State.CLOSED
    for _ in range(RULE.in_a_row):
        breaker.failed(breaker.enter())
    assert breaker.seconds == 1.0


def test_what_was_under_way_when_it_opened_decides_nothing() -> None:
    clock = Clock()
    breaker = Breaker(clock, RULE)
    late = breaker.enter()
    for _ in range(RULE.in_a_row):
        breaker.failed(breaker.enter())
    clock.now += 1.0
    probe = breaker.enter()
    breaker.answered(late)
    assert breaker.state is State.HALF_OPEN
    breaker.answered(probe)
    breaker.failed(late)
    assert breaker.state is State.CLOSED


def test_a_probe_that_nobody_waited_for_leaves_its_place_to_the_next() -> None:
    clock = Clock()
    breaker = opened(clock)
    clock.now += 1.0
    breaker.left(breaker.enter())
    breaker.answered(breaker.enter())
    assert breaker.state is State.CLOSED
