"""BAT2xx: the Persistence Covenant. Law: a method that changes its object says so, `self._p_changed = True`.

Without it nothing of the activation is written, so a path that writes and returns without it loses the write in
silence: an error. A path that is not seen to write and returns without it loses nothing: a warning, because an early
`return None` is what people and models write, and because a write through a name the reading cannot follow stays
possible (a trial with a state after it decides then).

The reading follows every path through the method's own statements as a set of (kept, wrote): branches join, loops run
to a fixpoint, an `except` begins anywhere in its `try`. It never runs code, and conditions are not evaluated.
"""

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from kernel.objects import Severity
from synthesizer.rules.rule import About, Found, Rule, Subject
from synthesizer.rules.state import States, keeps

Paths = frozenset[tuple[bool, bool]]
"""What the paths that reach a point have done: (kept the covenant, wrote to the state). Empty: nothing reaches it."""

_NONE: Paths = frozenset()
_START: Paths = frozenset({(False, False)})


@dataclass(slots=True)
class _Loop:
    breaks: Paths = _NONE
    continues: Paths = _NONE


@dataclass(slots=True)
class _Reading:
    """One walk over a method. `returns` is what the paths have done that leave normally at a line."""

    states: States
    returns: dict[int, Paths] = field(default_factory=dict[int, Paths])
    loops: list[_Loop] = field(default_factory=list[_Loop])

    def block(self, body: Sequence[ast.stmt], paths: Paths) -> Paths:
        for statement in body:
            if not paths:
                break
            paths = self._statement(statement, paths)
        return paths

    def leave(self, line: int, paths: Paths) -> None:
        if paths:
            self.returns[line] = self.returns.get(line, _NONE) | paths

    def _statement(self, statement: ast.stmt, paths: Paths) -> Paths:  # noqa: C901, PLR0911 - one case each
        if self.states.written_by(statement):
            paths = _marked(paths, wrote=True)
        match statement:
            case ast.Return():
                self.leave(statement.lineno, paths)
                return _NONE
            case ast.Raise():
                return _NONE
            case ast.Break() | ast.Continue():
                return self._jump(statement, paths)
            case ast.If(body=body, orelse=orelse):
                return self.block(body, paths) | self.block(orelse, paths)
            case ast.While() | ast.For() | ast.AsyncFor():
                return self._loop(statement, paths)
            case ast.Try() | ast.TryStar():
                return self._try(statement, paths)
            case ast.With(body=body) | ast.AsyncWith(body=body):
                return self.block(body, paths)
            case ast.Match(cases=cases):
                ends = frozenset[tuple[bool, bool]]().union(*(self.block(case.body, paths) for case in cases))
                return ends if _is_irrefutable(cases[-1]) else ends | paths
            case _ if keeps(statement):
                return _marked(paths, kept=True)
            case _:
                return paths

    def _jump(self, statement: ast.stmt, paths: Paths) -> Paths:
        if isinstance(statement, ast.Break):
            self.loops[-1].breaks |= paths
        else:
            self.loops[-1].continues |= paths
        return _NONE

    def _loop(self, statement: ast.While | ast.For | ast.AsyncFor, paths: Paths) -> Paths:
        while True:
            self.loops.append(_Loop())
            end = self.block(statement.body, paths)
            loop = self.loops.pop()
            again = paths | end | loop.continues
            if again == paths:
                break
            paths = again
        ended = _NONE if is_endless(statement) else self.block(statement.orelse, paths)
        return ended | loop.breaks

    def _try(self, statement: ast.Try | ast.TryStar, paths: Paths) -> Paths:
        if any(keeps(item) for item in statement.finalbody):
            paths = _marked(paths, kept=True)  # whichever way the block is left, the covenant is kept
        inside = [item for part in statement.body for item in ast.walk(part) if isinstance(item, ast.stmt)]
        wrote = any(self.states.written_by(item) for item in inside)
        anywhere = paths | (_marked(paths, wrote=True) if wrote else _NONE)
        ends = self.block(statement.orelse, self.block(statement.body, paths))
        for case in statement.handlers:
            ends |= self.block(case.body, anywhere)
        return self.block(statement.finalbody, ends)


