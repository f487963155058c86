"""Recorded calls. Law: the newest few of a method, in places that are used again, so that they never grow.

The place that changed longest ago is used next; the ledger's own revisions tell which that is, with no counter to race
for. Calls of one revision lie in the order of their places.
"""

from collections.abc import Sequence
from typing import Final

from kernel.objects import Namespace, ObjectId, Selector
from objectstore import records
from objectstore.core import Core, persist
from objectstore.keys import CallKey, span
from objectstore.ledger import Entry, Span, Step
from objectstore.proving import RecordedCall

PLACES: Final = 20
MAX_CALL_BYTES: Final = 16 << 10


class RecordedCalls:
    """The part of the store that keeps recorded calls; see Store for what each method promises."""

    def __init__(self, core: Core) -> None:
        self._core = core

    async def record(
        self, namespace: Namespace, holder: ObjectId, selector: Selector, calls: Sequence[RecordedCall]
    ) -> None:
        """See Store."""
        encoded = [records.encode_call(call) for call in sorted(calls, key=lambda call: call.at)]
        newest = [each for each in encoded if len(each) <= MAX_CALL_BYTES][-PLACES:]

        async def attempt() -> bool | None:
            held, _ = await self._core.holder(namespace, holder)
            if not newest:
                return True
            incarnation = held.definition.incarnation
            wanted = _span(namespace, holder, incarnation, selector, values=False)
            revisions = {entry.key: entry.revision for entry in (await self._core.ledger.read(wanted)).spans[0]}
            places = [CallKey(namespace, holder, incarnation, selector, place).encode() for place in range(PLACES)]
            oldest = sorted(places, key=lambda key: (revisions.get(key, 0), key))
            taken = sorted(oldest[: len(newest)])
            same = {key: revisions.get(key, 0) for key in taken}
            step = Step(same, puts=dict(zip(taken, newest, strict=True)))
            return None if await self._core.take(held, step) is None else True

        await persist(attempt)

    async def recorded(self, namespace: Namespace, holder: ObjectId, selector: Selector) -> Sequence[RecordedCall]:
        """See Store."""
        while True:
            first, _ = await self._core.holder(namespace, holder)
            wanted = _span(namespace, holder, first.definition.incarnation, selector)
            held, reading = await self._core.holder(namespace, holder, wanted)
            if held.definition.incarnation == first.definition.incarnation:
                newest = sorted(reading.spans[1], key=_age, reverse=True)
                return [records.call(entry.value) for entry in newest]


def _span(namespace: Namespace, holder: ObjectId, incarnation: str, selector: Selector, *, values: bool = True) -> Span:
    found = span(namespace, "y", f"{holder}//{incarnation}/{selector}/")
    return Span(found.begin, found.end, values=values)


def _age(entry: Entry) -> tuple[int, bytes]:
    return entry.revision, entry.key
