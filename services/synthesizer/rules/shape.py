"""BAT1xx: the shape of a method. Law: one plain function, named as the selector, which takes `self`; no more."""

import ast
import symtable
import warnings
from collections.abc import Iterable
from contextlib import suppress

from kernel.signature import foreign_name
from synthesizer.rules.rule import About, Found, Method, Module, Rule, Subject, Text

MAX_LINES = 200
MAX_BYTES = 16 * 1024
MAX_NESTING = 100

_FINE = "def example(self):\n    self._p_changed = True\n"


def tree(source: str) -> ast.Module:
    """The module. Raises SyntaxError."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # an invalid escape in a draft is no matter of this process
        try:
            return ast.parse(source)
        except (ValueError, RecursionError, MemoryError) as error:
            raise SyntaxError(str(error) or "it is nested too deeply to parse") from None


def check(source: str) -> None:
    """Raises SyntaxError for what only a compiler refuses, such as `return` outside a function."""
    if nesting(tree(source)) > MAX_NESTING:
        return  # BAT104 says so, and a compiler would not get through
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            symtable.symtable(source, "<method>", "exec")
        except (ValueError, RecursionError, MemoryError) as error:
            raise SyntaxError(str(error) or "it is nested too deeply to parse") from None


def free_names(source: str) -> frozenset[str]:
    """The names that the functions of a source take from outside, as the compiler resolves them."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return frozenset(_globals(symtable.symtable(source, "<method>", "exec").get_children()))


def _globals(scopes: Iterable[symtable.SymbolTable]) -> Iterable[str]:
    for scope in scopes:
        yield from (symbol.get_name() for symbol in scope.get_symbols() if symbol.is_global())
        yield from _globals(scope.get_children())


def nesting(tree: ast.AST) -> int:
    """How many levels of nodes are inside each other; counted without recursion, since the source is hostile."""
    deepest, ahead = 0, [(tree, 1)]
    while ahead:
        node, depth = ahead.pop()
        deepest = max(deepest, depth)
        ahead.extend((child, depth + 1) for child in ast.iter_child_nodes(node))
    return deepest


def _empty(text: Text) -> Found:
    if not text.source.strip():
        yield 0, "there is no code; write one function"


def _size(text: Text) -> Found:
    lines, size = len(text.source.splitlines()), len(text.source.encode(errors="replace"))
    if lines > MAX_LINES or size > MAX_BYTES:
        yield 0, f"the source has {lines} lines and {size} bytes; at most {MAX_LINES} and {MAX_BYTES} are read"


def _syntax(text: Text) -> Found:
    try:
        check(text.source)
    except SyntaxError as error:
        yield error.lineno or 0, f"this is not Python: {error.msg}"


def _ascii(text: Text) -> Found:
    with suppress(SyntaxError, ValueError, RecursionError, MemoryError):  # BAT103 says so
        if line := foreign_name(text.source):
            yield line, "a name is not ASCII; write it with plain letters"


def _nesting(module: Module) -> Found:
    if nesting(module.tree) > MAX_NESTING:
        yield 0, f"the code is nested deeper than {MAX_NESTING} levels; write it as several statements"


def _one_function(module: Module) -> Found:
    body = module.tree.body
    functions = [item for item in body if isinstance(item, Method)]
    if not functions:
        yield 0, f"there is no function; write `def {module.selector or 'name'}(self, ...)`"
        return
    for item in body:
        if item is not functions[0]:
            what = f"a second function, {item.name}" if isinstance(item, Method) else "other code"
            yield item.lineno, f"there is {what} beside the method; put all of it inside the one function"


def _name(subject: Subject) -> Found:
    if subject.method.name != subject.selector:
        yield subject.method.lineno, f"the function is named {subject.method.name}; name it {subject.selector}"


def _plain(subject: Subject) -> Found:
    if isinstance(subject.method, ast.AsyncFunctionDef):
        yield subject.method.lineno, "the method is async; write a plain `def`: sends wait by themselves"
    for decorator in subject.method.decorator_list:
        yield decorator.lineno, "the method is decorated; leave the decorator out"


def _takes_self(subject: Subject) -> Found:
    arguments = subject.method.args
    first = next((item.arg for item in (*arguments.posonlyargs, *arguments.args)), None)
    if first != "self":
        yield subject.method.lineno, "the first parameter is not self; the receiver comes there"
    elif arguments.posonlyargs:
        yield subject.method.lineno, "a parameter is positional only; leave the `/` out"
    elif len(arguments.defaults) == len(arguments.args):
        yield subject.method.lineno, "self has a default; leave it out"


def _defaults(subject: Subject) -> Found:
    arguments = subject.method.args
    for default in (*arguments.defaults, *(item for item in arguments.kw_defaults if item is not None)):
        if not _is_constant(default):
            yield default.lineno, "a default is not a constant; use None and make the value in the body"


def _is_constant(node: ast.expr) -> bool:
    match node:
        case ast.Constant():
            return True
        case ast.UnaryOp(operand=ast.Constant()):
            return True
        case ast.Tuple(elts=items):
            return all(_is_constant(item) for item in items)
        case _:
            return False


TEXT = (
    Rule(About("BAT101", "An empty answer is no method.", "\n"), _empty),
    Rule(
        About(
            "BAT102",
            "A method has at most 200 lines and 16 KiB: a person has to be able to read it.",
            _FINE + "    self.count = 1\n" * MAX_LINES,
        ),
        _size,
    ),
    Rule(About("BAT103", "A method is Python that parses.", "Here is the code:\n" + _FINE), _syntax),
    Rule(
        About(
            "BAT110",
            "Names are ASCII: Python reads others in another form than they are written in.",
            "def example(self):\n    self.größe = 1\n    self._p_changed = True\n",
        ),
        _ascii,
    ),
)
MODULE = (
    Rule(
        About(
            "BAT104",
            "Code is nested at most 100 levels deep, so that reading it is bounded.",
            "def example(self):\n    self._p_changed = True\n    return " + " + ".join(["1"] * 120) + "\n",
        ),
        _nesting,
    ),
    Rule(
        About(
            "BAT105",
            "A source holds exactly one function: no second one, no import or statement beside it.",
            _FINE + "\n\ndef other(self):\n    self._p_changed = True\n",
        ),
        _one_function,
    ),
)
METHOD = (
    Rule(
        About(
            "BAT106",
            "The function is named as the selector that it answers.",
            "def other(self):\n    self._p_changed = True\n",
        ),
        _name,
    ),
    Rule(
        About("BAT107", "A method is a plain function: not async, not decorated.", "@staticmethod\n" + _FINE),
        _plain,
    ),
    Rule(
        About(
            "BAT108",
            "The first parameter is self, and no parameter is positional only.",
            "def example(amount):\n    return amount\n",
        ),
        _takes_self,
    ),
    Rule(
        About(
            "BAT109",
            "Defaults are constants: a mutable one would carry state from one activation to the next.",
            "def example(self, rows=[]):\n    self._p_changed = True\n    return rows\n",
        ),
        _defaults,
    ),
)
