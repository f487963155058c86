"""The messages that nothing understands yet. Law: drawn by a seed; what must come of each is known."""

import json
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from batos.examples import Example, examples_from_json
from batos.json_values import from_json
from batos.values import to_wire

FILE = Path(__file__).parent / "messages.json"
RECEIVERS: Mapping[str, str] = {"counter": "counter/main", "feed": "feed/acme", "text": "text/helper"}


@dataclass(frozen=True, slots=True)
class Task:
    """One message, the slots its receiver has when it is sent, and the result it must have."""

    receiver: str
    selector: str
    intent: str
    arguments: Sequence[object]
    keywords: Mapping[str, object]
    before: Mapping[str, object]
    examples: Sequence[Example]
    expected: object

    @property
    def name(self) -> str:
        """Receiver and selector."""
        return f"{self.receiver}.{self.selector}"

    def fits(self, result: object) -> bool:
        """Whether a result is the one expected: 1, 1.0 and True differ."""
        return canonical(result) == canonical(self.expected)


def canonical(value: object) -> bytes:
    """The same bytes for the same value, whatever the order of its maps."""
    return to_wire(value).SerializeToString(deterministic=True)


def load() -> list[Task]:
    """All messages of the file."""
    return [_task(entry) for entry in cast("list[dict[str, Any]]", json.loads(FILE.read_text()))]


def draw(tasks: Sequence[Task], count: int, seed: int) -> list[Task]:
    """`count` of them by the seed, each receiver among them where `count` allows."""
    chosen = random.Random(seed)  # noqa: S311 - what is drawn should be drawn again by the same seed
    first = [chosen.choice([task for task in tasks if task.receiver == receiver]) for receiver in RECEIVERS.values()]
    rest = chosen.sample([task for task in tasks if task not in first], max(0, count - len(first)))
    drawn = [*first, *rest][:count]
    chosen.shuffle(drawn)
    return drawn


def _task(entry: Mapping[str, Any]) -> Task:
    return Task(
        receiver=RECEIVERS[entry["group"]],
        selector=entry["selector"],
        intent=entry["intent"],
        arguments=[from_json(item) for item in entry.get("arguments", [])],
        keywords={name: from_json(item) for name, item in entry.get("keywords", {}).items()},
        before={name: from_json(item) for name, item in entry.get("before", {}).items()},
        examples=examples_from_json(entry["examples"]),
        expected=from_json(entry["expected"]),
    )
