"""A ledger that must not go back. Law: what this server has seen is still there, or it says so until it starts again.

An etcd that lost its data, or that was started from an older snapshot, answers as any other. But its clock stands where
no clock that only goes forward can: a linearizable read tells at least the revision that was known before it was sent.
"""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

from kernel.errors import StoreUnavailable
from objectstore.ledger import Entry, Events, Ledger, Reading, Span, Step, Unclear


class WentBack(StoreUnavailable):
    """The ledger does not hold what was seen in it."""

    def __init__(self) -> None:
        super().__init__(
            "etcd has lost what it held, or went back to an older state: start all objectstores again, and restore a"
            " backup where something is missing"
        )


class SteadyLedger:
    """A Ledger. WentBack, from the first time on that it is noticed."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._seen = 0  # the highest revision
        self._back = False

    def went_back(self) -> WentBack:
        """What to raise, now and from now on."""
        self._back = True
        return WentBack()

    async def read(self, *spans: Span) -> Reading:
        """See Ledger."""
        before = self._known()
        reading = await self._ledger.read(*spans)
        if reading.revision < before:
            raise self.went_back()
        self._see(reading.revision)
        return reading

    async def read_at(self, revision: int, span: Span) -> Sequence[Entry]:
        """See Ledger."""
        self._known()
        return await self._ledger.read_at(revision, span)

    async def read_all_at(self, revision: int, spans: Sequence[Span]) -> Sequence[Sequence[Entry]]:
        """See Ledger."""
        self._known()
        return await self._ledger.read_all_at(revision, spans)

    async def transact(self, step: Step) -> int | None:
        """See Ledger."""
        before = self._known()
        revision = await self._ledger.transact(step)
        if revision is not None:
            if revision < before:
                self._back = True
                raise Unclear("it was applied to what is not the store any more")
            self._see(revision)
        return revision

    async def watch(self, span: Span, after: int) -> AsyncGenerator[Events]:
        """See Ledger."""
        self._known()
        async with aclosing(self._ledger.watch(span, after)) as batches:
            async for events in batches:
                self._see(events.revision)
                yield events

    async def close(self) -> None:
        """See Ledger."""
        await self._ledger.close()

    def _known(self) -> int:
        if self._back:
            raise WentBack
        return self._seen

    def _see(self, revision: int) -> None:
        self._seen = max(self._seen, revision)
