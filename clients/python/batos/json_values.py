"""Values as JSON text. Law: what goes in comes out the same, and nothing is guessed.

Integers stay integers and floats floats: `1` and `1.0` differ. What JSON has no word for is a map with one `$` key:

| value                       | JSON                        |
|-----------------------------|-----------------------------|
| bytes                       | `{"$bytes": "<base64>"}`    |
| a reference                 | `{"$ref": "feed/acme"}`     |
| NaN, the two infinities     | `{"$float": "nan"}`, `"inf"`, `"-inf"` |
| a map with one key that begins with `$` | `{"$map": {...}}` |
"""

import base64
import binascii
import json
import math
from collections.abc import Mapping, Sequence
from typing import NoReturn, cast

from batos.values import MAX_DEPTH, BadValueError, Reference


class BadJsonError(BadValueError):
    """The text is not JSON, or says something that no value can be."""


def loads(text: str) -> object:
    """The value that JSON text is. Raises BadJsonError with the place of the mistake."""
    return from_json(parse(text))


def parse(text: str) -> object:
    """What JSON text says, `$` maps as they stand. Raises BadJsonError with the place of the mistake."""
    try:
        return json.loads(text, parse_constant=_constant, parse_float=_float, object_pairs_hook=_object)
    except json.JSONDecodeError as error:
        raise BadJsonError(f"not JSON: {error.msg} at line {error.lineno} column {error.colno}") from None
    except RecursionError:
        raise BadJsonError("not a value: nested too deep") from None
    except BadValueError:
        raise
    except ValueError as error:  # an integer of more digits than Python converts
        raise BadJsonError(f"not a value: {error}") from None


def dumps(value: object, *, indent: int | None = None) -> str:
    """The JSON text of a value. Raises BadValueError for what is none."""
    return json.dumps(to_json(value), ensure_ascii=False, allow_nan=False, indent=indent)


def to_json(value: object) -> object:
    """The value with everything that JSON has no word for put into `$` maps."""
    match value:
        case bytes():
            return {"$bytes": base64.b64encode(value).decode("ascii")}
        case Reference():
            return {"$ref": value.id}
        case float() if not math.isfinite(value):
            return {"$float": str(value)}
        case list() | tuple():
            return [to_json(item) for item in cast("Sequence[object]", value)]
        case Mapping():
            entries = {str(key): to_json(item) for key, item in cast("Mapping[object, object]", value).items()}
            entries = dict(sorted(entries.items()))  # a map keeps no order, and the same value should read the same
            return {"$map": entries} if _looks_special(entries) else entries
        case None | bool() | int() | float() | str():
            return value
        case _:
            raise BadValueError(f"a {type(value).__name__} is not a value")


def from_json(thing: object, depth: int = 0) -> object:
    """The value that decoded JSON stands for. Raises BadJsonError for an unknown `$` map or too deep a nesting."""
    if depth > MAX_DEPTH:
        raise BadJsonError(f"a value is nested deeper than {MAX_DEPTH} levels")
    match thing:
        case list():
            return [from_json(item, depth + 1) for item in cast("list[object]", thing)]
        case dict():
            entries = cast("dict[str, object]", thing)
            if _looks_special(entries):
                return _special(*next(iter(entries.items())), depth)
            return {key: from_json(item, depth + 1) for key, item in entries.items()}
        case _:
            return thing


def _looks_special(entries: Mapping[str, object]) -> bool:
    return len(entries) == 1 and next(iter(entries)).startswith("$")


def _special(key: str, inside: object, depth: int) -> object:
    match key, inside:
        case "$bytes", str():
            return _bytes(inside)
        case "$ref", str():
            return Reference(inside)
        case "$float", str() if inside in {"nan", "inf", "-inf"}:
            return float(inside)
        case "$map", dict():
            return {name: from_json(item, depth + 1) for name, item in cast("dict[str, object]", inside).items()}
        case _:
            raise BadJsonError(
                f'{{"{key}": ...}} is no value: there are $bytes (base64), $ref (an object id), $float (nan, inf, '
                "-inf) and $map"
            )


def _bytes(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise BadJsonError('{"$bytes": ...} holds what is not base64') from None


def _object(pairs: Sequence[tuple[str, object]]) -> dict[str, object]:
    entries = dict(pairs)
    if len(entries) != len(pairs):
        raise BadJsonError("a map has the same key twice")
    return entries


def _float(text: str) -> float:
    number = float(text)
    if math.isinf(number):  # Python reads 1e999 so; what was written is another number
        raise BadValueError(f"{text[:80]} does not fit in a double")
    return number


def _constant(word: str) -> NoReturn:
    raise BadJsonError(f'{word} is not JSON; write {{"$float": "nan"}}, "inf" or "-inf"')
