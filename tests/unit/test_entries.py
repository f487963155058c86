"""What is in memory stays within its bytes, newer replaces older only, and what is in use stays longest."""

from hypothesis import given
from hypothesis import strategies as st

from dispatcher.entries import Entries, Room
from kernel.objects import Definition, ObjectId
from kernel.transactions import Part

DEFINITION = Definition("incarnation")
KIB = 1024


def filled(count: int, most: int = 1 << 30, kept: frozenset[str] = frozenset()) -> tuple[Entries, list[str]]:
    gone: list[str] = []
    entries = Entries(Room(most), lambda object_id: object_id not in kept, gone.append)
    for number in range(count):
        put(entries, f"o/{number}")
    return entries, gone


def put(entries: Entries, name: str, revision: int = 1) -> None:
    entries.put_definition(ObjectId(name), DEFINITION, revision)
    entries.put_slots(ObjectId(name), {"n": revision}, revision)


def test_an_object_is_whole_when_both_parts_are_known() -> None:
    entries, _ = filled(0)
    entries.put_slots(ObjectId("a"), {"n": 1}, 1)
    assert entries.whole(ObjectId("a")) is None
    entries.put_definition(ObjectId("a"), DEFINITION, 1)
    assert entries.whole(ObjectId("a")) is not None


@given(st.permutations([1, 2, 3, 4, 5]))
def test_in_whatever_order_they_come_the_newest_stays(revisions: list[int]) -> None:
    entries, _ = filled(0)
    for revision in revisions:
        put(entries, "a", revision)
    known = entries.whole(ObjectId("a"))
    assert known is not None
    assert (known.slots, known.slots_revision, known.definition_revision) == ({"n": 5}, 5, 5)


def test_what_a_commit_confirms_is_current_until_then_and_only_what_it_read() -> None:
    entries, _ = filled(1)
    known = entries.whole(ObjectId("o/0"))
    assert known is not None
    known.confirm(Part.SLOTS, 1, 9)
    known.confirm(Part.DEFINITION, 7, 9)
    assert (known.slots_current, known.definition_current) == (9, 1)


def test_memory_stays_within_its_bytes_and_everything_that_goes_is_told() -> None:
    entries, gone = filled(500, most=100 * KIB)
    assert entries.size <= 100 * KIB
    assert len(entries) + len(gone) == 500
    assert all(name not in entries for name in map(ObjectId, gone))


def test_one_large_value_makes_room_for_itself() -> None:
    entries, gone = filled(50, most=100 * KIB)
    entries.put_slots(ObjectId("large"), {"text": "x" * 8 * KIB}, 1)
    assert entries.size <= 100 * KIB
    assert ObjectId("large") in entries
    assert gone


def test_what_is_in_use_outlives_what_is_walked_past_once() -> None:
    entries, _ = filled(20, most=100 * KIB)
    for number in range(2000):
        put(entries, f"walk/{number}")
        for used in range(20):
            entries.whole(ObjectId(f"o/{used}"))
    assert sum(ObjectId(f"o/{used}") in entries for used in range(20)) == 20


def test_what_comes_is_not_the_first_to_go_though_all_others_are_in_use() -> None:
    entries, _ = filled(0, most=100 * KIB)
    for number in range(500):
        put(entries, f"o/{number}")
        assert entries.whole(ObjectId(f"o/{number}")) is not None


def test_what_others_rest_on_stays() -> None:
    entries, _ = filled(2000, most=100 * KIB, kept=frozenset({"o/0", "o/1"}))
    assert ObjectId("o/0") in entries
    assert ObjectId("o/1") in entries


def test_where_nothing_may_go_it_does_not_look_for_ever() -> None:
    entries = Entries(Room(10 * KIB), lambda _: False, lambda _: None)
    for number in range(100):
        put(entries, f"o/{number}")
    assert len(entries) == 100


def test_what_is_forgotten_takes_no_room() -> None:
    entries, _ = filled(10)
    for number in range(10):
        entries.drop(ObjectId(f"o/{number}"))
    assert entries.size == 0
    put(entries, "a")
    entries.clear()
    assert (entries.size, len(entries)) == (0, 0)
