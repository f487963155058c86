"""One message at a time for each object, in the order they came, and never more of them than the mailbox holds."""

import asyncio

import pytest

from dispatcher.mailbox import Mailboxes
from kernel.errors import Overloaded
from kernel.objects import DEFAULT_NAMESPACE, Namespace, ObjectId

PUMP = ObjectId("pump/17")


async def deliver(mailboxes: Mailboxes, log: list[str], name: str, object_id: ObjectId = PUMP) -> None:
    async with mailboxes.open(DEFAULT_NAMESPACE, object_id):
        log.append(f"{name} in")
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        log.append(f"{name} out")


async def test_messages_to_one_object_run_one_after_the_other_in_order() -> None:
    mailboxes, log = Mailboxes(), list[str]()
    await asyncio.gather(*(deliver(mailboxes, log, name) for name in "abc"))
    assert log == ["a in", "a out", "b in", "b out", "c in", "c out"]


async def test_messages_to_different_objects_do_not_wait_for_each_other() -> None:
    mailboxes, log = Mailboxes(), list[str]()
    await asyncio.gather(
        deliver(mailboxes, log, "a"), deliver(mailboxes, log, "b", ObjectId("tank")), deliver(mailboxes, log, "c")
    )
    assert log.index("b in") < log.index("a out") < log.index("c in")


async def test_the_same_id_in_another_namespace_is_another_object() -> None:
    mailboxes = Mailboxes()
    async with mailboxes.open(DEFAULT_NAMESPACE, PUMP), asyncio.timeout(1), mailboxes.open(Namespace("other"), PUMP):
        pass


async def test_a_full_mailbox_tells_the_sender_to_come_back() -> None:
    mailboxes, log = Mailboxes(most=1), list[str]()
    async with mailboxes.open(DEFAULT_NAMESPACE, PUMP):
        waiting = asyncio.create_task(deliver(mailboxes, log, "a"))
        await asyncio.sleep(0)
        with pytest.raises(Overloaded) as full:
            await deliver(mailboxes, log, "b")
        assert float(full.value.fields["retry_seconds"]) > 0
    await waiting
    await deliver(mailboxes, log, "c")
    assert log == ["a in", "a out", "c in", "c out"]


async def test_a_sender_that_leaves_while_it_waits_holds_nobody_up() -> None:
    mailboxes, log = Mailboxes(), list[str]()
    async with mailboxes.open(DEFAULT_NAMESPACE, PUMP):
        leaving, staying = (asyncio.create_task(deliver(mailboxes, log, name)) for name in "ab")
        await asyncio.sleep(0)
        leaving.cancel()
    await asyncio.wait_for(staying, 1)
    assert log == ["b in", "b out"]


async def test_a_sender_that_leaves_as_its_turn_comes_passes_it_on() -> None:
    mailboxes, log = Mailboxes(), list[str]()
    async with mailboxes.open(DEFAULT_NAMESPACE, PUMP):
        leaving, staying = (asyncio.create_task(deliver(mailboxes, log, name)) for name in "ab")
        await asyncio.sleep(0)
    leaving.cancel()  # its place is given, and it has not woken up yet
    await asyncio.wait_for(staying, 1)
    assert log == ["b in", "b out"]


async def test_an_error_in_one_message_does_not_stop_the_next() -> None:
    mailboxes, log = Mailboxes(), list[str]()
    with pytest.raises(ValueError, match="broken"):
        async with mailboxes.open(DEFAULT_NAMESPACE, PUMP):
            raise ValueError("broken")
    await asyncio.wait_for(deliver(mailboxes, log, "a"), 1)
    assert log == ["a in", "a out"]


async def test_senders_that_left_take_no_room() -> None:
    mailboxes, log = Mailboxes(most=2), list[str]()
    async with mailboxes.open(DEFAULT_NAMESPACE, PUMP):
        for _ in range(5):
            leaving = asyncio.create_task(deliver(mailboxes, log, "left"))
            await asyncio.sleep(0)
            leaving.cancel()
            await asyncio.gather(leaving, return_exceptions=True)
        staying = asyncio.create_task(deliver(mailboxes, log, "a"))
        await asyncio.sleep(0)
    await asyncio.wait_for(staying, 1)
    assert log == ["a in", "a out"]
