"""BAT501, BAT502: literals of the sends that a method is written for. Law: a method computes; it does not look up.

A draft passes its examples also by knowing them: `if text == "20x30": return 600`. So a text of four characters or a
number of three digits that *is* a value of one send is not compared with, and one that is what a send gave is not given
as it stands. What is shorter proves nothing.

Words of the language of a domain are no such literals, and honest methods have them. A value is a word where
- the sender says it (the intent, the selector), or it is the name of a slot, a keyword or a field;
- it is what something named state, kind, role and the like has (`_LABELS`), or one of the words of every domain (true);
- several sends have it, or one send has it more than once;
- it goes in and comes out, as the states of a switch do;
- the same thing is compared with others too, that are in no send: then the method knows more than it was shown;
- it is a round number or a unit (60, 365, 1024), or a bound of a comparison of order (`if x > 255: return 255`);
- it comes out and its send did not tell it: a label such as "overdue" for a row that is.
"""

import ast
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from kernel.messages import Example, Failure
from kernel.values import Value, encode
from synthesizer.rules.rule import About, Found, Given, Rule, Subject

LEAST_LETTERS = 4
LEAST_DIGITS = 3
_LONGEST = 60  # characters of a literal in a finding
_WORD = "where it is a word of the domain, say it in the intent"
_LEAST_WORD = 3  # letters, for an outcome to share a word with its input
_UNITS = frozenset({360, 365, 366, 1024, 1440, 3600, 86400, 1461, 146097, 255, 256})
# The last word of names whose values are words: one of a few that a domain has.
_LABELS = frozenset(
    {
        *("category", "color", "currency", "direction", "event", "kind", "level", "mode", "op", "operation", "phase"),
        *("plan", "priority", "role", "state", "status", "tag", "tier", "type", "unit"),
    }
)
_LABEL = re.compile(r"[A-Za-z]+(?:[_-][A-Za-z]+)*")
_EVERYWHERE = frozenset({"true", "false", "none", "null"})

Literal = str | int | float


@dataclass(frozen=True, slots=True)
class _Known:
    """The literals that may give away a send: those that went in, and those that came out."""

    inputs: frozenset[Literal]
    outcomes: frozenset[Literal]


def _compared(subject: Subject) -> Found:
    known = _known(subject.given).inputs
    groups: dict[str, list[ast.Constant]] = {}
    for node in subject.nodes if known else ():
        for what, constants in _comparisons(node):
            groups.setdefault(what, []).extend(constants)
    for constants in groups.values():
        if all(_literal(item) in known for item in constants if _is_telling(item.value)):
            for item in constants:
                if _literal(item) in known:
                    yield item.lineno, f"{_shown(item)} is a value of one send; compute for any value; {_WORD}"


def _given_back(subject: Subject) -> Found:
    known = _known(subject.given).outcomes
    bounds = {_literal(item) for node in subject.nodes for item in _bounds(node)} if known else set[Literal | None]()
    for node in subject.nodes if known else ():
        for item in _as_it_stands(node):
            if _literal(item) in known - bounds:
                yield item.lineno, f"{_shown(item)} is what one example gives; compute it from what is sent; {_WORD}"


def _shown(item: ast.Constant) -> str:
    text = repr(item.value)
    return text if len(text) <= _LONGEST else text[:_LONGEST] + "..."


# --- What is in the source ---


def _literal(node: ast.Constant) -> Literal | None:
    value = node.value
    return value if isinstance(value, str | int | float) and not isinstance(value, bool) else None


