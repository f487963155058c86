"""BAT4xx: names. Law: a method knows its parameters, its own names, and the guest's harmless builtins; no other."""

import ast

from kernel.objects import RESERVED_SLOTS, Severity
from synthesizer.rules.constructs import REACHING
from synthesizer.rules.rule import About, Found, Rule, Subject, line_of

# What the guest has of Python's builtins (checked against it by a test), less what BAT303 refuses.
BUILTINS = frozenset(
    {
        *("abs", "all", "any", "bin", "bool", "bytes", "chr", "complex", "dict", "divmod", "enumerate", "filter"),
        *("float", "format", "frozenset", "getattr", "hasattr", "hex", "int", "isinstance", "iter", "len", "list"),
        *("map", "max", "min", "next", "object", "oct", "ord", "pow", "print", "range", "repr", "reversed", "round"),
        *("set", "setattr", "slice", "sorted", "str", "sum", "tuple", "type", "zip"),
        *("ArithmeticError", "AssertionError", "AttributeError", "Exception", "IndexError", "KeyError", "LookupError"),
        *("NameError", "NotImplementedError", "OverflowError", "RuntimeError", "StopIteration", "TypeError"),
        *("UnicodeDecodeError", "UnicodeEncodeError", "ValueError", "ZeroDivisionError"),
    }
)
_ANNOTATIONS = ("annotation", "returns")


def _unknown(subject: Subject) -> Found:
    """Names in annotations are never evaluated, so they may be any. The method's own name is never a builtin in it."""
    unknown = subject.free_names - (BUILTINS | REACHING) | subject.free_names & {subject.method.name}
    ahead: list[ast.AST] = [subject.method]
    while ahead:
        node = ahead.pop()
        annotations = [getattr(node, field, None) for field in _ANNOTATIONS]
        ahead += [part for part in ast.iter_child_nodes(node) if part not in annotations]
        if isinstance(node, ast.Name) and node.id in unknown:
            yield node.lineno, f"{node.id} is not known here; {_hint(node.id, subject)}"


def _hint(name: str, subject: Subject) -> str:
    if name == subject.method.name:
        if name in BUILTINS:
            return f"here {name} is the method, not the builtin: do without it, or send to self: self.{name}(...)"
        return f"send to self: self.{name}(...)"
    return "define it in the method, or import it there"


def _reserved(subject: Subject) -> Found:
    for node in subject.nodes:
        match node:
            case ast.Attribute(value=ast.Name(id="self"), attr=name, ctx=ast.Store()):
                pass
            case ast.Call(func=ast.Name(id="setattr"), args=[_, ast.Constant(value=str() as name), _]):
                pass
            case _:
                continue
        if name in RESERVED_SLOTS and not (name == "_p_changed" and isinstance(node, ast.Attribute)):
            yield line_of(node), f"{name} is no slot; give the slot another name"


def _self(subject: Subject) -> Found:
    own = subject.method.args.args[:1]
    for node in subject.nodes:
        match node:
            case ast.Name(id="self", ctx=ast.Store()) | ast.alias(asname="self"):
                pass
            case ast.arg(arg="self") if node not in own:
                pass
            case ast.ExceptHandler(name="self") | ast.MatchAs(name="self") | ast.MatchStar(name="self"):
                pass
            case _:
                continue
        yield line_of(node), "self is bound anew here; it always means the receiver, so choose another name"


def _prints(subject: Subject) -> Found:
    for node in subject.nodes:
        if isinstance(node, ast.Name) and node.id in {"print"} & subject.free_names:
            yield node.lineno, "nobody sees what a method prints; return it"


METHOD = (
    Rule(
        About(
            "BAT401",
            "Every name is a parameter, bound in the method, or a harmless builtin of the guest.",
            "def example(self, rows):\n    self._p_changed = True\n    return np.mean(rows)\n",
        ),
        _unknown,
    ),
    Rule(
        About(
            "BAT402",
            "Slots do not take the names that every object has: id, send, resend, _p_changed.",
            "def example(self, name):\n    self.id = name\n    self._p_changed = True\n",
        ),
        _reserved,
    ),
    Rule(
        About(
            "BAT403",
            "self is the receiver from the first line to the last.",
            "def example(self, other):\n    self = other\n    self._p_changed = True\n",
        ),
        _self,
    ),
    Rule(
        About(
            "BAT404",
            "A method returns what it has to say.",
            "def example(self):\n    print(self.count)\n    self._p_changed = True\n",
            Severity.WARNING,
        ),
        _prints,
    ),
)
