"""What always holds of a method, as ROBIN says it. Law: parsed into terms and judged by them; nothing of it ever runs.

    property  := term relation term | names "unchanged"
    relation  := == != < <= > >= in, not in, is, is not
    term      := result | self.SLOT | NAME | len(term) | type(term) | min(term) | max(term) | sum(term) | constant
    constant  := a number, a text, True, False, None, a list of constants, or behind type(...) the name of a type

A NAME is a parameter of the message, else a slot; a slot is meant as it is after the method has run. A property may be
right, wrong or about nothing: it ranks drafts, and refuses none.
"""

import ast
import re
from collections.abc import Mapping, Sequence, Sized
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias, cast

from activation.examples import Observation
from kernel.errors import KernelError
from kernel.messages import Example, Failure
from kernel.values import INT64_MAX, INT64_MIN, Value, canonical, same

MAX_PROPERTIES = 3
_LONGEST = 120  # characters of a line
_DEEPEST = 4  # terms in one another
_UNCHANGED = re.compile(r"(?:self\.)?([A-Za-z_]\w*)(?: is| stays| remains)? unchanged")
_TYPES: Final = {"int", "float", "str", "bool", "list", "dict", "bytes"}
_KINDS: Mapping[type, str] = {tuple: "list", type(None): "None"}
_RELATIONS: Mapping[type[ast.cmpop], str] = {
    ast.Eq: "==",
    ast.NotEq: "!=",
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
    ast.In: "in",
    ast.NotIn: "not in",
    ast.Is: "==",
    ast.IsNot: "!=",
}

Function: TypeAlias = Literal["len", "type", "min", "max", "sum"]
_FUNCTIONS: Final[Sequence[Function]] = ("len", "type", "min", "max", "sum")


class _Unknown(Exception):
    """What a property asks about is not there."""


@dataclass(frozen=True, slots=True)
class Constant:
    """A value that is written out."""

    value: Value


@dataclass(frozen=True, slots=True)
class Name:
    """The result, a parameter of the message, or a slot (always one where `slot`)."""

    name: str
    slot: bool = False


@dataclass(frozen=True, slots=True)
class Applied:
    """A function of one term."""

    function: Function
    term: "Term"


Term: TypeAlias = Constant | Name | Applied


@dataclass(frozen=True, slots=True)
class Property:
    """Two terms and how they stand to each other; `text` as ROBIN said it. `unchanged`: a slot before and after.

    `parameters` are the names that positional arguments have.
    """

    text: str
    left: Term
    relation: str
    right: Term
    parameters: tuple[str, ...] = ()

    def holds(self, observation: Observation, example: Example | None = None) -> bool | None:
        """Whether it does for what a method did on an example; None where it says nothing of that.

        Without the example, what is about arguments or the state before says nothing.
        """
        if isinstance(observation.outcome, Failure):
            return None
        seen = _Seen(observation, example, self.parameters)
        try:
            if self.relation == "unchanged":
                return seen.unchanged(cast("Name", self.left).name)
            return _stand(seen.value(self.left), self.relation, seen.value(self.right))
        except _Unknown:
            return None


def read_properties(lines: Sequence[str], selector: str, signature: str) -> tuple[Property, ...]:
    """The properties among what ROBIN says, at most three: lines that are one and nothing else, after `always:`."""
    parameters = tuple(re.findall(r"\w+", signature.partition("(")[2]))[1:]
    found: dict[str, Property] = {}
    for line in lines:
        bare = re.sub(r"^[\s\-*\d.)]*(?:always:|property:)?\s*", "", line.strip(), flags=re.IGNORECASE).strip("` ")
        if f"{selector}(" not in bare and (parsed := parse(bare, parameters)) is not None:
            found.setdefault(parsed.text, parsed)
    return tuple(found.values())[:MAX_PROPERTIES]


