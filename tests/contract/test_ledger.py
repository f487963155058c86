"""What every ledger promises of reading at a revision that went by: over memory and over etcd."""

from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack

import pytest

from fakes.stores import EVERYTHING, Kept, in_etcd, in_memory
from kernel.errors import LimitExceeded, StaleToken
from kernel.transactions import MAX_TRANSACTION_BYTES
from objectstore.ledger import Ledger, Span, Step


@pytest.fixture(params=["memory", "etcd"])
async def kept(request: pytest.FixtureRequest) -> AsyncGenerator[Kept]:
    async with AsyncExitStack() as stack:
        if request.param == "etcd":
            yield await stack.enter_async_context(in_etcd(request.getfixturevalue("etcd_endpoint")))
        else:
            yield await stack.enter_async_context(in_memory())


@pytest.fixture
def ledger(kept: Kept) -> Ledger:
    return kept.ledger


async def put(ledger: Ledger, **values: str) -> int:
    revision = await ledger.transact(Step(puts={f"/t/{key}".encode(): value.encode() for key, value in values.items()}))
    assert revision is not None
    return revision


async def delete(ledger: Ledger, key: str) -> int:
    revision = await ledger.transact(Step(deletes=[Span.key(f"/t/{key}".encode())]))
    assert revision is not None
    return revision


async def at(ledger: Ledger, revision: int, limit: int = 0) -> dict[str, str]:
    entries = await ledger.read_at(revision, Span.prefix(b"/t/", limit))
    return {entry.key.decode().removeprefix("/t/"): entry.value.decode() for entry in entries}


async def test_a_span_is_read_as_it_stood_at_each_revision(ledger: Ledger) -> None:
    first = await put(ledger, b="1", d="1")
    second = await put(ledger, a="2", b="2")
    third = await delete(ledger, "d")
    fourth = await put(ledger, d="4")
    assert await at(ledger, first) == {"b": "1", "d": "1"}
    assert await at(ledger, second) == {"a": "2", "b": "2", "d": "1"}
    assert await at(ledger, third) == {"a": "2", "b": "2"}
    assert await at(ledger, fourth) == {"a": "2", "b": "2", "d": "4"}


async def test_entries_carry_the_revision_of_their_last_change_until_then(ledger: Ledger) -> None:
    first = await put(ledger, a="1")
    second = await put(ledger, b="2")
    await put(ledger, a="3", b="3")
    found = await ledger.read_at(second, Span.prefix(b"/t/"))
    assert [entry.revision for entry in found] == [first, second]


async def test_pages_of_one_revision_leave_nothing_out_while_keys_come_and_go(ledger: Ledger) -> None:
    revision = await put(ledger, a="1", c="1", e="1")
    assert list(await at(ledger, revision, limit=2)) == ["a", "c"]
    await put(ledger, b="2", d="2")
    await delete(ledger, "e")
    rest = await ledger.read_at(revision, Span(b"/t/c\0", b"/t0", 2))
    assert [entry.key for entry in rest] == [b"/t/e"]


async def test_several_spans_are_read_at_one_revision_each_with_its_own_limit(ledger: Ledger) -> None:
    revision = await put(ledger, a="1", b="1", c="1")
    await put(ledger, a="2", d="2")
    spans = [Span(b"/t/", b"/t0", 2), Span.key(b"/t/d"), Span.key(b"/t/c", values=False)]
    found = await ledger.read_all_at(revision, spans)
    assert [[(entry.key, entry.value) for entry in each] for each in found] == [
        [(b"/t/a", b"1"), (b"/t/b", b"1")],
        [],
        [(b"/t/c", b"")],
    ]
    with pytest.raises(StaleToken):
        await ledger.read_all_at(revision + 1000, spans)


async def test_keys_can_be_read_without_their_values(ledger: Ledger) -> None:
    revision = await put(ledger, a="1", b="1")
    await put(ledger, a="2")
    found = await ledger.read_at(revision, Span(b"/t/", b"/t0", values=False))
    assert [(entry.key, entry.value) for entry in found] == [(b"/t/a", b""), (b"/t/b", b"")]


async def test_what_ends_by_itself_is_told_from_what_stays(ledger: Ledger) -> None:
    await ledger.transact(Step(puts={b"/t/stays": b""}, passing={b"/t/ends": b"", b"/t/was": b""}, seconds=60))
    revision = await ledger.transact(Step(puts={b"/t/was": b""}))
    assert revision is not None
    before, after = [await ledger.read_at(each, Span.prefix(b"/t/")) for each in (revision - 1, revision)]
    assert [entry.passing for entry in before] == [True, False, True]
    assert [entry.passing for entry in after] == [True, False, False]
    assert [entry.passing for entry in (await ledger.read(Span.prefix(b"/t/"))).spans[0]] == [True, False, False]


async def test_a_revision_that_is_compacted_or_yet_to_come_is_stale(kept: Kept) -> None:
    ledger = kept.ledger
    old = await put(ledger, a="1")
    new = await put(ledger, a="2")
    await kept.compact()
    for revision in (old, new + 1, 0):
        with pytest.raises(StaleToken):
            await ledger.read_at(revision, EVERYTHING)
    later = await put(ledger, a="3")
    assert (await at(ledger, new), await at(ledger, later)) == ({"a": "2"}, {"a": "3"})


async def test_a_reading_counts_the_keys_beyond_its_limit_too(ledger: Ledger) -> None:
    await put(ledger, a="1", b="2", c="3")
    spans = Span.prefix(b"/t/", 1), Span.prefix(b"/t/"), Span.key(b"/t/a"), Span.key(b"/t/none")
    reading = await ledger.read(*spans)
    assert list(reading.counts) == [3, 3, 1, 0]
    assert [len(entries) for entries in reading.spans] == [1, 3, 1, 0]
    assert list((await ledger.read(spans[0])).counts) == [3]


async def test_a_step_compares_values_whatever_their_revisions_are(ledger: Ledger) -> None:
    for _ in range(2):
        await put(ledger, a="1")
        assert await ledger.transact(Step(equal={b"/t/a": b"1"}, puts={b"/t/b": b"made"})) is not None
    for wrong in ({b"/t/a": b"2"}, {b"/t/a": b""}, {b"/t/absent": b""}, {b"/t/a": b"1", b"/t/b": b"other"}):
        assert await ledger.transact(Step(equal=wrong, puts={b"/t/c": b"made"})) is None


def test_a_key_that_is_compared_and_put_for_a_while_counts_twice_as_it_is_sent() -> None:
    key, value = b"/t/" + b"k" * 1000, b"v" * (MAX_TRANSACTION_BYTES - 1500)
    Step(passing={key: value}).check()
    with pytest.raises(LimitExceeded, match="the change has"):
        Step(same={key: 0}, passing={key: value}).check()
