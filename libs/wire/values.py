"""Values between the kernel and the contract. Law: conversion is the client library's, with the kernel's references."""

from collections.abc import Mapping
from typing import cast

from batos.v1 import object_pb2 as pb
from batos.values import BadValueError, TooDeepError, from_wire, map_from_wire, map_to_wire, to_wire
from kernel.errors import BadValue, LimitExceeded
from kernel.objects import check_slot_name
from kernel.values import INT64_MAX, INT64_MIN, Reference, SlotValues, Value, canonical

# Kinds whose Python value is canonical as protobuf gives it. A message of one is made and read directly: most are.
_AS_THEY_ARE = frozenset({"bool_value", "int64_value", "string_value", "bytes_value"})


def _kernel_error(error: BadValueError) -> BadValue | LimitExceeded:
    return LimitExceeded("depth", str(error)) if isinstance(error, TooDeepError) else BadValue(str(error))


def value_to_wire(value: Value) -> pb.Value:
    """The message for a value. Raises BadValue, LimitExceeded."""
    if type(value) is int and INT64_MIN <= value <= INT64_MAX:
        return pb.Value(int64_value=value)
    if type(value) is str and value.isascii():
        return pb.Value(string_value=value)
    try:
        return to_wire(value)
    except BadValueError as error:
        raise _kernel_error(error) from None


def value_from_wire(value: pb.Value) -> Value:
    """The canonical value of a message. Raises BadValue, LimitExceeded."""
    kind = value.WhichOneof("kind")
    if kind in _AS_THEY_ARE:
        return cast("Value", getattr(value, kind))
    try:
        return canonical(from_wire(value, Reference))
    except BadValueError as error:
        raise _kernel_error(error) from None


def values_to_wire(values: Mapping[str, Value]) -> dict[str, pb.Value]:
    """The messages of a map's entries, slots or keywords. Raises BadValue, LimitExceeded."""
    if not values:
        return {}
    try:
        return map_to_wire(values)
    except BadValueError as error:
        raise _kernel_error(error) from None


def values_from_wire(values: Mapping[str, pb.Value]) -> dict[str, Value]:
    """The canonical values of a map's entries. Raises BadValue, LimitExceeded."""
    if not values:
        return {}
    try:
        return {name: canonical(value) for name, value in map_from_wire(values, Reference).items()}
    except BadValueError as error:
        raise _kernel_error(error) from None


def slots_to_wire(slots: SlotValues) -> pb.Slots:
    """The message for an object's slots. Raises BadValue, LimitExceeded."""
    return pb.Slots(values=values_to_wire(slots))


def slots_from_wire(slots: pb.Slots) -> dict[str, Value]:
    """An object's slots, names checked. Raises BadValue, LimitExceeded."""
    for name in slots.values:
        check_slot_name(name)
    return values_from_wire(slots.values)
