"""What the dispatcher remembers is never taken for newer, or for more of one piece, than it is."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from typing import Any

import pytest

from fakes.request_ids import request_id
from fakes.rig import INCREMENT, NS, PUMP, READ, Rig
from kernel.errors import ObjectNotFound, StaleToken, StoreUnavailable
from kernel.messages import Consistency, Message
from kernel.objects import Namespace, ObjectId, Selector
from kernel.transactions import Token
from objectstore.ledger_store import LedgerStore
from objectstore.store import Changes, StoredObject, Update

pytestmark = pytest.mark.asyncio(loop_scope="module")

Watched = AsyncGenerator[Changes]


class OddStore:
    """A store whose watch and reads a test may disturb; else the real one."""

    def __init__(self, store: LedgerStore) -> None:
        self._store = store
        self.watching: Callable[[Watched], Watched] = lambda changes: changes
        self.before_get: Callable[[ObjectId], Any] | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    async def watch(self, namespace: Namespace, after: Token | None) -> Watched:
        async for changes in self.watching(self._store.watch(namespace, after)):
            yield changes

    async def get(self, namespace: Namespace, object_id: ObjectId) -> StoredObject:
        if self.before_get is not None:
            await self.before_get(object_id)
        return await self._store.get(namespace, object_id)


def failing_once(error: Exception, after: int) -> Callable[[Watched], Watched]:
    """A watch that breaks off, the first time, after so many frames."""
    failed = False

    async def watching(changes: Watched) -> Watched:
        nonlocal failed
        count = 0
        async for each in changes:
            if count == after and not failed:
                failed = True
                raise error
            count += 1
            yield each

    return watching


async def eventually(read: Callable[[], Any], expected: object) -> None:
    async with asyncio.timeout(5):
        while (await read()).result != expected:  # noqa: ASYNC110 - the watch is another service's
            await asyncio.sleep(0.05)


@pytest.mark.parametrize("error", [StoreUnavailable("away"), StaleToken("compacted"), RuntimeError("a bug of ours")])
@pytest.mark.parametrize("after", [0, 1])
async def test_what_changed_while_there_was_no_watch_is_seen_when_it_is_back(
    rig: Rig, error: Exception, after: int
) -> None:
    await rig.put(PUMP, READ, count=1)
    store = OddStore(rig.store)
    store.watching = failing_once(error, after)
    dispatch = rig.another(store)
    message = Message(PUMP, Selector("read"))
    assert (await dispatch.send(message)).result == 1
    await rig.store.update(NS, Update(PUMP, slots={"count": 2}))
    assert (await dispatch.send(message)).result in (1, 2)
    await eventually(lambda: dispatch.send(message), 2)
    await dispatch.stop()


async def test_a_failure_is_told_only_of_a_state_that_was(rig: Rig) -> None:
    check = "def check(self):\n    other = self.send('b', 'read')\n    if self.count + other != 100:\n"
    await rig.put("a", check + "        raise ValueError('torn')\n    return self.count\n", count=60)
    await rig.put("b", READ, count=40)
    store = OddStore(rig.store)
    dispatch = rig.another(store)
    moved = False

    async def move_between_the_reads(object_id: ObjectId) -> None:
        nonlocal moved
        if object_id == "b" and not moved:
            moved = True
            await rig.store.update(NS, Update(ObjectId("a"), slots={"count": 50}))
            await rig.store.update(NS, Update(ObjectId("b"), slots={"count": 50}))

    store.before_get = move_between_the_reads
    message = Message(ObjectId("a"), Selector("check"), consistency=Consistency.FULL)
    assert (await dispatch.send(message)).result == 50
    await dispatch.stop()


async def test_old_code_never_runs_on_a_new_object_nor_new_code_on_an_old_one(rig: Rig) -> None:
    await rig.put(PUMP, READ, "def code(self):\n    return ['old code', self.count]\n", count="old state")

    async def only_the_first(changes: Watched) -> Watched:
        async for each in changes:
            yield each
            await asyncio.Event().wait()

    store = OddStore(rig.store)
    store.watching = only_the_first
    dispatch = rig.another(store)
    await dispatch.send(Message(PUMP, Selector("read")))
    await rig.store.delete(NS, PUMP)
    await rig.put(PUMP, "def code(self):\n    return ['new code', self.count]\n", count="new state")
    assert (await dispatch.send(Message(PUMP, Selector("code")))).result == ["new code", "new state"]
    await dispatch.stop()


async def test_the_token_of_a_kept_reply_shows_its_effects_elsewhere(rig: Rig) -> None:
    await rig.put(PUMP, INCREMENT, READ, count=0)
    other = rig.another()
    await other.send(Message(PUMP, Selector("read")))
    message = Message(PUMP, Selector("increment"), request_id=request_id())
    await rig.dispatch.send(message)
    token = (await other.send(message)).token
    read = Message(PUMP, Selector("read"), consistency=Consistency.AT_LEAST, token=token)
    assert (await other.send(read)).result == 1
    await other.stop()


@pytest.mark.parametrize("token", ["{epoch}.999999999", "0123456789abcdef.1"])
async def test_a_token_that_this_store_never_gave_is_refused(rig: Rig, token: str) -> None:
    await rig.put(PUMP, READ, count=0)
    epoch = (await rig.send("read")).token.partition(".")[0]
    with pytest.raises(StaleToken):
        await rig.send("read", consistency=Consistency.AT_LEAST, token=token.format(epoch=epoch))


async def test_namespaces_that_are_made_up_cost_nothing(rig: Rig) -> None:
    await rig.put(PUMP, READ, count=0)
    for number in range(300):
        with pytest.raises(ObjectNotFound):
            await rig.dispatch.send(Message(PUMP, Selector("read"), namespace=Namespace(f"n{number}")))
    assert (await rig.send("read")).result == 0
