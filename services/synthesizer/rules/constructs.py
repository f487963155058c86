"""BAT3xx: constructs that a method may not have. Law: what reaches out, hides names, or cannot run is refused here.

The sandbox is the wall; these rules keep hostile and hopeless drafts from being tried at all, and keep a method
readable: what it touches is what its text says.
"""

import ast
import re
from collections.abc import Iterator

from synthesizer.disclosure import SLOT as DISCLOSED
from synthesizer.rules.covenant import is_endless
from synthesizer.rules.rule import About, Found, Rule, Subject, line_of

# Modules that the guest has, and whose functions depend on their arguments, the clock and the seed alone.
MODULES = frozenset(
    {
        *("base64", "bisect", "collections", "copy", "datetime", "decimal", "functools", "hashlib", "itertools"),
        *("json", "math", "random", "re", "time", "typing", "unicodedata"),
    }
)
# Names that run text, reach outside, or look at the program itself.
REACHING = frozenset(
    {
        *("exec", "eval", "compile", "open", "input", "breakpoint", "exit", "quit", "help"),
        *("globals", "locals", "vars", "dir", "delattr", "memoryview", "super", "id"),
    }
)
_DUNDER = re.compile(r"__[A-Za-z]\w*?__")
_BY_NAME = frozenset({"getattr", "hasattr", "setattr"})


def _imports(subject: Subject) -> Found:
    for node in subject.nodes:
        match node:
            case ast.Import(names=names):
                modules = [item.name for item in names]
            case ast.ImportFrom(module=module, level=0) if module:
                modules = [module]
            case ast.ImportFrom():
                modules = ["a package around the method"]
            case _:
                continue
        for module in modules:
            if module not in MODULES:
                yield node.lineno, f"{module} cannot be imported; there are {', '.join(sorted(MODULES))}"


def _dunders(subject: Subject) -> Found:
    for node in subject.nodes:
        for name in _identifiers(node):
            if name.startswith("__"):
                yield line_of(node), f"{name} begins with two underscores; use a plain name"
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and (found := _DUNDER.search(node.value)):
            yield node.lineno, f"a text holds {found[0]}, which walks into the interpreter where it is formatted"


def _identifiers(node: ast.AST) -> Iterator[str]:
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name) | ast.FunctionDef(name=name) | ast.arg(arg=name):
            yield name
        case ast.alias(name=name, asname=asname):
            yield name
            yield asname or ""
        case ast.keyword(arg=name) | ast.ExceptHandler(name=name) | ast.MatchAs(name=name) | ast.MatchStar(name=name):
            yield name or ""
        case ast.MatchMapping(rest=name):
            yield name or ""
        case ast.MatchClass(kwd_attrs=names) | ast.Nonlocal(names=names) | ast.Global(names=names):
            yield from names
        case _:
            pass


def _reaching(subject: Subject) -> Found:
    for node in subject.nodes:
        if isinstance(node, ast.Name) and node.id in REACHING & subject.free_names:
            hint = "the object's own id is self.id" if node.id == "id" else "a method works on its object and arguments"
            yield node.lineno, f"{node.id} is not for methods; {hint}"


def _dynamic(subject: Subject) -> Found:
    fine: set[int] = set()
    for node in subject.nodes:
        match node:
            case ast.Call(
                func=ast.Name(id="setattr") as name, args=[ast.Name(id="self"), ast.Constant(value=str()), _]
            ):
                fine.add(id(name))
            case ast.Call(func=ast.Name(id="getattr" | "hasattr") as name, args=[_, ast.Constant(value=str()), *_]):
                fine.add(id(name))
            case ast.Call(func=ast.Name(id="type") as name, args=[_], keywords=[]):
                fine.add(id(name))
            case _:
                pass
    for node in subject.nodes:
        if isinstance(node, ast.Name) and node.id in _BY_NAME | {"type"} and id(node) not in fine:
            form = "type(x)" if node.id == "type" else f'{node.id}(self, "name", ...)'
            yield node.lineno, f"{node.id} is only used as {form}, so that the text says what is touched"


def _foreign_attribute(subject: Subject) -> Found:
    for node in subject.nodes:
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            match node.value:
                case ast.Name(id="self"):
                    pass
                case _:
                    yield node.lineno, f"only slots of self are set; {node.attr} is set on something else"


def _disclosure(subject: Subject) -> Found:
    for node in subject.nodes:
        named = node.attr if isinstance(node, ast.Attribute) else getattr(node, "value", None)
        if named == DISCLOSED:
            yield line_of(node), f"{DISCLOSED} is set by people alone: it decides what language models are shown"


def _classes(subject: Subject) -> Found:
    for node in subject.nodes:
        if isinstance(node, ast.ClassDef):
            yield node.lineno, f"{node.name} is a class; use dicts, lists and nested functions"


def _generators(subject: Subject) -> Found:
    for node in subject.nodes:
        if isinstance(node, ast.Yield | ast.YieldFrom):
            yield node.lineno, "a method does not yield; return a list"


