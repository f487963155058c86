"""What a method touches at most, read off its source. Law: never too little; what cannot be followed is `*`, any.

A slot is written where it is set, where it is changed in place, and where something is changed that may be a part of it
(`synthesizer.parts`). `self` given away, attributes by computed names, and code from text could be anything.
"""

import ast
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from activation.rewriting import is_send_to_self
from kernel.objects import RESERVED_SLOTS, EffectSet
from synthesizer.parts import changed_slots

ANY = "*"
ANYTHING = EffectSet((ANY,), (ANY,), (ANY,))

_RUNS_TEXT = frozenset({"exec", "eval", "compile", "globals", "locals", "vars", "dir", "delattr", "super"})
_BY_NAME = frozenset({"getattr", "hasattr", "setattr"})
_SENDS = frozenset({"send", "resend"})


def effects(source: str, selector: str) -> EffectSet:
    """The slots of self that are read and written, and the selectors that are sent: sorted, or `*` alone."""
    method = _method(source)
    if method is None:
        return ANYTHING
    nodes = tuple(ast.walk(method))
    if _reaches_anything(method, nodes):
        return ANYTHING
    reads, writes, sends = _slots(nodes, read=True), _slots(nodes, read=False), _sends(nodes, selector)
    touched = EffectSet(_listed(reads), _listed(writes), _listed(sends))
    return replace(touched, writes=_listed((*touched.writes, *changed_slots(method))))


def beyond(found: EffectSet, promised: EffectSet) -> tuple[str, ...]:
    """What a method touches and was not promised to, in words; what may be written may be read."""
    kinds = (
        ("reads", found.reads, (*promised.reads, *promised.writes)),
        ("writes", found.writes, promised.writes),
        ("sends", found.sends, promised.sends),
    )
    more = [(verb, [name for name in has if name not in may]) for verb, has, may in kinds if ANY not in may]
    return tuple(f"{verb} {', '.join(names)}" for verb, names in more if names)


def _method(source: str) -> ast.FunctionDef | None:
    """The only function of the source, if it takes self first."""
    try:
        body = ast.parse(source).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    if len(body) != 1 or not isinstance(method := body[0], ast.FunctionDef):
        return None
    return method if [item.arg for item in method.args.args[:1]] == ["self"] else None


def _listed(names: Iterable[str]) -> tuple[str, ...]:
    found = set(names)
    return (ANY,) if ANY in found else tuple(sorted(found))


# --- What cannot be followed ---


def _reaches_anything(method: ast.FunctionDef, nodes: Sequence[ast.AST]) -> bool:
    known = {id(node) for each in nodes for node in _seen_selves(each)}
    others = (node for node in nodes if node is not method.args.args[0] and id(node) not in known)
    return any("self" in _binds(node) or _looks_around(node) for node in others)


def _binds(node: ast.AST) -> tuple[str | None, ...]:
    """The names that a node takes or gives anew, other than a plain use that was seen."""
    match node:
        case ast.Name(id=name) | ast.arg(arg=name) | ast.ExceptHandler(name=name):
            return (name,)
        case ast.MatchAs(name=name) | ast.MatchStar(name=name) | ast.MatchMapping(rest=name):
            return (name,)
        case ast.alias():
            return (node.name, node.asname)
        case ast.Nonlocal(names=names) | ast.Global(names=names):
            return tuple(names)
        case _:
            return ()


def _looks_around(node: ast.AST) -> bool:
    """Whether a node may reach what its text does not name."""
    match node:
        case ast.Name(id=name):
            return name in _RUNS_TEXT | _BY_NAME or name.startswith("__")
        case ast.Attribute(attr=name):
            return name.startswith("__")
        case _:
            return False


def _seen_selves(node: ast.AST) -> Iterator[ast.AST]:
    """The names `self` and `getattr` that the node uses so that nobody gets hold of self by another name."""
    match node:
        case ast.Attribute(value=ast.Name(id="self") as name):
            yield name
        case ast.Call(func=ast.Name(id=by) as name, args=[of, ast.Constant(value=str(attr)), *_], keywords=[]) if (
            by in _BY_NAME and not attr.startswith("__") and attr not in _SENDS
        ):
            yield name
            yield of
        case ast.Call(func=ast.Attribute(attr=attr) as func, args=arguments) if attr in _SENDS or (
            isinstance(func.value, ast.Name) and func.value.id == "self"
        ):
            yield from arguments  # what is sent crosses as a reference
        case ast.Compare(left=left, comparators=others):
            yield from (left, *others)
        case ast.Return(value=ast.expr() as value):
            yield value
        case _:
            pass


# --- Slots and selectors ---


def _slots(nodes: Sequence[ast.AST], *, read: bool) -> Iterator[str]:
    sent = {id(node.func) for node in nodes if isinstance(node, ast.Call) and is_send_to_self(node)}
    for node in nodes:
        match node:
            case ast.Attribute(value=ast.Name(id="self"), attr=name) if id(node) not in sent:
                reads = isinstance(node.ctx, ast.Load)
            case ast.AugAssign(target=ast.Attribute(value=ast.Name(id="self"), attr=name)):
                reads = True  # and written, by the attribute itself
            case ast.Call(func=ast.Name(id=by), args=[ast.Name(id="self"), ast.Constant(value=str(name)), *_]) if (
                by in _BY_NAME
            ):
                reads = by != "setattr"
            case _:
                continue
        if reads is read and name not in RESERVED_SLOTS:
            yield name


def _sends(nodes: Sequence[ast.AST], selector: str) -> Iterator[str]:
    """What is sent; `send` taken out of its object, or with a computed selector, could send any."""
    called: set[int] = set()
    for node in nodes:  # a call comes before its parts
        match node:
            case ast.Call(func=ast.Attribute(value=of, attr="send") as func):
                called.add(id(func))
                at = 1 if isinstance(of, ast.Name) and of.id == "self" else 0
                yield _named(node.args, at)
            case ast.Call(func=ast.Attribute(value=ast.Name(id="self"), attr="resend") as func):
                called.add(id(func))
                yield selector
            case ast.Call(func=ast.Attribute(attr=name)) if is_send_to_self(node):
                yield name
            case ast.Attribute(attr=name) if name in _SENDS and id(node) not in called:
                yield ANY
            case _:
                pass


def _named(arguments: Sequence[ast.expr], at: int) -> str:
    """The selector among the arguments of a send, where it is a text that can be seen."""
    if len(arguments) <= at or any(isinstance(item, ast.Starred) for item in arguments[: at + 1]):
        return ANY
    match arguments[at]:
        case ast.Constant(value=str(name)):
            return name
        case _:
            return ANY
