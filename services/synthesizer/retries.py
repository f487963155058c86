"""How many of an endpoint's requests may be retries. Law: an outage is not multiplied by those who try again.

Of the requests of the last minute at most one in five is a retry; where there are so few that a share says nothing, ten
retries a minute are free.
"""

from collections import deque
from collections.abc import Callable

WINDOW = 60.0  # seconds
SHARE = 0.2
FREE = 10


class RetryBudget:
    """The retries of one endpoint. `clock` gives seconds and never goes back."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._requests: deque[float] = deque()
        self._retries: deque[float] = deque()

    def asked(self) -> None:
        """A request goes out: a first one, or a retry that was taken."""
        self._forget()
        self._requests.append(self._clock())

    def take(self) -> bool:
        """Whether one more retry may be made; if so, it is counted."""
        self._forget()
        if len(self._retries) >= max(FREE, SHARE * len(self._requests)):
            return False
        self._retries.append(self._clock())
        return True

    def _forget(self) -> None:
        oldest = self._clock() - WINDOW
        for times in (self._requests, self._retries):
            while times and times[0] <= oldest:
                times.popleft()
