"""Lookup: the path is Python's own method resolution order, which here is the oracle."""

from collections import Counter
from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.errors import InconsistentParents, LimitExceeded
from kernel.lookup import MAX_PATH, Answer, holder_of, lookup_path, near_selectors, strictest, understood
from kernel.objects import Definition, Level, MethodPointer, ObjectId, Pin, Policy, Selector, Synthesis

NAMES = [ObjectId(f"o{index}") for index in range(9)]


@st.composite
def hierarchies(draw: st.DrawFn) -> dict[ObjectId, list[ObjectId]]:
    """Parents that come earlier in the list: no cycles, any order."""
    parents: dict[ObjectId, list[ObjectId]] = {}
    for index, name in enumerate(NAMES):
        earlier = NAMES[:index]
        parents[name] = draw(st.lists(st.sampled_from(earlier), max_size=3, unique=True)) if earlier else []
    return parents


def mro(parents: dict[ObjectId, list[ObjectId]]) -> dict[ObjectId, tuple[ObjectId, ...] | None]:
    """What Python makes of it; None where it finds no order."""
    types: dict[ObjectId, type] = {}
    orders: dict[ObjectId, tuple[ObjectId, ...] | None] = {}
    for name, above in parents.items():
        orders[name] = None
        if all(each in types for each in above):
            try:
                types[name] = type(name, tuple(types[each] for each in above), {})
            except TypeError:
                continue
            orders[name] = tuple(ObjectId(each.__name__) for each in types[name].__mro__[:-1])
    return orders


@given(hierarchies())
def test_the_path_is_pythons_method_resolution_order(parents: dict[ObjectId, list[ObjectId]]) -> None:
    for name, order in mro(parents).items():
        if order is None:
            with pytest.raises(InconsistentParents):
                lookup_path(name, parents)
        else:
            assert lookup_path(name, parents) == order


@given(hierarchies(), st.sampled_from(NAMES), st.sampled_from(NAMES))
def test_a_cycle_is_refused_wherever_it_closes(
    parents: dict[ObjectId, list[ObjectId]], low: ObjectId, high: ObjectId
) -> None:
    above: dict[ObjectId, list[ObjectId]] = {**parents, high: [*parents[high], low], low: [*parents[low], high]}
    with pytest.raises(InconsistentParents):
        lookup_path(low, above)


def test_paths_are_bounded() -> None:
    chain = {ObjectId(f"c{n}"): [ObjectId(f"c{n - 1}")] if n else [] for n in range(MAX_PATH + 40)}
    assert len(lookup_path(ObjectId(f"c{MAX_PATH - 1}"), chain)) == MAX_PATH
    for n in (MAX_PATH, MAX_PATH + 39):
        with pytest.raises(LimitExceeded):
            lookup_path(ObjectId(f"c{n}"), chain)


def layers(width: int, depth: int) -> dict[ObjectId, list[ObjectId]]:
    """Objects in layers, each with all of the layer above as parents: as many roads to the top as width ** depth."""
    rows = [[ObjectId(f"l{row}/{index}") for index in range(width)] for row in range(depth)]
    parents: dict[ObjectId, list[ObjectId]] = {each: [] for each in rows[0]}
    for above, row in pairwise(rows):
        parents |= dict.fromkeys(row, above)
    return {**parents, ObjectId("top"): rows[-1]}


@pytest.mark.parametrize(("width", "depth"), [(2, 15), (3, 10), (15, 2)])
def test_layers_of_objects_are_each_looked_through_once(width: int, depth: int) -> None:
    parents = layers(width, depth)
    asked = Counter[ObjectId]()

    class Counting(dict[ObjectId, list[ObjectId]]):
        def get(self, key: ObjectId, default: Any = None) -> Any:
            asked[key] += 1
            return super().get(key, default)

    path = lookup_path(ObjectId("top"), Counting(parents))
    assert path[0] == "top"
    assert len(path) == len(parents) == width * depth + 1
    assert set(asked.values()) == {1}


