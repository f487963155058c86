"""What the store promises of examples that are kept for a method."""

import asyncio
from collections.abc import Sequence

import pytest

from fakes.stores import Kept
from kernel.errors import BadArguments, LimitExceeded, ObjectNotFound
from kernel.messages import Example, Failure
from kernel.objects import DEFAULT_NAMESPACE, Evidence, Level, MethodPointer, ObjectId, Selector
from kernel.values import Reference
from objectstore.proving import KeptExample
from objectstore.store import Draft, NewObject, Store

NS = DEFAULT_NAMESPACE
ACME = ObjectId("feed/acme")
ADD, ADDS = Selector("add"), Selector("adds")
SHORT = "def add(self, a):\n    return a\n"


@pytest.fixture(autouse=True)
async def acme(store: Store) -> None:
    await store.create(NS, NewObject(ACME))


def example(number: int) -> Example:
    return Example(number, arguments=(number,))


def given(*numbers: int, by: str = "ann") -> Sequence[KeptExample]:
    return [KeptExample(example(number), by, 100.0 + number) for number in numbers]


async def outcomes(store: Store, selector: Selector = ADD) -> list[object]:
    return [each.example.outcome for each in (await store.kept(NS, ACME, selector))[0] if not each.withdrawn_by]


async def test_an_example_is_kept_whole_with_who_gave_it_and_when(store: Store) -> None:
    whole = Example(
        {"price": 12.5, "to": Reference("feed")},
        before={"count": 1, "raw": b"\0\xff"},
        arguments=([1, None], "a"),
        keywords={"by": True},
        now=12.25,
        seed=(1 << 64) - 1,
        others={ObjectId("unit/eur"): {"rate": 1.0}},
        after={"count": 2},
        after_exact=False,
        tolerance=0.5,
    )
    failing = Example(Failure("METHOD_RAISED", "ValueError"))
    await store.keep(NS, ACME, ADD, [KeptExample(whole, "ann", 12.5), KeptExample(failing, "bob", 11.5)])
    found, token = await store.kept(NS, ACME, ADD)
    assert list(found) == [KeptExample(failing, "bob", 11.5), KeptExample(whole, "ann", 12.5)]
    assert [each.digest for each in found] == [failing.digest(), whole.digest()]
    assert token.revision >= (await store.get(NS, ACME)).definition_revision


async def test_the_same_example_is_kept_once_as_it_was_first_given(store: Store) -> None:
    await store.keep(NS, ACME, ADD, given(1))
    before = (await store.kept(NS, ACME, ADD))[0]
    token = await store.keep(NS, ACME, ADD, [*given(1, by="bob"), *given(2, 2)])
    assert await outcomes(store) == [1, 2]
    assert (await store.kept(NS, ACME, ADD))[0][0] == before[0]
    assert (await store.keep(NS, ACME, ADD, given(2))).revision >= token.revision
    assert not (await store.kept(NS, ACME, ADDS))[0]


async def test_an_example_without_a_time_is_of_now(store: Store) -> None:
    await store.keep(NS, ACME, ADD, [KeptExample(example(1), "ann", 0.0)])
    assert (await store.kept(NS, ACME, ADD))[0][0].at > 1e9
    with pytest.raises(BadArguments):
        await store.keep(NS, ACME, ADD, [KeptExample(example(2), "ann", -1.0)])


async def test_an_example_that_is_withdrawn_is_told_of_and_can_be_kept_again(store: Store) -> None:
    await store.keep(NS, ACME, ADD, given(1, 2))
    digest = example(1).digest()
    taken, token = await store.withdraw(NS, ACME, ADD, digest, "bob")
    assert (taken.example, taken.by, taken.withdrawn_by) == (example(1), "ann", "bob")
    assert [each.withdrawn_by for each in (await store.kept(NS, ACME, ADD))[0]] == ["bob", ""]
    again, later = await store.withdraw(NS, ACME, ADD, digest, "eve")
    assert (again, later.revision >= token.revision) == (taken, True)
    await store.keep(NS, ACME, ADD, [KeptExample(example(1), "eve", 900.0)])
    assert [(each.by, each.withdrawn_by) for each in (await store.kept(NS, ACME, ADD))[0]] == [("ann", ""), ("eve", "")]


async def test_what_is_not_there_cannot_be_kept_or_withdrawn(store: Store) -> None:
    nobody = ObjectId("nobody")
    with pytest.raises(BadArguments, match="no example"):
        await store.withdraw(NS, ACME, ADD, example(1).digest(), "ann")
    await store.keep(NS, ACME, ADD, given(1))
    with pytest.raises(BadArguments, match="name them"):
        await store.withdraw(NS, ACME, ADD, example(1).digest(), "")
    with pytest.raises(ObjectNotFound):
        await store.withdraw(NS, nobody, ADD, example(1).digest(), "ann")
    with pytest.raises(ObjectNotFound):
        await store.keep(NS, nobody, ADD, given(1))
    with pytest.raises(ObjectNotFound):
        await store.kept(NS, nobody, ADD)


