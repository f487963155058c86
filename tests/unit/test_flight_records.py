"""Stored bytes of syntheses: golden files prove that what an earlier version wrote is read, and is still written so."""

from collections.abc import Callable
from pathlib import Path

import pytest

from kernel.errors import BadValue
from kernel.messages import Consistency, Example, Failure, Message, MethodRef, OnMiss
from kernel.objects import (
    Evidence,
    Finding,
    Level,
    MethodRecord,
    MethodVersion,
    Namespace,
    ObjectId,
    PersonaTurn,
    Selector,
    Severity,
)
from kernel.synthesis import (
    Adopted,
    Chosen,
    Compared,
    DraftAudited,
    DraftTried,
    Ended,
    Event,
    Registered,
    Started,
    State,
    SynthesisRecord,
    TurnFinished,
    TurnStarted,
)
from kernel.transactions import Token
from kernel.values import Reference
from objectstore import flight_records, records
from objectstore.flight_records import Holding, Reserved, Spent
from objectstore.flights import Reservation, Setback

GOLDEN = Path(__file__).parent.parent / "golden" / f"flights-{records.FORMAT}"
ACME, READ = ObjectId("feed/acme"), Selector("read")
EXAMPLE = Example(
    {"to": Reference("feed/base"), "rows": [1, 2.0, True, None, b"\xff", "größe"]},
    before={"count": -7},
    arguments=(1, [2.5]),
    keywords={"by": None},
    now=1767225600.25,
    seed=(1 << 64) - 1,
    others={ObjectId("feed/base"): {"n": 1}},
    after={"count": 2},
    after_exact=False,
    tolerance=0.5,
)
RAISES = Example(Failure("METHOD_RAISED", "ValueError"))
ASKED = Message(
    ACME,
    READ,
    (1, {"Prc": "1.299,00 €"}),
    {"by": Reference("feed/base")},
    Namespace("acme"),
    "ann",
    "reads a row",
    (EXAMPLE, RAISES),
    "r-1",
    Consistency.AT_LEAST,
    "epoch.9",
    OnMiss.NEVER,
    ObjectId("feed"),
    dry_run=True,
)
RUNS = SynthesisRecord("s-1", Message(ACME, READ), "local", 1767225600.5)
ENDED = SynthesisRecord(
    "s-1",
    ASKED,
    "ann",
    1767225600.5,
    State.WAITING,
    3,
    1767225660.25,
    MethodRef(ACME, READ, 4, "00ff", Level.EXAMPLES),
    Ended("SYNTHESIS_FAILED", "no draft passed", {"object": "feed/acme"}),
)
VERSION = MethodVersion(ACME, READ, 1, "def read(self):\n    return 1\n", "00ff", (), created=1767225600.25)
RESERVATION = Reservation(Namespace("acme"), 490896, 3000, (ACME, ObjectId("root")), "s-1")
SETBACK = Setback("00ff", Ended("AUDIT_REJECTED", "refused", {"rules": "BAT201"}), 1767229200.0, 3)
HOLDING = Holding("s-1", "m-1", "s-2", "00ff00ff00ff00ff", 2)
EVENTS: list[Event] = [
    Started("s-1", ACME, joined=True),
    TurnStarted("ALFRED", "coder", 1),
    TurnFinished(PersonaTurn("ALFRED", "coder", "aa", 120, 40, 1.5, 7), "def read(self): ...", 1, cut=True),
    DraftAudited(1, (Finding("BAT201", Severity.WARNING, 2, "look"),), passed=True),
    DraftTried(1, 1, 2, "it returned 2"),
    Adopted(ObjectId("feed/base"), READ, 3),
    Chosen(1, 2, 3, 1),
    Compared(3, 2, ("read() gave 1, now 2",)),
    Registered(MethodRecord(VERSION, (Evidence(Level.AUDITED, "audit", 2.5),), active=True), Token("epoch", 9)),
]

WRITTEN: dict[str, tuple[bytes, Callable[[bytes], object], object]] = {
    "runs": (flight_records.encode_synthesis(RUNS), flight_records.synthesis, RUNS),
    "ended": (flight_records.encode_synthesis(ENDED), flight_records.synthesis, ENDED),
    "left": (flight_records.encode_left(EXAMPLE), flight_records.left, EXAMPLE),
    "raises": (flight_records.encode_left(RAISES), flight_records.left, RAISES),
    "holding": (records.encode(HOLDING), flight_records.holding, HOLDING),
    "state": (records.encode(State.SUCCEEDED), flight_records.state, State.SUCCEEDED),
    "by": (records.encode("ann"), flight_records.name, "ann"),
    "spent": (records.encode(Spent(300, 2)), flight_records.spent, Spent(300, 2)),
    "reserved": (records.encode(Reserved(RESERVATION)), flight_records.reserved, Reserved(RESERVATION)),
    "setback": (records.encode(SETBACK), flight_records.setback, SETBACK),
    **{
        f"event-{type(each).__name__}": (flight_records.encode_event(each), flight_records.event, each)
        for each in EVENTS
    },
}


@pytest.mark.parametrize("name", WRITTEN)
def test_the_golden_files_of_this_format_are_read_and_written(name: str) -> None:
    golden = (GOLDEN / f"{name}.bin").read_bytes()
    written, read, expected = WRITTEN[name]
    assert written == golden
    assert read(golden) == expected


def test_every_golden_file_is_tried() -> None:
    assert {path.stem for path in GOLDEN.iterdir()} == WRITTEN.keys()


def test_every_kind_of_event_is_among_them() -> None:
    assert {type(each) for each in EVENTS} == set(Event.__args__)


def test_an_event_of_a_later_version_is_refused_by_its_name() -> None:
    with pytest.raises(BadValue, match="Dreamt"):
        flight_records.event(records.encode(["Dreamt", {"of": "sheep"}]))


def test_a_field_that_a_later_version_added_is_passed_over() -> None:
    later = records.encode(["Chosen", {"draft": 1, "agreeing": 2, "drafts": 3, "dissent": 0, "mood": "good"}])
    assert flight_records.event(later) == Chosen(1, 2, 3)
