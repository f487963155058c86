"""Messages, examples and replies between the kernel and the contract. Law: what is not known is refused, by name."""

from collections.abc import Mapping

from batos.v1 import dispatcher_pb2
from batos.v1 import object_pb2 as pb
from kernel.errors import BadArguments, BadExample, KernelError
from kernel.messages import (
    EPOCH_2000,
    LOCAL,
    MAX_EXAMPLES,
    MAX_INTENT,
    Consistency,
    Example,
    Failure,
    Message,
    MethodRef,
    OnMiss,
    Reply,
)
from kernel.objects import Level, ObjectId, parse_namespace, parse_object_id, parse_selector
from kernel.values import SlotValues, Value
from wire.enums import enum_to_wire, member_of
from wire.timestamps import seconds_of, timestamp
from wire.values import (
    slots_from_wire,
    slots_to_wire,
    value_from_wire,
    value_to_wire,
    values_from_wire,
    values_to_wire,
)

_CONSISTENCY: Mapping[int, Consistency] = {
    pb.CONSISTENCY_UNSPECIFIED: Consistency.MINIMIZE_LATENCY,
    pb.CONSISTENCY_MINIMIZE_LATENCY: Consistency.MINIMIZE_LATENCY,
    pb.CONSISTENCY_AT_LEAST: Consistency.AT_LEAST,
    pb.CONSISTENCY_FULL: Consistency.FULL,
}
_ON_MISS: Mapping[int, OnMiss] = {
    pb.ON_MISS_UNSPECIFIED: OnMiss.WAIT,
    pb.ON_MISS_WAIT: OnMiss.WAIT,
    pb.ON_MISS_ASYNC: OnMiss.ASYNC,
    pb.ON_MISS_NEVER: OnMiss.NEVER,
}


def message_from_wire(message: pb.Message, principal: str = LOCAL) -> Message:
    """The message, checked. Raises BadObjectId, BadArguments, BadValue, BadExample, LimitExceeded."""
    # Each field is read once: protobuf makes its value anew each time, and this is on the road of every message.
    intent, examples, request_id, token = message.intent, message.examples, message.request_id, message.token
    on_miss, consistency = _ON_MISS.get(message.on_miss), _CONSISTENCY.get(message.consistency)
    if on_miss is None or consistency is None:
        raise BadArguments("on_miss or consistency has a value this version does not know", field="message.on_miss")
    if len(intent) > MAX_INTENT:
        raise BadArguments(f"an intent has at most {MAX_INTENT} characters", field="message.intent")
    if len(examples) > MAX_EXAMPLES:
        raise BadExample(f"a message carries at most {MAX_EXAMPLES} examples", field="message.examples")
    if request_id and message.dry_run:
        raise BadArguments("a dry run takes no request_id: it has no effect to have once", field="message.request_id")
    if (consistency is Consistency.AT_LEAST) != bool(token):
        raise BadArguments("a token belongs to AT_LEAST, and AT_LEAST needs one", field="message.token")
    return Message(
        parse_object_id(message.receiver),
        parse_selector(message.selector),
        tuple(map(value_from_wire, message.arguments)),
        values_from_wire(message.keywords),
        parse_namespace(message.namespace),
        principal,
        intent,
        tuple(map(_numbered_example, range(len(examples)), examples)) if examples else (),
        request_id,
        consistency,
        token,
        on_miss,
        parse_object_id(message.install_at) if message.install_at else None,
        message.dry_run,
    )


def message_to_wire(message: Message) -> pb.Message:
    """The message, for a service of the suite; the principal goes beside it."""
    return pb.Message(
        namespace=message.namespace,
        receiver=message.receiver,
        selector=message.selector,
        arguments=[value_to_wire(item) for item in message.arguments],
        keywords=values_to_wire(message.keywords),
        intent=message.intent,
        examples=[example_to_wire(item) for item in message.examples],
        request_id=message.request_id,
        consistency=enum_to_wire("CONSISTENCY", message.consistency),
        token=message.token,
        on_miss=enum_to_wire("ON_MISS", message.on_miss),
        install_at=message.install_at or "",
        dry_run=message.dry_run,
    )


