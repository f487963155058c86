"""BAT2xx: the Persistence Covenant. Law: a method that changes its object says so, `self._p_changed = True`.

Without it nothing of the activation is written, so a path that writes and returns without it loses the write in
silence: an error. A path that is not seen to write and returns without it loses nothing: a warning, because an early
`return None` is what people and models write, and because a write through a name the reading cannot follow stays
possible (a trial with a state after it decides then).

The reading follows every path through the method's own statements as a set of (kept, wrote): branches join, loops run
to a fixpoint, an `except` begins before any statement of its `try` that may raise, since `self.n = int(text)` raises
before it writes. It never runs code, and conditions are not evaluated.
"""

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from kernel.objects import Severity
from synthesizer.rules.rule import About, Found, Method, Paths, Rule, Subject, line_of
from synthesizer.rules.state import SELF, States, is_calm, keeps


@dataclass(frozen=True, slots=True)
class _At:
    """What is known at a point: its paths, and the names that may stand for a part of the state there."""

    paths: Paths = frozenset()
    parts: frozenset[str] = frozenset()

    def __or__(self, other: "_At") -> "_At":
        if not (self.paths and other.paths):
            return self if self.paths else other
        return _At(self.paths | other.paths, self.parts | other.parts)

    @property
    def is_kept(self) -> bool:
        """Whether nothing can be lost any more, whatever is written."""
        return all(kept for kept, _ in self.paths)

    def kept(self) -> "_At":
        return _At(frozenset((True, wrote) for _, wrote in self.paths), self.parts)

    def wrote(self) -> "_At":
        return _At(frozenset((kept, True) for kept, _ in self.paths), self.parts)


_NOWHERE = _At()


@dataclass(slots=True)
class _Loop:
    breaks: _At = _NOWHERE
    continues: _At = _NOWHERE


@dataclass(slots=True)
class _Reading:
    """One walk over a method. `returns` is what the paths have done that leave normally at a line.

    `raised` has what is known where each `try` around the point may be left by an exception. `entries` is what has
    entered each loop so far: a loop that is read again begins there, so that nested ones are read in linear time.
    """

    states: States
    returns: dict[int, Paths] = field(default_factory=dict[int, Paths])
    loops: list[_Loop] = field(default_factory=list[_Loop])
    raised: list[_At] = field(default_factory=list[_At])
    entries: dict[int, _At] = field(default_factory=dict[int, _At])

    def block(self, body: Sequence[ast.stmt], at: _At) -> _At:
        for statement in body:
            if not at.paths:
                break
            at = self._statement(statement, at)
        return at

    def leave(self, line: int, at: _At) -> None:
        if at.paths:
            self.returns[line] = self.returns.get(line, frozenset()) | at.paths

    def _statement(self, statement: ast.stmt, at: _At) -> _At:
        if isinstance(statement, ast.While | ast.For | ast.AsyncFor):
            return self._loop(statement, at)
        if not is_calm(statement):
            self._may_raise(at)
        before, at = at, self._written(statement, at)
        if at != before and not self.states.effect(statement).at_last:
            self._may_raise(at)
        return self._went(statement, self._bound(statement, at))

    def _went(self, statement: ast.stmt, at: _At) -> _At:  # noqa: PLR0911 - one case each
        match statement:
            case ast.Return():
                self.leave(statement.lineno, at)
                return _NOWHERE
            case ast.Raise():
                return _NOWHERE
            case ast.Break() | ast.Continue():
                return self._jump(statement, at)
            case ast.If(body=body, orelse=orelse):
                return self.block(body, at) | self.block(orelse, at)
            case ast.Try() | ast.TryStar():
                return self._try(statement, at)
            case ast.With(body=body) | ast.AsyncWith(body=body):
                return self.block(body, at)
            case ast.Match(cases=cases):
                ends = _NOWHERE if _is_irrefutable(cases[-1]) else at
                for case in cases:
                    ends |= self.block(case.body, at)
                return ends
            case _:
                return at.kept() if keeps(statement) else at

    def _may_raise(self, at: _At) -> None:
        if self.raised:
            self.raised[-1] |= at

    def _written(self, statement: ast.stmt, at: _At) -> _At:
        effect = self.states.effect(statement)
        if not effect.writes or at.is_kept:
            return at
        inside = at.parts | effect.inner
        return at.wrote() if SELF in effect.writes or effect.writes & inside else at

    def _bound(self, statement: ast.stmt, at: _At) -> _At:
        effect = self.states.effect(statement)
        if not effect.binds or at.is_kept:
            return at
        inside = at.parts | effect.inner if effect.inner else at.parts
        new = {name for name, leaves in effect.binds if SELF in leaves or leaves & inside}
        old = {name for name, _ in effect.binds if name in at.parts}
        return at if new == old else _At(at.paths, at.parts - (old - new) | (new - old))

    def _jump(self, statement: ast.Break | ast.Continue, at: _At) -> _At:
        if isinstance(statement, ast.Break):
            self.loops[-1].breaks |= at
        else:
            self.loops[-1].continues |= at
        return _NOWHERE

    def _loop(self, statement: ast.While | ast.For | ast.AsyncFor, at: _At) -> _At:
        # What a later turn binds is there at the start of the next; so one pass finds all names.
        again = _At(at.paths, at.parts | self.states.rebound_in(statement)) | self.entries.get(id(statement), _NOWHERE)
        while True:
            head = again | self._written(statement, again)
            self._may_raise(head)
            self.loops.append(_Loop())
            end = self.block(statement.body, self._bound(statement, head))
            loop = self.loops.pop()
            grown = again | end | loop.continues
            if grown.paths == again.paths:
                break
            again = grown
        self.entries[id(statement)] = again
        ended = _NOWHERE if is_endless(statement) else self.block(statement.orelse, self._written(statement, again))
        return ended | loop.breaks

    def _try(self, statement: ast.Try | ast.TryStar, at: _At) -> _At:
        final = statement.finalbody
        if any(keeps(item) for item in final):
            at = at.kept()  # whichever way the block is left, the covenant is kept
        outer, self.returns = self.returns, {}
        self.loops.append(_Loop())
        self.raised.append(_NOWHERE)
        ends = self.block(statement.body, at)
        caught = self.raised.pop()
        ends = self.block(statement.orelse, ends)
        for case in statement.handlers:
            ends |= self.block(case.body, caught)
        inner, self.returns, jumps = self.returns, outer, self.loops.pop()
        writes = any(self._written(item, at | caught) != at | caught for item in _own_statements(final))

        def finished(left: _At) -> _At:
            return left | left.wrote() if writes else left

        for line, paths in inner.items():
            self.leave(line, finished(_At(paths)))
        if self.loops:
            self.loops[-1].breaks |= finished(jumps.breaks)
            self.loops[-1].continues |= finished(jumps.continues)
        if not any(_catches_all(case) for case in statement.handlers):
            self._may_raise(finished(caught))
        return self.block(final, ends)


