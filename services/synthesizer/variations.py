"""More sends to compare drafts on, made from the examples. Law: pure, bounded, and the same for the same examples.

What passes two examples may do anything else beside them. So the examples are varied by rule, and nobody says what must
come of it: drafts are only compared. First the arguments of one example meet the state of another, since both are what
a caller means; then each argument and slot alone grows, is emptied, is cut short, and is turned round.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice, pairwise

from kernel.errors import LimitExceeded
from kernel.messages import Example
from kernel.values import INT64_MAX, INT64_MIN, SlotValues, Value, encode

MAX_VARIATIONS = 12  # each is one run of each draft, of about a millisecond
_LONGEST = 10_000  # characters or items of what is made longer


def variations(examples: Sequence[Example]) -> tuple[Example, ...]:
    """At most 12 sends that no example has, on the states of examples; their outcomes are None and mean nothing.

    None that is larger than a value may be: then what it was made from is near that already.
    """
    seen = {_key(example) for example in examples}
    made = (each for each in _all(examples) if _new(each, seen))
    return tuple(islice(made, MAX_VARIATIONS))


def _key(example: Example) -> bytes | None:
    """What tells a send from others; None where it is too large."""
    try:
        return encode([example.before, list(example.arguments), dict(example.keywords)])
    except LimitExceeded:
        return None


def _new(example: Example, seen: set[bytes | None]) -> bool:
    key = _key(example)
    if key is None or key in seen:
        return False
    seen.add(key)
    return True


def _all(examples: Sequence[Example]) -> Iterator[Example]:
    plain = [replace(each, outcome=None, after=None, after_exact=True, tolerance=0.0) for each in examples]
    for one, other in pairwise(plain):
        yield replace(one, arguments=other.arguments, keywords=other.keywords)
        yield replace(other, arguments=one.arguments, keywords=one.keywords)
    for way in range(4):
        for example in plain:
            yield from _varied(example, way)


def _varied(example: Example, way: int) -> Iterator[Example]:
    """The example with one argument, keyword or slot made another."""
    given = list(example.arguments)
    for index, value in enumerate(given):
        for new in _other(value, way):
            yield replace(example, arguments=(*given[:index], new, *given[index + 1 :]))
    for name, new in _in_map(example.keywords, way):
        yield replace(example, keywords={**example.keywords, name: new})
    for name, new in _in_map(example.before, way):
        yield replace(example, before={**example.before, name: new})


def _in_map(values: SlotValues, way: int) -> Iterator[tuple[str, Value]]:
    for name in sorted(values):
        for new in _other(values[name], way):
            yield name, new


def _other(value: Value, way: int) -> Iterator[Value]:
    """The value made another in one of four ways, 0 to 3; nothing where there is no such way."""
    match value:
        case bool():
            yield from (not value,) if way == 0 else ()
        case int():
            yield from _if_whole((value + 1, 0, value // 2, -value)[way])
        case float():
            yield (value + 1.5, 0.0, value / 2, -value)[way]
        case str():
            yield (f"{value} {value}"[:_LONGEST], "", value[: len(value) // 2], value[::-1])[way]
        case bytes():
            yield (value + value, b"", value[: len(value) // 2], value[::-1])[way]
        case list():
            yield ([*value, *value][:_LONGEST], [], value[: (len(value) + 1) // 2], value[::-1])[way]
        case Mapping():
            yield from ({**value, name: new} for name, new in islice(_in_map(value, way), 2))
        case _:
            pass


def _if_whole(number: int) -> Iterator[int]:
    if INT64_MIN <= number <= INT64_MAX:
        yield number
