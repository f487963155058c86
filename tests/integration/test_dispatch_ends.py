"""Every message ends once and gives its mailbox back, whatever is too large, away, late, or told to stop."""

import asyncio
from collections.abc import Awaitable, Sequence
from typing import Any

import pytest

from dispatcher.cache import Cache
from dispatcher.caches import Caches
from dispatcher.dispatch import Dispatch
from dispatcher.misses import Waiting
from fakes.odd_stores import AwayStore, LateStore
from fakes.request_ids import request_id
from fakes.rig import INCREMENT, NS, READ, Rig
from kernel.errors import ExamplesDisagree, LimitExceeded, Overloaded, StoreUnavailable
from kernel.messages import Example, Message, OnMiss, Reply
from kernel.objects import Namespace, ObjectId, Selector
from kernel.transactions import Key, Lane, Part, Transaction
from kernel.values import Value, pack
from objectstore.store import Draft, NewObject

pytestmark = pytest.mark.asyncio(loop_scope="module")

FILL = "def fill(self, text, n):\n    self.text = text * n\n    self._p_changed = True\n    return n\n"
GIVE = "def give(self, text, n):\n    self.n = n\n    self._p_changed = True\n    return text * n\n"
TAKE = """def take(self, n):
    self._p_changed = True
    self.send('ledger', 'read')
    if self.count < n:
        raise ValueError('too little')
    self.count = self.count - n
    return self.count
"""


def send(dispatch: Dispatch, to: str, selector: str, *arguments: Value, **message: Any) -> Awaitable[Reply]:
    return dispatch.send(Message(ObjectId(to), Selector(selector), arguments, **message))


async def outcomes(sends: Sequence[Awaitable[Reply]]) -> list[object]:
    async with asyncio.timeout(20):
        ended = await asyncio.gather(*sends, return_exceptions=True)
    return [each.result if isinstance(each, Reply) else type(each).__name__ for each in ended]


async def test_slots_that_grow_too_large_fail_their_message_and_lock_nothing(rig: Rig) -> None:
    await rig.put("large", FILL, INCREMENT)
    await rig.put("beside", FILL)
    for name in ("large", "beside"):
        await send(rig.dispatch, name, "fill", "x", 1)
    sends = [send(rig.dispatch, "large", "fill", "x" * 1000, 900), send(rig.dispatch, "beside", "fill", "x", 2)]
    sends.append(send(rig.dispatch, "large", "fill", "x" * 1000, 1200))
    assert await outcomes(sends) == [900, 2, "LimitExceeded"]
    assert await outcomes([send(rig.dispatch, "large", "increment")]) == [1]


async def test_arguments_too_large_for_a_request_id_fail_their_message_alone(rig: Rig) -> None:
    keep = "def keep(self, text):\n    self.n = len(text)\n    self._p_changed = True\n    return self.n\n"
    await rig.put("wide", keep)
    await rig.put("beside", keep)
    for name in ("wide", "beside"):
        await send(rig.dispatch, name, "keep", "x")
    sends = [
        send(rig.dispatch, "wide", "keep", "x" * 1_100_000, request_id=request_id()),
        send(rig.dispatch, "beside", "keep", "xx", request_id=request_id()),
    ]
    assert await outcomes(sends) == [LimitExceeded.__name__, 2]
    assert await outcomes([send(rig.dispatch, "wide", "keep", "xxx")]) == [3]


async def test_messages_too_large_together_succeed_one_by_one(rig: Rig) -> None:
    await rig.put("results", GIVE)
    await send(rig.dispatch, "results", "give", "x", 1)
    sends = [send(rig.dispatch, "results", "give", "x" * 60, 1000 + n, request_id=request_id()) for n in range(20)]
    assert all(isinstance(each, str) and len(each) >= 60_000 for each in await outcomes(sends))