async def test_a_method_has_at_most_a_hundred_examples_and_withdrawn_ones_make_room(store: Store) -> None:
    await store.keep(NS, ACME, ADD, given(*range(100)))
    for numbers in ((100,), (99, 100)):
        with pytest.raises(LimitExceeded, match="withdraw some"):
            await store.keep(NS, ACME, ADD, given(*numbers))
    await store.keep(NS, ACME, ADD, given(99))
    await store.keep(NS, ACME, ADDS, given(100))
    for number in (7, 3):
        await store.withdraw(NS, ACME, ADD, example(number).digest(), "ann")
    await store.keep(NS, ACME, ADD, given(100))
    found = [each.example.outcome for each in (await store.kept(NS, ACME, ADD))[0]]
    assert found == [number for number in range(101) if number != 3]
    assert len(await outcomes(store)) == 99


async def test_a_hundred_new_examples_take_the_places_of_as_many_that_were_withdrawn(store: Store) -> None:
    for numbers, by_registration in ((range(100, 200), False), (range(200, 295), True)):
        await store.keep(NS, ACME, ADD, given(*range(100)))
        for each in (await store.kept(NS, ACME, ADD))[0]:
            await store.withdraw(NS, ACME, ADD, each.digest, "ann")
        if by_registration:
            await store.register(NS, Draft(ACME, ADD, SHORT), activate=True, examples=given(*numbers))
        else:
            await store.keep(NS, ACME, ADD, given(*numbers))
        assert await outcomes(store) == list(numbers)
        assert len((await store.kept(NS, ACME, ADD))[0]) == 100
        for number in numbers:
            await store.withdraw(NS, ACME, ADD, example(number).digest(), "ann")


async def test_the_bytes_of_a_method_s_examples_are_bounded(store: Store) -> None:
    large = [Example(None, arguments=(str(number) + "x" * (400 << 10),)) for number in range(3)]
    for each in large[:2]:
        await store.keep(NS, ACME, ADD, [KeptExample(each, "ann", 1.0)])
    with pytest.raises(LimitExceeded, match="withdraw some"):
        await store.keep(NS, ACME, ADD, [KeptExample(large[2], "ann", 1.0)])
    assert len((await store.kept(NS, ACME, ADD))[0]) == 2


async def test_racing_givers_do_not_pass_the_limit(store: Store) -> None:
    await store.keep(NS, ACME, ADD, given(*range(97)))
    tries = [store.keep(NS, ACME, ADD, given(number)) for number in range(200, 206)]
    ended = await asyncio.gather(*tries, return_exceptions=True)
    assert sum(1 for each in ended if isinstance(each, LimitExceeded)) == 3
    assert len(await outcomes(store)) == 100


async def test_examples_come_with_a_registration_or_not_at_all(store: Store) -> None:
    await store.register(NS, Draft(ACME, ADD, SHORT), activate=True, examples=given(1, 2))
    assert await outcomes(store) == [1, 2]
    await store.keep(NS, ACME, ADD, given(*range(3, 100)))
    await store.register(NS, Draft(ACME, ADD, SHORT), activate=True, examples=given(1, 2))
    with pytest.raises(LimitExceeded):
        await store.register(NS, Draft(ACME, ADD, SHORT), activate=True, examples=given(1, 500, 501))
    assert (await store.get(NS, ACME)).definition.methods == {"add": MethodPointer(2, 2, 1)}
    assert len(await outcomes(store)) == 99


async def test_examples_stay_over_versions_and_go_with_their_object(kept: Kept) -> None:
    store = kept.store
    await store.register(NS, Draft(ACME, ADD, SHORT), activate=True, examples=given(1))
    await store.register(NS, Draft(ACME, ADD, SHORT), activate=True)
    await store.retire(NS, ACME, ADD, 1)
    assert await outcomes(store) == [1]
    await store.delete(NS, ACME)
    await store.create(NS, NewObject(ACME))
    assert await outcomes(store) == []
    await store.keep(NS, ACME, ADD, given(2))
    assert await outcomes(store) == [2]


async def test_a_proof_does_not_touch_examples(store: Store) -> None:
    await store.register(NS, Draft(ACME, ADD, SHORT), activate=True, examples=given(1))
    await store.prove(NS, ACME, ADD, 1, Evidence(Level.EXAMPLES, "synthesizer", 2.0))
    assert await outcomes(store) == [1]
