"""Everyone computes the same owner, few objects move when members come and go, and who is out begins nothing."""

import asyncio
from collections import Counter
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatcher import owners as module
from dispatcher.owners import Owners, Undelivered, rendezvous
from kernel.errors import MethodRaised, NotUnderstood, StoreUnavailable
from kernel.messages import Message, MethodRef, Reply
from kernel.objects import DEFAULT_NAMESPACE, Level, ObjectId, Selector
from objectstore.members import Member

MEMBERS = [Member(f"d{number}", f"127.0.0.1:{7100 + number}") for number in range(3)]
OBJECTS = [ObjectId(f"pump/{number}") for number in range(600)]
REPLY = Reply(7, MethodRef(OBJECTS[0], Selector("read"), 1, "", Level.AUDITED))


class Membership:
    """What a test says it is."""

    def __init__(self, members: Sequence[Member] | None = None) -> None:
        self.members = members
        self.changed = asyncio.Event()

    def become(self, members: Sequence[Member] | None) -> None:
        self.members = members
        self.changed.set()


class Peers:
    """Notes what was passed on, and answers or fails as a test says."""

    def __init__(self) -> None:
        self.passed: list[tuple[str, Message]] = []
        self.kept: Sequence[Member] = ()
        self.failure: Exception | None = None

    async def deliver(self, member: Member, message: Message, seconds: float | None) -> Reply:
        del seconds
        self.passed.append((member.name, message))
        if self.failure is not None:
            raise self.failure
        return REPLY

    async def keep(self, members: Sequence[Member]) -> None:
        self.kept = members


def message(to: ObjectId) -> Message:
    return Message(to, Selector("read"))


def owned_by(name: str) -> ObjectId:
    return next(each for each in OBJECTS if rendezvous(MEMBERS, DEFAULT_NAMESPACE, each).name == name)


async def following(members: Sequence[Member] | None) -> tuple[Owners, Peers, Membership, asyncio.Task[None]]:
    peers, membership = Peers(), Membership(members)
    owners = Owners("d0", peers)
    task = asyncio.create_task(owners.follow(membership))
    await asyncio.sleep(0)
    return owners, peers, membership, task


@given(st.permutations(MEMBERS), st.sampled_from(OBJECTS))
def test_the_order_of_the_members_does_not_matter(members: list[Member], object_id: ObjectId) -> None:
    assert rendezvous(members, DEFAULT_NAMESPACE, object_id) == rendezvous(MEMBERS, DEFAULT_NAMESPACE, object_id)


def test_objects_are_shared_out_about_evenly() -> None:
    counts = Counter(rendezvous(MEMBERS, DEFAULT_NAMESPACE, each).name for each in OBJECTS)
    assert all(140 < counts[member.name] < 260 for member in MEMBERS)


def test_when_a_member_goes_only_its_own_objects_move() -> None:
    for each in OBJECTS:
        before = rendezvous(MEMBERS, DEFAULT_NAMESPACE, each)
        after = rendezvous(MEMBERS[:2], DEFAULT_NAMESPACE, each)
        assert after == before or before == MEMBERS[2]


async def test_a_message_goes_to_the_owner_and_ones_own_stays() -> None:
    owners, peers, _, task = await following(MEMBERS)
    assert await owners.elsewhere(message(owned_by("d0")), None) is None
    assert await owners.elsewhere(message(owned_by("d1")), None) is REPLY
    assert [name for name, _ in peers.passed] == ["d1"]
    assert peers.kept == MEMBERS
    task.cancel()


async def test_who_is_alone_owns_everything() -> None:
    owners, peers, _, task = await following(MEMBERS[:1])
    for each in OBJECTS[:20]:
        assert await owners.elsewhere(message(each), None) is None
    assert peers.passed == []
    task.cancel()


@pytest.mark.parametrize("failure", [Undelivered(), NotUnderstood("pump/1", "read")])
async def test_what_the_owner_did_not_run_or_does_not_understand_is_run_here(failure: Exception) -> None:
    owners, peers, _, task = await following(MEMBERS)
    peers.failure = failure
    assert await owners.elsewhere(message(owned_by("d2")), None) is None
    task.cancel()


async def test_what_failed_at_the_owner_has_failed() -> None:
    owners, peers, _, task = await following(MEMBERS)
    peers.failure = MethodRaised("pump/1", "read", "ValueError", "no")
    with pytest.raises(MethodRaised):
        await owners.elsewhere(message(owned_by("d2")), None)
    task.cancel()


async def test_objects_move_with_the_membership() -> None:
    owners, peers, membership, task = await following(MEMBERS)
    moving = owned_by("d2")
    await owners.elsewhere(message(moving), None)
    membership.become(MEMBERS[:2])
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    await owners.elsewhere(message(moving), None)
    first, *later = [name for name, _ in peers.passed]
    assert first == "d2"
    assert "d2" not in later
    task.cancel()


async def test_who_is_out_begins_nothing_until_it_is_a_member_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "WAIT_SECONDS", 0.05)
    owners, _, membership, task = await following(None)
    with pytest.raises(StoreUnavailable, match="lost touch"):
        await owners.elsewhere(message(OBJECTS[0]), None)
    monkeypatch.setattr(module, "WAIT_SECONDS", 5.0)
    waiting = asyncio.create_task(owners.elsewhere(message(owned_by("d0")), None))
    await asyncio.sleep(0.01)
    assert not waiting.done()
    membership.become(MEMBERS)
    assert await waiting is None
    task.cancel()


async def test_who_leaves_passes_nothing_on_and_holds_nothing_up() -> None:
    owners, peers, membership, task = await following(MEMBERS)
    owners.leave()
    membership.become(None)
    await asyncio.sleep(0)
    assert await owners.elsewhere(message(owned_by("d1")), None) is None
    assert peers.passed == []
    task.cancel()
