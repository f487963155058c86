"""Where keys lie, roughly. Law: a hint: it decides what a read costs, and never what it finds.

etcd goes through all keys of a span to count them, however few are asked for. So a long span is read in parts, which
end at *fences*: keys that were seen once, about a thousand apart. Whether one is still there does not matter. Where a
part turns out to be long, fences are put into its beginning; where one is nearly empty, they go.
"""

from bisect import bisect_left, bisect_right
from dataclasses import replace
from typing import Final

from objectstore.ledger import Ledger, Reading, Span
from objectstore.pages import read_at

APART: Final = 1_000  # keys; the largest page, about
_AHEAD: Final = 10  # fences that are looked for at once
_LONG: Final = 4  # times as far apart as they should be
_SHORT: Final = 1 / 4
_MOST: Final = 50_000


class Fences:
    """The fences of a ledger, `apart` keys from each other; those of one server, and at most a few MiB."""

    def __init__(self, apart: int = APART) -> None:
        self._apart = apart
        self._fences: list[bytes] = []

    async def first(self, ledger: Ledger, span: Span) -> Reading:
        """The first `limit` entries of a span, which is not 0, at the newest revision; counts tell nothing.

        StoreUnavailable.
        """
        end = self._end(span.begin, span)
        reading = await ledger.read(replace(span, end=end))
        found = list(reading.spans[0])
        if reading.counts[0] > _LONG * self._apart:
            await self._learn(ledger, reading.revision, Span(span.begin, end))
        while len(found) < span.limit and end < span.end:
            begin, end = end, self._end(end, span)
            wanted = span.limit - len(found)
            part = await read_at(ledger, reading.revision, replace(span, begin=begin, end=end, limit=wanted))
            if len(part) == wanted and end == span.end:  # nobody says how long it is
                await self._learn(ledger, reading.revision, Span(begin, end))
            elif len(part) < min(wanted, _SHORT * self._apart):
                self._forget(begin, end)
            found += part
        return replace(reading, spans=[found])

    def _end(self, begin: bytes, span: Span) -> bytes:
        """Where a part ends that begins there: at the second fence, so that it is seldom too short for a page."""
        index = bisect_right(self._fences, begin) + 1
        return min(self._fences[index], span.end) if index < len(self._fences) else span.end

    async def _learn(self, ledger: Ledger, revision: int, long: Span) -> None:
        if len(self._fences) >= _MOST:
            self._fences.clear()
        ahead = await read_at(ledger, revision, replace(long, limit=_AHEAD * self._apart, values=False))
        for entry in ahead[self._apart :: self._apart]:
            index = bisect_left(self._fences, entry.key)
            if self._fences[index : index + 1] != [entry.key]:
                self._fences.insert(index, entry.key)

    def _forget(self, begin: bytes, end: bytes) -> None:
        del self._fences[bisect_left(self._fences, begin) : bisect_left(self._fences, end)]
