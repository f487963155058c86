"""What the store promises of method versions."""

import asyncio
import hashlib

import pytest

from kernel.errors import (
    BadArguments,
    BadValue,
    Conflict,
    LimitExceeded,
    MethodNotFound,
    ObjectNotFound,
)
from kernel.objects import (
    DEFAULT_NAMESPACE,
    EffectSet,
    Evidence,
    Finding,
    Level,
    MethodPointer,
    MethodRecord,
    ObjectId,
    Parameter,
    ParameterKind,
    PersonaTurn,
    Policy,
    Provenance,
    Selector,
    Severity,
    Synthesis,
)
from objectstore.store import Draft, NewObject, Store, Update

NS = DEFAULT_NAMESPACE
ACME = ObjectId("feed/acme")
ADD = Selector("add")
SOURCE = 'def add(self, a, b=1, *rest, c, d=2, **more):\n    """Sum."""\n    self._p_changed = True\n    return a + b\n'
SHORT = "def add(self, a):\n    return a\n"


@pytest.fixture(autouse=True)
async def acme(store: Store) -> None:
    await store.create(NS, NewObject(ACME))


async def register(store: Store, source: str = SHORT, *, activate: bool = True) -> MethodRecord:
    return (await store.register(NS, Draft(ACME, ADD, source), activate=activate))[0]


async def pointer(store: Store) -> MethodPointer | None:
    return (await store.get(NS, ACME)).definition.methods.get(ADD)


async def test_a_version_is_kept_with_all_that_tells_where_it_comes_from(store: Store) -> None:
    turn = PersonaTurn("ALFRED", "coder", "00ff", 120, 40, 1.5, 7)
    provenance = Provenance("local", "adds", "s-1", (turn,), 4, 3, 2, "abc", 1, "feed.add@2", 12.5, 9)
    effects = EffectSet(("n", "*"), ("n",), ("log",))
    findings = (Finding("BAT201", Severity.WARNING, 3, "look here"),)
    evidence = (Evidence(Level.AUDITED, "synthesizer", 10.5, "clean"), Evidence(Level.EXAMPLES, "synthesizer", 10.5))
    draft = Draft(ACME, ADD, SOURCE, provenance, findings, evidence, effects)
    made, token = await store.register(NS, draft, activate=True)
    found = (await store.method(NS, ACME, ADD, 1))[0]
    assert found == (await store.method(NS, ACME, ADD, 0))[0]
    assert (found.method, found.active, found.retired) == (made.method, True, False)
    assert set(found.evidence) == set(evidence)
    assert found.level is Level.EXAMPLES
    assert found.method.digest == hashlib.sha256(SOURCE.encode()).hexdigest()
    assert (found.method.source, found.method.provenance, found.method.findings) == (SOURCE, provenance, findings)
    assert found.method.effects == effects
    assert found.method.parameters == (
        Parameter("a"),
        Parameter("b", has_default=True),
        Parameter("rest", ParameterKind.REST),
        Parameter("c", ParameterKind.KEYWORD),
        Parameter("d", ParameterKind.KEYWORD, has_default=True),
        Parameter("more", ParameterKind.KEYWORD_REST),
    )
    stored = await store.get(NS, ACME)
    assert stored.definition.methods == {"add": MethodPointer(1, 1)}
    assert stored.definition_revision == token.revision
    assert stored.slots_revision < token.revision


async def test_what_is_read_tells_when_it_was_so(store: Store) -> None:
    _, made = await store.register(NS, Draft(ACME, ADD, SHORT), activate=True)
    _, token = await store.method(NS, ACME, ADD, 1)
    assert (token.epoch, token.revision >= made.revision) == (made.epoch, True)
    changed = await store.update(NS, Update(ACME, slots={"n": 1}))
    incarnation = changed.definition.incarnation
    reply, later = await store.kept_reply(NS, ACME, incarnation, "local", "r1")
    assert (reply, later.revision >= changed.token.revision) == (None, True)


