"""Whether activations of a method may share a session. Law: what is not clearly isolated is not isolated.

One plain reading of the source, which trusts no audit. A method is isolated if nothing that one activation does can be
seen by another, in the same session or not, but through the slots that it leaves. So it
- names its parameters, its own names, and builtins and modules without clock, chance or state: no name that the program
  around it has, since all of those begin with an underscore; not itself; nothing global;
- keeps nothing: no class, no default that can change, and attributes are set on `self` alone, which stays what it is
  and is used for nothing but its slots;
- sends nothing: a nested send needs the host;
- cannot tell where in memory a thing is: no function or iterator is turned into text, and `is` only compares with what
  there is once.
"""

import ast
import symtable
from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from functools import lru_cache

from kernel.objects import RESERVED_SLOTS, MethodVersion
from kernel.signature import foreign_name

MAX_JUDGED = 4096  # sources whose judgement is remembered

_TYPES = frozenset({"bool", "bytes", "dict", "float", "frozenset", "int", "list", "set", "str", "tuple"})
_BY_NAME = frozenset({"getattr", "hasattr", "setattr"})
_REFLECTING = _BY_NAME | {"type"}
BUILTINS = (
    _TYPES
    | _REFLECTING
    | {
        *("abs", "all", "any", "bin", "chr", "divmod", "enumerate", "filter", "format", "hex", "isinstance", "len"),
        *(
            "map",
            "max",
            "min",
            "oct",
            "ord",
            "pow",
            "range",
            "repr",
            "reversed",
            "round",
            "sorted",
            "sum",
            "type",
            "zip",
        ),
        *("ArithmeticError", "AssertionError", "AttributeError", "BaseException", "Exception", "IndexError"),
        *("KeyError", "LookupError", "NameError", "NotImplementedError", "OverflowError", "RecursionError"),
        *("RuntimeError", "StopIteration", "TypeError", "UnicodeDecodeError", "UnicodeEncodeError", "ValueError"),
        "ZeroDivisionError",
    }
)
MODULES = frozenset({"base64", "binascii", "bisect", "collections", "json", "math", "re", "unicodedata"})
# Names that give a function its place to be called and nothing else: by position first, or as `key`.
_TAKES_FIRST, _TAKES_KEY = frozenset({"map", "filter"}), frozenset({"sorted", "min", "max"})
_CALLERS = _TAKES_FIRST | _TAKES_KEY
_FORBIDDEN = frozenset({"send", "resend", "format", "format_map"})  # attributes; a literal's own format may pass
_NODES = (
    *(ast.Module, ast.FunctionDef, ast.arguments, ast.arg, ast.Lambda, ast.Return, ast.Pass, ast.Break, ast.Continue),
    *(ast.Assign, ast.AugAssign, ast.AnnAssign, ast.NamedExpr, ast.Expr, ast.Assert, ast.Raise, ast.Starred),
    *(ast.If, ast.For, ast.While, ast.Try, ast.ExceptHandler, ast.IfExp, ast.Import, ast.ImportFrom, ast.alias),
    *(ast.Constant, ast.Name, ast.Attribute, ast.Subscript, ast.Slice, ast.Call, ast.keyword),
    *(ast.JoinedStr, ast.FormattedValue, ast.List, ast.Tuple, ast.Set, ast.Dict),
    *(ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp, ast.comprehension),
    *(ast.BoolOp, ast.BinOp, ast.UnaryOp, ast.Compare, ast.boolop, ast.operator, ast.unaryop, ast.cmpop),
    *(ast.Load, ast.Store),
)


def isolated(method: MethodVersion) -> bool:
    """Whether activations of this method may share a session."""
    return _judged(method.source, method.selector)


@lru_cache(MAX_JUDGED)
def _judged(source: str, selector: str) -> bool:
    try:
        tree = ast.parse(source)
        return not foreign_name(source) and _is_isolated(tree, source, selector)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False


def _is_isolated(tree: ast.Module, source: str, selector: str) -> bool:
    match tree.body:
        case [ast.FunctionDef(name=name, args=args, decorator_list=[]) as method] if name == selector:
            pass
        case _:
            return False
    first = [*args.posonlyargs, *args.args][:1]
    if [each.arg for each in first] != ["self"] or selector == "self":
        return False
    nodes = list(ast.walk(tree))
    return (
        all(isinstance(node, _NODES) for node in nodes)
        and all(_is_constant(each) for each in (*args.defaults, *args.kw_defaults))
        and all(_may_be_named(name) for name in _identifiers(nodes))
        and _free_names(source) <= BUILTINS - {selector}
        and _is_only_called(nodes, method)
        and _self_is_slots_only(nodes, first[0])
        and all(_keeps_apart(node) for node in nodes)
    )


def _is_constant(default: ast.expr | None) -> bool:
    match default:
        case None | ast.Constant() | ast.UnaryOp(operand=ast.Constant()):
            return True
        case _:
            return False


def _may_be_named(name: str) -> bool:
    return name == "_" or not name.startswith("_")


def _identifiers(nodes: Sequence[ast.AST]) -> Iterator[str]:
    """Every name that is bound or looked up, attributes aside."""
    for node in nodes:
        match node:
            case ast.Name(id=name) | ast.arg(arg=name) | ast.FunctionDef(name=name):
                yield name
            case ast.alias(name=name, asname=asname):
                yield asname or name
            case ast.ExceptHandler(name=str() as name):
                yield name
            case _:
                pass


