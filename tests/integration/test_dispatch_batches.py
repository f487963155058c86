"""Messages in batches: the same as one after the other, whatever some of them do, and much fewer commits."""

import asyncio
from collections.abc import Awaitable, Sequence
from typing import Any

import pytest

from dispatcher.dispatch import Dispatch
from fakes.odd_stores import CountingStore
from fakes.request_ids import request_id
from fakes.rig import INCREMENT, NS, READ, Rig
from kernel.errors import BadArguments, MethodRaised, Overloaded, RequestIdReused, StoreUnavailable
from kernel.messages import Consistency, Message, Reply
from kernel.objects import EffectSet, ObjectId, Selector
from kernel.transactions import Transaction
from kernel.values import Value
from objectstore.store import Draft, Update

pytestmark = pytest.mark.asyncio(loop_scope="module")

PUT = """def put(self, n):
    self._p_changed = True
    if n < 0:
        raise ValueError('below')
    self.n = n
    return n
"""
APPEND = """def append(self, item):
    self.items = [*getattr(self, 'items', []), item]
    self._p_changed = True
    return len(self.items)
"""
SLOW = """def slow(self):
    self._p_changed = True
    total = 0
    for n in range(300000):
        total += n
    return total
"""


def send(dispatch: Dispatch, to: str, selector: str, *arguments: Value, **message: Any) -> Awaitable[Reply]:
    return dispatch.send(Message(ObjectId(to), Selector(selector), arguments, **message))


async def results(sends: Sequence[Awaitable[Reply]]) -> list[object]:
    return [
        each.result if isinstance(each, Reply) else type(each).__name__
        for each in await asyncio.gather(*sends, return_exceptions=True)
    ]


async def test_messages_of_many_objects_share_commits(rig: Rig) -> None:
    store = CountingStore(rig.store)
    dispatch = rig.another(store)
    await rig.put("shared/proto", INCREMENT)
    for number in range(40):
        await rig.put(f"shared/{number}", parents=["shared/proto"])
        await send(dispatch, f"shared/{number}", "increment")
    store.commits.clear()
    sends = [send(dispatch, f"shared/{number}", "increment") for number in range(40) for _ in range(5)]
    assert sorted(map(str, await results(sends))) == sorted(str(n) for n in range(2, 7) for _ in range(40))
    assert len(store.commits) <= 8
    await dispatch.stop()


async def test_a_hot_object_commits_its_backlog_together(rig: Rig) -> None:
    store = CountingStore(rig.store)
    dispatch = rig.another(store)
    await rig.put("hot", INCREMENT)
    assert await results([send(dispatch, "hot", "increment") for _ in range(300)]) == list(range(1, 301))
    assert len(store.commits) <= 8
    await dispatch.stop()


async def test_different_methods_of_one_object_run_in_the_order_they_came(rig: Rig) -> None:
    await rig.put("mixed", INCREMENT, APPEND, READ, count=0)
    sends: list[Awaitable[Reply]] = []
    for number in range(20):
        sends += [
            send(rig.dispatch, "mixed", "increment"),
            send(rig.dispatch, "mixed", "append", number),
            send(rig.dispatch, "mixed", "read"),
        ]
    expected = [each for number in range(1, 21) for each in (number, number, number)]
    assert await results(sends) == expected


async def test_one_that_raises_fails_alone_and_undoes_only_its_own(rig: Rig) -> None:
    await rig.put("some", PUT, n=0)
    sends = [send(rig.dispatch, "some", "put", n) for n in (1, 2, -1, 3, -1, 4)]
    assert await results(sends) == [1, 2, "MethodRaised", 3, "MethodRaised", 4]
    assert await rig.slots("some") == {"n": 4}


async def test_what_raises_in_a_batch_tells_its_line_as_alone(rig: Rig) -> None:
    await rig.put("line", PUT, n=0)
    sends = [send(rig.dispatch, "line", "put", n) for n in (1, -1)]
    _, failure = await asyncio.gather(*sends, return_exceptions=True)
    assert isinstance(failure, MethodRaised)
    assert (failure.exception, failure.message, failure.line) == ("ValueError", "below", 4)


