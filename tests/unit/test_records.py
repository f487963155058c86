"""Stored bytes: golden files prove that what an earlier version wrote is read, and is still written the same."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.messages import Example, Failure, MethodRef
from kernel.objects import (
    Definition,
    EffectSet,
    Evidence,
    Finding,
    Level,
    MethodPointer,
    MethodVersion,
    ObjectId,
    Parameter,
    ParameterKind,
    PersonaTurn,
    Pin,
    Policy,
    Provenance,
    Retirement,
    Selector,
    Severity,
    Synthesis,
)
from kernel.transactions import KeptReply
from kernel.values import Reference
from objectstore import records
from objectstore.members import Member
from objectstore.proving import KeptExample, RecordedCall
from objectstore.records import LaneRecord, Meta, UnknownFormat

GOLDEN = Path(__file__).parent.parent / "golden"
ACME, ADD = ObjectId("feed/acme"), Selector("add")
KEY = (ACME, "0123456789abcdef", "local", "r1")
SLOTS = {
    "null": None,
    "yes": True,
    "count": -7,
    "large": (1 << 63) - 1,
    "price": 1299.0,
    "nan": float("nan"),
    "text": "größe €",
    "raw": b"\x00\xff",
    "rows": [1, [2, {"b": 1, "a": 2}]],
    "other": Reference("feed/base"),
}
DEFINITION = Definition(
    "0123456789abcdef",
    (ObjectId("feed/base"), ObjectId("root")),
    {"add": MethodPointer(2, 3), "drop": MethodPointer(0, 1)},
    Policy(Synthesis.REVIEW, Level.EXAMPLES, ("drop", "wipe")),
)
PINNED = Definition(
    "0123456789abcdef",
    (ObjectId("feed/base"),),
    {"add": MethodPointer(2, 3, 1)},
    pins={"add": Pin(ObjectId("feed/base"), "fedcba9876543210", 4)},
)
VERSION = MethodVersion(
    ACME,
    ADD,
    2,
    "def add(self, a, *, b=1):\n    return a + b\n",
    "00ff",
    (Parameter("a"), Parameter("b", ParameterKind.KEYWORD, has_default=True)),
    Provenance("local", "adds", "s-1", (PersonaTurn("ALFRED", "coder", "aa", 120, 40, 1.5, 7),), 4, 3, 2, "0af7"),
    (Finding("BAT201", Severity.WARNING, 2, "look"),),
    1767225600.25,
)
EVOLVED = replace(
    VERSION,
    provenance=replace(VERSION.provenance, parent=1, adopted="feed/base.add@4", seconds=12.5, trials=9),
    effects=EffectSet(("n", "rows"), ("n",), ("*",)),
)
RETIREMENT = Retirement("ann", 1767225600.5, "rounds down")
EXAMPLE = KeptExample(
    Example(3, {"n": 1}, (2, b"raw"), {"by": 1.5}, 12.5, (1 << 64) - 1, {ACME: {"n": None}}, {"n": 3}, tolerance=0.25),
    "ann",
    1767225600.5,
    "bob",
)
CALL = RecordedCall(Example(Failure("METHOD_RAISED", "ValueError"), after_exact=False), 2, 1767225600.5)
EVIDENCE = Evidence(Level.APPROVED, "local", 1767225600.5, "reads well")
REPLY = KeptReply(*KEY, "d1", ["ok", None], MethodRef(ACME, ADD, 2, "00ff", Level.EXAMPLES))
MEMBER = Member("d-1", "10.0.0.1:7001")

WRITTEN: dict[str, tuple[bytes, Callable[[bytes], object], object]] = {
    "meta": (records.encode_meta(Meta("feedfacecafebeef")), records.meta, Meta("feedfacecafebeef", 1)),
    "pinned": (records.encode_definition(PINNED), records.definition, PINNED),
    "slots": (records.encode(SLOTS), records.slots, SLOTS),
    "evolved": (records.encode(EVOLVED), records.version, EVOLVED),
    "example": (records.encode_example(EXAMPLE), records.example, EXAMPLE),
    "call": (records.encode_call(CALL), records.call, CALL),
    "retirement": (records.encode(RETIREMENT), records.retirement, RETIREMENT),
    "evidence": (records.encode(EVIDENCE), records.evidence, EVIDENCE),
    "lane": (records.encode(LaneRecord(300, committed=True)), records.lane, LaneRecord(300, committed=True)),
    "reply": (records.encode_reply(REPLY), lambda data: records.reply(data, *KEY), REPLY),
    "member": (records.encode(MEMBER), records.member, MEMBER),
    "mark": (records.mark(), lambda data: data, records.mark()),
}
# What an earlier version wrote without the fields that came since, which have their defaults then.
READ: dict[str, tuple[Callable[[bytes], object], object]] = {
    "definition": (records.definition, DEFINITION),
    "version": (records.version, VERSION),
}


@pytest.mark.parametrize("name", WRITTEN)
def test_the_golden_files_of_this_format_are_read_and_written(name: str) -> None:
    golden = (GOLDEN / f"format-{records.FORMAT}" / f"{name}.bin").read_bytes()
    written, read, expected = WRITTEN[name]
    assert written == golden
    found = read(golden)
    # NaN is not equal to itself; its bytes are.
    assert found == expected or records.encode(found) == golden


@pytest.mark.parametrize("name", READ)
def test_what_was_written_before_a_field_was_added_is_read(name: str) -> None:
    read, expected = READ[name]
    assert read((GOLDEN / f"format-{records.FORMAT}" / f"{name}.bin").read_bytes()) == expected


def test_the_mark_of_an_earlier_version_tells_only_that_a_version_is_retired() -> None:
    assert records.retirement((GOLDEN / "format-1" / "mark.bin").read_bytes()) == Retirement()


def test_every_golden_file_is_tried() -> None:
    golden = {path.stem for path in (GOLDEN / f"format-{records.FORMAT}").iterdir()}
    assert golden == WRITTEN.keys() | READ.keys()


@pytest.mark.parametrize("data", [b"", b"\x00\x80", b"\x02\x80", b"\xff"])
def test_another_format_is_refused_with_its_number(data: bytes) -> None:
    for read in (records.slots, records.definition, records.meta):
        with pytest.raises(UnknownFormat, match=f"format {data[0] if data else 0}, this version reads format 1"):
            read(data)


def test_a_field_that_a_later_version_added_is_passed_over() -> None:
    later = records.encode({"epoch": "feed", "format": 1, "region": "eu"})
    assert records.meta(later) == Meta("feed", 1)


LANES = st.builds(LaneRecord, st.integers(0, (1 << 63) - 1), committed=st.booleans())


@given(LANES, LANES)
def test_the_bytes_of_lanes_sort_as_their_numbers(one: LaneRecord, other: LaneRecord) -> None:
    order = (one.number, one.committed) < (other.number, other.committed)
    assert (records.encode(one) < records.encode(other)) == order
