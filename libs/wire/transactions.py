"""Transactions, lanes and kept replies between the kernel and the contract. Law: reads are named once each.

Between services of the suite slots and results travel as canonical MessagePack; from outside they may come as values.
"""

from batos.v1 import objectstore_pb2 as pb
from kernel.errors import BadArguments
from kernel.objects import Namespace, ObjectId, parse_namespace, parse_object_id
from kernel.transactions import KeptReply, Key, Lane, Part, Transaction
from kernel.values import Packed, checked, decode, encode, pack
from wire.enums import enum_to_wire, member_of
from wire.messages import method_ref_from_wire, method_ref_to_wire
from wire.values import slots_from_wire, value_from_wire, value_to_wire


def commit_to_wire(transaction: Transaction, lane: Lane) -> pb.CommitRequest:
    """The request to commit, in the form between services."""
    return pb.CommitRequest(
        namespace=transaction.namespace,
        lane=lane.name,
        number=lane.number,
        reads=[
            pb.Read(id=key.object_id, part=_PARTS[key.part], revision=revision)
            for key, revision in transaction.reads.items()
        ],
        writes=[pb.Write(id=item, encoded=packed) for item, packed in transaction.writes.items()],
        replies=[kept_reply_to_wire(reply, encoded=True) for reply in transaction.replies],
    )


def commit_from_wire(request: pb.CommitRequest) -> tuple[Transaction, Lane]:
    """What to commit, and in which lane. Raises BadArguments, BadObjectId, BadValue, LimitExceeded."""
    reads: dict[Key, int] = {}
    for read in request.reads:
        key = Key(parse_object_id(read.id), part_from_wire(read.part))
        if key in reads or read.revision < 0:
            raise BadArguments(f"{read.id} is read twice, or at a revision below 0", field="reads")
        reads[key] = read.revision
    writes: dict[ObjectId, Packed] = {}
    for write in request.writes:
        if write.id in writes:
            raise BadArguments(f"{write.id} is written twice", field="writes")
        writes[parse_object_id(write.id)] = _written(write)
    replies = [*request.replies, *([request.reply] if request.HasField("reply") else ())]
    kept = tuple(kept_reply_from_wire(reply) for reply in replies)
    return Transaction(parse_namespace(request.namespace), reads, writes, kept), Lane(request.lane, request.number)


def _written(write: pb.Write) -> Packed:
    if not write.encoded:
        return pack(slots_from_wire(write.slots))
    if write.HasField("slots"):
        raise BadArguments(f"{write.id} is written as values and encoded: send one of them", field="writes")
    return Packed(write.encoded)  # the store checks it


def settle_to_wire(namespace: Namespace, lane: Lane) -> pb.SettleCommitRequest:
    """The request to settle a commit."""
    return pb.SettleCommitRequest(namespace=namespace, lane=lane.name, number=lane.number)


def kept_reply_to_wire(reply: KeptReply, *, encoded: bool) -> pb.KeptReply:
    """The message for a kept reply, in the form between services or the one for all."""
    return pb.KeptReply(
        receiver=reply.receiver,
        incarnation=reply.incarnation,
        principal=reply.principal,
        request_id=reply.request_id,
        message_digest=reply.message_digest,
        result=None if encoded else value_to_wire(reply.result),
        method=method_ref_to_wire(reply.method),
        encoded_result=encode(reply.result) if encoded else b"",
    )


def kept_reply_from_wire(reply: pb.KeptReply, *, trusted: bool = False) -> KeptReply:
    """The kept reply. Raises BadArguments, BadObjectId, BadValue, LimitExceeded.

    `trusted` is what the store itself told: its bytes are not checked again.
    """
    if reply.encoded_result and reply.HasField("result"):
        raise BadArguments("a result is told as a value and encoded: send one of them", field="reply.result")
    if reply.encoded_result:
        result = (decode if trusted else checked)(reply.encoded_result)
    else:
        result = value_from_wire(reply.result)
    return KeptReply(
        receiver=parse_object_id(reply.receiver),
        incarnation=reply.incarnation,
        principal=reply.principal,
        request_id=reply.request_id,
        message_digest=reply.message_digest,
        result=result,
        method=method_ref_from_wire(reply.method),
    )


def part_to_wire(part: Part) -> str:
    """The contract's name of a part."""
    return enum_to_wire("PART", part)


def part_from_wire(part: int) -> Part:
    """The part. Raises BadArguments."""
    return member_of(Part, part, "part")


_PARTS = {part: part_to_wire(part) for part in Part}
