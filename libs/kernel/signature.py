"""What a method takes. Law: read off the source once, at registration; arguments are checked before anything runs.

Wrong arguments are the sender's mistake and no miss: the message is understood.
"""

import ast
import re
import warnings
from collections.abc import Iterator, Sequence
from typing import cast

from kernel.errors import BadArguments, LimitExceeded
from kernel.objects import MAX_SOURCE_BYTES, Parameter, ParameterKind, Selector

MAX_SOURCE_DEPTH = 100  # nodes of the syntax tree inside one another; what a person writes has some twenty
_NOT_ASCII = re.compile(r"[^\x00-\x7f]")


def parse_method(source: str, selector: str) -> tuple[Parameter, ...]:
    """The parameters of the method, `self` left out.

    Raises BadArguments unless the source is exactly one plain function named as the selector whose first parameter is
    `self`, it is nested at most 100 levels deep, and its names are ASCII; LimitExceeded over 64 KiB.
    """
    if len(source.encode(errors="replace")) > MAX_SOURCE_BYTES:
        raise LimitExceeded("size", f"a method has at most {MAX_SOURCE_BYTES} bytes of source")
    tree = _parsed(source, selector)
    _check_depth(tree, selector)
    if line := foreign_name(source):
        raise BadArguments(f"line {line} of {selector} has a name that is not ASCII", field="source")
    body = tree.body
    if len(body) != 1 or not isinstance(function := body[0], ast.FunctionDef) or function.name != selector:
        raise BadArguments(f"the source must be exactly one function named {selector}", field="source")
    arguments = function.args
    if function.decorator_list or len(arguments.posonlyargs) > 1:
        raise BadArguments(
            f"{selector} must be a plain function: no decorators, no '/' behind a parameter", field="source"
        )
    positional = [*arguments.posonlyargs, *arguments.args]
    if not positional or positional[0].arg != "self" or len(arguments.defaults) == len(positional):
        raise BadArguments(f"the first parameter of {selector} must be self", field="source")
    return _parameters(arguments, positional)


def _parsed(source: str, selector: str) -> ast.Module:
    try:
        with warnings.catch_warnings(action="ignore"):  # of an odd escape: the audit's matter, not the log's
            return ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise BadArguments(f"the source of {selector} is not Python: {error}", field="source") from None


def _check_depth(tree: ast.Module, selector: str) -> None:
    """Raises BadArguments where what reads the source later, level by level, would come to the end of its stack."""
    level: list[ast.AST] = [tree]
    for _ in range(MAX_SOURCE_DEPTH + 1):
        level = [child for node in level for child in ast.iter_child_nodes(node)]
        if not level:
            return
    raise BadArguments(f"the source of {selector} is nested deeper than {MAX_SOURCE_DEPTH} levels", field="source")


def foreign_name(source: str) -> int:
    """The line of a name that is not ASCII, in a source that parses; 0 where all names are.

    Python reads such a name in another form than it is written in (NFKC: a wide f is an f), so whoever looks for the
    name in the source would miss it. To see them, every letter beyond ASCII is first made one that has no other form.
    """
    if source.isascii():
        return 0
    with warnings.catch_warnings(action="ignore"):
        tree = ast.parse(_NOT_ASCII.sub("ä", source))
    foreign = (node for node in ast.walk(tree) if not all(name.isascii() for name in _names(node)))
    return next((getattr(node, "lineno", 1) for node in foreign), 0)


def _names(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Constant):
        return
    for _, value in ast.iter_fields(node):
        parts = cast("list[object]", value) if isinstance(value, list) else [value]
        yield from (part for part in parts if isinstance(part, str))


def _parameters(arguments: ast.arguments, positional: list[ast.arg]) -> tuple[Parameter, ...]:
    first_default = len(positional) - len(arguments.defaults)
    found = [
        Parameter(each.arg, ParameterKind.STANDARD, index >= first_default)
        for index, each in enumerate(positional)
        if index
    ]
    if arguments.vararg:
        found.append(Parameter(arguments.vararg.arg, ParameterKind.REST))
    for each, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True):
        found.append(Parameter(each.arg, ParameterKind.KEYWORD, default is not None))
    if arguments.kwarg:
        found.append(Parameter(arguments.kwarg.arg, ParameterKind.KEYWORD_REST))
    return tuple(found)


def described(selector: str, parameters: Sequence[Parameter]) -> str:
    """The signature as a person writes it, such as `rate_for(order, country=...)`."""
    shown: list[str] = []
    starred = False
    for each in parameters:
        if each.kind is ParameterKind.KEYWORD and not starred:
            shown.append("*")
        starred = starred or each.kind in {ParameterKind.KEYWORD, ParameterKind.REST}
        prefix = {ParameterKind.REST: "*", ParameterKind.KEYWORD_REST: "**"}.get(each.kind, "")
        shown.append(prefix + each.name + ("=..." if each.has_default else ""))
    return f"{selector}({', '.join(shown)})"


def bind(selector: Selector, parameters: Sequence[Parameter], positional: int, keywords: Sequence[str]) -> None:
    """Check that so many positional arguments and these keywords fit. Raises BadArguments with the signature."""
    wrong = _misfit(parameters, positional, keywords)
    if wrong:
        raise BadArguments(f"{wrong}; the method is {described(selector, parameters)}", field="message.arguments")


def _misfit(parameters: Sequence[Parameter], positional: int, keywords: Sequence[str]) -> str:
    standard = [each for each in parameters if each.kind is ParameterKind.STANDARD]
    kinds = {each.kind for each in parameters}
    if positional > len(standard) and ParameterKind.REST not in kinds:
        return f"{positional} positional arguments were sent, at most {len(standard)} are taken"
    named = {each.name for each in parameters if each.kind in {ParameterKind.STANDARD, ParameterKind.KEYWORD}}
    if twice := [each.name for each in standard[:positional] if each.name in keywords]:
        return f"{twice[0]} was sent twice, by position and by name"
    unknown = [name for name in keywords if name not in named]
    if unknown and ParameterKind.KEYWORD_REST not in kinds:
        return f"there is no parameter {unknown[0]}"
    given = {each.name for each in standard[:positional]} | set(keywords)
    required = [each for each in parameters if each.name in named and not each.has_default]
    missing = [each.name for each in required if each.name not in given]
    return f"{', '.join(missing)} is missing" if missing else ""