def is_endless(loop: ast.While | ast.For | ast.AsyncFor) -> bool:
    """Whether the loop's condition is a true constant."""
    return isinstance(loop, ast.While) and isinstance(loop.test, ast.Constant) and bool(loop.test.value)


def _is_irrefutable(case: ast.match_case) -> bool:
    return case.guard is None and isinstance(case.pattern, ast.MatchAs) and case.pattern.pattern is None


def _catches_all(case: ast.ExceptHandler) -> bool:
    return case.type is None or (isinstance(case.type, ast.Name) and case.type.id == "Exception")


def returns(method: Method, nodes: Sequence[ast.AST]) -> dict[int, Paths]:
    """What has been done at each line where the method returns; nothing where no path keeps the covenant (BAT201)."""
    if not _is_kept(method):
        return {}
    reading = _Reading(States.of(nodes))
    body = method.body
    reading.leave(body[-1].end_lineno or body[-1].lineno, reading.block(body, _At(frozenset({(False, False)}))))
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


def _is_kept(method: Method) -> bool:
    return any(keeps(statement) for statement in _own_statements(method.body))


def _nowhere(subject: Subject) -> Found:
    if not _is_kept(subject.method):
        yield subject.method.lineno, "the covenant is missing: make self._p_changed = True the first line"


def _lost(subject: Subject) -> Found:
    for line, paths in subject.returns.items():
        if (False, True) in paths:
            yield line, "a path that changed the object ends here without self._p_changed = True, so its change is lost"


def _unkept(subject: Subject) -> Found:
    for line, paths in subject.returns.items():
        if (False, False) in paths and (False, True) not in paths:
            yield line, "a path ends here without self._p_changed = True; make it the first line"


def _misused(subject: Subject) -> Found:
    kept = {id(item.targets[0]) for item in subject.nodes if isinstance(item, ast.Assign) and keeps(item)}
    for node in subject.nodes:
        match node:
            case ast.Attribute(attr="_p_changed") if id(node) not in kept:
                pass
            case ast.Call(func=ast.Name(id="getattr" | "hasattr"), args=[_, ast.Constant(value="_p_changed"), *_]):
                pass
            case ast.MatchClass(kwd_attrs=names) if "_p_changed" in names:
                pass
            case _:
                continue
        yield line_of(node), "_p_changed is only ever set: self._p_changed = True"


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
