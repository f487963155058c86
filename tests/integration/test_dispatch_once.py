"""A request id takes effect once, whichever dispatcher it reaches."""

import asyncio
from dataclasses import replace

import pytest

from fakes.request_ids import request_id
from fakes.rig import INCREMENT, PUMP, Rig
from kernel.errors import (
    BadArguments,
    RequestIdReused,
)
from kernel.messages import Message
from kernel.objects import Selector

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_a_request_takes_effect_once(rig: Rig) -> None:
    await rig.put(PUMP, INCREMENT)
    identity = request_id()
    first = await rig.send("increment", request_id=identity)
    again = await rig.send("increment", request_id=identity)
    assert (first.result, first.replayed, again.result, again.replayed) == (1, False, 1, True)
    assert again.method == first.method
    assert await rig.slots(PUMP) == {"count": 1}


async def test_a_request_takes_effect_once_through_two_dispatchers_at_once(rig: Rig) -> None:
    await rig.put(PUMP, INCREMENT)
    other = rig.another()
    message = Message(PUMP, Selector("increment"), request_id=request_id())
    replies = await asyncio.gather(*(dispatch.send(message) for dispatch in [rig.dispatch, other] * 5))
    await other.stop()
    assert [reply.result for reply in replies] == [1] * 10
    assert [reply.replayed for reply in replies].count(False) == 1
    assert await rig.slots(PUMP) == {"count": 1}


async def test_a_request_id_with_another_message_is_refused(rig: Rig) -> None:
    await rig.put(PUMP, INCREMENT)
    identity = request_id()
    await rig.send("increment", 1, request_id=identity)
    with pytest.raises(RequestIdReused):
        await rig.send("increment", True, request_id=identity)


async def test_another_principals_request_id_is_another(rig: Rig) -> None:
    await rig.put(PUMP, INCREMENT)
    message = Message(PUMP, Selector("increment"), request_id=request_id())
    results = [(await rig.dispatch.send(replace(message, principal=who))).result for who in ("ann", "bob")]
    assert results == [1, 2]


@pytest.mark.parametrize(
    "identity",
    ["x", "0199f3a1-7c00-4000-8000-0123456789ab", request_id(age=700)],
    ids=["no uuid", "another kind of uuid", "too old"],
)
async def test_what_is_no_request_id_of_now_is_refused(rig: Rig, identity: str) -> None:
    await rig.put(PUMP, INCREMENT)
    with pytest.raises(BadArguments):
        await rig.send("increment", request_id=identity)


async def test_a_request_id_of_another_time_is_told_how_far_it_is(rig: Rig) -> None:
    await rig.put(PUMP, INCREMENT)
    for age, says in ((700, r"is 70\d s old"), (-86400, r"is of a time 8\d{4} s ahead")):
        with pytest.raises(BadArguments, match=says):
            await rig.send("increment", request_id=request_id(age=age))
