"""The object model as plain Python, to compare the real one with. Law: nothing of the suite is used here.

A world is all objects at one moment. A message is answered by one pass over nested dictionaries: lookup is Python's own
order of bases, a savepoint is a copy, a commit is another world.
"""

from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any, Final

Slots = dict[str, Any]


@dataclass(slots=True)
class Thing:
    """One object: parents in order, slots, which template answers a selector, and every version in the order made."""

    parents: tuple[str, ...]
    slots: Slots
    methods: dict[str, str] = field(default_factory=dict[str, str])
    versions: dict[str, list[str]] = field(default_factory=dict[str, list[str]])


class Failed(Exception):
    """The message failed with a reason; `kind` is the exception a method raised."""

    def __init__(self, reason: str, kind: str = "") -> None:
        super().__init__(reason, kind)
        self.reason, self.kind = reason, kind


@dataclass(frozen=True, slots=True)
class Template:
    """One method: its source, and the same in terms of a world."""

    selector: str
    source: str
    does: Callable[["Run", str, str, Sequence[Any]], Any]


@dataclass(slots=True)
class World:
    """All objects at the store's `revision`."""

    revision: int = 0
    things: dict[str, Thing] = field(default_factory=dict[str, Thing])

    def path(self, name: str) -> list[str] | None:
        """The lookup path; None where no order keeps every object before its parents."""
        kinds: dict[str, type] = {}

        def kind(of: str) -> type:
            if of not in kinds:
                kinds[of] = type(of, tuple(kind(parent) for parent in self.things[of].parents) or (object,), {})
            return kinds[of]

        try:
            return [each.__name__ for each in kind(name).__mro__ if each is not object]
        except (TypeError, RecursionError):
            return None

    @property
    def consistent(self) -> bool:
        """Whether every object has a lookup path."""
        return all(self.path(name) is not None for name in self.things)

    def children(self, name: str) -> list[str]:
        """Those whose parent it is."""
        return [child for child, thing in self.things.items() if name in thing.parents]

    def after(self, receiver: str, selector: str, arguments: Sequence[Any]) -> tuple[Any, "World"]:
        """The result of a message, and the world then. Raises Failed; then the world is as it was."""
        run = Run(deepcopy(self))
        result = run.send(receiver, selector, arguments)
        return result, run.world


@dataclass(slots=True)
class Run:
    """One message and what it leads to."""

    world: World

    def send(self, receiver: str, selector: str, arguments: Sequence[Any], above: str = "") -> Any:
        """A send, nested or not; undone where it fails. `above` asks the holders after that one."""
        if receiver not in self.world.things:
            raise Failed("OBJECT_NOT_FOUND", "LookupError")
        path = self.world.path(receiver)
        assert path is not None
        asked = path[path.index(above) + 1 :] if above else path
        holder = next((name for name in asked if selector in self.world.things[name].methods), None)
        if holder is None:
            raise Failed("NOT_UNDERSTOOD")
        before = {name: deepcopy(thing.slots) for name, thing in self.world.things.items()}
        template = TEMPLATES[self.world.things[holder].methods[selector]]
        try:
            return template.does(self, receiver, holder, arguments)
        except Failed:
            for name, slots in before.items():
                self.world.things[name].slots = slots
            raise

    def add(self, name: str, by: int) -> int:
        """Add to a slot; the sum."""
        slots = self.world.things[name].slots
        slots["count"] = slots.get("count", 0) + by
        return slots["count"]


def _raised(failed: Failed) -> Failed:
    """What a method's own failure is for its sender: nested failures that it did not catch are its own."""
    if failed.reason == "OBJECT_NOT_FOUND":
        return Failed("METHOD_RAISED", failed.kind)
    return failed


def _boom(run: Run, me: str, holder: str, arguments: Sequence[Any]) -> Any:
    run.add(me, 1000)
    run.send(me, "add", [1])  # what was written before a send is undone too
    raise Failed("METHOD_RAISED", "ValueError")


def _forget(run: Run, me: str, holder: str, arguments: Sequence[Any]) -> Any:
    return run.world.things[me].slots.get("count", 0) + arguments[0]


def _above(run: Run, me: str, holder: str, arguments: Sequence[Any]) -> Any:
    run.add(me, 1)
    return [run.send(me, "add", arguments, above=holder)]


def _relay(run: Run, me: str, holder: str, arguments: Sequence[Any]) -> Any:
    run.add(me, 1)
    try:
        got = run.send(arguments[0], "add", [arguments[1]])
    except Failed as failed:
        raise _raised(failed) from None
    return [run.add(me, 1), got]


def _caught(run: Run, me: str, holder: str, arguments: Sequence[Any]) -> Any:
    run.add(me, 1)
    try:
        return [run.send(arguments[0], "boom", [])]
    except Failed as failed:
        if failed.kind not in {"ValueError", "LookupError"}:
            raise
        return run.add(me, 10)


def _twice(run: Run, me: str, holder: str, arguments: Sequence[Any]) -> Any:
    run.add(me, 1)
    run.send(me, "add", [arguments[0]])
    return run.add(me, 1)


_COUNT: Final = "self.count = (self.count if hasattr(self, 'count') else 0)"


def _source(first: str, *lines: str) -> str:
    return "\n    ".join([f"def {first}:", *lines]) + "\n"


_KEEP: Final = "self._p_changed = True"
TEMPLATES: Final = {
    "add": Template(
        "add",
        _source("add(self, by)", f"{_COUNT} + by", _KEEP, "return self.count"),
        lambda run, me, holder, arguments: run.add(me, arguments[0]),
    ),
    "double": Template(
        "add",
        _source("add(self, by)", f"{_COUNT} + 2 * by", _KEEP, "return self.count"),
        lambda run, me, holder, arguments: run.add(me, 2 * arguments[0]),
    ),
    "above": Template("add", _source("add(self, by)", f"{_COUNT} + 1", _KEEP, "return [self.resend(by)]"), _above),
    "get": Template(
        "get",
        _source("get(self)", _KEEP, "return getattr(self, 'count', None)"),
        lambda run, me, holder, arguments: run.world.things[me].slots.get("count"),
    ),
    "boom": Template(
        "boom", _source("boom(self)", f"{_COUNT} + 1000", _KEEP, "self.add(1)", "raise ValueError('boom')"), _boom
    ),
    "forget": Template("forget", _source("forget(self, by)", f"{_COUNT} + by", "return self.count"), _forget),
    "relay": Template(
        "relay",
        _source(
            "relay(self, other, by)",
            f"{_COUNT} + 1",
            _KEEP,
            "got = self.send(other, 'add', by)",
            "self.count = self.count + 1",
            "return [self.count, got]",
        ),
        _relay,
    ),
    "caught": Template(
        "caught",
        _source(
            "caught(self, other)",
            f"{_COUNT} + 1",
            _KEEP,
            "try:",
            "    return [self.send(other, 'boom')]",
            "except (ValueError, LookupError):",
            "    self.count = self.count + 10",
            "return self.count",
        ),
        _caught,
    ),
    "twice": Template(
        "twice",
        _source(
            "twice(self, by)",
            f"{_COUNT} + 1",
            _KEEP,
            "self.add(by)",
            "self.count = self.count + 1",
            "return self.count",
        ),
        _twice,
    ),
}
