"""Whether etcd answers. Law: that it went away is logged once, and once that it is back, however many ask it.

It is away once every member has failed, and none has answered for a second since. Before it has answered for the first
time nothing is said: whoever waits for it then says so.
"""

import logging
import time
from collections.abc import Callable
from typing import Final

AWAY_SECONDS: Final = 1.0

log = logging.getLogger(__name__)


class Presence:
    """What the log was told of an etcd, `where` it is looked for; `clock` is in seconds."""

    def __init__(self, where: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._where = where
        self._clock = clock
        self._answered = self._away = False
        self._since: float | None = None  # of the first failure after the last answer

    def answered(self) -> None:
        """A member answered, if only to refuse."""
        if self._away and self._since is not None:
            log.info("etcd at %s answers again, after %.1f s", self._where, self._clock() - self._since)
        self._answered, self._away, self._since = True, False, None

    def failed(self, why: str) -> None:
        """A member did not answer, and no other is thought to."""
        if self._since is None:
            self._since = self._clock()
        elif self._answered and not self._away and self._clock() - self._since >= AWAY_SECONDS:
            self._away = True
            log.warning(
                "etcd at %s does not answer, and nothing is read or changed until it does: %s", self._where, why
            )