async def test_a_version_that_is_not_activated_answers_nothing_yet(store: Store) -> None:
    assert not (await register(store, activate=False)).active
    assert await pointer(store) == MethodPointer(0, 1)
    with pytest.raises(MethodNotFound):
        await store.method(NS, ACME, ADD, 0)
    assert not (await store.method(NS, ACME, ADD, 1))[0].active


@pytest.mark.parametrize(
    "source",
    [
        "def add(self: oops",
        "def sub(self, a):\n    return a\n",
        "def add(this, a):\n    return a\n",
        "def add():\n    return 1\n",
        "import os\ndef add(self):\n    return 1\n",
        "async def add(self):\n    return 1\n",
        "",
    ],
)
async def test_a_source_that_is_not_one_method_of_that_name_is_refused(store: Store, source: str) -> None:
    with pytest.raises(BadArguments):
        await register(store, source)
    assert await pointer(store) is None


async def test_what_is_not_fit_to_be_kept_is_refused(store: Store) -> None:
    for effects in (EffectSet(reads=("a b",)), EffectSet(writes=("send",)), EffectSet(sends=("_x",))):
        with pytest.raises((BadValue, BadArguments)):
            await store.register(NS, Draft(ACME, ADD, SHORT, effects=effects), activate=True)
    refused = Finding("BAT101", Severity.ERROR, 1, "no")
    with pytest.raises(BadArguments):
        await store.register(NS, Draft(ACME, ADD, SHORT, findings=[refused]), activate=True)
    with pytest.raises(BadArguments):
        await store.register(NS, Draft(ACME, ADD, SHORT, evidence=[Evidence(Level.UNSET, "me", 1.0)]), activate=True)
    with pytest.raises(LimitExceeded):
        await register(store, SHORT + "    # " + "x" * (64 * 1024))
    with pytest.raises(ObjectNotFound):
        await store.register(NS, Draft(ObjectId("nobody"), ADD, SHORT), activate=True)


async def test_racing_registrations_get_numbers_of_their_own(store: Store) -> None:
    drafts = [register(store, f"def add(self, a):\n    return {n}\n") for n in range(8)]
    made = await asyncio.gather(*drafts)
    assert sorted(each.method.number for each in made) == list(range(1, 9))
    row = await pointer(store)
    assert row is not None
    assert row.latest == 8
    for each in made:
        assert (await store.method(NS, ACME, ADD, each.method.number))[0].method == each.method


async def test_a_registration_that_expects_another_definition_is_a_conflict(store: Store) -> None:
    before = (await store.get(NS, ACME)).definition_revision
    await store.update(NS, Update(ACME, policy=Policy(never=("drop",))))
    with pytest.raises(Conflict):
        await store.register(NS, Draft(ACME, ADD, SHORT), activate=True, expected={ACME: before})
    assert await pointer(store) is None


async def test_a_registration_compares_every_definition_that_is_named(store: Store) -> None:
    parent = ObjectId("feed")
    made = await store.create(NS, NewObject(parent))
    acme = (await store.get(NS, ACME)).definition_revision
    expected = {ACME: acme, parent: made.definition_revision}
    await store.register(NS, Draft(ACME, ADD, SHORT), activate=True, expected=expected)
    acme = (await store.get(NS, ACME)).definition_revision
    await store.update(NS, Update(parent, policy=Policy(Synthesis.OFF)))
    with pytest.raises(Conflict, match="feed"):
        await store.register(NS, Draft(ACME, ADD, SHORT), activate=True, expected={**expected, ACME: acme})
    with pytest.raises(Conflict, match="nobody"):
        await store.register(NS, Draft(ACME, ADD, SHORT), activate=True, expected={ObjectId("nobody"): 1})
    many = {ObjectId(f"o{index}"): 1 for index in range(33)}
    with pytest.raises(LimitExceeded):
        await store.register(NS, Draft(ACME, ADD, SHORT), activate=True, expected=many)
    assert await pointer(store) == MethodPointer(1, 1)