async def test_wrong_arguments_among_right_ones_fail_alone(rig: Rig) -> None:
    await rig.put("arity", INCREMENT)
    sends = [send(rig.dispatch, "arity", "increment", *args) for args in ((1,), (1, 2), (1,))]
    assert await results(sends) == [1, BadArguments.__name__, 2]


async def test_values_do_not_alias_between_messages_of_a_batch(rig: Rig) -> None:
    share = "def share(self, item):\n    self.items = item\n    self._p_changed = True\n    return self.items\n"
    grow = "def grow(self):\n    self.items.append(9)\n    self._p_changed = True\n    return self.items\n"
    await rig.put("alias", share, grow)
    item: Value = [1]
    sends = [send(rig.dispatch, "alias", "share", item), send(rig.dispatch, "alias", "grow")]
    assert await results(sends) == [[1], [1, 9]]
    assert item == [1]


async def test_a_read_among_writes_waits_for_the_commit_it_read_from(rig: Rig) -> None:
    store = CountingStore(rig.store)
    dispatch = rig.another(store)
    await rig.put("wait", INCREMENT, READ, count=0)
    await send(dispatch, "wait", "read")
    gate = asyncio.Event()

    async def before(_: Transaction) -> None:
        await gate.wait()

    store.before = before
    writing = asyncio.ensure_future(send(dispatch, "wait", "increment"))
    reading = asyncio.ensure_future(send(dispatch, "wait", "read"))
    await asyncio.sleep(0.05)
    assert not writing.done()
    assert not reading.done()
    gate.set()
    assert (await writing).result == (await reading).result == 1
    await dispatch.stop()


async def test_a_commit_that_fails_fails_the_whole_batch_and_nothing_of_it_remains(rig: Rig) -> None:
    store = CountingStore(rig.store)
    dispatch = rig.another(store)
    await rig.put("fails", INCREMENT, count=0)
    await send(dispatch, "fails", "increment")

    async def before(_: Transaction) -> None:
        store.before = None
        raise StoreUnavailable("away")

    store.before = before
    assert await results([send(dispatch, "fails", "increment") for _ in range(3)]) == ["StoreUnavailable"] * 3
    assert (await send(dispatch, "fails", "increment")).result == 2
    await dispatch.stop()


async def test_the_same_request_twice_in_one_batch_takes_effect_once(rig: Rig) -> None:
    await rig.put("twice", INCREMENT)
    request = request_id()
    sends = [send(rig.dispatch, "twice", "increment", request_id=request) for _ in range(5)]
    replies = await asyncio.gather(*sends)
    assert [(reply.result, reply.replayed) for reply in replies] == [(1, False)] + [(1, True)] * 4
    assert await rig.slots("twice") == {"count": 1}


async def test_a_request_that_took_effect_elsewhere_is_replayed_and_costs_the_others_nothing(rig: Rig) -> None:
    other = rig.another()
    await rig.put("replay", INCREMENT)
    await send(rig.dispatch, "replay", "increment", 5)
    request = request_id()
    await send(other, "replay", "increment", 10, request_id=request)
    sends = [
        send(rig.dispatch, "replay", "increment", 1),
        send(rig.dispatch, "replay", "increment", 10, request_id=request),
        send(rig.dispatch, "replay", "increment", 1),
    ]
    assert await results(sends) == [16, 15, 17]
    await other.stop()


async def test_a_request_id_with_another_message_is_refused_in_a_batch_too(rig: Rig) -> None:
    await rig.put("reused", INCREMENT)
    request = request_id()
    sends = [send(rig.dispatch, "reused", "increment", n, request_id=request) for n in (1, 2)]
    assert await results(sends) == [1, RequestIdReused.__name__]


