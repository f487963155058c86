"""Enumerations between the kernel and the contract. Law: members have the same numbers and, prefix aside, names."""

from enum import IntEnum
from typing import TypeVar

from kernel.errors import BadArguments

E = TypeVar("E", bound=IntEnum)


def enum_to_wire(prefix: str, member: IntEnum) -> str:
    """The contract's name of a member, which protobuf takes for an enumeration's value."""
    return f"{prefix}_{member.name}" if member else f"{prefix}_UNSPECIFIED"


def member_of(kind: type[E], number: int, field: str) -> E:
    """The member with the contract's number. Raises BadArguments where the kernel has none."""
    try:
        return kind(number)
    except ValueError:
        raise BadArguments(f"{field} has the value {number}, which this version does not know", field=field) from None
