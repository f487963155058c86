"""Changes that come between, from elsewhere and from other objects' own messages: run again, and never left behind."""

import asyncio
from collections.abc import Awaitable, Sequence
from typing import Any

import pytest

from dispatcher.dispatch import Dispatch
from fakes.odd_stores import CountingStore
from fakes.rig import INCREMENT, NS, Rig
from kernel.messages import Message, Reply
from kernel.objects import ObjectId, Selector
from kernel.transactions import Transaction
from kernel.values import Reference, Value
from objectstore.store import Draft, Update

pytestmark = pytest.mark.asyncio(loop_scope="module")


def send(dispatch: Dispatch, to: str, selector: str, *arguments: Value, **message: Any) -> Awaitable[Reply]:
    return dispatch.send(Message(ObjectId(to), Selector(selector), arguments, **message))


async def results(sends: Sequence[Awaitable[Reply]]) -> list[object]:
    return [
        each.result if isinstance(each, Reply) else type(each).__name__
        for each in await asyncio.gather(*sends, return_exceptions=True)
    ]


async def test_a_change_from_elsewhere_makes_the_batch_run_again_on_it(rig: Rig) -> None:
    store = CountingStore(rig.store)
    dispatch = rig.another(store)
    await rig.put("again", INCREMENT, count=0)
    await send(dispatch, "again", "increment")

    async def before(_: Transaction) -> None:
        store.before = None
        await rig.store.update(NS, Update(ObjectId("again"), slots={"count": 100}))

    store.before = before
    assert await results([send(dispatch, "again", "increment") for _ in range(3)]) == [101, 102, 103]
    await dispatch.stop()


async def test_a_method_changed_under_a_batch_runs_in_its_new_version(rig: Rig) -> None:
    store = CountingStore(rig.store)
    dispatch = rig.another(store)
    await rig.put("changed", INCREMENT, count=0)
    await send(dispatch, "changed", "increment")
    doubled = INCREMENT.replace("+ by", "+ by * 2")

    async def before(_: Transaction) -> None:
        store.before = None
        await rig.store.register(NS, Draft(ObjectId("changed"), Selector("increment"), doubled), activate=True)

    store.before = before
    assert await results([send(dispatch, "changed", "increment") for _ in range(3)]) == [3, 5, 7]
    await dispatch.stop()


async def test_a_root_that_sends_to_a_busy_object_is_not_kept_from_committing_by_it(rig: Rig) -> None:
    visit = (
        "def visit(self, to):\n    self.seen = to.send('increment')\n    self._p_changed = True\n    return self.seen\n"
    )
    await rig.put("busy", INCREMENT)
    for number in range(4):
        await rig.put(f"visitor/{number}", visit)
    done = asyncio.Event()

    async def keep_busy() -> int:
        count = 0
        while not done.is_set():
            await send(rig.dispatch, "busy", "increment")
            count += 1
        return count

    busy = [asyncio.create_task(keep_busy()) for _ in range(16)]
    visits = [send(rig.dispatch, f"visitor/{number}", "visit", Reference("busy")) for number in range(4) for _ in "ab"]
    async with asyncio.timeout(20):
        replies = await asyncio.gather(*visits)
    done.set()
    total = sum(await asyncio.gather(*busy)) + len(replies)
    assert await rig.slots("busy") == {"count": total}


async def test_two_roots_that_want_each_others_objects_both_end(rig: Rig) -> None:
    swap = "def swap(self, to):\n    self.n = to.send('increment')\n    self._p_changed = True\n    return self.n\n"
    for name in ("left", "right"):
        await rig.put(f"swap/{name}", swap, INCREMENT)
    sends = [
        send(rig.dispatch, f"swap/{mine}", "swap", Reference(f"swap/{other}"))
        for mine, other in (("left", "right"), ("right", "left")) * 6
    ]
    async with asyncio.timeout(30):
        ended = await asyncio.gather(*sends, return_exceptions=True)
    assert all(isinstance(each, Reply) or type(each).__name__ == "Conflict" for each in ended)
    assert any(isinstance(each, Reply) for each in ended)
