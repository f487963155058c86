"""Units share transactions as far as they do not touch, only losers of a conflict lose, nobody is told too early."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest

from dispatcher.commits import Commits, Unit
from fakes.committing import ScriptedStore
from kernel.errors import CommitUnclear, Conflict, KernelError, LimitExceeded, StoreFull, StoreUnavailable
from kernel.messages import MethodRef
from kernel.objects import DEFAULT_NAMESPACE, Level, Namespace, ObjectId, Selector
from kernel.transactions import MAX_COMPARES, KeptReply, Key, Part, Token, Transaction
from kernel.values import pack

NS = DEFAULT_NAMESPACE
REF = MethodRef(ObjectId("proto"), Selector("add"), 1, "", Level.AUDITED)


class Senders:
    """Units of a test, and what they were told."""

    def __init__(self, store: Any, in_flight: int = 1) -> None:
        self.commits = Commits(store, in_flight)
        self.told: dict[str, list[Token | KernelError]] = {}

    def add(
        self,
        name: str,
        *,
        slots: int = 1,
        reads: Mapping[Key, int] | None = None,
        writes: bool = True,
        replies: Sequence[str] = (),
        namespace: Namespace = NS,
    ) -> None:
        object_id = ObjectId(name)
        shared = {Key(ObjectId("proto"), Part.DEFINITION): 3}
        own = {Key(object_id, Part.DEFINITION): 2, Key(object_id, Part.SLOTS): slots}
        kept = [KeptReply(object_id, "i", "local", each, "digest", 1, REF) for each in replies]
        told = self.told.setdefault(name, [])
        written = {object_id: pack({"n": 1})} if writes else {}
        self.commits.add(Unit(namespace, {**shared, **own, **(reads or {})}, written, told.append, kept))

    async def all_told(self) -> None:
        async with asyncio.timeout(5):
            while not all(self.told.values()):  # noqa: ASYNC110 - each is told by itself
                await asyncio.sleep(0.001)

    def errors(self) -> set[str]:
        return {name for name, told in self.told.items() if isinstance(told[0], KernelError)}


def written(store: ScriptedStore) -> list[list[str]]:
    return [sorted(transaction.writes) for transaction, _ in store.commits]


def changed(*names: str) -> Callable[[Transaction], KernelError | None]:
    """A conflict for every transaction that compares one of these."""

    def fail(transaction: Transaction) -> KernelError | None:
        compared = {key.name for key in transaction.reads} | {reply.name for reply in transaction.replies}
        found = [name for name in names if name in compared]
        return Conflict("changed", found) if found else None

    return fail


async def test_units_of_one_moment_share_a_transaction_and_its_token() -> None:
    store = ScriptedStore()
    senders = Senders(store)
    for name in "abc":
        senders.add(name)
    await senders.all_told()
    assert written(store) == [["a", "b", "c"]]
    assert senders.told == {name: [Token("epoch", 1)] for name in "abc"}


async def test_units_that_come_while_the_lanes_are_taken_go_together_next() -> None:
    store = ScriptedStore()
    store.gate.clear()
    senders = Senders(store)
    senders.add("a")
    await asyncio.sleep(0.01)
    for name in "bcd":
        senders.add(name)
        await asyncio.sleep(0)
    assert senders.told["a"] == []
    store.gate.set()
    await senders.all_told()
    assert written(store) == [["a"], ["b", "c", "d"]]


async def test_another_transaction_begins_only_when_many_units_wait_for_it() -> None:
    store = ScriptedStore()
    store.gate.clear()
    senders = Senders(store, in_flight=4)
    for number in range(10):
        senders.add(f"o{number}")
        await asyncio.sleep(0.001)
    assert store.most_in_flight == 1
    store.gate.set()
    await senders.all_told()
    assert [len(names) for names in written(store)] == [1, 9]


async def test_no_more_are_in_flight_than_there_are_lanes_and_each_lane_counts_up() -> None:
    store = ScriptedStore()
    store.gate.clear()
    senders = Senders(store, in_flight=2)
    for number in range(200):
        senders.add(f"o{number}")
        await asyncio.sleep(0)
    await asyncio.sleep(0.01)
    store.gate.set()
    await senders.all_told()
    assert store.most_in_flight == 2
    numbers: dict[str, list[int]] = {}
    for _, lane in store.commits:
        numbers.setdefault(lane.name, []).append(lane.number)
    assert all(found == list(range(1, len(found) + 1)) for found in numbers.values())


async def test_who_read_what_another_writes_goes_in_another_transaction() -> None:
    store = ScriptedStore()
    senders = Senders(store)
    senders.add("a")
    senders.add("b", reads={Key(ObjectId("a"), Part.SLOTS): 1})
    senders.add("c")
    await senders.all_told()
    assert written(store) == [["a", "c"], ["b"]]


async def test_who_read_the_same_at_another_revision_goes_in_another_transaction() -> None:
    store = ScriptedStore()
    senders = Senders(store)
    senders.add("a")
    senders.add("b", reads={Key(ObjectId("proto"), Part.DEFINITION): 4})
    await senders.all_told()
    assert written(store) == [["a"], ["b"]]


async def test_a_transaction_holds_no_more_than_the_store_takes() -> None:
    store = ScriptedStore()
    senders = Senders(store)
    for number in range(200):
        senders.add(f"o{number}", replies=[f"r{number}"])
    await senders.all_told()
    for transaction, _ in store.commits:
        assert len(transaction.reads) + len(transaction.replies) <= MAX_COMPARES
    assert sorted(name for names in written(store) for name in names) == sorted(senders.told)


async def test_of_a_conflict_only_those_lose_who_read_what_changed() -> None:
    store = ScriptedStore()
    store.fail = changed("b:slots")
    senders = Senders(store)
    for name in "abc":
        senders.add(name)
    await senders.all_told()
    assert senders.errors() == {"b"}
    assert written(store) == [["a", "b", "c"], ["a", "c"]]
    (lost,) = senders.told["b"]
    assert isinstance(lost, Conflict)
    assert lost.changed == ("b:slots",)


async def test_a_shared_definition_that_changed_makes_all_of_them_lose() -> None:
    store = ScriptedStore()
    store.fail = changed("proto:definition")
    senders = Senders(store)
    for name in "ab":
        senders.add(name)
    await senders.all_told()
    assert senders.errors() == {"a", "b"}
    assert len(store.commits) == 1


async def test_a_reply_that_is_kept_already_makes_its_own_unit_lose() -> None:
    store = ScriptedStore()
    senders = Senders(store)
    senders.add("a", replies=["r1"])
    senders.add("b", replies=["r2"])
    store.fail = changed(KeptReply(ObjectId("b"), "i", "local", "r2", "", 1, REF).name)
    await senders.all_told()
    assert senders.errors() == {"b"}


async def test_a_conflict_that_names_nothing_known_makes_all_lose_rather_than_go_round_for_ever() -> None:
    store = ScriptedStore()
    store.fail = lambda _: Conflict("something", ["elsewhere:slots"])
    senders = Senders(store)
    for name in "ab":
        senders.add(name)
    await senders.all_told()
    assert senders.errors() == {"a", "b"}


async def test_together_too_large_they_go_one_by_one_and_only_the_large_one_fails() -> None:
    store = ScriptedStore()

    def too_large(transaction: Transaction) -> KernelError | None:
        large = len(transaction.writes) > 1 or "b" in transaction.writes
        return LimitExceeded("size", "too large") if large else None

    store.fail = too_large
    senders = Senders(store)
    for name in "abc":
        senders.add(name)
    await senders.all_told()
    assert senders.errors() == {"b"}


@pytest.mark.parametrize("error", [StoreFull("full"), StoreUnavailable("away")])
async def test_what_fails_for_the_store_fails_for_all(error: KernelError) -> None:
    store = ScriptedStore()
    store.fail = lambda _: error
    senders = Senders(store)
    for name in "ab":
        senders.add(name)
    await senders.all_told()
    assert senders.told == {"a": [error], "b": [error]}


async def test_a_lost_answer_is_settled_before_anyone_is_told_however_long_it_takes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("dispatcher.commits._PAUSE_SECONDS", 0.001)
    store = ScriptedStore()
    store.fail = lambda _: CommitUnclear("lost")
    store.decisions = [StoreUnavailable("away"), StoreUnavailable("away"), Token("epoch", 9)]
    senders = Senders(store)
    senders.add("a")
    await senders.all_told()
    assert senders.told["a"] == [Token("epoch", 9)]
    assert {lane.number for lane in store.settled} == {1}


async def test_a_commit_that_was_settled_as_not_made_failed_without_effect() -> None:
    store = ScriptedStore()
    store.fail = lambda _: CommitUnclear("lost")
    store.decisions = [None]
    senders = Senders(store)
    senders.add("a")
    await senders.all_told()
    assert senders.errors() == {"a"}


async def test_a_bug_below_fails_the_units_and_frees_the_lane() -> None:
    store = ScriptedStore()

    def broken(transaction: Transaction) -> KernelError | None:
        del transaction
        raise RuntimeError("a bug of ours")

    store.fail = broken
    senders = Senders(store)
    senders.add("a")
    await senders.all_told()
    store.fail = lambda _: None
    senders.add("b")
    await senders.all_told()
    assert senders.errors() == {"a"}


async def test_namespaces_take_turns_and_share_no_transaction() -> None:
    store = ScriptedStore()
    store.gate.clear()
    senders = Senders(store)
    for number in range(3):
        senders.add(f"a{number}")
        senders.add(f"b{number}", namespace=Namespace("other"))
    store.gate.set()
    await senders.all_told()
    assert written(store) == [["a0", "a1", "a2"], ["b0", "b1", "b2"]]


async def test_who_waits_and_leaves_leaves_only_when_it_is_known_what_became_of_it() -> None:
    store = ScriptedStore()
    store.gate.clear()
    commits = Commits(store)  # pyright: ignore[reportArgumentType] - the part of a store that commits need
    waiting = asyncio.create_task(commits.commit(NS, {Key(ObjectId("a"), Part.SLOTS): 1}, {}))
    await asyncio.sleep(0.01)
    waiting.cancel()
    await asyncio.sleep(0.01)
    assert not waiting.done()
    store.gate.set()
    with pytest.raises(asyncio.CancelledError):
        await waiting
