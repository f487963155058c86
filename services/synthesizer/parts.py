"""Which slots a method may change under another name. Law: a name may stand for all that was ever put into it.

Read in no order. What an expression gives *reaches* a slot where it may be the slot's own value, or an item of it: a
change to it changes the slot. It *shares* with the slot where it is a new list or map that has the same items: only a
change to an item changes the slot. A number, a text or a comparison does neither. So `rows = self.rows` reaches,
`rows = sorted(self.rows)` shares, and `for row in rows` reaches again. What is found is more than what happens, never
less. What a method calls by a name of its own is no builtin: `find`, `values` or `index` may be an inner function.
"""

import ast
from collections.abc import Iterator

from kernel.objects import RESERVED_SLOTS
from synthesizer.rules.state import CHANGES

_SLOT = "self."  # before a slot's name; no variable has a dot
_OWN = "own "  # before a name that the method binds
_PASSED, _RETURNED = "(passed)", "(returned)"  # what some function is given, and what some inner one gives

# Functions that change what they are given.
_CHANGERS = frozenset({"shuffle", "insort", "insort_left", "insort_right"})
# What gives nothing of its arguments, or of the object that it is asked of: numbers, texts, flags, real copies.
_FRESH = frozenset(
    {
        *("abs", "all", "any", "bin", "bool", "bytes", "chr", "divmod", "float", "format", "hasattr", "hex", "int"),
        *("isinstance", "len", "oct", "ord", "pow", "print", "range", "repr", "round", "str", "type"),
        *("count", "endswith", "find", "format_map", "index", "isalnum", "isalpha", "isdigit", "islower", "isnumeric"),
        *("isspace", "isupper", "join", "keys", "lower", "lstrip", "replace", "rfind", "rsplit", "rstrip", "split"),
        *("splitlines", "startswith", "strip", "title", "upper", "zfill", "capitalize", "casefold", "center"),
        *("encode", "decode", "ljust", "rjust", "removeprefix", "removesuffix", "swapcase", "translate", "deepcopy"),
        *("dumps", "strftime", "isoformat", "send", "resend"),
    }
)
_COPIES = frozenset(
    {
        *("list", "tuple", "dict", "set", "frozenset", "sorted", "reversed", "enumerate", "zip", "filter"),
        *("copy", "values", "items", "union", "most_common"),
    }
)
_TYPES = frozenset({"list", "dict", "set"})  # whose own functions change their first argument
_JOINING = (ast.Add, ast.Mult, ast.BitOr, ast.BitAnd, ast.BitXor)  # between lists, sets and maps they keep the items
_DISPLAYS = (ast.List, ast.Tuple, ast.Set, ast.ListComp, ast.SetComp, ast.GeneratorExp, ast.DictComp, ast.Starred)
_COUNTED = frozenset({"int", "float", "len", "str", "abs", "round"})

Part = tuple[str, bool]
"""A name or a slot, and whether an expression only shares with it."""

Inner = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda


def changed_slots(method: ast.FunctionDef) -> set[str]:
    """The slots of self that are changed in place, under any name. The method's own names are given another form."""
    _make_own(method)
    inner = [node for part in method.body for node in ast.walk(part) if isinstance(node, Inner)]
    returns = {id(node) for each in inner for node in ast.walk(each) if isinstance(node, ast.Return)}
    flows: dict[str, set[Part]] = {}
    ahead: list[Part] = []  # what is changed, and whether itself alone
    for node in (node for part in method.body for node in ast.walk(part)):
        if not isinstance(node, ast.Return) or id(node) in returns:
            for target, part in _bindings(node):
                flows.setdefault(target, set()).add(part)
        ahead += _changes(node)
    seen = set(ahead)
    while ahead:
        name, itself = ahead.pop()
        new = {(part, False) for part, shares in flows.get(name, ()) if not (itself and shares)} - seen
        seen |= new
        ahead += new
    return {name.removeprefix(_SLOT) for name, _ in seen if name.startswith(_SLOT)}


# --- Names of the method's own ---


