"""The store over a ledger, whole. Law: what objects mean is written once, for every ledger.

Opening it bootstraps: the epoch and the root objects are made by whoever comes first, and all others find them there.
"""

import secrets
import time
from collections.abc import Callable
from typing import Self

from kernel.objects import DEFAULT_NAMESPACE, SYSTEM_NAMESPACE
from objectstore import records
from objectstore.commits import Commits
from objectstore.core import Core
from objectstore.keys import META
from objectstore.lanes import SETTLE_SECONDS, Lanes
from objectstore.ledger import Ledger, Span, Step, Unclear
from objectstore.methods import Methods
from objectstore.objects import Objects
from objectstore.records import Meta, UnknownFormat
from objectstore.store import FORMAT


class LedgerStore(Objects, Methods, Commits):
    """A Store. `epoch` names the store until a backup is restored."""

    def __init__(self, core: Core) -> None:
        super().__init__(core)
        self.epoch = core.epoch

    @classmethod
    async def open(
        cls, ledger: Ledger, *, clock: Callable[[], float] = time.time, settle_seconds: float = SETTLE_SECONDS
    ) -> Self:
        """The store that the ledger holds, made if it is empty. StoreUnavailable, UnknownFormat.

        `clock` is in seconds since 1970; a lost answer is settled within `settle_seconds` or is CommitUnclear.
        """
        epoch = await _epoch(ledger)
        store = cls(Core(ledger, Lanes(ledger, settle_seconds=settle_seconds), epoch, clock))
        for namespace in (DEFAULT_NAMESPACE, SYSTEM_NAMESPACE):
            await store.ensure_root(namespace)
        return store


async def _epoch(ledger: Ledger) -> str:
    """The store's epoch; a new one where there is none. Whoever is first wins, so a lost answer needs no lane."""
    while True:
        entry = (await ledger.read(Span.key(META))).only(0)
        if entry is not None:
            meta = records.meta(entry.value)
            if meta.format > FORMAT:
                raise UnknownFormat(meta.format)
            return meta.epoch
        try:
            await ledger.transact(Step(same={META: 0}, puts={META: records.encode(Meta(secrets.token_hex(8)))}))
        except Unclear:
            continue