def _coroutines(subject: Subject) -> Found:
    for node in subject.nodes:
        inner = isinstance(node, ast.AsyncFunctionDef) and node is not subject.method
        if inner or isinstance(node, ast.Await | ast.AsyncFor | ast.AsyncWith):
            yield line_of(node), "a method does not await; sends wait by themselves"
        if isinstance(node, ast.comprehension) and node.is_async:
            yield node.target.lineno, "a method does not await; use a plain `for`"


def _deletions(subject: Subject) -> Found:
    for node in subject.nodes:
        if isinstance(node, ast.Delete):
            yield node.lineno, "the interpreter has no `del`; use pop"


def _groups(subject: Subject) -> Found:
    for node in subject.nodes:
        if isinstance(node, ast.TryStar):
            yield node.lineno, "the interpreter has no `except*`; use `except`"


def _globals(subject: Subject) -> Found:
    for node in subject.nodes:
        if isinstance(node, ast.Global):
            yield node.lineno, "nothing outlives an activation but slots; use self"


def _endless(subject: Subject) -> Found:
    caught = {id(loop) for node in subject.nodes if isinstance(node, ast.Try) for loop in _ended_by_raise(node)}
    for node in subject.nodes:
        if not (isinstance(node, ast.While) and is_endless(node)) or id(node) in caught:
            continue
        if not any(_leaves(item) for item in node.body):
            yield node.lineno, "this loop never ends; give it a condition, a break or a return"


def _ended_by_raise(node: ast.Try) -> Iterator[ast.While]:
    """The loops in a `try` that an exception may end: what is sent, called or looked up in them can raise."""
    for loop in node.body if node.handlers else ():
        if isinstance(loop, ast.While) and any(isinstance(item, ast.Call | ast.Subscript) for item in ast.walk(loop)):
            yield loop


def _leaves(statement: ast.stmt) -> bool:
    """Whether the statement can end the loop it stands in. Breaks of inner loops are not this loop's."""
    if isinstance(statement, ast.Break | ast.Return | ast.Raise):
        return True
    if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return False
    inner: list[ast.stmt] = []
    for part in ast.iter_child_nodes(statement):
        if isinstance(part, ast.stmt):
            inner.append(part)
        elif isinstance(part, ast.ExceptHandler | ast.match_case):
            inner += part.body
    if isinstance(statement, ast.While | ast.For | ast.AsyncFor):
        return any(isinstance(item, ast.Return | ast.Raise) for part in inner for item in ast.walk(part))
    return any(_leaves(part) for part in inner)


def _method(*lines: str) -> str:
    return "".join(f"{line}\n" for line in ("def example(self, text, rows):", *(f"    {line}" for line in lines)))


_KEPT = "self._p_changed = True"

METHOD = (
    Rule(
        About(
            "BAT301",
            "Imports name modules that the guest has and that reach nothing outside.",
            _method("import os", _KEPT, "return os.getcwd()"),
        ),
        _imports,
    ),
    Rule(
        About(
            "BAT302",
            "No name or text with two leading underscores: they walk into the interpreter.",
            _method(_KEPT, "return ().__class__.__base__.__subclasses__()"),
        ),
        _dunders,
    ),
    Rule(
        About(
            "BAT303",
            "Nothing runs text, opens files or looks at the program.",
            _method("exec(text)", _KEPT),
        ),
        _reaching,
    ),
    Rule(
        About(
            "BAT304",
            "Attributes are reached by names that stand in the text.",
            _method(_KEPT, "return getattr(self, text)"),
        ),
        _dynamic,
    ),
    Rule(
        About(
            "BAT305",
            "Attributes are set on self alone: one set elsewhere would be lost, or seen by others.",
            _method("type(self).seen = rows", _KEPT),
        ),
        _foreign_attribute,
    ),
    Rule(
        About(
            "BAT306",
            "A method has no class of its own.",
            _method("class Row:", "    pass", _KEPT, "return rows"),
        ),
        _classes,
    ),
    Rule(
        About("BAT307", "A method answers with a value, not with a generator.", _method(_KEPT, "yield rows")),
        _generators,
    ),
    Rule(
        About(
            "BAT308",
            "A method does not await.",
            _method("async def inner():", "    return rows", _KEPT, "return rows"),
        ),
        _coroutines,
    ),
    Rule(
        About("BAT309", "The interpreter has no `del`.", _method("del rows[0]", _KEPT, "return rows")),
        _deletions,
    ),
    Rule(
        About(
            "BAT310",
            "The interpreter has no exception groups.",
            _method("try:", "    rows.pop()", "except* IndexError:", "    pass", _KEPT),
        ),
        _groups,
    ),
    Rule(
        About("BAT311", "Nothing outlives an activation but slots.", _method("global seen", "seen = rows", _KEPT)),
        _globals,
    ),
    Rule(
        About(
            "BAT312",
            "A loop can end.",
            _method(_KEPT, "while True:", "    rows.append(text)"),
        ),
        _endless,
    ),
    Rule(
        About(
            "BAT313", "A method does not decide what is shown of its object.", _method(_KEPT, f"self.{DISCLOSED} = '*'")
        ),
        _disclosure,
    ),
)