def _comparisons(node: ast.AST) -> Iterator[tuple[str, list[ast.Constant]]]:
    """What is compared with constants for being the same, as text, and these constants."""
    match node:
        case ast.Compare(left=left, ops=ops, comparators=others):
            sides = [left, *others]
            for one, op, other in zip(sides, ops, others, strict=False):
                if isinstance(op, ast.Eq | ast.NotEq | ast.In | ast.NotIn | ast.Is | ast.IsNot):
                    what = one if isinstance(other, ast.Constant | ast.Tuple | ast.List | ast.Set | ast.Dict) else other
                    yield ast.dump(what), [*_constants(one), *_constants(other)]
        case ast.Match(subject=what, cases=cases):
            patterns = (part for case in cases for part in ast.walk(case.pattern))
            yield ast.dump(what), [item for each in patterns if isinstance(each, ast.MatchValue) for item in _of(each)]
        case ast.Dict(keys=keys):
            yield f"{id(node)}", [item for key in keys if isinstance(key, ast.Constant) for item in (key,)]
        case ast.Call(func=ast.Attribute(value=what, attr="startswith" | "endswith"), args=[of, *_]):
            yield ast.dump(what), _constants(of)
        case _:
            pass


def _of(pattern: ast.MatchValue) -> list[ast.Constant]:
    return _constants(pattern.value)


def _constants(node: ast.expr) -> list[ast.Constant]:
    """The constants that an expression is or lists."""
    match node:
        case ast.Constant():
            return [node]
        case ast.UnaryOp(operand=operand):
            return _constants(operand)
        case ast.Tuple(elts=items) | ast.List(elts=items) | ast.Set(elts=items):
            return [constant for item in items for constant in _constants(item)]
        case _:
            return []


def _bounds(node: ast.AST) -> Iterator[ast.Constant]:
    """Constants that something is compared with for its order."""
    match node:
        case ast.Compare(left=left, ops=ops, comparators=others) if any(
            isinstance(op, ast.Lt | ast.LtE | ast.Gt | ast.GtE) for op in ops
        ):
            yield from (constant for side in (left, *others) for constant in _constants(side))
        case _:
            pass


def _as_it_stands(node: ast.AST) -> Iterator[ast.Constant]:
    """Constants that a statement gives, keeps or lists as they are, and that defaults are."""
    match node:
        case ast.Return(value=ast.expr() as value) | ast.Assign(value=value) | ast.NamedExpr(value=value):
            yield from _values(value)
        case ast.AnnAssign(value=ast.expr() as value) | ast.Lambda(body=value):
            yield from _values(value)
        case ast.arguments(defaults=defaults, kw_defaults=more):
            yield from (item for each in (*defaults, *more) if each is not None for item in _values(each))
        case ast.Dict(values=values):
            yield from (item for each in values for item in _values(each))
        case ast.Call(args=arguments, func=ast.Attribute(attr="append" | "get" | "setdefault" | "insert" | "add")):
            yield from (item for each in arguments for item in _values(each))
        case _:
            pass


def _values(node: ast.expr) -> Iterator[ast.Constant]:
    match node:
        case ast.IfExp(body=body, orelse=orelse):
            yield from (*_values(body), *_values(orelse))
        case ast.BoolOp(values=values):
            yield from (item for value in values for item in _values(value))
        case ast.Subscript(value=value):
            yield from _values(value)  # ["a", "b"][number]
        case _:
            yield from _constants(node)


# --- What was sent ---


def _known(given: Given) -> _Known:
    """The literals of the sends that are no words."""
    sends = {_key(send): send for send in reversed(given.sends)}
    went_in = [Counter(_leaves(_inputs(send))) for send in sends.values()]
    came_out = [set(_leaves(_outcomes(send))) for send in given.sends]
    values = [part for send in given.sends for part in (*_inputs(send), *_outcomes(send))]
    words = {*_names(values), *_labels(values)}
    inputs = {item for each in went_in for item in each}
    outcomes = {item for each in came_out for item in each}

    def is_word(item: Literal) -> bool:
        places = [each[item] for each in went_in if item in each]
        return _says(given.words, item) or item in words or len(places) > 1 or max(places, default=0) > 1

    often = {item for item in outcomes if sum(item in each for each in came_out) > 1}
    told = {item for send in given.sends for item in _leaves(_outcomes(send)) if _tells(send, item)}
    return _Known(
        frozenset(item for item in inputs - outcomes if not is_word(item)),
        frozenset(item for item in outcomes & told - often if not _says(given.words, item) and item not in words),
    )


