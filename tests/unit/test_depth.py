"""Nesting: what the kernel and the client allow, protobuf carries, wherever in a message the value stands."""

import random

import pytest
from google.protobuf.descriptor import Descriptor
from google.protobuf.message import DecodeError
from google.rpc import code_pb2

import batos.values
from batos.v1 import dispatcher_pb2, objectstore_pb2, synthesizer_pb2
from batos.v1 import object_pb2 as pb
from batos.values import BadValueError
from chassis.failure import reason_of
from kernel.errors import LimitExceeded
from kernel.values import MAX_DEPTH, Reference, Value, canonical
from wire.errors import status_of
from wire.values import slots_from_wire, value_from_wire, value_to_wire

PROTOBUF = 100  # messages inside one another that protobuf reads
CONTRACTS = (objectstore_pb2, dispatcher_pb2, synthesizer_pb2)
FRAMES: list[Descriptor] = [
    frame
    for contract in CONTRACTS
    for service in contract.DESCRIPTOR.services_by_name.values()
    for method in service.methods
    for frame in (method.input_type, method.output_type)
]


def around(frame: Descriptor) -> int:
    """How many messages a value of a frame stands in at most, the frame and the value counted; 0 without a value."""
    if frame == pb.Value.DESCRIPTOR:
        return 1
    inside = [around(field.message_type) for field in frame.fields if field.message_type]
    deepest = max(inside, default=0)
    return deepest and deepest + 1


def mixed(seed: int, levels: int) -> Value:
    """Lists and maps inside one another, by chance; 0: maps alone."""
    chance = random.Random(seed)
    value: Value = Reference("a") if seed % 2 else []
    for _ in range(levels):
        value = [value] if seed and chance.random() < 0.5 else {"a": value}
    return value


def raw(levels: int) -> pb.Value:
    value = pb.Value(int64_value=1)
    for _ in range(levels):
        value = pb.Value(list_value=pb.ValueList(values=[value]))
    return value


def lists_by_hand(levels: int) -> bytes:
    """Lists inside one another as protobuf's bytes; it makes none itself that it would not read."""
    data = b""
    for _ in range(levels):
        for tag in (b"\x0a", b"\x3a"):  # ValueList.values, Value.list_value
            length = bytes([len(data)]) if len(data) < 128 else bytes([len(data) % 128 + 128, len(data) // 128])
            data = tag + length + data
    return data


def test_the_client_and_the_kernel_have_one_limit() -> None:
    assert batos.values.MAX_DEPTH == MAX_DEPTH


@pytest.mark.parametrize("frame", FRAMES, ids=lambda frame: frame.name)
def test_no_frame_around_the_deepest_value_comes_to_what_protobuf_reads(frame: Descriptor) -> None:
    assert around(frame) + 3 * MAX_DEPTH + 1 <= PROTOBUF


@pytest.mark.parametrize("seed", range(20))
def test_the_deepest_value_arrives_in_the_deepest_frame(seed: int) -> None:
    value = mixed(seed, MAX_DEPTH)
    example = pb.Example(others={"a": pb.Slots(values={"n": value_to_wire(value)})})
    request = dispatcher_pb2.SendRequest(message=pb.Message(examples=[example]))
    arrived = dispatcher_pb2.SendRequest.FromString(request.SerializeToString())
    assert slots_from_wire(arrived.message.examples[0].others["a"]) == {"n": value} == {"n": canonical(value)}


def test_a_deeper_value_is_over_a_limit_in_either_direction() -> None:
    value = mixed(1, MAX_DEPTH + 1)
    for refused in (lambda: canonical(value), lambda: value_to_wire(value), lambda: value_from_wire(raw(40))):
        with pytest.raises(LimitExceeded) as error:
            refused()
        assert error.value.fields == {"limit": "depth"}
    with pytest.raises(BadValueError):
        batos.values.to_wire([value])
    with pytest.raises(BadValueError):
        batos.values.from_wire(raw(MAX_DEPTH + 1))


@pytest.mark.parametrize(
    ("request_", "reason", "code"),
    [
        (lists_by_hand(60), "LIMIT_EXCEEDED", code_pb2.RESOURCE_EXHAUSTED),
        (b"\xff", "BAD_ARGUMENTS", code_pb2.INVALID_ARGUMENT),
    ],
    ids=["too deep", "no message"],
)
def test_a_request_that_protobuf_cannot_read_is_the_senders_mistake(request_: bytes, reason: str, code: int) -> None:
    with pytest.raises(DecodeError) as unreadable:
        pb.Value.FromString(request_)
    status = status_of(unreadable.value)
    assert status is not None
    assert (reason_of(status), status.code) == (reason, code)


def test_every_reply_of_the_store_carries_its_token() -> None:
    methods = objectstore_pb2.DESCRIPTOR.services_by_name["ObjectStore"].methods
    without = {method.name for method in methods if "token" not in method.output_type.fields_by_name}
    frames = {"Exchange", "Join"}  # which hold replies of the others, and a revision alone
    samples = {"RecordCalls", "ListCalls"}  # that nobody reads after something
    assert without == frames | samples
