"""A synthesis crosses the wire whole: what asked for it, where it stands, and why it failed."""

import pytest

from kernel.errors import ApprovalPending
from kernel.messages import Example, Message, MethodRef
from kernel.objects import Level, Namespace, ObjectId, Selector
from kernel.synthesis import Ended, State, SynthesisRecord
from wire.synthesis import synthesis_from_wire, synthesis_to_wire

PUMP, READ = ObjectId("pump/17"), Selector("read")
ASKED = Message(PUMP, READ, (1,), {"by": 2}, Namespace("tests"), "ada", "reads", (Example(3),))
RUNNING = SynthesisRecord("0" * 32, ASKED, "ada", 1_000_000.5)
WAITING = ApprovalPending("it waits", object="pump/17", version="3")


@pytest.mark.parametrize(
    "record",
    [
        RUNNING,
        SynthesisRecord(
            "a",
            ASKED,
            "ada",
            1.0,
            State.SUCCEEDED,
            2,
            2.5,
            MethodRef(PUMP, READ, 3, "d", Level.EXAMPLES),
        ),
        SynthesisRecord("b", ASKED, "ada", 1.0, State.WAITING, ended=2.0, failure=Ended.of(WAITING)),
        SynthesisRecord("c", ASKED, "ada", 1.0, State.FAILED, ended=2.0, failure=Ended("INTERNAL", "a fault")),
    ],
    ids=["running", "succeeded", "waiting", "faulty"],
)
def test_a_synthesis_crosses_the_wire_whole(record: SynthesisRecord) -> None:
    assert synthesis_from_wire(synthesis_to_wire(record)) == record
