"""Whether a history of one object could be real. Law: it fails only where no order of effects explains it.

The search is that of Wing and Gong (1993) as Lowe remembers it (2017): take any operation that began before all the
others ended, if the state allows its result; never visit the same state after the same operations twice. An operation
that only observes is taken as soon as the state allows it. One whose outcome is unknown may be taken at any time after
it began, or never; those of an object are alike, so that the one that began first is as good as any.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from fakes.history import NEVER, Attempt, Outcome

REFUSED: Final = object()
SHOWN: Final = 12
MOST_NODES: Final = 2_000_000

_Node = tuple[int, int, Any, int]
"""The first operation not taken, which of those after it are taken (a bit each), the state, unknown ones taken."""


class Undecided(Exception):
    """The search grew beyond its bound; nothing is said about the history."""


@dataclass(frozen=True, slots=True)
class Model:
    """What an object may do: `step` gives the state after an operation with its result, or REFUSED.

    `prepare` may narrow what is unknown, where the model's own values tell more.
    """

    initial: Any
    step: Callable[[Any, Attempt], Any]
    observers: frozenset[str]
    prepare: Callable[[Sequence[Attempt]], list[Attempt]] = list[Attempt]


def counter(initial: int = 0) -> Model:
    """`increment` adds one and answers the sum; `read` answers it."""

    def step(state: int, one: Attempt) -> Any:
        after = state + (one.selector == "increment")
        return after if one.outcome is Outcome.UNKNOWN or one.result == after else REFUSED

    return Model(initial, step, frozenset({"read"}))


def register(initial: object = None) -> Model:
    """`write` puts its argument, each another one; `read` answers what was put last."""

    def step(state: object, one: Attempt) -> Any:
        if one.selector == "write":
            return one.arguments[0]
        return state if one.result == state else REFUSED

    return Model(initial, step, frozenset({"read"}), _seen_writes)


def _seen_writes(known: Sequence[Attempt]) -> list[Attempt]:
    """An unknown write that nobody saw changes nothing for anybody; one that was seen took effect before that."""
    seen: dict[object, float] = {}
    for each in known:
        if each.selector == "read":
            seen[each.result] = min(seen.get(each.result, NEVER), each.ended)
    found: list[Attempt] = []
    for each in known:
        if each.outcome is not Outcome.UNKNOWN:
            found.append(each)
        elif each.arguments[0] in seen:
            found.append(replace(each, outcome=Outcome.OK, ended=seen[each.arguments[0]]))
    return found


def explain(history: Iterable[Attempt], model: Model) -> str:
    """Empty where an order of effects explains the history of one object; else what could not be explained.

    Raises Undecided where the search takes more than 2,000,000 steps.
    """
    mattering = [each for each in history if each.outcome is not Outcome.FAILED and not _unseen(each, model)]
    return _Search(model.prepare(mattering), model).run()


def _unseen(one: Attempt, model: Model) -> bool:
    return one.outcome is Outcome.UNKNOWN and one.selector in model.observers


class _Search:
    def __init__(self, history: Sequence[Attempt], model: Model) -> None:
        ordered = sorted(history, key=lambda each: each.began)
        self._known = [each for each in ordered if each.outcome is Outcome.OK]
        self._maybe = [each for each in ordered if each.outcome is Outcome.UNKNOWN]
        self._model = model

    def run(self) -> str:
        """Depth first: what is known before what is not."""
        best: _Node = (0, 0, self._model.initial, 0)
        stack: list[_Node] = [best]
        seen = set[_Node]()
        while stack:
            node = stack.pop()
            if node in seen:
                continue
            seen.add(node)
            if node[0] == len(self._known):
                return ""
            if len(seen) > MOST_NODES:
                raise Undecided(self._stuck(best))
            if _taken(node) > _taken(best):
                best = node
            stack.extend(reversed(self._after(node)))
        return self._stuck(best)

    def _after(self, node: _Node) -> list[_Node]:
        first, mask, state, used = node
        candidates, bound = self._candidates(first, mask)
        found: list[_Node] = []
        for index in candidates:
            one = self._known[index]
            if one.began > bound or (after := self._model.step(state, one)) is REFUSED:
                continue
            taken = _normal(first, mask | 1 << (index - first), after, used)
            if one.selector in self._model.observers:
                return [taken]
            found.append(taken)
        if used < len(self._maybe) and self._maybe[used].began <= bound:
            after = self._model.step(state, self._maybe[used])
            if after is not REFUSED:
                found.append((first, mask, after, used + 1))
        return found

    def _candidates(self, first: int, mask: int) -> tuple[list[int], float]:
        """Those not taken that may come next, and the time by which one of them must have."""
        found: list[int] = []
        bound, index = NEVER, first
        while index < len(self._known) and self._known[index].began <= bound:
            if not mask >> (index - first) & 1:
                found.append(index)
                bound = min(bound, self._known[index].ended)
            index += 1
        return found, bound

    def _stuck(self, node: _Node) -> str:
        first, mask, state, used = node
        candidates, _ = self._candidates(first, mask)
        left = [str(self._known[index]) for index in candidates[:SHOWN]]
        left += [str(each) for each in self._maybe[used:][:SHOWN]]
        text = f"no order explains more than {_taken(node)} of {len(self._known)} operations; after them the state is "
        return "\n  ".join([f"{text}{state!r}, and none of these may follow:", *left])


def _taken(node: _Node) -> int:
    return node[0] + node[1].bit_count()


def _normal(first: int, mask: int, state: Any, used: int) -> _Node:
    while mask & 1:
        first, mask = first + 1, mask >> 1
    return first, mask, state, used
