"""What the suite promises beyond single objects, judged on what was seen. Law: pure; a breach is a line.

| promise                                                                  | judged by            |
|--------------------------------------------------------------------------|----------------------|
| a request id takes effect once, and its replies are equal                | `once`               |
| no sum is answered to two increments                                     | `once`               |
| a watcher sees each change once, in the order of revisions, none left out | `watched`            |
| a reply is of a state that was, no newer than its token                  | `tokens`             |
| AT_LEAST is no older than the token that was given                       | `tokens`             |
| what is changed together is never seen apart                             | `together`           |
| what each transaction keeps true is true at every revision               | `always`             |
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from fakes.history import Attempt, Outcome, operations, revision_of

Slots = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Change:
    """One part of one object at a revision, as a watcher was told; `slots` is None for a definition and where gone."""

    revision: int
    object_id: str
    part: int
    slots: Slots | None = None

    @property
    def key(self) -> tuple[int, str, int]:
        """What makes it one change."""
        return self.revision, self.object_id, self.part


@dataclass(slots=True)
class Seen:
    """What one watcher saw after a revision, up to another; `gaps` are what it was refused, as (after, upto)."""

    name: str
    after: int
    upto: int
    changes: list[Change] = field(default_factory=list[Change])
    gaps: list[tuple[int, int]] = field(default_factory=list[tuple[int, int]])

    def covers(self, revision: int) -> bool:
        """Whether it should have seen what happened then."""
        return self.after < revision <= self.upto and not any(low < revision <= high for low, high in self.gaps)


class States:
    """The slots of every object at every revision, from all that watchers saw together."""

    def __init__(self, watchers: Sequence[Seen]) -> None:
        self.changes = {change.key: change for seen in watchers for change in seen.changes}
        self._of: dict[str, list[Change]] = {}
        for change in sorted(self.changes.values(), key=lambda each: each.revision):
            if change.slots is not None:
                self._of.setdefault(change.object_id, []).append(change)

    def of(self, object_id: str) -> list[Change]:
        """The states of an object in order."""
        return self._of.get(object_id, [])

    def at(self, object_id: str, revision: int) -> Slots:
        """An object's slots at a revision; empty where it was not there."""
        found: Slots = {}
        for change in self.of(object_id):
            if change.revision > revision:
                break
            found = change.slots or {}
        return found


# The messages that answer the same whenever they run again, and those of them that change something whenever they run:
# what changes nothing, such as to write what is there, is not remembered.
_EQUAL = frozenset({"increment", "write"})
_EFFECTIVE = frozenset({"increment"})


def once(attempts: Sequence[Attempt]) -> list[str]:
    """Equal replies to one request id, and one of them at most not replayed; no sum given twice."""
    breaches: list[str] = []
    by_id: dict[str, list[Attempt]] = {}
    for each in attempts:
        if each.request_id and each.selector in _EQUAL:
            by_id.setdefault(each.request_id, []).append(each)
    for sent in by_id.values():
        group = [each for each in sent if each.outcome is Outcome.OK]
        first = [each for each in group if not each.replayed and each.selector in _EFFECTIVE]
        if len(first) > 1 or any(each.result != group[0].result for each in group):
            breaches.append("one request id, several effects: " + "; ".join(map(str, group)))
    sums: dict[tuple[str, object], Attempt] = {}
    for each in operations(each for each in attempts if each.outcome is Outcome.OK):
        if each.selector == "increment":
            other = sums.setdefault((each.receiver, each.result), each)
            if other is not each:
                breaches.append(f"one sum, two increments: {other}; {each}")
    return breaches


def watched(watchers: Sequence[Seen]) -> list[str]:
    """Each watcher: in order, nothing twice, and everything that another one saw while it was watching."""
    breaches: list[str] = []
    known = States(watchers).changes
    for seen in watchers:
        last, had = 0, dict[tuple[int, str, int], Change]()
        for change in seen.changes:
            if change.revision < last:
                breaches.append(f"{seen.name} was told {change} after revision {last}")
            if change.key in had:
                breaches.append(f"{seen.name} was told {change} twice")
            if change != known[change.key]:
                breaches.append(f"{seen.name} was told {change}, another one {known[change.key]}")
            last, had[change.key] = change.revision, change
        missed = [change for key, change in known.items() if key not in had and seen.covers(change.revision)]
        breaches += [f"{seen.name} was not told {change}" for change in missed]
    return breaches


def tokens(attempts: Iterable[Attempt], states: States, slot: str) -> list[str]:
    """Replies of counters, whose `slot` only grows: a sum is no newer than the token, nor older than AT_LEAST's."""
    breaches: list[str] = []
    for each in attempts:
        if each.outcome is not Outcome.OK or each.selector not in {"increment", "read"}:
            continue
        newest = _sum(states.at(each.receiver, each.revision), slot)
        if each.result > newest:
            breaches.append(f"newer than its token, at which it was {newest}: {each}")
        oldest = _sum(states.at(each.receiver, revision_of(each.after)), slot) if each.after else 0
        if each.result < oldest and each.consistency == "at_least":
            breaches.append(f"older than the token asked for, at which it was {oldest}: {each}")
    return breaches


def _sum(slots: Slots, slot: str) -> int:
    found = slots.get(slot, 0)
    assert isinstance(found, int)
    return found


def together(attempts: Iterable[Attempt], selector: str) -> list[str]:
    """Every answer to `selector` is a list of equal values."""
    answers = [each for each in attempts if each.outcome is Outcome.OK and each.selector == selector]
    return [f"seen apart: {each}" for each in answers if len(set(each.result)) != 1]


def always(states: States, objects: Sequence[str], holds: Callable[[Sequence[Slots]], bool], what: str) -> list[str]:
    """Something is true of some objects at each revision that changed one of them, once all of them are there."""
    revisions = sorted({change.revision for each in objects for change in states.of(each)})
    begin = max((states.of(each)[0].revision for each in objects if states.of(each)), default=0)
    breaches: list[str] = []
    for revision in revisions:
        found = [states.at(each, revision) for each in objects]
        if revision >= begin and not holds(found):
            breaches.append(f"{what} does not hold at revision {revision}: {found}")
    return breaches