async def test_a_batch_with_many_ancestors_and_ids_fits_its_transactions(rig: Rig) -> None:
    await rig.put("tree/0", INCREMENT)
    for number in range(1, 26):
        await rig.put(f"tree/{number}", parents=[f"tree/{number - 1}"])
    sends = [send(rig.dispatch, "tree/25", "increment", request_id=request_id()) for _ in range(100)]
    assert sorted(map(int, map(str, await outcomes(sends)))) == list(range(1, 101))


async def test_a_storm_of_retries_is_answered_and_costs_new_messages_nothing(rig: Rig) -> None:
    other = rig.another()
    await rig.put("storm", INCREMENT)
    await send(rig.dispatch, "storm", "increment")
    ids = [request_id() for _ in range(50)]
    await outcomes([send(other, "storm", "increment", request_id=each) for each in ids])
    sends = [send(rig.dispatch, "storm", "increment", request_id=each) for each in ids]
    sends += [send(rig.dispatch, "storm", "increment") for _ in range(10)]
    replies = await asyncio.gather(*sends)
    assert [reply.replayed for reply in replies] == [True] * 50 + [False] * 10
    assert await rig.slots("storm") == {"count": 61}
    await other.stop()


async def test_a_retry_that_fails_on_what_its_own_first_attempt_left_gets_the_first_reply(rig: Rig) -> None:
    other = rig.another()
    await rig.put("ledger", READ, count=0)
    await rig.put("account", TAKE, count=10)
    await send(rig.dispatch, "account", "take", 0)
    await send(other, "account", "take", 0)
    request = request_id()
    sends = [send(dispatch, "account", "take", 10, request_id=request) for dispatch in (rig.dispatch, other) * 3]
    replies = await asyncio.gather(*sends)
    assert [reply.result for reply in replies] == [0] * 6
    assert [reply.replayed for reply in replies].count(False) == 1
    await other.stop()


async def test_a_late_answer_of_our_own_commit_puts_no_old_slots_under_a_newer_horizon(rig: Rig) -> None:
    name, store = ObjectId("late"), rig.store
    await store.create(NS, NewObject(name, slots={"n": 0}))
    cache = Cache(store, NS)

    async def follow() -> None:
        async for changes in store.watch(NS, None):
            cache.tell(changes)

    following = asyncio.create_task(follow())
    await asyncio.sleep(0.02)
    definition, slots = await cache.load(name)
    reads = {Key(name, Part.DEFINITION): definition.revision, Key(name, Part.SLOTS): slots.revision}
    ours = await store.commit(Transaction(NS, reads, {name: pack({"n": 1})}), Lane("ours", 1))
    cache.forget(reads, ["late:definition"])
    newer = {**reads, Key(name, Part.SLOTS): ours.revision}
    await store.commit(Transaction(NS, newer, {name: pack({"n": 2})}), Lane("theirs", 1))
    await asyncio.sleep(0.02)
    cache.committed(reads, {name: {"n": 1}}, ours.revision)
    assert (await cache.slots(name)).slots == {"n": 2}
    following.cancel()


@pytest.mark.parametrize("delay", [0.0, 0.02])
async def test_namespaces_beyond_the_most_start_and_go_without_a_hang(rig: Rig, delay: float) -> None:
    names = [Namespace(f"tenant-{delay:g}-{number}".replace(".", "-")) for number in range(5)]
    for name in names:
        await rig.store.create(name, NewObject(ObjectId("x")))
    caches = Caches(LateStore(rig.store, delay), most=2)  # pyright: ignore[reportArgumentType] - what caches need of one
    async with asyncio.timeout(5):
        messages = [Message(ObjectId("x"), Selector("read"), namespace=name) for name in names]
        found = await asyncio.gather(*(caches.of(message) for message in messages))
        assert len(found) == 5
        assert sum(cache.horizon is not None for cache in found) == 2
        await caches.stop()