def _make_own(method: ast.FunctionDef) -> None:
    """Give what the method binds by itself a form that no builtin has; imports are left out: they are what they are."""
    nodes = [node for part in (method.args, *method.body) for node in ast.walk(part)]
    own = {node.name for node in nodes if isinstance(node, ast.FunctionDef)}
    own |= {node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    own |= {node.arg for node in nodes if isinstance(node, ast.arg)} - {"self"}
    for node in nodes:
        match node:
            case ast.Name(id=name) if name in own:
                node.id = _OWN + name
            case ast.arg(arg=name) if name in own:
                node.arg = _OWN + name
            case _:
                pass


# --- What an expression is a part of ---


def _parts(node: ast.AST) -> Iterator[Part]:
    match node:
        case ast.Attribute(value=ast.Name(id="self"), attr=name):
            yield from () if name in RESERVED_SLOTS else ((_SLOT + name, False),)
        case ast.Name(id=name):
            yield name, False
        case ast.Subscript(value=value, slice=ast.Slice()):
            yield from _shared(value)
        case ast.Subscript(value=value) | ast.Attribute(value=value):
            yield from _reached(value)
        case ast.IfExp(body=body, orelse=orelse):
            yield from (*_parts(body), *_parts(orelse))
        case ast.Call():
            yield from _given(node)
        case ast.Dict(values=values):
            yield from (part for value in values for part in _shared(value))
        case ast.BinOp(left=left, op=op, right=right):
            yield from (*_shared(left), *_shared(right)) if isinstance(op, _JOINING) else ()
        case ast.Constant() | ast.Compare() | ast.JoinedStr() | ast.UnaryOp() | ast.Lambda():
            pass
        case _:
            yield from (
                (name, shares or isinstance(node, _DISPLAYS))
                for child in ast.iter_child_nodes(node)
                for name, shares in _parts(child)
            )


def _shared(node: ast.AST) -> Iterator[Part]:
    yield from ((name, True) for name, _ in _parts(node))


def _reached(node: ast.AST) -> Iterator[Part]:
    yield from ((name, False) for name, _ in _parts(node))


def _given(call: ast.Call) -> Iterator[Part]:
    """What a call may give a part of: its object, its arguments, what inner functions give."""
    match call.func:
        case ast.Name(id="getattr"):
            yield from _got(call)
        case ast.Name(id=name) | ast.Attribute(attr=name) if name in _FRESH:
            pass
        case ast.Attribute(value=ast.Name(id="self")):
            pass  # a send: what it gives has come from the host
        case ast.Name(id=name) | ast.Attribute(attr=name):
            found = (_RETURNED, *(name for item in (call.func, *_arguments(call)) for name, _ in _parts(item)))
            yield from ((part, name in _COPIES) for part in found)
        case _:
            yield _RETURNED, False
            yield from (part for item in (call.func, *_arguments(call)) for part in _reached(item))


def _got(call: ast.Call) -> Iterator[Part]:
    match call.args:
        case [ast.Name(id="self"), ast.Constant(value=str(name)), *rest]:
            yield _SLOT + name, False
            yield from (part for item in rest for part in _parts(item))
        case arguments:
            yield from (part for item in arguments for part in _reached(item))


def _arguments(call: ast.Call) -> Iterator[ast.expr]:
    yield from call.args
    yield from (item.value for item in call.keywords)


# --- What is bound, and what is put into something ---


def _bindings(node: ast.AST) -> Iterator[tuple[str, Part]]:
    match node:
        case ast.Assign(targets=targets, value=value):
            yield from (pair for target in targets for pair in _bound(target, value))
        case ast.AnnAssign(target=target, value=ast.expr() as value) | ast.NamedExpr(target=target, value=value):
            yield from _bound(target, value)
        case ast.AugAssign(target=target, value=value):
            yield from _into(target, value)
        case (
            ast.For(target=target, iter=value)
            | ast.AsyncFor(target=target, iter=value)
            | ast.comprehension(target=target, iter=value)
            | ast.withitem(context_expr=value, optional_vars=ast.expr() as target)
        ):
            yield from ((name, part) for name in _names(target) for part in _reached(value))
        case ast.Match(subject=subject, cases=cases):
            names = [name for case in cases for name in _captured(case.pattern)]
            yield from ((name, part) for name in names for part in _reached(subject))
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.Lambda():
            yield from _made(node)
        case ast.ExceptHandler(name=str(name)):
            yield name, (_PASSED, False)  # an exception holds what it was made of
        case ast.Return(value=ast.expr() as value):
            yield from ((_RETURNED, part) for part in _parts(value))
        case ast.Call():
            yield from _handed(node)
        case _:
            pass


def _handed(call: ast.Call) -> Iterator[tuple[str, Part]]:
    func = call.func
    match call:
        case ast.Call(func=ast.Name(id="setattr"), args=[ast.Name(id="self"), ast.Constant(value=str(name)), value]):
            yield from ((_SLOT + name, part) for part in _parts(value))
        case _:
            pass
    yield from ((_PASSED, part) for item in (func, *_arguments(call)) for part in _parts(item))
    if isinstance(func, ast.Attribute) and func.attr in CHANGES:
        yield from (pair for item in _arguments(call) for pair in _into(func.value, item))


def _made(inner: Inner) -> Iterator[tuple[str, Part]]:
    """What an inner function is given, its defaults among it, and what a lambda gives."""
    given = inner.args
    yield from ((each.arg, (_PASSED, False)) for each in ast.walk(given) if isinstance(each, ast.arg))
    defaults = (*given.defaults, *filter(None, given.kw_defaults))
    yield from ((_PASSED, part) for item in defaults for part in _parts(item))
    if isinstance(inner, ast.Lambda):
        yield from ((_RETURNED, part) for part in _parts(inner.body))


def _bound(target: ast.expr, value: ast.expr) -> Iterator[tuple[str, Part]]:
    match target, value:
        case ((ast.Name() | ast.Attribute()), _):
            yield from ((name, part) for name in _names(target) for part in _parts(value))
        case ast.Subscript(), _:
            yield from _into(target, value)
        case ((ast.Tuple(elts=targets) | ast.List(elts=targets)), (ast.Tuple(elts=values) | ast.List(elts=values))) if (
            len(targets) == len(values) and not any(isinstance(item, ast.Starred) for item in (*targets, *values))
        ):
            for each, of in zip(targets, values, strict=True):
                yield from _bound(each, of)
        case _:
            yield from ((name, part) for name in _names(target) for part in _reached(value))


def _into(target: ast.expr, value: ast.expr) -> Iterator[tuple[str, Part]]:
    yield from ((name, part) for name, _ in _parts(target) for part in _shared(value))


def _names(target: ast.expr) -> Iterator[str]:
    yield from (name for name, _ in _parts(target))


def _captured(pattern: ast.pattern) -> Iterator[str]:
    for node in ast.walk(pattern):
        match node:
            case ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)) | ast.MatchMapping(rest=str(name)):
                yield name
            case _:
                pass


