"""Where a method touches its object's state. Law: only what the text shows; a name may stand for a part of the state.

A name stands for a part where it is bound to a slot, to an item of one, or to what a loop takes from one, until it is
bound to something else. A copy (`rows[:]`, `list(rows)`) is no part, though what a loop takes from it is. Each
expression is reduced once to its *leaves*: the names of which any being a part makes it one; SELF is a part always.
So the names that are ever parts are those that SELF reaches from binding to binding, found in one walk.
"""

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

SELF = "self"

# Methods of lists, dicts and sets that change them.
CHANGES = frozenset(
    {
        *("append", "extend", "insert", "remove", "pop", "clear", "sort", "reverse"),
        *("update", "setdefault", "popitem", "add", "discard"),
        *("appendleft", "popleft", "extendleft", "rotate", "subtract", "move_to_end"),
    }
)
_IN_STEPS = frozenset({"extend", "sort", "update", "extendleft", "subtract"})  # may raise half done
_VIEWS = frozenset({"get", "setdefault", "values", "items", "pop", "popitem", "popleft"})
_PASSES_ITEMS = frozenset({"enumerate", "zip", "reversed", "sorted", "list", "tuple", "filter", "iter"})
_GROWN_BY = (ast.List, ast.ListComp, ast.Set, ast.SetComp, ast.Dict, ast.DictComp)


def keeps(statement: ast.stmt) -> bool:
    """Whether the statement is the covenant: `self._p_changed = True`."""
    match statement:
        case ast.Assign(
            targets=[ast.Attribute(value=ast.Name(id="self"), attr="_p_changed")], value=ast.Constant(value=True)
        ):
            return True
        case _:
            return False


def is_calm(statement: ast.stmt) -> bool:
    """Whether the statement cannot raise."""
    match statement:
        case ast.Pass() | ast.Break() | ast.Continue():
            return True
        case ast.Return(value=None | ast.Constant() | ast.Name()):
            return True
        case ast.Assign(
            targets=[ast.Name() | ast.Attribute(value=ast.Name(id="self"))], value=ast.Constant() | ast.Name()
        ):
            return True
        case _:
            return False


# --- Leaves ---


def _leaves(node: ast.expr) -> Iterator[str]:
    """The leaves of what the expression gives: a part of the state itself, not something made from it."""
    match node:
        case ast.Attribute(value=ast.Name(id="self"), attr=name) if name != "id":
            yield SELF
        case ast.Name(id=name) if name != "self":
            yield name
        case ast.Subscript(slice=ast.Slice()):
            pass  # a copy
        case ast.Subscript(value=value) | ast.Starred(value=value) | ast.NamedExpr(value=value):
            yield from _leaves(value)
        case ast.Call(func=ast.Name(id="getattr"), args=[ast.Name(id="self"), *_]):
            yield SELF
        case ast.Call(func=ast.Attribute(value=value, attr=name)) if name in _VIEWS:
            yield from _leaves(value)
        case ast.BoolOp(values=values):
            for item in values:
                yield from _leaves(item)
        case ast.IfExp(body=body, orelse=orelse):
            yield from _leaves(body)
            yield from _leaves(orelse)
        case _:
            pass


def _item_leaves(node: ast.expr) -> Iterator[str]:
    """The leaves of what a loop over the expression takes, as in `enumerate(self.rows)`: a copy has the same items."""
    match node:
        case ast.Call(func=ast.Name(id=name), args=arguments) if name in _PASSES_ITEMS:
            for item in arguments:
                yield from _item_leaves(item)
        case ast.Tuple(elts=items) | ast.List(elts=items):
            for item in items:
                yield from _leaves(item)
        case ast.Subscript(value=value, slice=ast.Slice()) | ast.Call(func=ast.Attribute(value=value, attr="copy")):
            yield from _item_leaves(value)
        case _:
            yield from _leaves(node)


# --- Bindings ---


def _bound(target: ast.expr, value: ast.expr, *, looped: bool = False) -> Iterator[tuple[str, frozenset[str]]]:
    """The names that a target binds, each with the leaves of what it is bound to."""
    match target, value:
        case ast.Name(id=name), _:
            yield name, frozenset(_item_leaves(value) if looped else _leaves(value))
        case ((ast.Tuple(elts=targets) | ast.List(elts=targets)), (ast.Tuple(elts=values) | ast.List(elts=values))) if (
            not looped and len(targets) == len(values) and not any(isinstance(x, ast.Starred) for x in targets + values)
        ):
            for each, of in zip(targets, values, strict=True):
                yield from _bound(each, of)
        case ((ast.Tuple() | ast.List() | ast.Starred()), _):
            leaves = frozenset(_item_leaves(value))
            yield from ((name, leaves) for name in _names(target))
        case _:
            pass


def _names(target: ast.expr) -> Iterator[str]:
    return (node.id for node in ast.walk(target) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store))


