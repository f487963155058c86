"""Where a method touches its object's state. Law: only what the text shows; a name may stand for a part of the state.

A name stands for a part of the state where it is bound to a slot, to an item of one, or to what a loop takes from one.
That is decided without regard to order, so that a name which ever does always does.
"""

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from synthesizer.rules.rule import Method

# Methods of lists, dicts and sets that change them.
_CHANGES = frozenset(
    {
        *("append", "extend", "insert", "remove", "pop", "clear", "sort", "reverse"),
        *("update", "setdefault", "popitem", "add", "discard"),
        *("appendleft", "popleft", "extendleft", "rotate", "subtract", "move_to_end"),
    }
)
_VIEWS = frozenset({"get", "setdefault", "values", "items", "pop", "popitem", "popleft"})
_PASSES_ITEMS = frozenset({"enumerate", "zip", "reversed", "sorted", "list", "tuple", "filter", "iter"})


def keeps(statement: ast.stmt) -> bool:
    """Whether the statement is the covenant: `self._p_changed = True`."""
    match statement:
        case ast.Assign(
            targets=[ast.Attribute(value=ast.Name(id="self"), attr="_p_changed")], value=ast.Constant(value=True)
        ):
            return True
        case _:
            return False


@dataclass(frozen=True, slots=True)
class _Binding:
    """A name, and what it is bound to: the value, or what a loop takes from the value."""

    name: str
    value: ast.expr
    looped: bool = False

    def stands_for_part(self, states: "States") -> bool:
        return states.has_parts(self.value) if self.looped else states.is_part(self.value)


@dataclass(frozen=True, slots=True)
class States:
    """The names that stand for a part of the object's state."""

    names: frozenset[str]

    @classmethod
    def of(cls, method: Method) -> "States":
        """All such names of a method, to a fixpoint."""
        bindings = list(_bindings(method))
        names: frozenset[str] = frozenset()
        while True:
            states = cls(names)
            more = names | {item.name for item in bindings if item.stands_for_part(states)}
            if more == names:
                return states
            names = more

    def is_part(self, node: ast.expr) -> bool:  # noqa: PLR0911 - one case each
        """Whether the expression gives a part of the state itself, not something made from it."""
        match node:
            case ast.Attribute(value=ast.Name(id="self"), attr=name):
                return name != "id"
            case ast.Name(id=name):
                return name in self.names
            case ast.Subscript(value=value) | ast.Starred(value=value) | ast.NamedExpr(value=value):
                return self.is_part(value)
            case ast.Call(func=ast.Attribute(value=value, attr=name)):
                return name in _VIEWS and self.is_part(value)
            case ast.BoolOp(values=values):
                return any(self.is_part(item) for item in values)
            case ast.IfExp(body=body, orelse=orelse):
                return self.is_part(body) or self.is_part(orelse)
            case _:
                return False

    def has_parts(self, node: ast.expr) -> bool:
        """Whether going through the expression gives parts of the state, as `enumerate(self.rows)` does."""
        match node:
            case ast.Call(func=ast.Name(id=name), args=arguments) if name in _PASSES_ITEMS:
                return any(self.has_parts(item) for item in arguments)
            case _:
                return self.is_part(node)

    def written_by(self, statement: ast.stmt) -> bool:
        """Whether the statement itself, the blocks inside it left out, changes the state."""
        return any(self._is_write(node) for node in _own_nodes(statement))

    def _is_write(self, node: ast.AST) -> bool:
        match node:
            case ast.Attribute(value=ast.Name(id="self"), attr=name, ctx=ast.Store()):
                return name != "_p_changed"
            case ast.Subscript(value=value, ctx=ast.Store()):
                return self.is_part(value)
            case ast.Call(func=ast.Name(id="setattr")):
                return True
            case ast.Call(func=ast.Attribute(value=value, attr=name)):
                return name in _CHANGES and self.is_part(value)
            case _:
                return False


def _bindings(method: Method) -> Iterator[_Binding]:
    for node in ast.walk(method):
        match node:
            case ast.Assign(targets=targets, value=value):
                yield from (_Binding(name, value) for target in targets for name in _names(target))
            case ast.AnnAssign(target=target, value=ast.expr() as value) | ast.NamedExpr(target=target, value=value):
                yield from (_Binding(name, value) for name in _names(target))
            case ast.For(target=target, iter=value) | ast.comprehension(target=target, iter=value):
                yield from (_Binding(name, value, looped=True) for name in _names(target))
            case _:
                pass


def _names(target: ast.expr) -> Iterator[str]:
    return (node.id for node in ast.walk(target) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store))


def _own_nodes(statement: ast.stmt) -> Iterator[ast.AST]:
    """The statement and its expressions; not the statements inside it, which paths reach on their own."""
    if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return
    yield statement
    for child in ast.iter_child_nodes(statement):
        if not isinstance(child, ast.stmt | ast.ExceptHandler | ast.match_case):
            yield from ast.walk(child)
