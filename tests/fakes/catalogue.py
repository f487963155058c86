"""The demonstration's messages, and an honest method for each: what a perfect model would answer."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kernel.messages import Example
from kernel.objects import ObjectId, Selector

FILE = Path(__file__).parents[2] / "demo" / "messages.json"
ANSWERS = Path(__file__).with_name("answers")


@dataclass(frozen=True, slots=True)
class Entry:
    """A message of the catalogue. `sent` is the message itself as an example: its state, arguments and result."""

    name: str
    selector: Selector
    intent: str
    examples: tuple[Example, ...]
    sent: Example

    @property
    def source(self) -> str:
        """The honest method."""
        return (ANSWERS / f"{self.name}.py").read_text()


def catalogue() -> list[Entry]:
    """All messages, in the file's order."""
    return [_entry(each) for each in json.loads(FILE.read_text())]


def receiver(entry: Entry) -> ObjectId:
    """Some object of the entry's group."""
    return ObjectId(f"{entry.name.split('_', 1)[0]}/some")


def _entry(given: Mapping[str, Any]) -> Entry:
    examples = tuple(_example(each) for each in given["examples"])
    sent = Example(
        given["expected"], given.get("before", {}), tuple(given.get("arguments", ())), given.get("keywords", {})
    )
    return Entry(f"{given['group']}_{given['selector']}", Selector(given["selector"]), given["intent"], examples, sent)


def _example(given: Mapping[str, Any]) -> Example:
    unknown = set(given) - {"before", "args", "kw", "result", "after"}
    assert not unknown, f"an example has no {unknown}"
    return Example(
        given["result"],
        given.get("before", {}),
        tuple(given.get("args", ())),
        given.get("kw", {}),
        after=given.get("after"),
    )