def _numbered_example(index: int, example: pb.Example) -> Example:
    try:
        return example_from_wire(example)
    except KernelError as error:
        raise BadExample(f"example {index + 1}: {error.text}", field=f"message.examples[{index}]") from None


def example_from_wire(example: pb.Example) -> Example:
    """The example. Raises BadArguments, BadExample, BadValue, BadObjectId, LimitExceeded."""
    if not 0 <= example.tolerance < float("inf"):
        raise BadExample("a tolerance is a number from 0")
    after, exact = _after(example)
    return Example(
        outcome=_outcome(example),
        before=slots_from_wire(example.state_before),
        arguments=tuple(value_from_wire(item) for item in example.arguments),
        keywords=values_from_wire(example.keywords),
        now=seconds_of(example.now, "example.now") if example.HasField("now") else EPOCH_2000,
        seed=example.seed,
        others={parse_object_id(name): slots_from_wire(slots) for name, slots in example.others.items()},
        after=after,
        after_exact=exact,
        tolerance=example.tolerance,
    )


def _outcome(example: pb.Example) -> Value | Failure:
    match example.WhichOneof("outcome"):
        case "result":
            return value_from_wire(example.result)
        case "error":
            return Failure(example.error.reason, example.error.exception)
        case _:
            raise BadExample("an example needs a result or an error to expect")


def _after(example: pb.Example) -> tuple[SlotValues | None, bool]:
    match example.WhichOneof("after"):
        case "state_after":
            return slots_from_wire(example.state_after), True
        case "state_after_contains":
            return slots_from_wire(example.state_after_contains), False
        case _:
            return None, True


def example_to_wire(example: Example) -> pb.Example:
    """The example, for a service of the suite."""
    wire = pb.Example(
        state_before=slots_to_wire(example.before),
        arguments=[value_to_wire(item) for item in example.arguments],
        keywords=values_to_wire(example.keywords),
        now=timestamp(example.now),
        seed=example.seed,
        others={name: slots_to_wire(slots) for name, slots in example.others.items()},
        tolerance=example.tolerance,
    )
    if isinstance(example.outcome, Failure):
        wire.error.CopyFrom(pb.ErrorExpected(reason=example.outcome.reason, exception=example.outcome.exception))
    else:
        wire.result.CopyFrom(value_to_wire(example.outcome))
    if example.after is not None:
        field = wire.state_after if example.after_exact else wire.state_after_contains
        field.CopyFrom(slots_to_wire(example.after))
    return wire


def method_ref_to_wire(method: MethodRef) -> pb.MethodRef:
    """Which version ran."""
    return pb.MethodRef(
        holder=method.holder,
        selector=method.selector,
        number=method.number,
        digest=method.digest,
        evidence=enum_to_wire("EVIDENCE_LEVEL", method.evidence),
    )


def method_ref_from_wire(method: pb.MethodRef) -> MethodRef:
    """Which version ran. Raises BadArguments, BadObjectId."""
    level = member_of(Level, method.evidence, "method.evidence")
    holder, selector = parse_object_id(method.holder), parse_selector(method.selector)
    return MethodRef(holder, selector, method.number, method.digest, level)


def reply_to_wire(reply: Reply) -> dispatcher_pb2.Reply:
    """The answer to a message."""
    return dispatcher_pb2.Reply(
        result=value_to_wire(reply.result),
        method=method_ref_to_wire(reply.method),
        token=reply.token,
        synthesized=reply.synthesized,
        replayed=reply.replayed,
        writes=[dispatcher_pb2.Written(id=item, slots=slots_to_wire(slots)) for item, slots in reply.writes.items()],
    )


def reply_from_wire(reply: dispatcher_pb2.Reply) -> Reply:
    """What another dispatcher answered. Raises BadArguments, BadObjectId, BadValue, LimitExceeded."""
    return Reply(
        result=value_from_wire(reply.result),
        method=method_ref_from_wire(reply.method),
        token=reply.token,
        synthesized=reply.synthesized,
        replayed=reply.replayed,
        writes={ObjectId(written.id): slots_from_wire(written.slots) for written in reply.writes},
    )
