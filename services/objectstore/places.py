"""Where a key lies, without parsing it. Law: what is so for all keys of a kind is told by its letter, here alone."""

from typing import Final

_PASSING: Final = frozenset({b"b", b"g", b"n", b"q", b"w"})  # spent, setbacks, marks of a restore, reserved, members
_RUNNING: Final = _PASSING | {b"f", b"l"}  # and flights, lanes
_LEASED: Final = _PASSING | {b"r"}  # and kept replies


def place(key: bytes) -> tuple[bytes, bytes]:
    """The namespace and the letter of a key, as far as it has them; also of one that cannot be parsed."""
    _, _, namespace, letter, *_ = *key.split(b"/", 4), b"", b"", b"", b""
    return namespace, letter


def is_ephemeral(key: bytes) -> bool:
    """Whether it belongs to what runs now, and no backup holds it."""
    return place(key)[1] in _RUNNING


def outlasts_restore(key: bytes) -> bool:
    """Whether it stays where a backup is restored: what runs on, and what was spent."""
    return is_ephemeral(key) and place(key)[1] != b"f"


def is_leased(key: bytes) -> bool:
    """Whether it ends by itself."""
    return place(key)[1] in _LEASED
