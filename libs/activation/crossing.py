"""Values between host and guest. Law: only one text crosses, either way, and it is the same text for the same value.

Values cross as JSON. What JSON has no word for is a map with the single key "":

| value                          | text                            |
|--------------------------------|---------------------------------|
| reference                      | `{"": ["reference", id]}`       |
| bytes                          | `{"": ["bytes", hexadecimal]}`  |
| infinities, not a number       | `{"": ["float", "nan"]}`        |
| a map that has the key ""      | `{"": ["map", the map]}`        |

Maps are sorted, as in canonical bytes, so that what a method sees does not depend on how a map came to be. What comes
out is hostile: its length bounds it before it is read, and it is weighed where it is long.
"""

import math
from collections.abc import Mapping, Sequence
from typing import cast

import msgspec

from kernel.errors import BadObjectId, BadValue, LimitExceeded
from kernel.objects import check_slot_name, parse_object_id
from kernel.values import MAX_DEPTH, Reference, SlotValues, Value

_PLAIN = frozenset({type(None), bool, int, str})
_VALUE_BYTES = 8  # what a value counts beside its text, as in `sandbox.limits`
_WORST = 5  # a text of n bytes has at most n / 2 values, so that it never weighs more than 5 n

_NOT_FINITE: Mapping[str, float] = {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}

_encoder = msgspec.json.Encoder(order="sorted")
_decoder = msgspec.json.Decoder()


def text_of(thing: object) -> str:
    """The text of what was packed."""
    return _encoder.encode(thing).decode()


def packed(value: Value) -> object:
    """A value in JSON's own terms."""
    kind = type(value)
    if kind in _PLAIN:
        return value
    if kind is float:
        number = cast("float", value)
        return number if math.isfinite(number) else {"": ["float", str(number)]}
    if isinstance(value, bytes):
        return {"": ["bytes", value.hex()]}
    if isinstance(value, Reference):
        return {"": ["reference", value.id]}
    if isinstance(value, Mapping):
        entries = packed_map(value)
        return {"": ["map", entries]} if "" in entries else entries
    return packed_list(cast("Sequence[Value]", value))


def packed_list(values: Sequence[Value]) -> list[object]:
    """A list in JSON's own terms."""
    return [value if type(value) in _PLAIN else packed(value) for value in values]


def packed_map(entries: SlotValues) -> dict[str, object]:
    """A map whose keys are known to be names, in JSON's own terms."""
    return {name: value if type(value) in _PLAIN else packed(value) for name, value in entries.items()}


def read(text: object, most: int) -> object:
    """What a guest's text says, not yet values. Raises BadValue, LimitExceeded if it weighs more than `most` bytes."""
    thing, heavy = read_text(text, most)
    if heavy:
        weigh(thing, most)
    return thing


def read_text(text: object, most: int) -> tuple[object, bool]:
    """What a guest's text says, and whether it could weigh more than `most` bytes. Raises BadValue."""
    if not isinstance(text, str):
        raise BadValue("the method did not end as methods do")
    try:
        thing = cast("object", _decoder.decode(text))
    except (msgspec.DecodeError, UnicodeEncodeError, RecursionError) as error:
        raise BadValue(f"what the method gave cannot be read: {error}") from None
    return thing, len(text) * _WORST > most


def weigh(thing: object, most: int) -> None:
    """Raises LimitExceeded for what counts more than `most` bytes: 8 for each value, and texts with their length."""
    ahead, left = [thing], most
    while ahead:
        each = ahead.pop()
        left -= _VALUE_BYTES
        if isinstance(each, str):
            left -= len(each)
        elif isinstance(each, list):
            ahead += cast("list[object]", each)
        elif isinstance(each, dict):
            entries = cast("dict[str, object]", each)
            ahead += entries
            ahead += entries.values()
        if left < 0:
            raise LimitExceeded("size", f"a value takes more than {most} bytes")


def value(thing: object, depth: int = 0) -> Value:
    """The canonical value of what was read. Raises BadValue, LimitExceeded beyond 28 levels."""
    kind = type(thing)
    if kind in _PLAIN or kind is float:
        return cast("Value", thing)
    if depth > MAX_DEPTH:
        raise LimitExceeded("depth", f"a value is nested deeper than {MAX_DEPTH} levels")
    if kind is list:
        return [value(item, depth + 1) for item in cast("list[object]", thing)]
    entries = cast("dict[str, object]", thing)
    if "" in entries:
        return _tagged(entries[""], depth)
    return {key: value(item, depth + 1) for key, item in entries.items()}


def _tagged(tagged: object, depth: int) -> Value:
    kind, payload, *_ = [*cast("list[object]", tagged), "", ""] if isinstance(tagged, list) else ["", ""]
    if kind == "map" and isinstance(payload, dict):
        entries = cast("dict[str, object]", payload)
        return {key: value(item, depth + 1) for key, item in entries.items()}
    if isinstance(payload, str):
        if kind == "reference":
            return _reference(payload)
        if kind == "bytes":
            return _bytes(payload)
        if kind == "float" and payload in _NOT_FINITE:
            return _NOT_FINITE[payload]
    raise BadValue("what the method gave is no value")


def _reference(name: str) -> Reference:
    try:
        return Reference(parse_object_id(name))
    except BadObjectId as error:
        raise BadValue(f"a reference names no object: {error.text}") from None


def _bytes(text: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError:
        raise BadValue("what the method gave is no value") from None


def slots(thing: object) -> SlotValues:
    """The slots of what was read. Raises BadValue, LimitExceeded."""
    named = mapping(thing)
    for name in named:
        check_slot_name(name)
    return named


def mapping(thing: object) -> SlotValues:
    """The map of what was read, be it tagged or not. Raises BadValue, LimitExceeded."""
    found = value(thing)
    if not isinstance(found, Mapping):
        raise BadValue("slots and keywords are maps")
    return found
