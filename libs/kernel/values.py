"""What slots hold and messages carry. Law: a value has one canonical form, and equality is equality of its bytes.

| value     | Python here       | canonical MessagePack                          |
|-----------|-------------------|------------------------------------------------|
| null      | None              | nil                                            |
| bool      | bool              | bool; never equal to 1                         |
| int64     | int               | shortest integer; out of range is BadValue     |
| double    | float             | float 64; every NaN the same; never an integer |
| string    | str               | str (UTF-8; lone surrogates are BadValue)      |
| bytes     | bytes             | bin                                            |
| list      | list (tuple goes in, list comes out) | array                       |
| map       | dict[str, value]  | map, keys sorted                               |
| reference | Reference         | extension 1: the object id; else BadValue      |
"""

import math
from collections.abc import Mapping, Sequence
from typing import NewType, TypeAlias, Union, cast

import msgspec

from kernel.errors import BadObjectId, BadValue, LimitExceeded
from kernel.objects import check_slot_name, parse_object_id

MAX_DEPTH = 28  # what the contract carries wherever it stands: `batos.values` counts it out
MAX_BYTES = 1 << 20
INT64_MIN, INT64_MAX = -(1 << 63), (1 << 63) - 1
REFERENCE_EXTENSION = 1


class Reference:
    """Another object of the same namespace; it may dangle.

    Not a dataclass: msgspec would encode one as a map, and never ask for the extension.
    """

    __match_args__ = ("id",)
    __slots__ = ("_id",)

    def __init__(self, id: str) -> None:  # noqa: A002 - what it is called everywhere
        self._id = id

    @property
    def id(self) -> str:
        """The object id."""
        return self._id

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Reference) and other._id == self._id

    def __hash__(self) -> int:
        return hash((Reference, self._id))

    def __repr__(self) -> str:
        return f"Reference({self._id!r})"


Value: TypeAlias = Union[bool, int, float, str, bytes, "Reference", Sequence["Value"], Mapping[str, "Value"], None]
SlotValues: TypeAlias = Mapping[str, Value]

Packed = NewType("Packed", bytes)
"""The canonical MessagePack of an object's slots."""


def _to_extension(thing: object) -> object:
    if isinstance(thing, Reference):
        return msgspec.msgpack.Ext(REFERENCE_EXTENSION, thing.id.encode())
    raise BadValue(f"a {type(thing).__name__} is not a value")


def from_extension(code: int, payload: memoryview) -> object:
    """The decoder's hook for references; shared by every decoder of stored records."""
    if code != REFERENCE_EXTENSION:
        raise BadValue(f"unknown extension {code} in a stored value")
    return Reference(bytes(payload).decode())


def encoder() -> msgspec.msgpack.Encoder:
    """An encoder of canonical bytes; values must have gone through `canonical` before."""
    return msgspec.msgpack.Encoder(enc_hook=_to_extension, order="sorted")


_encoder = encoder()
_decoder = msgspec.msgpack.Decoder(ext_hook=from_extension)
_NAN = _encoder.encode(math.nan)
_PLAIN = frozenset({str, bytes, bool, type(None)})


def canonical(thing: object, depth: int = 0) -> Value:
    """The value that `thing` is: tuples become lists, every NaN the same, all else checked and copied.

    Raises BadValue for what no value can be, LimitExceeded beyond 28 levels.
    """
    if depth > MAX_DEPTH:
        raise LimitExceeded("depth", f"a value is nested deeper than {MAX_DEPTH} levels")
    if isinstance(thing, list | tuple):
        return [canonical(item, depth + 1) for item in cast("Sequence[object]", thing)]
    if isinstance(thing, Mapping):
        return _map(cast("Mapping[object, object]", thing), depth)
    return _leaf(thing)


def _leaf(thing: object) -> Value:
    match thing:
        case None | bool() | bytes():
            return thing
        case int():
            return _integer(thing)
        case float():
            return math.nan if math.isnan(thing) else thing
        case str():
            return _text(thing)
        case Reference():
            return _reference(thing)
        case _:
            raise BadValue(
                f"a {type(thing).__name__} is not a value; use null, bool, int, float, str, bytes, list, "
                "map or reference"
            )


