"""A source without what people and models say in it. Law: what is left runs as it did; comments, docstrings are gone.

Comments are the one part of a source that can say anything, whoever wrote it: a persona that is shown code is shown it
bare. A source in which there is nothing of it comes back as it is, letter for letter; one that does not parse loses
everything from a `#` to the end of its line, and every text in three quotes.
"""

import ast
import io
import re
import tokenize
import warnings
from typing import cast

_CRUDE = re.compile(r"#[^\n]*|(?P<quotes>\"{3}|'{3}).*?((?P=quotes)|\Z)", re.DOTALL)


def bare(source: str) -> str:
    """The source without comments, docstrings and other statements that are nothing but a text."""
    try:
        with warnings.catch_warnings(action="ignore"):
            tree = ast.parse(source)
        if any(_is_text(node) for node in ast.walk(tree)):
            return ast.unparse(_Texts().visit(tree)) + "\n"
        return _without_comments(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError, tokenize.TokenError):
        return _CRUDE.sub("", source)


def _is_text(node: ast.AST) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


class _Texts(ast.NodeTransformer):
    """Puts `pass` in place of statements that are nothing but a text, where a body would be empty without them."""

    def generic_visit(self, node: ast.AST) -> ast.AST:
        super().generic_visit(node)
        for name in ("body", "orelse", "finalbody"):
            statements = getattr(node, name, None)
            if isinstance(statements, list) and statements:
                kept = [each for each in cast("list[ast.AST]", statements) if not _is_text(each)]
                setattr(node, name, kept or ([ast.Pass()] if name == "body" else []))
        return node


def _without_comments(source: str) -> str:
    if "#" not in source:
        return source
    lines = io.StringIO(source).readlines()  # as the tokenizer counts them
    found = [each for each in tokenize.generate_tokens(io.StringIO(source).readline) if each.type == tokenize.COMMENT]
    for comment in reversed(found):
        row, column = comment.start
        before = lines[row - 1][:column].rstrip()
        lines[row - 1] = f"{before}\n" if before else ""
    return "".join(lines)
