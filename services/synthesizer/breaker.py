"""When an endpoint is left alone, and when it is tried again. Law: a state machine and a clock; nobody is asked.

        CLOSED ──── so many faults in a row, or too large a share ───▶ OPEN
           ▲                                                            │ the pause is over
           └────────────── the probe is answered ────── HALF_OPEN ◀─────┘
                                                            └── the probe fails: OPEN again, for twice as long

Who wants to ask enters first and tells afterwards what came of it. An outcome counts only in the state in which its
asker entered: what was under way when the breaker opened decides nothing about the probe.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum


class State(Enum):
    """Whether one may ask."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


@dataclass(frozen=True, slots=True)
class Rule:
    """When a breaker opens, and for how long: in seconds, each pause twice the one before, up to the longest."""

    in_a_row: int = 5
    of_the_last: int = 20
    share: float = 0.5
    first_pause: float = 1.0
    longest_pause: float = 30.0


@dataclass(frozen=True, slots=True)
class Entry:
    """The leave to ask once; `period` is the state it was given in."""

    period: int


class Open(Exception):
    """Nobody may ask now; `seconds` until somebody may."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"open for {seconds:g} s")
        self.seconds = seconds


class Breaker:
    """One endpoint's breaker. `clock` gives seconds and never goes back."""

    def __init__(self, clock: Callable[[], float], rule: Rule | None = None) -> None:
        self._clock, self._rule = clock, rule or Rule()
        self._state, self._period, self._until = State.CLOSED, 0, 0.0
        self._pause = 0.0
        self._in_a_row = 0
        self._lately: deque[bool] = deque(maxlen=self._rule.of_the_last)

    @property
    def state(self) -> State:
        """As it stands; a pause that is over is still OPEN until somebody enters."""
        return self._state

    @property
    def seconds(self) -> float:
        """How long nobody may ask; 0 where somebody may."""
        match self._state:
            case State.CLOSED:
                return 0.0
            case State.OPEN:
                return max(0.0, self._until - self._clock())
            case State.HALF_OPEN:
                return self._rule.first_pause

    def enter(self) -> Entry:
        """Leave to ask. Raises Open."""
        if seconds := self.seconds:
            raise Open(seconds)
        if self._state is State.OPEN:
            self._become(State.HALF_OPEN)
        return Entry(self._period)

    def answered(self, entry: Entry) -> None:
        """The endpoint is well, whether or not it liked what it was asked."""
        if entry.period != self._period:
            return
        if self._state is State.HALF_OPEN:
            self._pause = 0.0
            self._become(State.CLOSED)
        self._in_a_row = 0
        self._lately.append(False)

    def failed(self, entry: Entry) -> None:
        """The endpoint is not well."""
        if entry.period != self._period:
            return
        self._in_a_row += 1
        self._lately.append(True)
        if self._state is State.HALF_OPEN or self._too_many():
            rule = self._rule
            self._pause = min(self._pause * 2 or rule.first_pause, rule.longest_pause)
            self._until = self._clock() + self._pause
            self._become(State.OPEN)

    def left(self, entry: Entry) -> None:
        """Whoever asked did not wait for the answer: nothing is known. The next one is the probe instead."""
        if entry.period == self._period and self._state is State.HALF_OPEN:
            self._until = self._clock()
            self._become(State.OPEN)

    def _too_many(self) -> bool:
        full = len(self._lately) == self._rule.of_the_last
        return self._in_a_row >= self._rule.in_a_row or (
            full and sum(self._lately) >= self._rule.share * self._rule.of_the_last
        )

    def _become(self, state: State) -> None:
        self._state = state
        self._period += 1
        self._in_a_row = 0
        self._lately.clear()
