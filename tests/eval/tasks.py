"""Messages that nothing understands, each with a reference. Law: what must come of a call is what the reference gives.

A task shows its first two calls as examples; the others are hidden, and judge what was installed. No result is written
down by hand: each is what the reference does in the sandbox that methods run in. `@other/object` in a slot or argument
is a reference to an object.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, cast

from activation.examples import Tryout
from activation.run import Activator
from kernel.messages import Example, Failure
from kernel.objects import DEFAULT_NAMESPACE, MethodVersion, ObjectId, Selector
from kernel.signature import parse_method
from kernel.values import Reference, SlotValues, Value
from objectstore.store import Draft, NewObject, Store
from synthesizer.snapshot import StoreSnapshot

FOLDER = Path(__file__).parent
SHOWN = 2  # calls that the sender gives as examples
HALVES = ("open", "held_out")
# What the objects around answer, so that methods can send to them.
_METHODS: Mapping[str, Sequence[str]] = {
    "counter": (
        "def increment(self):\n    self.count = self.count + 1\n    self._p_changed = True\n    return self.count\n",
        "def current(self):\n    return self.count\n",
    ),
    "account": (
        "def deposit(self, amount):\n    self.balance += amount\n    self._p_changed = True\n    return self.balance\n",
    ),
    "door": ("def toggle(self):\n    self.on = not self.on\n    self._p_changed = True\n    return self.on\n",),
    "list": (
        "def remember(self, text):\n    self.words += [text]\n    self._p_changed = True\n    return len(self.words)\n",
    ),
}


@dataclass(frozen=True, slots=True)
class Task:
    """What is asked for, the source that does it, and calls: slots before and keywords."""

    group: str
    selector: Selector
    parameters: tuple[str, ...]
    intent: str
    body: str
    calls: Sequence[tuple[SlotValues, SlotValues]]
    others: Mapping[ObjectId, SlotValues]

    @property
    def receiver(self) -> ObjectId:
        """The object that is asked."""
        return ObjectId(f"task/{self.selector}")

    @property
    def reference(self) -> MethodVersion:
        """The method that is right."""
        lines = "".join(f"    {line}\n" for line in ("self._p_changed = True", *self.body.split("\n")))
        source = f"def {self.selector}({', '.join(('self', *self.parameters))}):\n{lines}"
        return self.method(source)

    def method(self, source: str) -> MethodVersion:
        """A source as a method of the receiver."""
        digest = sha256(source.encode()).hexdigest()
        return MethodVersion(self.receiver, self.selector, 1, source, digest, parse_method(source, self.selector))

    async def examples(self, tryout: Tryout) -> Sequence[Example]:
        """All calls with what the reference makes of them. Raises ValueError where it does not answer one."""
        found: list[Example] = []
        for before, keywords in self.calls:
            ask = Example(None, before, (), keywords, others=self.others)
            seen = await tryout.observe(self.reference, self.receiver, ask)
            if isinstance(seen.outcome, Failure):
                raise ValueError(f"{self.selector}: the reference fails: {seen.text}")  # noqa: TRY004 - a wrong task
            found.append(Example(seen.outcome, before, (), keywords, others=self.others, after=seen.after))
        return found

    async def prepare(self, store: Store, activator: Activator) -> Tryout:
        """Make the objects that the task needs, in a store of its own, and what tries methods on them."""
        namespace = DEFAULT_NAMESPACE
        for name in sorted({ObjectId(each.split("/")[0]) for each in self.others}):
            await store.create(namespace, NewObject(name))
            for source in _METHODS[name]:
                selector = Selector(source.removeprefix("def ").partition("(")[0])
                await store.register(namespace, Draft(name, selector, source), activate=True)
        for name, slots in self.others.items():
            await store.create(namespace, NewObject(name, [ObjectId(name.split("/")[0])], slots=slots))
        await store.create(namespace, NewObject(self.receiver, slots=self.calls[0][0]))
        return Tryout(activator, StoreSnapshot(store, namespace), namespace)


def load(half: str) -> list[Task]:
    """The tasks of one half, `open` or `held_out`."""
    entries = cast("list[dict[str, Any]]", json.loads((FOLDER / f"{half}.json").read_text()))
    return [_task(entry) for entry in entries]


def is_as_set_aside() -> bool:
    """Whether the half that was set aside is as it was then."""
    told = (FOLDER / "held_out.sha256").read_text().split()[0]
    return sha256((FOLDER / "held_out.json").read_bytes()).hexdigest() == told


def _task(entry: Mapping[str, Any]) -> Task:
    return Task(
        entry["group"],
        Selector(entry["selector"]),
        tuple(entry["parameters"]),
        entry["intent"],
        entry["body"],
        [(_slots(before), _slots(keywords)) for before, keywords in entry["calls"]],
        {ObjectId(name): _slots(slots) for name, slots in entry["others"].items()},
    )


def _slots(values: Mapping[str, Any]) -> SlotValues:
    return {name: _value(value) for name, value in values.items()}


def _value(value: Any) -> Value:
    match value:
        case str() if value.startswith("@"):
            return Reference(value[1:])
        case list():
            return [_value(item) for item in cast("list[Any]", value)]
        case dict():
            return _slots(cast("dict[str, Any]", value))
        case _:
            return value
