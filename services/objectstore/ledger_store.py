"""The store over a ledger, whole. Law: what objects mean is written once, for every ledger.

Opening it bootstraps: the epoch and the root objects are made by whoever comes first, and all others find them there.
"""

import time
from collections.abc import Callable
from typing import Self

from kernel.objects import DEFAULT_NAMESPACE, SYSTEM_NAMESPACE
from objectstore.commits import Commits
from objectstore.core import Core
from objectstore.epochs import EpochLedger
from objectstore.examples import Examples
from objectstore.gathering import GatheredReads
from objectstore.hub import Hub
from objectstore.lanes import SETTLE_SECONDS, Lanes
from objectstore.lately import Lately
from objectstore.ledger import Ledger
from objectstore.methods import Methods
from objectstore.objects import Objects
from objectstore.pins import Pins
from objectstore.previews import Previews
from objectstore.recorded_calls import RecordedCalls
from objectstore.registrations import Registrations


class LedgerStore(Objects, Registrations, Methods, Examples, RecordedCalls, Pins, Previews, Commits):
    """A Store."""

    def __init__(self, core: Core) -> None:
        super().__init__(core)
        self.core = core
        self.ledger = core.ledger
        self.hub = core.hub
        self._told = Lately(self.changes_of)

    @property
    def epoch(self) -> str:
        """What names the store until a backup is restored."""
        return self.ledger.epoch

    @classmethod
    async def open(
        cls, ledger: Ledger, *, clock: Callable[[], float] = time.time, settle_seconds: float = SETTLE_SECONDS
    ) -> Self:
        """The store that the ledger holds, made if it is empty. StoreUnavailable, UnknownFormat.

        `clock` is in seconds since 1970; a lost answer is settled within `settle_seconds` or is CommitUnclear.
        """
        held = await EpochLedger.open(GatheredReads(ledger))
        store = cls(Core(held, Lanes(held, settle_seconds=settle_seconds), Hub(held.beneath), clock))
        if not held.restoring:  # else the store can be told to restore again, and serves nothing else
            await store.bootstrap()
        return store

    async def bootstrap(self) -> None:
        """Make what every store begins with, unless it is there."""
        for namespace in (DEFAULT_NAMESPACE, SYSTEM_NAMESPACE):
            await self.ensure_root(namespace)
