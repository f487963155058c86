"""Values between the kernel and the contract. Law: conversion is the client library's, with the kernel's references."""

from collections.abc import Generator, Mapping
from contextlib import contextmanager

from batos.v1 import object_pb2 as pb
from batos.values import BadValueError, TooDeepError, from_wire, map_from_wire, map_to_wire, to_wire
from kernel.errors import BadValue, LimitExceeded
from kernel.objects import check_slot_name
from kernel.values import Reference, SlotValues, Value, canonical


@contextmanager
def _kernel_errors() -> Generator[None]:
    try:
        yield
    except TooDeepError as error:
        raise LimitExceeded("depth", str(error)) from None
    except BadValueError as error:
        raise BadValue(str(error)) from None


def value_to_wire(value: Value) -> pb.Value:
    """The message for a value. Raises BadValue, LimitExceeded."""
    with _kernel_errors():
        return to_wire(value)


def value_from_wire(value: pb.Value) -> Value:
    """The canonical value of a message. Raises BadValue, LimitExceeded."""
    with _kernel_errors():
        return canonical(from_wire(value, Reference))


def values_to_wire(values: Mapping[str, Value]) -> dict[str, pb.Value]:
    """The messages of a map's entries, slots or keywords. Raises BadValue, LimitExceeded."""
    with _kernel_errors():
        return map_to_wire(values)


def values_from_wire(values: Mapping[str, pb.Value]) -> dict[str, Value]:
    """The canonical values of a map's entries. Raises BadValue, LimitExceeded."""
    with _kernel_errors():
        return {name: canonical(value) for name, value in map_from_wire(values, Reference).items()}


def slots_to_wire(slots: SlotValues) -> pb.Slots:
    """The message for an object's slots. Raises BadValue, LimitExceeded."""
    return pb.Slots(values=values_to_wire(slots))


def slots_from_wire(slots: pb.Slots) -> dict[str, Value]:
    """An object's slots, names checked. Raises BadValue, LimitExceeded."""
    for name in slots.values:
        check_slot_name(name)
    return values_from_wire(slots.values)
