"""What the store promises of nesting: the deepest value comes back on every road, a deeper one is refused."""

import asyncio
from contextlib import aclosing

import pytest

from fakes.stores import reads_of, writing
from kernel.errors import LimitExceeded
from kernel.messages import MethodRef
from kernel.objects import DEFAULT_NAMESPACE, Level, ObjectId, Selector
from kernel.transactions import KeptReply, Lane, Transaction
from kernel.values import MAX_DEPTH, Reference, Value
from objectstore.store import Change, NewObject, Store, Update

NS = DEFAULT_NAMESPACE
A = ObjectId("a")


def nested(levels: int) -> Value:
    """Maps, the form that takes most of a frame, with the deepest leaves inside."""
    value: Value = [Reference("b"), [], {}]
    for _ in range(levels - 2):
        value = {"a": value}
    return value


DEEPEST = {"n": nested(MAX_DEPTH + 1), "m": nested(MAX_DEPTH)}


async def test_the_deepest_slots_are_read_and_watched(store: Store) -> None:
    made = await store.create(NS, NewObject(A))
    async with asyncio.timeout(10), aclosing(store.watch(NS, made.token)) as watch:
        token = await store.commit(writing(made, slots=DEEPEST), Lane("deep", 1))
        changes: list[Change] = []
        while not changes:
            changes += (await anext(watch)).items
    assert [(change.revision, change.slots) for change in changes] == [(token.revision, DEEPEST)]
    assert (await store.get(NS, A)).slots == DEEPEST
    assert (await store.clone(NS, A, ObjectId("b"))).slots == DEEPEST
    assert (await store.update(NS, Update(A, slots=DEEPEST))).slots == DEEPEST


async def test_the_deepest_reply_is_kept(store: Store) -> None:
    made = await store.create(NS, NewObject(A, slots=DEEPEST))
    key = (A, made.definition.incarnation, "local", "r")
    reply = KeptReply(*key, "d", DEEPEST["n"], MethodRef(A, Selector("add"), 1, "d", Level.AUDITED))
    await store.commit(Transaction(NS, reads_of(made), replies=(reply,)), Lane("deep", 1))
    assert (await store.kept_reply(NS, *key))[0] == reply


async def test_deeper_slots_are_refused(store: Store) -> None:
    made = await store.create(NS, NewObject(A))
    deeper = {"n": nested(MAX_DEPTH + 2)}
    with pytest.raises(LimitExceeded):
        await store.create(NS, NewObject(ObjectId("b"), slots=deeper))
    with pytest.raises(LimitExceeded):
        await store.update(NS, Update(A, slots=deeper))
    with pytest.raises(LimitExceeded):
        await store.commit(writing(made, slots=deeper), Lane("deep", 1))