def _free_names(source: str) -> frozenset[str]:
    """The names that no function of the source binds; those in annotations and defaults are among them."""
    module = symtable.symtable(source, "method", "exec")
    free = {symbol.get_name() for symbol in module.get_symbols() if not symbol.is_assigned()}
    ahead = module.get_children()
    while ahead:
        scope = ahead.pop()
        free |= {symbol.get_name() for symbol in scope.get_symbols() if symbol.is_global()}
        ahead += scope.get_children()
    return frozenset(free)


def _is_only_called(nodes: Sequence[ast.AST], method: ast.FunctionDef) -> bool:
    """Whether functions made here are called, or given to what only calls them, and nothing else."""
    inner = {node.name for node in nodes if isinstance(node, ast.FunctionDef) and node is not method}
    if any(node.decorator_list for node in nodes if isinstance(node, ast.FunctionDef)):
        return False
    bound = {name.id for name in nodes if isinstance(name, ast.Name) and isinstance(name.ctx, ast.Store)}
    bound |= inner | {node.arg for node in nodes if isinstance(node, ast.arg)}
    bound |= {node.asname or node.name for node in nodes if isinstance(node, ast.alias)}
    bound |= {node.name for node in nodes if isinstance(node, ast.ExceptHandler) and node.name}
    if bound & (_CALLERS | _REFLECTING):
        return False
    fine = {id(place) for node in nodes if isinstance(node, ast.Call) for place in _places(node)}
    functions = (node for node in nodes if isinstance(node, ast.Lambda) or _is_load_of(node, inner | _REFLECTING))
    return all(id(node) in fine for node in functions)


def _is_load_of(node: ast.AST, names: AbstractSet[str]) -> bool:
    return isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and node.id in names


def _places(call: ast.Call) -> Iterator[ast.expr]:
    """Where a function may stand in a call."""
    yield call.func
    match call.func:
        case ast.Name(id=name) if name in _TAKES_FIRST:
            yield from call.args[:1]
        case ast.Name(id=name) if name in _TAKES_KEY:
            yield from (each.value for each in call.keywords if each.arg == "key")
        case ast.Attribute(value=ast.Name() | ast.Attribute(), attr="sort"):
            yield from (each.value for each in call.keywords if each.arg == "key")
        case _:
            pass


def _self_is_slots_only(nodes: Sequence[ast.AST], own: ast.arg) -> bool:
    fine: set[int] = set()
    for node in nodes:
        match node:
            case ast.Attribute(value=ast.Name(id="self") as name):
                fine.add(id(name))
            case ast.Call(func=ast.Name(id=function), args=[ast.Name(id="self") as name, *_]) if function in _BY_NAME:
                fine.add(id(name))
            case ast.Call(func=ast.Attribute(value=ast.Name(id="self"))):
                return False
            case ast.arg(arg="self") if node is not own:
                return False
            case ast.alias(asname="self") | ast.ExceptHandler(name="self") | ast.FunctionDef(name="self"):
                return False
            case _:
                pass
    return all(id(node) in fine for node in nodes if isinstance(node, ast.Name) and node.id == "self")


def _keeps_apart(node: ast.AST) -> bool:  # noqa: PLR0911 - one line for each construct
    match node:
        case ast.Attribute(value=value, attr=name, ctx=ctx):
            if isinstance(ctx, ast.Load):
                return _is_attribute(name) and (not name.startswith("_") or _is_self(value))
            return _is_slot(value, name)
        case ast.Call(func=ast.Name(id="setattr"), args=args):
            return len(args) > 1 and _is_slot(args[0], _literal(args[1]))
        case ast.Call(func=ast.Name(id="getattr" | "hasattr"), args=args):
            name = _literal(args[1]) if len(args) > 1 and not isinstance(args[0], ast.Starred) else "__"
            return _is_attribute(name) and (not name.startswith("_") or _is_self(args[0]))
        case ast.Call(func=ast.Name(id="type"), args=args):
            return len(args) == 1 and not isinstance(args[0], ast.Starred)
        case ast.Compare(left=left, ops=ops, comparators=comparators):
            sides = zip([left, *comparators], ops, comparators, strict=False)
            return all(
                _is_once(one) or _is_once(other) for one, op, other in sides if isinstance(op, ast.Is | ast.IsNot)
            )
        case ast.comprehension(is_async=is_async):
            return not is_async
        case ast.Import(names=names):
            return all(each.name in MODULES for each in names)
        case ast.ImportFrom(module=module, names=names, level=level):
            return level == 0 and module in MODULES and all(_is_attribute(each.name) for each in names)
        case _:
            return True


def _literal(node: ast.expr) -> str:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else "__"


def _is_attribute(name: str) -> bool:
    return not name.startswith("__") and name not in _FORBIDDEN and name != "*"


def _is_slot(of: ast.expr, name: str) -> bool:
    return _is_self(of) and not name.startswith("__") and (name not in RESERVED_SLOTS or name == "_p_changed")


def _is_self(of: ast.expr) -> bool:
    return isinstance(of, ast.Name) and of.id == "self"


def _is_once(side: ast.expr) -> bool:
    """Whether there is only one such thing, so that `is` says nothing of where it is."""
    match side:
        case ast.Constant(value=None | True | False):
            return True
        case ast.Name(id=name):
            return name in _TYPES
        case _:
            return False
