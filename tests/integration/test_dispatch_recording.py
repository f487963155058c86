"""Calls that a dispatcher keeps for later versions: real runs, in the store's own terms, and tried again."""

import asyncio
from collections.abc import Sequence

import pytest

from activation.examples import Tryout
from activation.run import Activator
from chassis.telemetry import Telemetry
from dispatcher.caches import Caches
from dispatcher.dispatch import Dispatch
from dispatcher.recorder import Recorder
from fakes.rig import INCREMENT, NS, PUMP, READ, Rig
from kernel.errors import KernelError
from kernel.messages import Message
from kernel.objects import ObjectId, Selector
from kernel.values import Reference, Value
from objectstore.proving import RecordedCall

pytestmark = pytest.mark.asyncio(loop_scope="module")

ECHO = "def does_not_understand(self, selector, arguments, keywords):\n    return [selector, arguments]\n"
CHANCE = """def roll(self, to):
    import random
    import time
    self.last = to.send("increment", random.randint(1, 1000000)) + int(time.time()) % 7
    self._p_changed = True
    return self.last
"""


async def sent(dispatch: Dispatch, selector: str, *arguments: Value, to: str = PUMP, dry_run: bool = False) -> Value:
    message = Message(ObjectId(to), Selector(selector), arguments, dry_run=dry_run)
    return (await dispatch.send(message)).result


async def kept(rig: Rig, holder: str, selector: str) -> Sequence[RecordedCall]:
    """The oldest first."""
    found = await rig.store.recorded(NS, ObjectId(holder), Selector(selector))
    return sorted(found, key=lambda each: each.at)


async def test_calls_that_ran_together_are_kept_with_the_state_each_of_them_saw(rig: Rig) -> None:
    await rig.put("pump", INCREMENT)
    await rig.put(PUMP, parents=["pump"], count=10)
    dispatch = rig.another(recorder=Recorder(rig.store))
    await sent(dispatch, "increment", 1)
    await asyncio.gather(*(sent(dispatch, "increment", by) for by in (2, 3, 4, 5, 6, 7)))
    await dispatch.stop()
    calls = [each.example for each in await kept(rig, "pump", "increment")]
    seen = sorted((example.before["count"], example.arguments, example.outcome) for example in calls)
    assert seen == [(10, (1,), 11), (11, (2,), 13), (13, (3,), 16), (16, (4,), 20), (20, (5,), 25)]
    assert all(example.after == {"count": example.outcome} for example in calls)


async def test_a_call_that_ran_by_itself_can_be_run_again_to_the_same_end(rig: Rig) -> None:
    await rig.put("tank", INCREMENT, count=0)
    await rig.put(PUMP, CHANCE)
    dispatch = rig.another(recorder=Recorder(rig.store))
    result = await sent(dispatch, "roll", Reference("tank"))
    await dispatch.stop()
    (call,) = await kept(rig, PUMP, "roll")
    assert (call.example.outcome, call.number) == (result, 1)
    assert call.example.others == {"tank": {"count": 0}}
    caches = Caches(rig.store)
    cache = await caches.of(Message(PUMP, Selector("roll")))
    record, _ = await rig.store.method(NS, PUMP, Selector("roll"), 1)
    verdict = await Tryout(Activator(rig.sandbox, Telemetry.off()), cache, NS).check(record.method, PUMP, call.example)
    await caches.stop()
    assert verdict.failure == ""


async def test_a_call_that_does_not_understand_answered_is_one_of_that_method(rig: Rig) -> None:
    await rig.put(PUMP, ECHO)
    dispatch = rig.another(recorder=Recorder(rig.store))
    await sent(dispatch, "spin", 1)
    await dispatch.stop()
    (call,) = await kept(rig, PUMP, "does_not_understand")
    assert (call.example.arguments, call.example.outcome) == (("spin", [1], {}), ["spin", [1]])


async def test_what_failed_a_dry_run_and_what_is_switched_off_is_not_kept(rig: Rig) -> None:
    await rig.put(PUMP, READ, INCREMENT, count=1)
    dispatch = rig.another(recorder=Recorder(rig.store))
    await sent(dispatch, "increment", dry_run=True)
    with pytest.raises(KernelError):
        await sent(dispatch, "increment", "x")
    await dispatch.stop()
    off = rig.another(recorder=Recorder(rig.store, enabled=False))
    assert await sent(off, "read") == 1
    await off.stop()
    assert await kept(rig, PUMP, "increment") == []
    assert await kept(rig, PUMP, "read") == []


async def test_failures_do_not_count_among_the_first_calls_of_a_version(rig: Rig) -> None:
    await rig.put(PUMP, INCREMENT, count=1)
    dispatch = rig.another(recorder=Recorder(rig.store))
    for wrong in "abcdefg":
        with pytest.raises(KernelError):
            await sent(dispatch, "increment", wrong)
    await asyncio.gather(*(sent(dispatch, "increment", by) for by in (1, 2)))
    await dispatch.stop()
    assert [each.example.arguments for each in await kept(rig, PUMP, "increment")] == [(1,), (2,)]


async def test_calls_are_written_while_messages_go_on(rig: Rig) -> None:
    await rig.put(PUMP, INCREMENT)
    dispatch = rig.another(recorder=Recorder(rig.store, seconds=0.05, first_seconds=0.01))
    for _ in range(20):
        await sent(dispatch, "increment")
    async with asyncio.timeout(2):
        while len(await kept(rig, PUMP, "increment")) < 5:  # noqa: ASYNC110 - the store tells nobody
            await asyncio.sleep(0.02)
    assert await sent(dispatch, "increment") == 21
    await dispatch.stop()
