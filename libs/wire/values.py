"""Values between the kernel and the contract. Law: conversion is the client library's, with the kernel's references."""

from collections.abc import Mapping
from typing import cast

from batos.v1 import object_pb2 as pb
from batos.values import BadValueError, from_wire, map_from_wire, map_to_wire, to_wire
from kernel.errors import BadValue
from kernel.objects import check_slot_name
from kernel.values import Reference, SlotValues, Value, canonical


def value_to_wire(value: Value) -> pb.Value:
    """The message for a value. Raises BadValue."""
    try:
        return to_wire(value)
    except BadValueError as error:
        raise BadValue(str(error)) from None


def value_from_wire(value: pb.Value) -> Value:
    """The canonical value of a message. Raises BadValue, LimitExceeded."""
    return canonical(from_wire(value, Reference, missing=BadValue))


def values_to_wire(values: Mapping[str, Value]) -> dict[str, pb.Value]:
    """The messages of a map's entries, slots or keywords. Raises BadValue."""
    try:
        return map_to_wire(values)
    except BadValueError as error:
        raise BadValue(str(error)) from None


def values_from_wire(values: Mapping[str, pb.Value]) -> dict[str, Value]:
    """The canonical values of a map's entries. Raises BadValue, LimitExceeded."""
    return cast("dict[str, Value]", canonical(map_from_wire(values, Reference, missing=BadValue)))


def slots_to_wire(slots: SlotValues) -> pb.Slots:
    """The message for an object's slots. Raises BadValue."""
    return pb.Slots(values=values_to_wire(slots))


def slots_from_wire(slots: pb.Slots) -> dict[str, Value]:
    """An object's slots, names checked. Raises BadValue, LimitExceeded."""
    for name in slots.values:
        check_slot_name(name)
    return values_from_wire(slots.values)