def _integer(number: int) -> int:
    if not INT64_MIN <= number <= INT64_MAX:
        raise BadValue("an integer does not fit 64 bits; send it as a string")
    return number


def _reference(reference: Reference) -> Reference:
    try:
        parse_object_id(reference.id)
    except BadObjectId as error:
        raise BadValue(f"a reference names no object: {error.text}") from None
    return reference


def _text(text: str) -> str:
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            raise BadValue("a string holds a lone surrogate, which is not text") from None
    return text


def _map(entries: Mapping[object, object], depth: int) -> Value:
    result: dict[str, Value] = {}
    for key, item in entries.items():
        if not isinstance(key, str):
            raise BadValue(f"a map has the key {key!r}; keys are strings")
        result[_text(key)] = canonical(item, depth + 1)
    return result


def encode(value: Value) -> bytes:
    """Canonical bytes. Raises LimitExceeded over 1 MiB."""
    data = _encoder.encode(value)
    if len(data) > MAX_BYTES:
        raise LimitExceeded("size", f"a value has {len(data)} bytes; at most {MAX_BYTES} are kept")
    return data


def decode(data: bytes) -> Value:
    """The value of canonical bytes."""
    return cast("Value", _decoder.decode(data))


def same(one: Value, other: Value) -> bool:
    """Whether two values are equal: True, 1 and 1.0 differ, the order of a map does not matter."""
    return _encoder.encode(one) == _encoder.encode(other)


def pack(slots: SlotValues) -> Packed:
    """The canonical bytes of slots whose values are canonical. Raises LimitExceeded over 1 MiB."""
    return Packed(encode(slots))


def unpack(packed: Packed) -> SlotValues:
    """The slots of canonical bytes."""
    return cast("SlotValues", _decoder.decode(packed))


def checked(data: bytes) -> Value:
    """The value of bytes that someone sent. Raises BadValue where they are not canonical, LimitExceeded where deep."""
    value = _decoded(data)
    _check(value, 0)
    return cast("Value", value)


def check_packed(data: bytes) -> Packed:
    """The same bytes, if they are slots: legal names, canonical values. Raises BadValue, LimitExceeded."""
    slots = _decoded(data)
    if type(slots) is not dict:
        raise BadValue("slots are a map from names to values")
    for name, item in cast("dict[object, object]", slots).items():
        if type(name) is not str:
            raise BadValue(f"a slot has the name {name!r}; names are strings")
        check_slot_name(name)
        _check(item, 0)
    return Packed(data)


def _decoded(data: bytes) -> object:
    """What the bytes hold, if they are the bytes that it is encoded to."""
    try:
        thing = _decoder.decode(data)
        if _encoder.encode(thing) == data:
            return thing
    except (msgspec.MsgspecError, TypeError, UnicodeDecodeError, RecursionError):
        raise BadValue("the bytes are no MessagePack of a value") from None
    raise BadValue("the bytes are not the canonical MessagePack of their value: keys sorted, shortest forms, one NaN")


def _check(thing: object, depth: int) -> None:
    """As `canonical`, without a copy, of what a decoder made: what MessagePack can hold and a value cannot be."""
    kind = type(thing)
    if kind in _PLAIN:
        return
    if kind is dict or kind is list:
        _check_items(cast("dict[object, object] | list[object]", thing), depth + 1)
    elif kind is float:
        if math.isnan(cast("float", thing)) and _encoder.encode(thing) != _NAN:
            raise BadValue("there is one NaN")
    else:
        _leaf(thing)


def _check_items(items: dict[object, object] | list[object], depth: int) -> None:
    if depth > MAX_DEPTH and items:
        raise LimitExceeded("depth", f"a value is nested deeper than {MAX_DEPTH} levels")
    if isinstance(items, dict):
        for name in items:
            if type(name) is not str:
                raise BadValue(f"a map has the key {name!r}; keys are strings")
        items = list(items.values())
    for item in items:
        _check(item, depth)