# --- What is changed in place ---


def _changes(node: ast.AST) -> Iterator[Part]:
    match node:
        case ast.Subscript(value=value, ctx=ast.Store() | ast.Del()):
            yield from _changed(value)
        case ast.AugAssign(target=target, op=op, value=value) if not _counts(op, value):
            yield from _changed(target)
        case ast.Attribute(value=value, attr=name) if name in CHANGES:
            yield from _changed(value)  # called here, or given to something that calls it
            if isinstance(value, ast.Name) and value.id in _TYPES:
                yield _PASSED, False  # list.append(rows, row)
        case ast.Call(func=ast.Name(id="getattr"), args=[value, ast.Constant(value=str(name)), *_]) if name in CHANGES:
            yield from _changed(value)
        case ast.Attribute(attr=name) | ast.Name(id=name) | ast.alias(name=name) if name in _CHANGERS:
            yield _PASSED, False
        case _:
            pass


def _changed(node: ast.expr) -> Iterator[Part]:
    itself = isinstance(node, ast.Name) or (isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name))
    yield from ((name, itself) for name, shares in _parts(node) if not shares)


def _counts(op: ast.operator, value: ast.expr) -> bool:
    """Whether `x op= value` can only be arithmetic, or a text that grows: then a new thing takes the name."""
    if isinstance(op, ast.Div | ast.Mod | ast.FloorDiv | ast.Pow | ast.LShift | ast.RShift | ast.MatMult):
        return True
    if isinstance(op, ast.Mult):
        return isinstance(value, ast.Constant) and isinstance(value.value, float)
    match value:
        case ast.Constant() | ast.JoinedStr() | ast.UnaryOp():
            return True
        case ast.Call(func=ast.Name(id=name)):
            return name in _COUNTED
        case ast.BinOp(left=left, op=inner, right=right):
            return isinstance(inner, ast.Div | ast.Pow | ast.FloorDiv) or _counts(op, left) or _counts(op, right)
        case _:
            return False
