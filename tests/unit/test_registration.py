"""A version is registered only while every policy that allowed it still stands, up to the very transaction."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import pytest

from kernel.errors import ApprovalPending, Conflict, NotPermitted, NotUnderstood
from kernel.messages import Message
from kernel.objects import (
    DEFAULT_NAMESPACE,
    Evidence,
    Level,
    MethodRecord,
    Namespace,
    ObjectId,
    Policy,
    Selector,
    Synthesis,
)
from kernel.transactions import Token
from objectstore.ledger_store import LedgerStore
from objectstore.memory import MemoryLedger
from objectstore.store import Draft, KeptExample, Landing, NewObject, Update
from synthesizer.order import Order
from synthesizer.registration import install

NS = DEFAULT_NAMESPACE
ROOT, BASE, MAIN, ADD = ObjectId("root"), ObjectId("counter"), ObjectId("counter/main"), Selector("add")
PROVED = (Evidence(Level.EXAMPLES, "synthesizer", 1.0),)
DRAFT = Draft(MAIN, ADD, "def add(self):\n    return 1\n", evidence=PROVED)


class ChangedAtTheLast(LedgerStore):
    """A store in which others change an object between the last read of a registration and its write."""

    changes: tuple[Update, ...] = ()

    async def register(
        self,
        namespace: Namespace,
        draft: Draft,
        *,
        activate: bool,
        expected: Mapping[ObjectId, int] | None = None,
        examples: Sequence[KeptExample] = (),
        landing: Landing | None = None,
    ) -> tuple[MethodRecord, Token]:
        if self.changes:
            change, *rest = self.changes
            self.changes = tuple(rest)
            await self.update(namespace, change)
        return await super().register(
            namespace, draft, activate=activate, expected=expected, examples=examples, landing=landing
        )


async def opened(*changes: Update) -> ChangedAtTheLast:
    store = await ChangedAtTheLast.open(MemoryLedger())
    await store.create(NS, NewObject(BASE))
    await store.create(NS, NewObject(MAIN, (BASE,)))
    store.changes = changes
    return store


@pytest.mark.parametrize("where", [ROOT, BASE, MAIN])
@pytest.mark.parametrize(
    ("policy", "failure", "versions"),
    [
        (Policy(Synthesis.OFF), NotUnderstood, 0),
        (Policy(never=("add",)), NotUnderstood, 0),
        (Policy(Synthesis.REVIEW), ApprovalPending, 1),
        (Policy(min_evidence=Level.APPROVED), ApprovalPending, 1),
    ],
    ids=["off", "never", "review", "more evidence"],
)
async def test_a_policy_on_the_path_that_is_tightened_at_the_last_moment_is_obeyed(
    where: ObjectId, policy: Policy, failure: type[Exception], versions: int
) -> None:
    store = await opened(Update(where, policy=policy))
    with pytest.raises(failure):
        await install(store, Order("a1b2c3d4", Message(MAIN, ADD), "ada"), DRAFT)
    found = (await store.methods(NS, MAIN, ADD, 0, "")).items
    assert len(found) == versions
    assert not any(record.active for record in found)


@pytest.mark.parametrize("policy", [Policy(Synthesis.OFF), Policy(never=("add",))], ids=["off", "never"])
async def test_a_better_version_is_not_registered_either_where_a_policy_forbids_it_by_now(policy: Policy) -> None:
    store = await opened()
    await store.register(NS, DRAFT, activate=True)
    store.changes = (Update(BASE, policy=policy),)
    order = Order("a1b2c3d4", Message(MAIN, ADD, install_at=MAIN), "ada", evolves=1)
    with pytest.raises(NotPermitted, match="stays as it is"):
        await install(store, order, replace(DRAFT, source="def add(self):\n    return 2\n"))
    assert [each.method.number for each in (await store.methods(NS, MAIN, ADD, 0, "")).items] == [1]


async def test_a_change_that_forbids_nothing_only_makes_it_read_again() -> None:
    store = await opened(Update(BASE, policy=Policy(never=("drop",))), Update(ROOT, policy=Policy(never=("burn",))))
    registered = await install(store, Order("a1b2c3d4", Message(MAIN, ADD), "ada"), DRAFT)
    assert registered.record.active


async def test_a_path_that_never_comes_to_rest_is_a_conflict() -> None:
    store = await opened(*(Update(BASE, policy=Policy(never=(f"n{index}",))) for index in range(9)))
    with pytest.raises(Conflict):
        await install(store, Order("a1b2c3d4", Message(MAIN, ADD), "ada"), DRAFT)
    assert not (await store.methods(NS, MAIN, ADD, 0, "")).items


async def test_an_object_that_comes_onto_the_path_at_the_last_moment_brings_its_policy() -> None:
    strict = ObjectId("strict")
    store = await opened(Update(BASE, parents=(strict,)))
    await store.create(NS, NewObject(strict, policy=Policy(Synthesis.OFF)))
    with pytest.raises(NotUnderstood):
        await install(store, Order("a1b2c3d4", Message(MAIN, ADD), "ada"), DRAFT)
