"""Whoever works on a mailbox has it to itself, letters keep their order, no object starves others, room is bounded."""

import asyncio

import pytest

from dispatcher.mailbox import Letter, Mailbox, Mailboxes
from kernel.errors import Overloaded
from kernel.messages import Message, MethodRef, Reply
from kernel.objects import Level, Namespace, ObjectId, Selector

PUMP = ObjectId("pump/17")
REPLY = Reply(1, MethodRef(PUMP, Selector("read"), 1, "", Level.AUDITED))


def letter(to: str = PUMP, namespace: str = "default") -> Letter:
    message = Message(ObjectId(to), Selector("read"), namespace=Namespace(namespace))
    return Letter(message, asyncio.get_running_loop().create_future())


class Worker:
    """Notes which mailboxes it got, and takes what a test tells it to."""

    def __init__(self, **bounds: int) -> None:
        self.got: list[Mailbox] = []
        self.mailboxes = Mailboxes(self.got.append, **bounds)

    async def turn(self) -> list[Mailbox]:
        await asyncio.sleep(0)
        got = list(self.got)
        self.got.clear()
        return got

    def answer(self, mailbox: Mailbox, count: int = 1) -> list[Letter]:
        taken = [mailbox.letters.popleft() for _ in range(count)]
        for each in taken:
            each.reply.set_result(REPLY)
        self.mailboxes.done(mailbox)
        return taken


async def test_letters_of_one_moment_are_worked_on_together_in_the_order_they_came() -> None:
    worker, letters = Worker(), [letter() for _ in range(3)]
    for each in letters:
        worker.mailboxes.post(each)
    (mailbox,) = await worker.turn()
    assert list(mailbox.letters) == letters


async def test_a_mailbox_that_is_worked_on_is_nobody_elses_until_it_is_given_back() -> None:
    worker = Worker()
    worker.mailboxes.post(letter())
    (mailbox,) = await worker.turn()
    worker.mailboxes.post(letter())
    assert await worker.turn() == []
    worker.answer(mailbox)
    assert await worker.turn() == [mailbox]


async def test_a_mailbox_given_back_stands_behind_all_that_are_ready() -> None:
    worker = Worker()
    for to in ("a", "a", "b"):
        worker.mailboxes.post(letter(to))
    first, second = await worker.turn()
    worker.answer(second)
    worker.mailboxes.post(letter("c"))
    worker.answer(first)
    assert [each.object_id for each in await worker.turn()] == ["c", "a"]


async def test_the_same_id_in_another_namespace_is_another_object() -> None:
    worker = Worker()
    worker.mailboxes.post(letter())
    worker.mailboxes.post(letter(namespace="other"))
    assert len(await worker.turn()) == 2


async def test_a_full_mailbox_tells_the_sender_to_come_back() -> None:
    worker = Worker(most=2)
    for _ in range(2):
        worker.mailboxes.post(letter())
    with pytest.raises(Overloaded) as full:
        worker.mailboxes.post(letter())
    assert float(full.value.fields["retry_seconds"]) > 0
    worker.mailboxes.post(letter("other"))


async def test_all_mailboxes_together_have_so_much_room_and_it_is_given_back() -> None:
    worker = Worker(most_in_all=2)
    for to in "ab":
        worker.mailboxes.post(letter(to))
    with pytest.raises(Overloaded):
        worker.mailboxes.post(letter("c"))
    worker.answer((await worker.turn())[0])
    await asyncio.sleep(0)
    worker.mailboxes.post(letter("c"))


async def test_a_sender_that_leaves_while_it_waits_holds_nobody_up_and_takes_no_room() -> None:
    worker = Worker(most=2)
    leaving, staying, late = (letter() for _ in range(3))
    for each in (leaving, staying):
        worker.mailboxes.post(each)
    leaving.reply.cancel()
    worker.mailboxes.left(leaving)
    await asyncio.sleep(0)
    worker.mailboxes.post(late)
    (mailbox,) = worker.got
    assert list(mailbox.letters) == [staying, late]
    assert worker.mailboxes.waiting == 2


async def test_a_mailbox_whose_senders_have_all_gone_is_forgotten() -> None:
    worker, gone = Worker(), letter()
    worker.mailboxes.post(gone)
    (mailbox,) = await worker.turn()
    gone.reply.cancel()
    worker.mailboxes.left(gone)
    worker.mailboxes.done(mailbox)
    worker.mailboxes.post(letter())
    assert await worker.turn() != [mailbox]
