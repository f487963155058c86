"""The whole store in pages of one revision. Law: memory stays as it is, however much there is to read.

A ledger reads so many keys, not so many bytes: how many values are read at once follows the size of those before, and
at most doubles. The keys are read ahead alone, many at a time, because etcd goes through all keys up to the end of a
span to count them, whatever the limit: the spans of the values end where the page does.
"""

from collections.abc import AsyncGenerator, Sequence
from typing import Final

from kernel.errors import StaleToken, StoreUnavailable
from objectstore.ledger import Entry, Ledger, Span

PAGE_BYTES: Final = 1 << 20
_KEYS: Final = 10_000
_FIRST: Final = 32
_MOST: Final = 512


async def pages(ledger: Ledger, revision: int, span: Span) -> AsyncGenerator[Sequence[Entry]]:
    """All entries of a span at a revision, in the order of their keys; no page is empty.

    StoreUnavailable, where the revision is no longer kept too.
    """
    begin, size = span.begin, _FIRST
    while True:
        ahead = await read_at(ledger, revision, Span(begin, span.end, _KEYS, values=False))
        if ahead and not span.values:
            yield ahead
        start = 0 if span.values else len(ahead)
        while start < len(ahead):
            last = min(start + size, len(ahead)) - 1
            page = await read_at(ledger, revision, Span(ahead[start].key, ahead[last].key + b"\0"))
            yield page
            start = last + 1
            weight = sum(len(entry.key) + len(entry.value) for entry in page)
            size = max(1, min(size * 2, _MOST, len(page) * PAGE_BYTES // weight))
        if len(ahead) < _KEYS:
            return
        begin = ahead[-1].key + b"\0"


async def read_at(ledger: Ledger, revision: int, span: Span) -> Sequence[Entry]:
    """A span at a revision that a read told. StoreUnavailable, where it is no longer kept too."""
    try:
        return await ledger.read_at(revision, span)
    except StaleToken:
        raise StoreUnavailable(f"revision {revision} of the store is no longer kept: begin again") from None
