"""What remains of a run's writes, slot by slot, however its activations end."""

from activation.buffer import WriteBuffer
from kernel.objects import ObjectId

PUMP = ObjectId("pump/17")
TANK = ObjectId("tank/3")


def buffer_over(**slots: int) -> WriteBuffer:
    buffer = WriteBuffer()
    buffer.base[PUMP] = slots
    buffer.base[TANK] = {}
    return buffer


def test_what_an_activation_keeps_is_written() -> None:
    buffer = buffer_over(count=1)
    frame = buffer.begin(PUMP)
    frame.note({"count": 2})
    buffer.end(frame, keep=True)
    assert buffer.writes() == {PUMP: {"count": 2}}


def test_without_the_covenant_nothing_is_written() -> None:
    buffer = buffer_over(count=1)
    frame = buffer.begin(PUMP)
    frame.note({"count": 2})
    buffer.end(frame, keep=False)
    assert buffer.writes() == {}


def test_keeping_unchanged_slots_writes_nothing() -> None:
    buffer = buffer_over(count=1)
    frame = buffer.begin(PUMP)
    frame.note({"count": 1})
    buffer.end(frame, keep=True)
    assert buffer.writes() == {}


def test_true_and_one_are_a_change() -> None:
    buffer = buffer_over(count=1)
    frame = buffer.begin(PUMP)
    frame.note({"count": True})
    buffer.end(frame, keep=True)
    assert buffer.writes() == {PUMP: {"count": True}}


def test_a_nested_activation_sees_what_its_sender_has_changed_so_far() -> None:
    buffer = buffer_over(count=1)
    outer = buffer.begin(PUMP)
    outer.note({"count": 101})
    assert buffer.begin(PUMP).loaded == {"count": 101}


def test_no_update_is_lost_between_a_sender_and_its_nested_send_to_itself() -> None:
    buffer = buffer_over(count=10)
    outer = buffer.begin(PUMP)
    outer.note({"count": 110})
    inner = buffer.begin(PUMP)
    inner.note({"count": 111})
    buffer.end(inner, keep=True)
    assert buffer.reload(outer) == {"count": 111}
    outer.note({"count": 111, "done": 1})
    buffer.end(outer, keep=True)
    assert buffer.writes() == {PUMP: {"count": 111, "done": 1}}


def test_a_sender_that_drops_its_changes_does_not_drop_those_of_its_nested_send() -> None:
    buffer = buffer_over(count=1, level=1)
    outer = buffer.begin(PUMP)
    outer.note({"count": 1, "level": 9})
    inner = buffer.begin(PUMP)
    inner.note({"count": 2, "level": 9})
    buffer.end(inner, keep=True)
    outer.note(buffer.reload(outer))
    buffer.end(outer, keep=False)
    assert buffer.writes() == {PUMP: {"count": 2, "level": 1}}


def test_a_nested_send_that_drops_its_changes_leaves_the_senders() -> None:
    buffer = buffer_over(count=1)
    outer = buffer.begin(PUMP)
    outer.note({"count": 5})
    inner = buffer.begin(PUMP)
    inner.note({"count": 6})
    buffer.end(inner, keep=False)
    assert buffer.reload(outer) == {"count": 5}
    buffer.end(outer, keep=True)
    assert buffer.writes() == {PUMP: {"count": 5}}


def test_a_raise_that_is_caught_undoes_the_nested_writes_to_every_object() -> None:
    buffer = buffer_over(count=1)
    outer = buffer.begin(PUMP)
    outer.note({"count": 2})
    point = buffer.savepoint()
    inner = buffer.begin(TANK)
    inner.note({"level": 7})
    deeper = buffer.begin(PUMP)
    deeper.note({"count": 99})
    buffer.end(deeper, keep=True)
    buffer.restore(point)
    assert buffer.reload(outer) == {"count": 2}
    buffer.end(outer, keep=True)
    assert buffer.writes() == {PUMP: {"count": 2}}


def test_what_was_kept_before_a_savepoint_outlives_it() -> None:
    buffer = buffer_over(count=1)
    outer = buffer.begin(PUMP)
    first = buffer.begin(TANK)
    first.note({"level": 1})
    buffer.end(first, keep=True)
    point = buffer.savepoint()
    second = buffer.begin(TANK)
    second.note({"level": 2})
    buffer.restore(point)
    buffer.end(outer, keep=True)
    assert buffer.writes() == {TANK: {"level": 1}}