def is_endless(loop: ast.While | ast.For | ast.AsyncFor) -> bool:
    """Whether the loop's condition is a true constant."""
    return isinstance(loop, ast.While) and isinstance(loop.test, ast.Constant) and bool(loop.test.value)


def _is_irrefutable(case: ast.match_case) -> bool:
    return case.guard is None and isinstance(case.pattern, ast.MatchAs) and case.pattern.pattern is None


def _marked(paths: Paths, *, kept: bool = False, wrote: bool = False) -> Paths:
    return frozenset((was_kept or kept, had_written or wrote) for was_kept, had_written in paths)


def _returns(subject: Subject) -> dict[int, Paths]:
    """What has been done where the method returns; nothing where BAT201 has already said that no path keeps it."""
    if not _is_kept(subject):
        return {}
    reading = _Reading(States.of(subject.method))
    body = subject.method.body
    reading.leave(body[-1].end_lineno or body[-1].lineno, reading.block(body, _START))
    return reading.returns


def _own_statements(body: Sequence[ast.stmt]) -> Iterator[ast.stmt]:
    """The statements of a body, nested blocks included, nested functions not."""
    for statement in body:
        yield statement
        if not isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            inner = [item for item in ast.iter_child_nodes(statement) if isinstance(item, ast.stmt)]
            for part in ast.iter_child_nodes(statement):
                if isinstance(part, ast.ExceptHandler | ast.match_case):
                    inner += part.body
            yield from _own_statements(inner)


def _is_kept(subject: Subject) -> bool:
    return any(keeps(statement) for statement in _own_statements(subject.method.body))


def _nowhere(subject: Subject) -> Found:
    if not _is_kept(subject):
        yield subject.method.lineno, "the covenant is missing: make self._p_changed = True the first line"


def _lost(subject: Subject) -> Found:
    for line, paths in _returns(subject).items():
        if (False, True) in paths:
            yield line, "a path that changed the object ends here without self._p_changed = True, so its change is lost"


def _unkept(subject: Subject) -> Found:
    for line, paths in _returns(subject).items():
        if (False, False) in paths and (False, True) not in paths:
            yield line, "a path ends here without self._p_changed = True; make it the first line"


def _misused(subject: Subject) -> Found:
    kept = {id(item.targets[0]) for item in subject.nodes if isinstance(item, ast.Assign) and keeps(item)}
    for node in subject.nodes:
        if isinstance(node, ast.Attribute) and node.attr == "_p_changed" and id(node) not in kept:
            yield node.lineno, "_p_changed is only ever set: self._p_changed = True"


METHOD = (
    Rule(
        About(
            "BAT201",
            "A method keeps the Persistence Covenant: it sets self._p_changed = True.",
            "def example(self, by=1):\n    self.count = self.count + by\n    return self.count\n",
        ),
        _nowhere,
    ),
    Rule(
        About(
            "BAT202",
            "No path that changes the object returns without the covenant: its change would be lost.",
            "def example(self, by):\n    self.count += by\n    if by > 9:\n        return self.count\n"
            "    self._p_changed = True\n    return self.count\n",
        ),
        _lost,
    ),
    Rule(
        About(
            "BAT203",
            "Every path that returns keeps the covenant.",
            "def example(self, by):\n    if by == 0:\n        return self.count\n    self.count += by\n"
            "    self._p_changed = True\n    return self.count\n",
            Severity.WARNING,
        ),
        _unkept,
    ),
    Rule(
        About(
            "BAT204",
            "The covenant is one statement, self._p_changed = True, and nothing else is done with the flag.",
            "def example(self):\n    self._p_changed = True\n    self._p_changed = False\n",
        ),
        _misused,
    ),
)