def parse(text: str, parameters: tuple[str, ...] = ()) -> Property | None:
    """The property that a text is; None where it is none."""
    if len(text) > _LONGEST:
        return None
    if unchanged := _UNCHANGED.fullmatch(text):
        slot = Name(unchanged[1], slot=True)
        return Property(text, slot, "unchanged", slot, parameters)
    try:
        tree = ast.parse(text, mode="eval").body
        if isinstance(tree, ast.Compare) and len(tree.ops) == 1:
            left, right = _term(tree.left), _term(tree.comparators[0])
            return Property(text, left, _RELATIONS[type(tree.ops[0])], right, parameters)
    except (SyntaxError, ValueError, TypeError, RecursionError, MemoryError, KernelError):
        pass  # a TypeError: a list in a set
    return None


def _term(node: ast.expr, depth: int = 0) -> Term:
    """Raises ValueError where it is none."""
    if depth > _DEEPEST:
        raise ValueError("nested too deeply")
    match node:
        case ast.Name(id=name):
            return Constant(name) if name in _TYPES else Name(name)
        case ast.Attribute(value=ast.Name(id="self"), attr=name):
            return Name(name, slot=True)
        case ast.Call(func=ast.Name(id=function), args=[argument], keywords=[]) if function in _FUNCTIONS:
            return Applied(function, _term(argument, depth + 1))
        case _:
            return Constant(canonical(ast.literal_eval(node)))


@dataclass(frozen=True, slots=True)
class _Seen:
    """What terms are judged by."""

    observation: Observation
    example: Example | None
    parameters: tuple[str, ...]

    def value(self, term: Term) -> Value:
        match term:
            case Constant(value):
                return value
            case Name(name, slot):
                return self._slot(name) if slot else self._named(name)
            case Applied(function, inner):
                return _apply(function, self.value(inner))

    def unchanged(self, slot: str) -> bool:
        if self.example is None or slot not in self.example.before:
            raise _Unknown
        return slot in self.observation.after and same(self.example.before[slot], self.observation.after[slot])

    def _named(self, name: str) -> Value:
        if name == "result":
            return cast("Value", self.observation.outcome)
        if self.example is not None:
            given = {**dict(zip(self.parameters, self.example.arguments, strict=False)), **self.example.keywords}
            if name in given:
                return given[name]
        if name in self.parameters:
            raise _Unknown  # a default, or no example to look into
        return self._slot(name)

    def _slot(self, name: str) -> Value:
        if name not in self.observation.after:
            raise _Unknown
        return self.observation.after[name]


def _apply(function: Function, value: Value) -> Value:
    """Raises _Unknown where the function takes no such value."""
    if function == "type":
        return _KINDS.get(type(value), type(value).__name__)
    if function == "len":
        if isinstance(value, Sized):
            return len(value)
        raise _Unknown
    numbers = list(value.values()) if isinstance(value, Mapping) else value
    if not isinstance(numbers, list) or not numbers or not all(_is_number(item) for item in numbers):
        raise _Unknown
    found = {"min": min, "max": max, "sum": sum}[function](cast("list[float]", numbers))
    if isinstance(found, int) and not INT64_MIN <= found <= INT64_MAX:
        raise _Unknown  # the sum is no value
    return found


def _is_number(value: Value) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _stand(left: Value, relation: str, right: Value) -> bool:
    """Whether the values stand so to each other; those that cannot be compared do not."""
    match relation:
        case "==":
            return _equal(left, right)
        case "!=":
            return not _equal(left, right)
        case "in" | "not in":
            return _within(left, right) == (relation == "in")
        case _:
            return _ordered(left, relation, right)


def _equal(left: Value, right: Value) -> bool:
    return left == right if _is_number(left) and _is_number(right) else same(left, right)


def _within(left: Value, right: Value) -> bool:
    if isinstance(right, str):
        return isinstance(left, str) and left in right
    if isinstance(right, Mapping):
        return isinstance(left, str) and left in right
    return isinstance(right, list) and any(_equal(left, item) for item in right)


def _ordered(left: Value, relation: str, right: Value) -> bool:
    if not (isinstance(left, str) and isinstance(right, str)) and not (_is_number(left) and _is_number(right)):
        return False
    one, other = cast("tuple[float, float]", (left, right))
    return {"<": one < other, "<=": one <= other, ">": one > other, ">=": one >= other}[relation]