async def test_a_request_that_changes_nothing_now_because_it_did_before_gets_its_first_reply(rig: Rig) -> None:
    once = "def once(self):\n    if getattr(self, 'done', False):\n        return 'nothing to do'\n"
    once += "    self.done = True\n    self._p_changed = True\n    return 'done'\n"
    await rig.put("idem", once)
    request = request_id()
    sends = [await send(rig.dispatch, "idem", "once", request_id=request) for _ in range(2)]
    assert [reply.result for reply in sends] == ["done", "done"]
    assert (await send(rig.dispatch, "idem", "once", request_id=request_id())).result == "nothing to do"


async def test_full_reads_in_a_batch_see_what_was_acknowledged_before(rig: Rig) -> None:
    await rig.put("full", READ, count=0)
    await send(rig.dispatch, "full", "read")
    for count in range(1, 15):
        await rig.store.update(NS, Update(ObjectId("full"), slots={"count": count}))
        sends = [send(rig.dispatch, "full", "read", consistency=Consistency.FULL) for _ in range(3)]
        assert await results(sends) == [count] * 3


async def test_a_slow_object_does_not_hold_up_a_quick_one(rig: Rig) -> None:
    await rig.put("slow", SLOW)
    await rig.put("quick", READ, count=1)
    await send(rig.dispatch, "quick", "read")
    slow = asyncio.gather(*(send(rig.dispatch, "slow", "slow") for _ in range(30)))
    await asyncio.sleep(0.05)
    async with asyncio.timeout(2):
        for _ in range(20):
            await send(rig.dispatch, "quick", "read")
    assert not slow.done()
    await slow


async def test_a_sender_that_leaves_is_not_answered_and_holds_nobody_up(rig: Rig) -> None:
    await rig.put("leaves", INCREMENT)
    await send(rig.dispatch, "leaves", "increment")
    sends = [asyncio.ensure_future(send(rig.dispatch, "leaves", "increment")) for _ in range(6)]
    sends[2].cancel()
    await asyncio.gather(*sends, return_exceptions=True)
    assert (await send(rig.dispatch, "leaves", "increment")).result in (7, 8)


async def test_more_than_a_mailbox_holds_is_refused_with_when_to_come_back(rig: Rig) -> None:
    await rig.put("flood", INCREMENT)
    outcomes = await asyncio.gather(
        *(send(rig.dispatch, "flood", "increment") for _ in range(3000)), return_exceptions=True
    )
    refused = [each for each in outcomes if isinstance(each, Overloaded)]
    done = [each.result for each in outcomes if isinstance(each, Reply)]
    assert refused
    assert all(float(each.fields["retry_seconds"]) > 0 for each in refused)
    assert sorted(map(int, map(str, done))) == list(range(1, len(done) + 1))
    assert len(done) + len(refused) == 3000


async def test_a_dry_run_tells_what_it_would_write_and_writes_nothing(rig: Rig) -> None:
    await rig.put("dry", INCREMENT, count=4)
    reply = await send(rig.dispatch, "dry", "increment", 2, dry_run=True)
    assert (reply.result, dict(reply.writes)) == (6, {"dry": {"count": 6}})
    assert await rig.slots("dry") == {"count": 4}


async def test_a_message_that_touches_more_than_its_version_says_leaves_its_neighbours_alone(rig: Rig) -> None:
    source = PUT.replace("    self.n = n\n", "    if n == 3:\n        self.other = n\n    self.n = n\n")
    for name in ("free", "held"):  # the same source, and one of them says what it touches
        effects = EffectSet((), ("n",), ()) if name == "held" else None
        await rig.put(name, n=0)
        await rig.store.register(NS, Draft(ObjectId(name), Selector("put"), source, effects=effects), activate=True)
        await send(rig.dispatch, name, "put", 0)
    sends = [send(rig.dispatch, name, "put", n) for n in range(1, 6) for name in ("free", "held")]
    assert await results(sends) == [1, 1, 2, 2, 3, "MethodRaised", 4, 4, 5, 5]
    assert (await rig.slots("held"), await rig.slots("free")) == ({"n": 5}, {"n": 5, "other": 3})
