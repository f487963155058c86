"""Enumerations between the kernel and the contract. Law: members have the same numbers and, prefix aside, names."""

from enum import IntEnum


def enum_to_wire(prefix: str, member: IntEnum) -> str:
    """The contract's name of a member, which protobuf takes for an enumeration's value."""
    return f"{prefix}_{member.name}" if member else f"{prefix}_UNSPECIFIED"
