"""The whole store in pages of one revision. Law: memory stays as it is, however much there is to read.

A ledger reads so many keys, not so many bytes: the number follows the size of the last page, and at most doubles.
"""

from collections.abc import AsyncGenerator, Sequence
from typing import Final

from kernel.errors import StaleToken, StoreUnavailable
from objectstore.ledger import Entry, Ledger, Span

PAGE_BYTES: Final = 1 << 20
_FIRST: Final = 32
_MOST: Final = 512


async def pages(ledger: Ledger, revision: int, span: Span) -> AsyncGenerator[Sequence[Entry]]:
    """All entries of a span at a revision, in the order of their keys; no page is empty.

    StoreUnavailable, where the revision is no longer kept too.
    """
    begin, size = span.begin, _FIRST
    while True:
        try:
            page = await ledger.read_at(revision, Span(begin, span.end, size, span.values))
        except StaleToken:
            raise StoreUnavailable(f"revision {revision} of the store is no longer kept: begin again") from None
        if page:
            yield page
        if len(page) < size:
            return
        begin = page[-1].key + b"\0"
        weight = sum(len(entry.key) + len(entry.value) for entry in page)
        size = max(1, min(size * 2, _MOST, len(page) * PAGE_BYTES // weight))
