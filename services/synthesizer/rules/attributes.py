"""BAT405, BAT406: what is behind a dot. Law: an attribute that no value of the guest has is refused before it runs.

Drafts write `rows.length`, `text.contains(x)` or `other.total()` as other languages do. A trial would find them on the
paths that its inputs take; here they are found on all. What a thing is, is only known where the text shows it (a text,
a list, a map, and a name that is never anything else); of others it is asked whether any value at all has the name.
"""

import ast
import collections
import datetime as dt
import decimal
import hashlib
import itertools
import random
import re
import time
from collections.abc import Iterator, Mapping, Sequence

from synthesizer.rules.rule import About, Found, Rule, Subject

# What Python's values have and the guest's do not (checked against it by a test).
LACKING = frozenset(
    {
        *("as_integer_ratio", "bit_count", "bit_length", "format_map", "is_integer", "maketrans", "subn", "translate"),
        *("difference_update", "intersection_update", "symmetric_difference_update", "isocalendar", "toordinal"),
    }
)
_KINDS: Mapping[str, type] = {"str": str, "list": list, "dict": dict, "set": set, "tuple": tuple}
_WRITTEN_OUT: Mapping[type[ast.expr], str] = {
    ast.JoinedStr: "str",
    ast.List: "list",
    ast.ListComp: "list",
    ast.Dict: "dict",
    ast.DictComp: "dict",
    ast.Set: "set",
    ast.SetComp: "set",
}
_VALUES: tuple[type, ...] = (
    *(*_KINDS.values(), bytes, int, float, complex, frozenset, range, BaseException, ValueError, KeyError),
    *(re.Match, re.Pattern, dt.date, dt.datetime, dt.timedelta, dt.time, dt.timezone),
    *(decimal.Decimal, decimal.DecimalTuple, time.struct_time),
    *(collections.Counter, collections.deque, collections.defaultdict, random.Random),
    *(type(hashlib.sha256()), itertools.chain),
)
_REFERENCE = frozenset({"id", "send"})
KNOWN = frozenset(name for kind in _VALUES for name in dir(kind) if not name.startswith("_")) - LACKING | _REFERENCE

# What the modules have there; those that are left out have all that Python's have.
MODULE_NAMES: Mapping[str, frozenset[str]] = {
    "bisect": frozenset({"bisect", "bisect_left", "bisect_right", "insort", "insort_left", "insort_right"}),
    "collections": frozenset({"Counter", "defaultdict", "deque", "namedtuple"}),
    "copy": frozenset({"copy", "deepcopy"}),
    "datetime": frozenset({"date", "datetime", "time", "timedelta", "timezone"}),
    "functools": frozenset({"cache", "lru_cache", "partial", "reduce"}),
    "itertools": frozenset(
        {
            *("accumulate", "batched", "chain", "combinations", "combinations_with_replacement", "compress", "count"),
            *(
                "cycle",
                "dropwhile",
                "filterfalse",
                "groupby",
                "islice",
                "pairwise",
                "permutations",
                "product",
                "repeat",
            ),
            *("repeat", "starmap", "takewhile", "tee", "zip_longest"),
        }
    ),
    "json": frozenset({"JSONDecodeError", "dump", "dumps", "load", "loads"}),
    "math": frozenset(
        {
            *("acos", "acosh", "asin", "asinh", "atan", "atan2", "atanh", "cbrt", "ceil", "comb", "copysign", "cos"),
            *("cosh", "degrees", "dist", "e", "erf", "erfc", "exp", "exp2", "expm1", "fabs", "factorial", "floor"),
            *("fma", "fmod", "frexp", "fsum", "gamma", "gcd", "hypot", "inf", "isclose", "isfinite", "isinf", "isnan"),
            *("isqrt", "lcm", "ldexp", "lgamma", "log", "log10", "log1p", "log2", "modf", "nan", "nextafter", "perm"),
            *(
                "pi",
                "pow",
                "prod",
                "radians",
                "remainder",
                "sin",
                "sinh",
                "sqrt",
                "sumprod",
                "tan",
                "tanh",
                "tau",
                "trunc",
                "ulp",
            ),
        }
    ),
    "re": frozenset(
        {
            *("A", "ASCII", "DOTALL", "I", "IGNORECASE", "M", "MULTILINE", "Match", "NOFLAG", "Pattern", "S"),
            *("compile", "error", "escape", "findall", "finditer", "fullmatch", "match", "search", "split", "sub"),
        }
    ),
}


