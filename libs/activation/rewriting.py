"""A method's source as the guest needs it. Law: text to text; lines stay where they are.

`self.other(...)` is a send to self, since slots never hold functions: it becomes `self.send(self, "other", ...)`.
"""

import ast
import io
import tokenize
from bisect import bisect_left
from collections.abc import Sequence
from itertools import accumulate
from typing import cast

from kernel.errors import BadValue
from kernel.objects import RESERVED_SLOTS


def slot_names(source: str) -> list[str]:
    """Every name that a slot may have after the method ran: whatever it says after a dot, or to setattr.

    Raises SyntaxError where the source has none, BadValue where it may set slots that it does not name.
    """
    names: set[str] = set()
    literal = 0
    nodes = list(ast.walk(ast.parse(source)))
    for node in nodes:
        match node:
            case ast.Attribute(attr=name):
                names.add(name)
            case ast.Call(func=ast.Name(id="setattr"), args=[_, ast.Constant(value=str(name)), *_]):
                names.add(name)
                literal += 1
            case _:
                pass
    if literal < sum(isinstance(node, ast.Name) and node.id == "setattr" for node in nodes):
        raise BadValue("setattr is given the name of a slot as a literal, else the slot could not be kept")
    return sorted(names - RESERVED_SLOTS)


def sends_to_self(source: str) -> str:
    """The source with every `self.other(...)` as `self.send(self, "other", ...)`; lines stay where they are."""
    data = bytearray(source.encode())
    starts = [0, *accumulate(len(line) for line in data.splitlines(keepends=True))]
    openings = _openings(source, starts)
    calls = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call) and is_send_to_self(node)]
    edits = [edit for call in calls for edit in _edits(call, starts, openings)]
    for at, length, text in sorted(edits, reverse=True):
        data[at : at + length] = text
    return data.decode()


def _openings(source: str, starts: Sequence[int]) -> list[int]:
    """Where parentheses open, in bytes; those in texts and comments are none."""
    return [
        starts[token.start[0] - 1] + len(token.line[: token.start[1]].encode())
        for token in tokenize.generate_tokens(io.StringIO(source).readline)
        if token.string == "(" and token.type == tokenize.OP
    ]


def is_send_to_self(call: ast.Call) -> bool:
    """Whether the call is `self.other(...)`."""
    match call.func:
        case ast.Attribute(value=ast.Name(id="self"), attr=name):
            return name.isascii() and name not in RESERVED_SLOTS  # a selector is ASCII
        case _:
            return False


def _edits(call: ast.Call, starts: Sequence[int], openings: Sequence[int]) -> list[tuple[int, int, bytes]]:
    """What to replace: place in bytes, how many, by what. Places are those of the untouched source."""
    name = cast("ast.Attribute", call.func).attr
    end = starts[(call.func.end_lineno or 1) - 1] + (call.func.end_col_offset or 0)
    opening = openings[bisect_left(openings, end)]
    edits = [(end - len(name), len(name), b"send"), (opening + 1, 0, f'self, "{name}", '.encode())]
    only = call.args[0] if len(call.args) == 1 and not call.keywords else None
    if isinstance(only, ast.GeneratorExp) and starts[only.lineno - 1] + only.col_offset == opening:
        # A generator that is the only argument shares the parentheses of its call; as one of three it needs its own.
        closing = starts[(call.end_lineno or 1) - 1] + (call.end_col_offset or 0) - 1
        edits[1] = (opening + 1, 0, f'self, "{name}", ('.encode())
        edits.append((closing, 0, b")"))
    return edits