def _key(send: Example) -> bytes:
    return encode([send.before, list(send.arguments), dict(send.keywords)])


def _inputs(send: Example) -> list[Value]:
    return [*send.arguments, dict(send.keywords), dict(send.before), *(dict(slots) for slots in send.others.values())]


def _outcomes(send: Example) -> list[Value]:
    outcome = [] if isinstance(send.outcome, Failure) else [send.outcome]
    changed = {name: value for name, value in (send.after or {}).items() if send.before.get(name) != value}
    return [*outcome, changed]


def _leaves(value: Value) -> Iterator[Literal]:
    """The values inside a value that tell something."""
    match value:
        case Mapping():
            yield from (leaf for item in value.values() for leaf in _leaves(item))
        case list():
            yield from (leaf for item in value for leaf in _leaves(item))
        case str() | int() | float():
            yield from (value,) if _is_telling(value) else ()
        case _:
            pass


def _names(value: Value) -> Iterator[str]:
    """The names of slots, keywords and fields."""
    match value:
        case Mapping():
            yield from value
            yield from (name for item in value.values() for name in _names(item))
        case list():
            yield from (name for item in value for name in _names(item))
        case _:
            pass


def _labels(value: Value) -> Iterator[str]:
    """The texts that something named as a label has."""
    match value:
        case Mapping():
            for name, item in value.items():
                if isinstance(item, str) and name.lower().rpartition("_")[2] in _LABELS and _LABEL.fullmatch(item):
                    yield item
                yield from _labels(item)
        case list():
            yield from (label for item in value for label in _labels(item))
        case _:
            pass


def _is_telling(value: object) -> bool:
    """Whether a literal is long enough to give away where it comes from."""
    if isinstance(value, str):
        return len(value.strip()) >= LEAST_LETTERS and value.lower() not in _EVERYWHERE
    if isinstance(value, bool) or not isinstance(value, int | float) or value in _UNITS:
        return False
    return len(re.sub(r"\D", "", f"{value:.15g}").strip("0")) >= LEAST_DIGITS


def _says(words: str, item: Literal) -> bool:
    if isinstance(item, str):
        return item.strip().lower() in words.lower()
    return re.search(rf"(?<![\d.]){re.escape(f'{item:.15g}')}(?![\d]|\.\d)", words) is not None


def _tells(send: Example, outcome: Literal) -> bool:
    """Whether what came out was computed from what went in, as far as one can see; a label is not."""
    if not isinstance(outcome, str) or any(character.isdigit() for character in outcome):
        return True
    texts = [leaf.lower() for leaf in _texts(_inputs(send))]
    told = outcome.lower()
    shared = set(re.findall(rf"\w{{{_LEAST_WORD},}}", told)) & {
        word for text in texts for word in re.findall(r"\w+", text)
    }
    return bool(shared) or any(sorted(text) == sorted(told) for text in texts)


def _texts(value: Value) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping | list):
        items = value.values() if isinstance(value, Mapping) else value
        yield from (text for item in items for text in _texts(item))


_SENT = Given("", (Example("dlrow olleh", {}, ("hello world",)), Example("cba", {}, ("abc",))))

METHOD = (
    Rule(
        About(
            "BAT501",
            "A method does not compare with the very value of a send that it was written for.",
            'def example(self, x):\n    self._p_changed = True\n    return x[::-1] if x != "hello world" else ""\n',
            given=_SENT,
        ),
        _compared,
    ),
    Rule(
        About(
            "BAT502",
            "A method does not give the very value that an example gives.",
            'def example(self, x):\n    self._p_changed = True\n    return "dlrow olleh" if len(x) == 11 else "cba"\n',
            given=_SENT,
        ),
        _given_back,
    ),
)