def _unknown_attribute(subject: Subject) -> Found:
    if any(isinstance(node, ast.Name | ast.alias) and _named(node) == "namedtuple" for node in subject.nodes):
        return  # its fields may have any name
    modules, kinds = _modules(subject.nodes), _kinds(subject)
    for node in subject.nodes:
        if not isinstance(node, ast.Attribute) or not isinstance(node.ctx, ast.Load) or _is_of_self(node):
            continue
        if _root(node) in modules or node.attr.startswith("_"):
            continue
        kind = _kind(node.value, kinds)
        has = frozenset(dir(_KINDS[kind])) - LACKING if kind else KNOWN
        if node.attr not in has:
            yield node.lineno, _unlike(node, kind)


def _unlike(node: ast.Attribute, kind: str) -> str:
    if kind:
        return f"a {kind} has no {node.attr}"
    return f"no value has an attribute {node.attr}; an item is [{node.attr!r}], a send .send({node.attr!r}, ...)"


def _unknown_in_module(subject: Subject) -> Found:
    modules = _modules([node for node in subject.nodes if isinstance(node, ast.Import)])
    for node in subject.nodes:
        match node:
            case ast.Attribute(value=ast.Name(id=name), attr=attr) if name in modules:
                pairs = [(modules[name], attr)]
            case ast.ImportFrom(module=str(module), names=names, level=0):
                pairs = [(module, item.name) for item in names]
            case _:
                continue
        for module, attr in pairs:
            if attr not in MODULE_NAMES.get(module, (attr,)):
                yield node.lineno, f"here {module} has no {attr}; it has {', '.join(sorted(MODULE_NAMES[module]))}"


def _named(node: ast.Name | ast.alias) -> str:
    return node.id if isinstance(node, ast.Name) else node.name


def _is_of_self(node: ast.Attribute) -> bool:
    return isinstance(node.value, ast.Name) and node.value.id == "self"


def _root(node: ast.expr) -> str:
    """The name that a chain of attributes begins with; empty where it begins with none."""
    while isinstance(node, ast.Attribute):
        node = node.value
    return node.id if isinstance(node, ast.Name) else ""


def _modules(nodes: Sequence[ast.AST]) -> dict[str, str]:
    """The names that are imported, modules and what is in them (datetime is both), and what each of them is."""
    return {
        item.asname or item.name: item.name
        for node in nodes
        if isinstance(node, ast.Import | ast.ImportFrom)
        for item in node.names
    }


# --- What the text shows a thing to be ---


def _kinds(subject: Subject) -> dict[str, str]:
    """The names that are bound to things of one kind alone."""
    found: dict[str, set[str]] = {}
    for node in subject.nodes:
        for name, kind in _bound(node):
            found.setdefault(name, set()).add(kind)
    return {name: next(iter(kinds)) for name, kinds in found.items() if len(kinds) == 1 and kinds != {""}}


def _bound(node: ast.AST) -> Iterator[tuple[str, str]]:
    match node:
        case (
            ast.Assign(targets=[ast.Name(id=name)], value=value) | ast.AnnAssign(target=ast.Name(id=name), value=value)
        ):
            yield name, _kind(value, {}) if value else ""
        case ast.AugAssign():
            pass  # adding to a text, a list or a map leaves it one
        case ast.arg(arg=name):
            yield name, ""
        case ast.Assign(targets=targets):
            yield from ((each.id, "") for target in targets for each in ast.walk(target) if isinstance(each, ast.Name))
        case ast.For(target=target) | ast.comprehension(target=target) | ast.NamedExpr(target=target):
            yield from ((each.id, "") for each in ast.walk(target) if isinstance(each, ast.Name))
        case ast.withitem(optional_vars=ast.expr() as target):
            yield from ((each.id, "") for each in ast.walk(target) if isinstance(each, ast.Name))
        case ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)) | ast.MatchMapping(rest=str(name)):
            yield name, ""
        case ast.ExceptHandler(name=str(name)):
            yield name, ""
        case ast.FunctionDef(name=name) | ast.alias(asname=str(name)) | ast.alias(name=name, asname=None):
            yield name, ""
        case _:
            pass


def _kind(node: ast.expr, kinds: Mapping[str, str]) -> str:
    """What the expression gives, where the text shows it; empty else."""
    match node:
        case ast.Constant(value=value):
            return "str" if isinstance(value, str) else ""
        case ast.Call(func=ast.Name(id=name)):
            return "list" if name == "sorted" else name if name in _KINDS else ""
        case ast.Name(id=name):
            return kinds.get(name, "")
        case _:
            return _WRITTEN_OUT.get(type(node), "")


METHOD = (
    Rule(
        About(
            "BAT405",
            "What is behind a dot is an attribute that a value of the guest has.",
            "def example(self, rows):\n    self._p_changed = True\n    return rows.length\n",
        ),
        _unknown_attribute,
    ),
    Rule(
        About(
            "BAT406",
            "What is taken from a module is in the guest's module of that name.",
            "def example(self, text):\n    import re\n    self._p_changed = True\n    return re.subn('a', 'b', text)\n",
        ),
        _unknown_in_module,
    ),
)
