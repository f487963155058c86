"""What the store promises of its watch."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

import pytest

from fakes.stores import Kept, writing
from kernel.errors import StaleToken
from kernel.objects import DEFAULT_NAMESPACE, Namespace, ObjectId, Policy
from kernel.transactions import Key, Lane, Part, Token
from kernel.values import pack
from objectstore.store import Change, Changes, NewObject, Store, Update

NS = DEFAULT_NAMESPACE
A = ObjectId("a")
PATIENCE = 10.0


async def told(watch: AsyncGenerator[Changes], until: Token) -> list[Change]:
    """All that a watch tells up to a token."""
    found: list[Change] = []
    async with asyncio.timeout(PATIENCE):
        async for changes in watch:
            found += changes.items
            if changes.token.revision >= until.revision:
                return found
    raise AssertionError("the watch ended")


async def test_a_watch_begins_by_telling_where(store: Store) -> None:
    made = await store.create(NS, NewObject(A))
    async with asyncio.timeout(PATIENCE), aclosing(store.watch(NS, None)) as watch:
        first = await anext(watch)
        assert (list(first.items), first.token.epoch) == ([], made.token.epoch)
        assert first.token.revision >= made.token.revision
    async with asyncio.timeout(PATIENCE), aclosing(store.watch(NS, made.token)) as watch:
        first = await anext(watch)
        assert (list(first.items), first.token) == ([], made.token)


async def test_every_change_is_told_in_order_with_what_it_left(store: Store) -> None:
    before = (await store.create(NS, NewObject(ObjectId("other")))).token
    async with aclosing(store.watch(NS, before)) as watch:
        made = await store.create(NS, NewObject(A, slots={"n": 0}))
        written = await store.commit(writing(made, slots={"n": 1}), Lane("l", 1))
        updated = await store.update(NS, Update(A, policy=Policy(never=("drop",))))
        gone = await store.delete(NS, A)
        changes = await told(watch, gone)
    definition, slots = Key(A, Part.DEFINITION), Key(A, Part.SLOTS)
    first = sorted(changes[:2], key=lambda change: change.key.part)
    assert first == [
        Change(definition, made.token.revision, made.definition),
        Change(slots, made.token.revision, None, pack({"n": 0})),
    ]
    assert changes[2:4] == [
        Change(slots, written.revision, None, pack({"n": 1})),
        Change(definition, updated.definition_revision, updated.definition),
    ]
    last = sorted(changes[4:], key=lambda change: change.key.part)
    assert last == [Change(definition, gone.revision), Change(slots, gone.revision)]
    assert all(change.deleted for change in last)


async def test_two_hundred_commits_are_told_one_by_one_to_early_and_late_watchers(store: Store) -> None:
    found = await store.create(NS, NewObject(A, slots={"n": 0}))
    start = found.token
    async with aclosing(store.watch(NS, start)) as early, aclosing(store.watch(NS, start)) as late:
        listening = asyncio.create_task(told(early, Token(start.epoch, start.revision + 200)))
        token = start
        for n in range(1, 201):
            token = await store.commit(writing(found, slots={"n": n}), Lane("l", n))
            found = await store.get(NS, A)
        for changes in (await listening, await told(late, token)):
            numbers = [change.slots["n"] for change in changes if change.slots is not None]
            assert numbers[:195] == list(range(1, 196))
            revisions = [change.revision for change in changes]
            assert revisions == sorted(set(revisions))


async def test_a_watch_goes_on_from_any_token_it_told(store: Store) -> None:
    found = await store.create(NS, NewObject(A, slots={"n": 0}))
    tokens = [found.token]
    for n in range(1, 6):
        found = await store.get(NS, A)
        tokens += [await store.commit(writing(found, slots={"n": n}), Lane("l", n))]
    for n, token in enumerate(tokens[:-1]):
        async with aclosing(store.watch(NS, token)) as watch:
            changes = await told(watch, tokens[-1])
        assert [change.slots for change in changes] == [{"n": each} for each in range(n + 1, 6)]


async def test_a_watch_that_catches_up_is_told_more_than_fits_one_frame(store: Store) -> None:
    start = token = (await store.create(NS, NewObject(A))).token
    for n in range(40):
        token = (await store.update(NS, Update(A, slots={"n": n, "x": "x" * 1_000_000}))).token
    async with aclosing(store.watch(NS, start)) as watch:
        changes = await told(watch, token)
    assert [change.slots["n"] for change in changes if change.slots] == list(range(40))


async def test_other_namespaces_are_not_told(store: Store) -> None:
    elsewhere = Namespace("default-2")
    start = (await store.create(NS, NewObject(A))).token
    await store.create(elsewhere, NewObject(A))
    last = (await store.create(NS, NewObject(ObjectId("b")))).token
    async with aclosing(store.watch(NS, start)) as watch:
        assert {change.key.object_id for change in await told(watch, last)} == {"b"}


async def test_a_token_that_the_store_cannot_go_on_from_is_stale(kept: Kept) -> None:
    made = await kept.store.create(NS, NewObject(A))
    wrong = [Token("0123456789abcdef", made.token.revision), Token(made.token.epoch, made.token.revision + 1000)]
    wrong.append(Token(made.token.epoch, 0))
    for n in range(3):
        await kept.store.update(NS, Update(A, slots={"n": n}))
    await kept.compact()
    last = (await kept.store.update(NS, Update(A, slots={"n": 3}))).token
    for token in (*wrong, made.token):
        with pytest.raises(StaleToken):
            async with asyncio.timeout(PATIENCE), aclosing(kept.store.watch(NS, token)) as watch:
                await told(watch, Token(last.epoch, 1 << 62))
    async with aclosing(kept.store.watch(NS, last)) as watch:
        await anext(watch)


async def test_a_watch_that_is_left_leaves_nothing_behind(store: Store) -> None:
    before = asyncio.all_tasks()
    for _ in range(3):
        async with asyncio.timeout(PATIENCE), aclosing(store.watch(NS, None)) as watch:
            await anext(watch)
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(anext(watch), 0.01)
    await asyncio.sleep(0.1)
    own = [task for task in asyncio.all_tasks() - before if "objectstore" in str(task.get_coro())]
    assert not own
