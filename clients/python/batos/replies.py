"""What came of a message. Law: the facts of the contract, with values as Python has them."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from batos.identifiers import TraceParent
from batos.v1 import dispatcher_pb2 as dispatcher_pb
from batos.v1 import object_pb2 as pb
from batos.values import from_wire, map_from_wire


@dataclass(frozen=True, slots=True)
class Reply:
    """What came of a message. `seconds` is the wall time the client saw; `trace_id` finds the trace.

    `writes` are the slots, by object, that a dry run would have written.
    """

    result: object
    method: pb.MethodRef
    token: str
    synthesized: bool
    replayed: bool
    request_id: str
    trace_id: str
    seconds: float
    writes: Mapping[str, Mapping[str, object]] = field(default_factory=dict[str, Mapping[str, object]])


def reply_from_wire(reply: dispatcher_pb.Reply, message: pb.Message, trace: TraceParent) -> Reply:
    """What the dispatcher answered to a message of this trace; its seconds are for who sent it."""
    return Reply(
        result=from_wire(reply.result),
        method=reply.method,
        token=reply.token,
        synthesized=reply.synthesized,
        replayed=reply.replayed,
        request_id=message.request_id,
        trace_id=trace.trace_id,
        seconds=0.0,
        writes={written.id: map_from_wire(written.slots.values) for written in reply.writes},
    )
