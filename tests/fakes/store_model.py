"""What a store is, in plain dictionaries: written from the contract's words, and of none of the store's own code.

Each question about a change answers with the reasons it may be refused for; none means that it must be made. Lookup
paths are Python's own method resolution order, of types made for it.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

Resolved = tuple[str, int, str] | None
"""Holder, number, and who pins it."""


@dataclass
class Row:
    active: int = 0
    latest: int = 0
    previous: int = 0
    retired: set[int] = field(default_factory=set[int])

    def move(self, number: int) -> None:
        if number != self.active:
            before = self.active or self.previous
            self.active, self.previous = number, 0 if before == number else before


@dataclass
class Thing:
    incarnation: str
    parents: list[str]
    never: tuple[str, ...] = ()
    slots: dict[str, int] = field(default_factory=dict[str, int])
    rows: dict[str, Row] = field(default_factory=dict[str, Row])
    pins: dict[str, tuple[str, int]] = field(default_factory=dict[str, tuple[str, int]])
    definition_revision: int = 0
    slots_revision: int = 0


class StoreModel:
    """One namespace."""

    def __init__(self, root: Thing) -> None:
        self.things: dict[str, Thing] = {"root": root}

    def path(self, name: str, parents: dict[str, list[str]] | None = None) -> list[str] | None:
        """The lookup path; None where there is no order, or a cycle."""
        up = parents if parents is not None else {item: thing.parents for item, thing in self.things.items()}
        made: dict[str, type] = {}

        def make(item: str, below: tuple[str, ...]) -> type:
            if item in below:
                raise TypeError("a cycle")
            if item not in made:
                bases = tuple(make(parent, (*below, item)) for parent in up[item])
                made[item] = type(item, bases, {})
            return made[item]

        try:
            return [each.__name__ for each in make(name, ()).__mro__[:-1]]
        except TypeError:
            return None

    def children(self, name: str) -> list[str]:
        return [item for item, thing in self.things.items() if name in thing.parents]

    def below(self, name: str) -> list[str]:
        """All that have the object on their path, itself first."""
        return [name, *(item for item in self.things if item != name and name in (self.path(item) or []))]

    def resolve(self, name: str, selector: str) -> Resolved:
        for item in self.path(name) or []:
            thing = self.things[item]
            if selector in thing.pins:
                holder, number = thing.pins[selector]
                return holder, number, item
            if selector in thing.rows and thing.rows[selector].active:
                return item, thing.rows[selector].active, ""
        return None

    def refused_new(self, name: str, parents: Sequence[str]) -> set[str]:
        why = {"OBJECT_EXISTS"} if name in self.things else set[str]()
        if missing(parents, self.things):
            why.add("OBJECT_NOT_FOUND")
        elif not why:
            up = {item: thing.parents for item, thing in self.things.items()} | {name: list(parents)}
            if self.path(name, up) is None:
                why.add("INCONSISTENT_PARENTS")
        return why

    def refused_parents(self, name: str, parents: Sequence[str]) -> set[str]:
        if name not in self.things or missing(parents, self.things):
            return {"OBJECT_NOT_FOUND"}
        up = {item: thing.parents for item, thing in self.things.items()} | {name: list(parents)}
        paths = {item: self.path(item, up) for item in self.things}
        if any(path is None for path in paths.values()):
            return {"INCONSISTENT_PARENTS"}
        off = (holder not in (paths[item] or []) for item, holder in self._pinned())
        return {"BAD_ARGUMENTS"} if any(off) else set()

    def refused_version(self, holder: str, selector: str, number: int) -> set[str]:
        """Why a version cannot be pointed to."""
        if holder not in self.things:
            return {"OBJECT_NOT_FOUND"}
        row = self.things[holder].rows.get(selector)
        known = row is not None and 0 <= number <= row.latest and number not in row.retired
        return set() if known else {"METHOD_NOT_FOUND"}

    def refused_pin(self, name: str, selector: str, number: int, holder: str) -> set[str]:
        if name not in self.things:
            return {"OBJECT_NOT_FOUND"} | ({"BAD_ARGUMENTS"} if holder and not number else set())
        if not number:
            return {"BAD_ARGUMENTS"} if holder else set()
        if not (wanted := holder or self.answering(name, selector)):
            return {"METHOD_NOT_FOUND"}
        if wanted not in (self.path(name) or []):
            return {"BAD_ARGUMENTS"}
        if self.things[name].pins.get(selector) == (wanted, number):
            return set()
        return self.refused_version(wanted, selector, number)

    def answering(self, name: str, selector: str) -> str:
        """Who holds what answers; empty where nobody does."""
        answer = self.resolve(name, selector)
        return answer[0] if answer else ""

    def _pinned(self) -> Iterator[tuple[str, str]]:
        for item, thing in self.things.items():
            for holder, _ in thing.pins.values():
                yield item, holder


def missing(names: Iterable[str], things: Iterable[str]) -> bool:
    known = set(things)
    return any(name not in known for name in names)
