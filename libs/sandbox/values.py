"""Values across the wall.

Law: only plain values pass, outwards within a budget. Everything from a guest is hostile: it is measured while it is
copied, so that neither depth nor shared references can exhaust the host.
"""

import contextlib
from collections.abc import Generator
from typing import cast, get_args

from pydantic_monty import (
    ExcType,
    ExternalExceptionData,
    ExternalReturnValue,
    FunctionSnapshot,
    MontyClassProxy,
    MontyClassTypeProxy,
    MontyComplete,
    MontyStdTypeProxy,
)

from sandbox.errors import GuestException, LimitExceeded, UnsupportedOutput
from sandbox.guest import Call, GuestObject
from sandbox.limits import Limits

_SCALARS = frozenset({type(None), bool, int, float, str, bytes})
_VALUE_BYTES = 8
_MESSAGE_LIMIT = 2000


def outcome_from_guest(ended: MontyComplete, limits: Limits) -> object:
    """A copy of plain values and GuestObjects.

    Raises UnsupportedOutput for anything else, LimitExceeded (``depth``, ``size``) beyond the limits.
    """
    with _conversion():
        value: object = ended.output
    return _Copier(limits).copy(value, limits.output_depth)


def call_from_guest(suspended: FunctionSnapshot, limits: Limits) -> Call:
    """As ``outcome_from_guest``, over the arguments of one call together."""
    with _conversion():
        args, kwargs = suspended.args, suspended.kwargs
    copier = _Copier(limits)
    return Call(
        suspended.function_name,
        tuple(copier.copy(value, limits.output_depth) for value in args),
        {key: copier.copy(value, limits.output_depth) for key, value in kwargs.items()},
    )


@contextlib.contextmanager
def _conversion() -> Generator[None]:
    # Monty builds Python's values here, and fails on some that a guest can make: its own object as a key, for one.
    # This is also the one step that no limit reaches (docs/adr/0002-monty.md, the known gap).
    try:
        yield
    except (TypeError, ValueError, OverflowError, RecursionError) as error:
        raise UnsupportedOutput(f"a value that Python cannot hold ({error})") from None


class _Copier:
    """Copies within one budget of bytes."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._left = limits.output_bytes

    def copy(self, value: object, depth: int) -> object:
        kind = type(value)
        self._spend(_VALUE_BYTES)
        if kind in _SCALARS:
            self._spend(_text_bytes(value))
            return value
        if depth <= 0:
            raise LimitExceeded("depth", f"a value is nested deeper than {self._limits.output_depth}")
        if kind is list:
            return [self.copy(item, depth - 1) for item in cast("list[object]", value)]
        if kind is tuple:
            return tuple(self.copy(item, depth - 1) for item in cast("tuple[object, ...]", value))
        if kind is dict:
            items = cast("dict[object, object]", value).items()
            return {self.copy(key, depth - 1): self.copy(item, depth - 1) for key, item in items}
        if isinstance(value, MontyClassProxy):
            copied = {name: self.copy(item, depth - 1) for name, item in value.attributes.items()}
            return GuestObject(value.name, copied)
        raise UnsupportedOutput(_type_name(value))

    def _spend(self, size: int) -> None:
        self._left -= size
        if self._left < 0:
            raise LimitExceeded("size", f"a value takes more than {self._limits.output_bytes} bytes")


def _text_bytes(value: object) -> int:
    if isinstance(value, str):
        return len(value) if value.isascii() else len(value.encode("utf-8", "surrogatepass"))
    if isinstance(value, bytes):
        return len(value)
    return value.bit_length() // 8 if isinstance(value, int) else 0


def _type_name(value: object) -> str:
    if isinstance(value, MontyClassProxy):
        return value.name
    if isinstance(value, MontyStdTypeProxy):
        return value.kind
    return "type" if isinstance(value, MontyClassTypeProxy) else type(value).__name__


def answer_to_guest(value: object) -> ExternalReturnValue:
    """The host's answer to a call.

    Raises TypeError for what is not plain: Monty would raise it inside the guest, where it could be swallowed.
    """
    _require_plain(value, 100)
    return {"return_value": value}


def _require_plain(value: object, depth: int) -> None:
    kind = type(value)
    if kind in _SCALARS:
        return
    if depth <= 0:
        raise TypeError("an answer to a guest is nested too deeply")
    if kind is list or kind is tuple:
        for item in cast("list[object]", value):
            _require_plain(item, depth - 1)
    elif kind is dict:
        for key, item in cast("dict[object, object]", value).items():
            _require_plain(key, depth - 1)
            _require_plain(item, depth - 1)
    else:
        raise TypeError(f"an answer to a guest must be plain, not {kind.__name__}")


def exception_to_guest(error: GuestException) -> ExternalExceptionData:
    """The exception that the guest sees: a type it knows, a short text, nothing of the host."""
    names: tuple[ExcType, ...] = get_args(ExcType)
    known: dict[str, ExcType] = {name.rpartition(".")[2]: name for name in names}
    name = known.get(error.type_name)
    if name is None:
        return {"exc_type": "RuntimeError", "message": f"{error.type_name}: {error.message}"[:_MESSAGE_LIMIT]}
    return {"exc_type": name, "message": error.message[:_MESSAGE_LIMIT]}


def unknown_name(name: str) -> ExternalExceptionData:
    """What a guest gets for a function that it may not call."""
    return {"exc_type": "NameError", "message": f"name {name!r} is not defined"}
