"""Why a method could not be written. Law: one setback for a method, which is let go an hour after its end."""

import math
from typing import Final

from kernel.objects import Namespace, ObjectId, Selector
from objectstore import flight_records, records
from objectstore.core import Core, persist
from objectstore.flight_keys import SetbackKey
from objectstore.flights import Setback
from objectstore.ledger import Span, Step

AFTER_SECONDS: Final = 3600  # for which the next failure may count on
_ROUND_SECONDS: Final = 300  # so that those of about one length share leases
_LONGEST_SECONDS: Final = 30 * 24 * 3600


class Setbacks:
    """The part of the flights that keeps failures; see Flights for what each method promises."""

    def __init__(self, core: Core) -> None:
        self._core = core

    async def setback(self, namespace: Namespace, target: ObjectId, selector: Selector) -> Setback | None:
        """See Flights."""
        key = SetbackKey(namespace, target, selector).encode()
        entry = (await self._core.ledger.read(Span.key(key))).only(0)
        found = flight_records.setback(entry.value) if entry else None
        # Leases end a little later than they promise.
        return found if found and self._core.now() < found.until + AFTER_SECONDS else None

    async def set_back(
        self, namespace: Namespace, target: ObjectId, selector: Selector, setback: Setback | None
    ) -> None:
        """See Flights."""
        key = SetbackKey(namespace, target, selector).encode()
        await persist(lambda: self._set_back(key, setback))

    async def _set_back(self, key: bytes, setback: Setback | None) -> bool | None:
        """True once it is kept; None where another came between: so none that comes late hides a later one."""
        there = (await self._core.ledger.read(Span.key(key))).only(0)
        value = None if setback is None else records.encode(setback)
        if (there.value if there else None) == value:
            return True
        same = {key: there.revision if there else 0}
        if setback is None or value is None:
            step = Step(same, deletes=[Span.key(key)])
        else:
            lasts = setback.until + AFTER_SECONDS - self._core.now()
            seconds = min(max(1, math.ceil(lasts / _ROUND_SECONDS)) * _ROUND_SECONDS, _LONGEST_SECONDS)
            step = Step(same, passing={key: value}, seconds=seconds)
        return None if (await self._core.lanes.take(step)).revision is None else True