async def test_moving_the_pointer_is_a_rollback_and_idempotent(store: Store) -> None:
    for n in range(3):
        await register(store, f"def add(self, a):\n    return {n}\n")
    after, before, token = await store.activate(NS, ACME, ADD, 1)
    assert (after, before) == (MethodPointer(1, 3, 3), MethodPointer(3, 3, 2))
    assert (await store.method(NS, ACME, ADD, 0))[0].method.number == 1
    again, _, later = await store.activate(NS, ACME, ADD, 1)
    assert (again, await pointer(store)) == (after, after)
    assert later.revision >= token.revision
    assert (await store.activate(NS, ACME, ADD, 0))[0] == MethodPointer(0, 3, 1)
    with pytest.raises(MethodNotFound):
        await store.method(NS, ACME, ADD, 0)
    assert (await register(store)).method.number == 4


async def test_an_activation_that_expects_another_definition_is_a_conflict(store: Store) -> None:
    before = (await store.get(NS, ACME)).definition_revision
    await register(store)
    with pytest.raises(Conflict):
        await store.activate(NS, ACME, ADD, 0, expected_definition=before)
    assert await pointer(store) == MethodPointer(1, 1)


async def test_a_retired_version_is_out_for_good(store: Store) -> None:
    await register(store)
    await register(store, "def add(self, a):\n    return 2\n")
    assert (await store.retire(NS, ACME, ADD, 1))[0] == MethodPointer(2, 2, 1)
    assert (await store.retire(NS, ACME, ADD, 2))[0] == MethodPointer(0, 2, 1)
    assert (await store.retire(NS, ACME, ADD, 2))[0] == MethodPointer(0, 2, 1)
    assert (await store.method(NS, ACME, ADD, 2))[0].retired
    for number in (1, 2):
        with pytest.raises(MethodNotFound, match="retired"):
            await store.activate(NS, ACME, ADD, number)
    assert (await register(store)).method.number == 3


async def test_what_was_never_registered_is_not_found(store: Store) -> None:
    await register(store)
    for number in (2, -1):
        with pytest.raises(MethodNotFound):
            await store.method(NS, ACME, ADD, number)
        with pytest.raises(MethodNotFound):
            await store.activate(NS, ACME, ADD, number)
        with pytest.raises(MethodNotFound):
            await store.retire(NS, ACME, ADD, number)
    with pytest.raises(MethodNotFound):
        await store.activate(NS, ACME, Selector("sub"), 0)
    with pytest.raises(ObjectNotFound):
        await store.method(NS, ObjectId("nobody"), ADD, 1)


async def test_versions_are_listed_by_selector_and_number_in_pages(store: Store) -> None:
    for n in range(11):
        await register(store, f"def add(self, a):\n    return {n}\n")
    adds = "def adds(self):\n    return 1\n"
    await store.register(NS, Draft(ACME, Selector("adds"), adds), activate=True)
    proof = Evidence(Level.APPROVED, "local", 1.0)
    await store.activate(NS, ACME, ADD, 2, evidence=proof)
    found: list[MethodRecord] = []
    page = await store.methods(NS, ACME, None, 5, "")
    while True:
        found += page.items
        if not page.next_page:
            break
        page = await store.methods(NS, ACME, None, 5, page.next_page)
    names = [(each.method.selector, each.method.number) for each in found]
    assert names == [(ADD, number) for number in range(1, 12)] + [(Selector("adds"), 1)]
    assert [each.method.number for each in found if each.active] == [2, 1]
    assert [each.evidence for each in found if each.evidence] == [(proof,)]
    assert len((await store.methods(NS, ACME, ADD, 0, "")).items) == 11
    with pytest.raises(ObjectNotFound):
        await store.methods(NS, ObjectId("nobody"), None, 0, "")


async def test_an_object_made_anew_has_none_of_the_old_methods(store: Store) -> None:
    await store.register(NS, Draft(ACME, ADD, SHORT, evidence=[Evidence(Level.AUDITED, "s", 1.0)]), activate=True)
    await store.retire(NS, ACME, ADD, 1)
    await store.delete(NS, ACME)
    await store.create(NS, NewObject(ACME))
    assert await pointer(store) is None
    assert not (await store.methods(NS, ACME, None, 0, "")).items
    again = await register(store)
    assert (again.method.number, again.evidence) == (1, ())
    assert not (await store.method(NS, ACME, ADD, 1))[0].retired