def _bindings(node: ast.AST) -> Iterator[tuple[str, frozenset[str]]]:
    """What the node itself binds."""
    match node:
        case ast.Assign(targets=targets, value=value):
            for target in targets:
                yield from _bound(target, value)
        case ast.AnnAssign(target=target, value=ast.expr() as value):
            yield from _bound(target, value)
        case ast.NamedExpr(target=ast.Name(id=name), value=value):
            yield name, frozenset((name, *_leaves(value)))  # it may not be reached: then the name stays what it was
        case (
            ast.For(target=target, iter=value)
            | ast.AsyncFor(target=target, iter=value)
            | ast.comprehension(target=target, iter=value)
        ):
            yield from _bound(target, value, looped=True)
        case _:
            pass


# --- Effects ---


@dataclass(frozen=True, slots=True)
class Effect:
    """What a statement itself does, the blocks inside it left out.

    It writes if one of the leaves `writes` is a part. `binds` are its names and their leaves; `inner` names are bound
    in its expressions alone. `at_last`: the write is the last thing it does, so that what it raises comes before.
    """

    writes: frozenset[str]
    binds: tuple[tuple[str, frozenset[str]], ...]
    inner: frozenset[str]
    at_last: bool


@dataclass(frozen=True, slots=True)
class States:
    """The names that ever stand for a part of the object's state, with the lines where they are bound."""

    lines: dict[str, list[int]]
    _effects: dict[int, Effect] = field(default_factory=dict[int, Effect], repr=False)
    _rebound: dict[int, frozenset[str]] = field(default_factory=dict[int, frozenset[str]], repr=False)

    @classmethod
    def of(cls, nodes: Iterable[ast.AST]) -> "States":
        """All such names in the nodes of a method."""
        reached: dict[str, list[str]] = {}
        lines: dict[str, list[int]] = {}
        for node in nodes:
            for name, leaves in _bindings(node):
                line = node.target if isinstance(node, ast.comprehension) else node
                lines.setdefault(name, []).append(getattr(line, "lineno", 0))
                for leaf in leaves:
                    reached.setdefault(leaf, []).append(name)
        parts: set[str] = set()
        ahead = [SELF]
        while ahead:
            new = set(reached.get(ahead.pop(), ())) - parts
            parts |= new
            ahead += new
        return cls({name: at for name, at in lines.items() if name in parts})

    def effect(self, statement: ast.stmt) -> Effect:
        """What the statement itself does."""
        if id(statement) not in self._effects:
            self._effects[id(statement)] = self._read(statement)
        return self._effects[id(statement)]

    def rebound_in(self, block: ast.stmt) -> frozenset[str]:
        """Those names that are bound on the lines of a statement and the blocks inside it."""
        if id(block) not in self._rebound:
            span = range(block.lineno, (block.end_lineno or block.lineno) + 1)
            names = (name for name, lines in self.lines.items() if any(line in span for line in lines))
            self._rebound[id(block)] = frozenset(names)
        return self._rebound[id(block)]

    def _read(self, statement: ast.stmt) -> Effect:
        writes: set[str] = set()
        binds: list[tuple[str, frozenset[str]]] = []
        inner: set[str] = set()
        writers: list[ast.AST] = []
        for node in _own_nodes(statement):
            if leaves := set(_written(node)):
                writes |= leaves
                writers.append(node)
            if isinstance(node, ast.comprehension):
                inner |= {name for name, _ in _bindings(node)}
            else:
                binds += _bindings(node)
        at_last = len(writers) == 1 and _is_last(statement, writers[0])
        return Effect(frozenset(writes), tuple(binds), frozenset(inner & self.lines.keys()), at_last)


def _written(node: ast.AST) -> Iterator[str]:
    """The leaves of what the node changes."""
    match node:
        case ast.Attribute(value=ast.Name(id="self"), attr=name, ctx=ast.Store()) if name != "_p_changed":
            yield SELF
        case ast.Subscript(value=value, ctx=ast.Store()):
            yield from _leaves(value)
        case ast.AugAssign(target=ast.Name(id=name), value=value) if isinstance(value, _GROWN_BY):
            yield name  # in place, where a number or a text would be made anew
        case ast.Call(func=ast.Name(id="setattr")):
            yield SELF
        case ast.Call(func=ast.Attribute(value=value, attr=name)) if name in CHANGES:
            yield from _leaves(value)
        case _:
            pass


def _is_last(statement: ast.stmt, writer: ast.AST) -> bool:
    match writer:
        case ast.Call(func=ast.Attribute(attr=name)) if name in _IN_STEPS:
            return False
        case _:
            pass
    match statement:
        case ast.Assign(targets=[target], value=value):
            return writer in (target, value)
        case ast.AugAssign(target=target) | ast.AnnAssign(target=target):
            return writer in (target, statement)
        case ast.Expr(value=value) | ast.Return(value=ast.expr() as value):
            return writer is value
        case _:
            return False


def _own_nodes(statement: ast.stmt) -> Iterator[ast.AST]:
    """The statement and its expressions; not the statements inside it, which paths reach on their own."""
    if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return
    yield statement
    for child in ast.iter_child_nodes(statement):
        if not isinstance(child, ast.stmt | ast.ExceptHandler | ast.match_case):
            yield from ast.walk(child)