async def test_a_failure_while_settling_that_nobody_foresaw_is_settled_all_the_same(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dispatcher.commits._PAUSE_SECONDS", 0.01)
    store = AwayStore(rig.store)
    dispatch = rig.another(store)
    await rig.put("unforeseen", INCREMENT)
    await send(dispatch, "unforeseen", "increment")
    store.away, store.failure = True, RuntimeError("a bug of ours")
    sending = asyncio.ensure_future(send(dispatch, "unforeseen", "increment"))
    await asyncio.sleep(0.1)
    store.away = False
    assert await outcomes([sending]) == [StoreUnavailable.__name__]
    assert await outcomes([send(dispatch, "unforeseen", "increment")]) == [2]
    await dispatch.stop()


async def test_what_is_cancelled_while_the_store_is_away_keeps_its_place(rig: Rig) -> None:
    store = AwayStore(rig.store)
    dispatch = rig.another(store)
    await rig.put("kept", INCREMENT)
    await send(dispatch, "kept", "increment")
    store.away = True
    sending = asyncio.ensure_future(send(dispatch, "kept", "increment"))
    await asyncio.sleep(0.05)
    sending.cancel()
    await asyncio.sleep(0.01)
    assert dispatch.waiting == 1
    store.away = False
    await dispatch.stop()
    assert dispatch.waiting == 0


async def test_a_stop_gives_up_after_its_time_and_tells_what_may_have_been_made(rig: Rig) -> None:
    store = AwayStore(rig.store)
    dispatch = rig.another(store)
    await rig.put("stops", INCREMENT)
    await send(dispatch, "stops", "increment")
    store.away = True
    sending = asyncio.ensure_future(send(dispatch, "stops", "increment"))
    await asyncio.sleep(0.05)
    async with asyncio.timeout(3):
        await dispatch.stop(0.1)
    with pytest.raises(StoreUnavailable) as unclear:
        await sending
    assert unclear.value.fields["effect"] == "unknown"


async def test_what_waits_is_bounded_by_bytes_too(rig: Rig) -> None:
    await rig.put("heavy", READ, count=1)
    message = Message(ObjectId("heavy"), Selector("read"))
    sends = [rig.dispatch.send(message, Waiting(size=100 << 20)) for _ in range(4)]
    assert sorted(map(str, await outcomes(sends))) == ["1", "1", Overloaded.__name__, Overloaded.__name__]


async def test_what_a_resend_does_not_find_in_memory_is_looked_for_in_the_store(rig: Rig) -> None:
    store = LateStore(rig.store)
    dispatch = rig.another(store)
    await rig.put("base")
    await rig.put("kid", "def f(self):\n    return self.resend()\n", parents=["base"])
    assert await outcomes([send(dispatch, "kid", "f", on_miss=OnMiss.NEVER)]) == ["NotUnderstood"]
    store.going.clear()
    base = Draft(ObjectId("base"), Selector("f"), "def f(self):\n    return 'base'\n")
    await rig.store.register(NS, base, activate=True)
    assert await outcomes([send(dispatch, "kid", "f", on_miss=OnMiss.NEVER)]) == ["base"]
    store.going.set()
    await dispatch.stop()


async def test_an_example_is_tried_again_when_a_method_it_went_through_changed(rig: Rig) -> None:
    source = (
        "def f(self, x):\n    self._p_changed = True\n    if x:\n        return self.send('aid', 'g')\n    return 0\n"
    )
    await rig.put("aid", "def g(self):\n    return 5\n")
    await rig.put("example", source)
    example = Example(5, arguments=(1,), others={ObjectId("aid"): {}})
    assert await outcomes([send(rig.dispatch, "example", "f", 0, examples=(example,))]) == [0]
    changed = Draft(ObjectId("aid"), Selector("g"), "def g(self):\n    return 6\n")
    await rig.store.register(NS, changed, activate=True)
    with pytest.raises(ExamplesDisagree):
        await send(rig.dispatch, "example", "f", 0, examples=(example,))
