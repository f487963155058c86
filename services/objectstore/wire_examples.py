"""Kept examples and recorded calls in the contract. Law: pure translation; what an example may be is told in `wire`."""

from collections.abc import Sequence

from batos.v1 import objectstore_pb2 as pb
from kernel.errors import BadExample, KernelError
from objectstore.proving import KeptExample, RecordedCall
from wire.messages import example_from_wire, example_to_wire
from wire.timestamps import seconds_of, timestamp


def kept_to_wire(kept: KeptExample) -> pb.KeptExample:
    """The message for a kept example."""
    return pb.KeptExample(
        example=example_to_wire(kept.example),
        by=kept.by,
        at=timestamp(kept.at) if kept.at else None,
        withdrawn_by=kept.withdrawn_by,
        digest=kept.digest,
    )


def kept_from_wire(kept: pb.KeptExample) -> KeptExample:
    """The kept example. Raises BadArguments, BadExample, BadValue, BadObjectId, LimitExceeded."""
    at = seconds_of(kept.at, "example.at")
    return KeptExample(example_from_wire(kept.example), kept.by, at, kept.withdrawn_by)


def examples_from_wire(examples: Sequence[pb.KeptExample]) -> list[KeptExample]:
    """The kept examples of a request. Raises BadExample, which says which one is wrong."""
    return [_numbered(index, each) for index, each in enumerate(examples)]


def _numbered(index: int, kept: pb.KeptExample) -> KeptExample:
    try:
        return kept_from_wire(kept)
    except KernelError as error:
        raise BadExample(f"example {index + 1}: {error.text}", field=f"examples[{index}]") from None


def call_to_wire(call: RecordedCall) -> pb.RecordedCall:
    """The message for a recorded call."""
    return pb.RecordedCall(example=example_to_wire(call.example), number=call.number, at=timestamp(call.at))


def call_from_wire(call: pb.RecordedCall) -> RecordedCall:
    """The recorded call. Raises BadArguments, BadExample, BadValue, BadObjectId, LimitExceeded."""
    if call.number < 1:
        raise BadExample("a call was answered by a version; their numbers begin with 1", field="calls.number")
    return RecordedCall(example_from_wire(call.example), call.number, seconds_of(call.at, "call.at"))