def test_the_first_on_the_path_that_has_the_method_active_holds_it() -> None:
    a, b, c = NAMES[:3]
    add = Selector("add")
    definitions = {
        a: Definition("1", (b,), {"add": MethodPointer(0, 3)}),
        b: Definition("2", (c,), {"add": MethodPointer(2, 2), "adds": MethodPointer(1, 1)}),
        c: Definition("3", (), {"add": MethodPointer(1, 1)}),
    }
    assert holder_of(add, (a, b, c), definitions) == Answer(b, 2)
    assert holder_of(add, (a, c), definitions) == Answer(c, 1)
    assert holder_of(Selector("drop"), (a, b, c), definitions) is None
    assert holder_of(add, (NAMES[5],), definitions) is None
    assert near_selectors("ad", (a, b, c), definitions) == ("add", "adds")


def test_a_pin_answers_before_the_table_of_its_object_and_the_nearest_on_the_path_wins() -> None:
    a, b, c = NAMES[:3]
    add = Selector("add")
    path = (a, b, c)

    def given(near: Mapping[str, Pin], far: Mapping[str, Pin], own: int = 0) -> dict[ObjectId, Definition]:
        return {
            a: Definition("1", (b,), {"add": MethodPointer(own, 9)}, pins=near),
            b: Definition("2", (c,), {"add": MethodPointer(2, 2)}, pins=far),
            c: Definition("3", (), {"add": MethodPointer(1, 1), "drop": MethodPointer(0, 4)}),
        }

    pinned = {"add": Pin(c, "3", 7)}
    assert holder_of(add, path, given({}, pinned)) == Answer(c, 7, b)
    assert holder_of(add, path, given({"add": Pin(a, "1", 3)}, pinned, own=9)) == Answer(a, 3, a)
    assert holder_of(add, path, given({}, pinned, own=9)) == Answer(a, 9)
    assert holder_of(add, (c,), given(pinned, pinned)) == Answer(c, 1)
    assert holder_of(Selector("drop"), path, given({"drop": Pin(c, "3", 4)}, {})) == Answer(c, 4, a)
    assert understood(path, given({"drop": Pin(c, "3", 4)}, {})) == ("add", "drop")
    assert understood(path, given({}, {})) == ("add",)


def test_a_pin_whose_holder_was_made_anew_or_is_not_on_the_path_decides_nothing() -> None:
    a, b, c = NAMES[:3]
    add = Selector("add")
    for pin in (Pin(b, "of before", 1), Pin(c, "3", 1), Pin(ObjectId("gone"), "", 1)):
        definitions = {
            a: Definition("1", (b,), pins={"add": pin}),
            b: Definition("2", (), {"add": MethodPointer(2, 2)}),
            c: Definition("3", (), {"add": MethodPointer(3, 3)}),
        }
        assert holder_of(add, (a, b), definitions) == Answer(b, 2)


def test_a_row_keeps_the_version_that_was_active_before() -> None:
    row = MethodPointer(0, 3)
    assert (row := row.moved(2)) == MethodPointer(2, 3, 0)
    assert (row := row.moved(2)) == MethodPointer(2, 3, 0)
    assert (row := row.moved(3)) == MethodPointer(3, 3, 2)
    assert (row := row.moved(0)) == MethodPointer(0, 3, 3)
    assert (row := row.moved(3)) == MethodPointer(3, 3, 0)
    assert row.moved(1) == MethodPointer(1, 3, 3)


def test_the_strictest_policy_wins_and_nobody_saying_anything_means_auto_with_examples() -> None:
    assert strictest([Policy(), Policy()]) == Policy(Synthesis.AUTO, Level.EXAMPLES)
    policies = [Policy(Synthesis.AUTO, Level.AGREED, ("b",)), Policy(Synthesis.REVIEW, never=("a", "b")), Policy()]
    assert strictest(policies) == Policy(Synthesis.REVIEW, Level.AGREED, ("a", "b"))
