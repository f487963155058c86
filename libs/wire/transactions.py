"""Transactions, lanes and kept replies between the kernel and the contract. Law: reads are named once each."""

from batos.v1 import objectstore_pb2 as pb
from kernel.errors import BadArguments
from kernel.objects import Namespace, parse_namespace, parse_object_id
from kernel.transactions import KeptReply, Key, Lane, Part, Transaction
from kernel.values import SlotValues
from wire.enums import enum_to_wire, member_of
from wire.messages import method_ref_from_wire, method_ref_to_wire
from wire.values import slots_from_wire, slots_to_wire, value_from_wire, value_to_wire


def commit_to_wire(transaction: Transaction, lane: Lane) -> pb.CommitRequest:
    """The request to commit."""
    return pb.CommitRequest(
        namespace=transaction.namespace,
        lane=lane.name,
        number=lane.number,
        reads=[
            pb.Read(id=key.object_id, part=part_to_wire(key.part), revision=revision)
            for key, revision in transaction.reads.items()
        ],
        writes=[pb.Write(id=item, slots=slots_to_wire(slots)) for item, slots in transaction.writes.items()],
        reply=None if transaction.reply is None else kept_reply_to_wire(transaction.reply),
    )


def commit_from_wire(request: pb.CommitRequest) -> tuple[Transaction, Lane]:
    """What to commit, and in which lane. Raises BadArguments, BadObjectId, BadValue, LimitExceeded."""
    reads: dict[Key, int] = {}
    for read in request.reads:
        key = Key(parse_object_id(read.id), part_from_wire(read.part))
        if key in reads or read.revision < 0:
            raise BadArguments(f"{read.id} is read twice, or at a revision below 0", field="reads")
        reads[key] = read.revision
    writes: dict[str, SlotValues] = {}
    for write in request.writes:
        if write.id in writes:
            raise BadArguments(f"{write.id} is written twice", field="writes")
        writes[write.id] = slots_from_wire(write.slots)
    transaction = Transaction(
        parse_namespace(request.namespace),
        reads,
        {parse_object_id(item): slots for item, slots in writes.items()},
        kept_reply_from_wire(request.reply) if request.HasField("reply") else None,
    )
    return transaction, Lane(request.lane, request.number)


def settle_to_wire(namespace: Namespace, lane: Lane) -> pb.SettleCommitRequest:
    """The request to settle a commit."""
    return pb.SettleCommitRequest(namespace=namespace, lane=lane.name, number=lane.number)


def kept_reply_to_wire(reply: KeptReply) -> pb.KeptReply:
    """The message for a kept reply."""
    return pb.KeptReply(
        receiver=reply.receiver,
        incarnation=reply.incarnation,
        principal=reply.principal,
        request_id=reply.request_id,
        message_digest=reply.message_digest,
        result=value_to_wire(reply.result),
        method=method_ref_to_wire(reply.method),
    )


def kept_reply_from_wire(reply: pb.KeptReply) -> KeptReply:
    """The kept reply. Raises BadArguments, BadObjectId, BadValue, LimitExceeded."""
    return KeptReply(
        receiver=parse_object_id(reply.receiver),
        incarnation=reply.incarnation,
        principal=reply.principal,
        request_id=reply.request_id,
        message_digest=reply.message_digest,
        result=value_from_wire(reply.result),
        method=method_ref_from_wire(reply.method),
    )


def part_to_wire(part: Part) -> str:
    """The contract's name of a part."""
    return enum_to_wire("PART", part)


def part_from_wire(part: int) -> Part:
    """The part. Raises BadArguments."""
    return member_of(Part, part, "part")
