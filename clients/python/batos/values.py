"""Values between Python and the contract. Law: nothing is lost or guessed: integers stay integers, True is not 1.

| Python                    | contract        |
|---------------------------|-----------------|
| None, bool, int, float    | null, bool, int64, double |
| str, bytes                | string, bytes   |
| list, tuple               | list (a tuple comes back as a list) |
| dict with str keys        | map             |
| Reference                 | reference       |
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias, Union, cast

from batos.v1 import object_pb2 as pb

Value: TypeAlias = Union[bool, int, float, str, bytes, "Reference", Sequence["Value"], Mapping[str, "Value"], None]

# Protobuf reads at most 100 messages inside one another, in most languages; a level of a map takes three of them, a
# value in an example's slots stands under six, and what a list or a reference holds is one more.
MAX_DEPTH = 28
INT64_MIN, INT64_MAX = -(1 << 63), (1 << 63) - 1


class BadValueError(ValueError):
    """Not a value: a type, a number or a nesting that the contract cannot carry."""


class TooDeepError(BadValueError):
    """A value is nested deeper than the contract carries."""

    def __init__(self) -> None:
        super().__init__(f"a value is nested deeper than {MAX_DEPTH} levels")


@dataclass(frozen=True, slots=True)
class Reference:
    """Another object of the same namespace."""

    id: str


def to_wire(thing: object, depth: int = 0) -> pb.Value:  # noqa: C901, PLR0911 - one case and one return for each kind of value
    """The message for a Python value; anything with a string `id` attribute and no other meaning is a reference.

    Raises BadValueError for what no value can be.
    """
    if depth > MAX_DEPTH:
        raise TooDeepError
    match thing:
        case None:
            return pb.Value(null_value=0)  # pyright: ignore[reportArgumentType] - NullValue's only member
        case bool():
            return pb.Value(bool_value=thing)
        case int():
            if not INT64_MIN <= thing <= INT64_MAX:
                raise BadValueError("an integer does not fit 64 bits; send it as a string")
            return pb.Value(int64_value=thing)
        case float():
            return pb.Value(double_value=thing)
        case str():
            return pb.Value(string_value=_text(thing))
        case bytes():
            return pb.Value(bytes_value=thing)
        case list() | tuple():
            items = cast("Sequence[object]", thing)
            return pb.Value(list_value=pb.ValueList(values=[to_wire(item, depth + 1) for item in items]))
        case Mapping():
            entries = cast("Mapping[object, object]", thing)
            return pb.Value(map_value=pb.ValueMap(values=map_to_wire(entries, depth + 1)))
        case _:
            return _reference(thing)


def map_to_wire(entries: Mapping[object, object] | Mapping[str, object], depth: int = 0) -> dict[str, pb.Value]:
    """The entries of a map. Raises BadValueError where a key is not a string."""
    return {_key(key): to_wire(item, depth) for key, item in entries.items()}


def from_wire(value: pb.Value, reference: Callable[[str], object] = Reference, depth: int = 0) -> object:
    """The Python value of a message; `reference` makes references.

    Raises BadValueError for a value without a kind, or nested deeper than 28 levels.
    """
    if depth > MAX_DEPTH:
        raise TooDeepError
    match value.WhichOneof("kind"):
        case "null_value":
            return None
        case "list_value":
            return [from_wire(item, reference, depth + 1) for item in value.list_value.values]
        case "map_value":
            return map_from_wire(value.map_value.values, reference, depth + 1)
        case "reference_value":
            return reference(value.reference_value.id)
        case None:
            raise BadValueError("a value has no kind set; set null_value for null")
        case kind:
            return getattr(value, kind)


def map_from_wire(
    entries: Mapping[str, pb.Value], reference: Callable[[str], object] = Reference, depth: int = 0
) -> dict[str, object]:
    """The Python dict of a map's entries, which are `depth` levels deep. Raises BadValueError as from_wire."""
    return {key: from_wire(item, reference, depth) for key, item in entries.items()}


def _text(text: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise BadValueError("a string holds a lone surrogate, which is not text") from None
    return text


def _key(key: object) -> str:
    if not isinstance(key, str):
        raise BadValueError(f"a map has the key {key!r}; keys are strings")
    return _text(key)


def _reference(thing: object) -> pb.Value:
    name = getattr(thing, "id", None)
    if isinstance(name, str):
        return pb.Value(reference_value=pb.Reference(id=name))
    raise BadValueError(
        f"a {type(thing).__name__} is not a value; use None, bool, int, float, str, bytes, list, dict or Reference"
    )
