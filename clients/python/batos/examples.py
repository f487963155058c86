"""Examples: a message and what must come of it. Law: the same facts as an object of Python and as JSON.

As JSON, every key but the outcome may be left out; the outcome is `result` or `error`:

    {"before": {"count": 1}, "args": [], "kw": {"by": 2}, "now": "2026-01-31T12:00:00Z", "seed": 1,
     "others": {"unit/eur": {"rate": 1.0}}, "result": 3, "after": {"count": 3}, "tolerance": 0.0}
    {"before": {}, "kw": {"by": "x"}, "error": "METHOD_RAISED", "exception": "TypeError", "after_contains": {}}
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import cast

from google.protobuf.timestamp_pb2 import Timestamp

from batos.json_values import BadJsonError, from_json, to_json
from batos.v1 import object_pb2 as pb
from batos.values import from_wire, map_from_wire, map_to_wire, to_wire

EPOCH_2000 = datetime(2000, 1, 1, tzinfo=UTC)  # the clock of a run where an example names none
KEYS = (
    *("before", "args", "kw", "now", "seed", "others"),
    *("result", "error", "exception", "after", "after_contains", "tolerance"),
)


@dataclass(frozen=True, slots=True)
class Raises:
    """The failure an example expects: the reason, and the exception's name for METHOD_RAISED (empty: any)."""

    reason: str = "METHOD_RAISED"
    exception: str = ""


@dataclass(frozen=True, slots=True)
class Example:
    """A message and what must come of it: the outcome is a result, or Raises.

    `after` compares all slots, `after_contains` only those it names; `tolerance` is absolute, for floats.
    """

    outcome: object
    arguments: Sequence[object] = ()
    keywords: Mapping[str, object] = field(default_factory=dict[str, object])
    before: Mapping[str, object] = field(default_factory=dict[str, object])
    now: datetime | None = None
    seed: int = 0
    others: Mapping[str, Mapping[str, object]] = field(default_factory=dict[str, Mapping[str, object]])
    after: Mapping[str, object] | None = None
    after_contains: Mapping[str, object] | None = None
    tolerance: float = 0.0

    def to_wire(self) -> pb.Example:
        """The message. Raises BadValueError for what no value can be."""
        wire = pb.Example(
            state_before=_slots(self.before),
            arguments=[to_wire(item) for item in self.arguments],
            keywords=map_to_wire(self.keywords),
            seed=self.seed,
            others={name: _slots(slots) for name, slots in self.others.items()},
            tolerance=self.tolerance,
        )
        if self.now is not None:
            wire.now.CopyFrom(_timestamp(self.now))
        if isinstance(self.outcome, Raises):
            wire.error.CopyFrom(pb.ErrorExpected(reason=self.outcome.reason, exception=self.outcome.exception))
        else:
            wire.result.CopyFrom(to_wire(self.outcome))
        if self.after is not None:
            wire.state_after.CopyFrom(_slots(self.after))
        elif self.after_contains is not None:
            wire.state_after_contains.CopyFrom(_slots(self.after_contains))
        return wire

    @classmethod
    def from_wire(cls, wire: pb.Example) -> "Example":
        """The example of a message, such as one that is kept."""
        after = wire.WhichOneof("after")
        error = wire.error
        failed = wire.WhichOneof("outcome") == "error"
        return cls(
            outcome=Raises(error.reason, error.exception) if failed else from_wire(wire.result),
            arguments=[from_wire(item) for item in wire.arguments],
            keywords=map_from_wire(wire.keywords),
            before=map_from_wire(wire.state_before.values),
            now=wire.now.ToDatetime(tzinfo=UTC) if wire.HasField("now") else None,
            seed=wire.seed,
            others={name: map_from_wire(slots.values) for name, slots in wire.others.items()},
            after=map_from_wire(wire.state_after.values) if after == "state_after" else None,
            after_contains=map_from_wire(wire.state_after_contains.values) if after == "state_after_contains" else None,
            tolerance=wire.tolerance,
        )


def examples_from_json(document: object) -> tuple[Example, ...]:
    """The examples of a decoded JSON list, or the one of a JSON object. Raises BadJsonError."""
    items = cast("list[object]", document) if isinstance(document, list) else [document]
    return tuple(example_from_json(item) for item in items)


def example_from_json(document: object) -> Example:
    """The example that decoded JSON describes. Raises BadJsonError where it says too much, too little or nonsense."""
    if not isinstance(document, dict):
        raise BadJsonError('an example is a JSON object such as {"args": [1], "result": 2}')
    given = cast("dict[str, object]", document)
    if unknown := sorted(set(given) - set(KEYS)):
        raise BadJsonError(f"an example has no {unknown[0]!r}; its keys are {', '.join(KEYS)}")
    if ("result" in given) == ("error" in given):
        raise BadJsonError("an example has either a result or an error")
    if "after" in given and "after_contains" in given:
        raise BadJsonError("an example has either after or after_contains")
    return Example(
        outcome=_outcome(given),
        arguments=_list(given, "args"),
        keywords=_map(given, "kw"),
        before=_map(given, "before"),
        now=_time(given),
        seed=_integer(given, "seed"),
        others=_others(given),
        after=_map(given, "after") if "after" in given else None,
        after_contains=_map(given, "after_contains") if "after_contains" in given else None,
        tolerance=_number(given, "tolerance"),
    )


def example_to_json(example: Example) -> dict[str, object]:
    """The JSON that describes the example, without what may be left out."""
    outcome = example.outcome
    document: dict[str, object] = {
        "before": to_json(example.before),
        "args": to_json(list(example.arguments)),
        "kw": to_json(example.keywords),
        "now": "" if example.now is None or example.now == EPOCH_2000 else example.now.isoformat(),
        "seed": example.seed,
        "others": {name: to_json(slots) for name, slots in example.others.items()},
        "tolerance": example.tolerance,
    }
    document = {key: value for key, value in document.items() if value}
    if isinstance(outcome, Raises):
        document |= {"error": outcome.reason} | ({"exception": outcome.exception} if outcome.exception else {})
    else:
        document["result"] = to_json(outcome)
    for key, slots in (("after", example.after), ("after_contains", example.after_contains)):
        if slots is not None:
            document[key] = to_json(slots)
    return document


def _outcome(given: Mapping[str, object]) -> object:
    if "result" in given:
        if "exception" in given:
            raise BadJsonError("an example has an exception only beside an error")
        return from_json(given["result"])
    return Raises(_text(given, "error"), _text(given, "exception"))


def _object(given: Mapping[str, object], key: str) -> Mapping[str, object]:
    value = given.get(key, {})
    if not isinstance(value, dict):
        raise BadJsonError(f"an example's {key} is a JSON object")
    return cast("dict[str, object]", value)


def _map(given: Mapping[str, object], key: str) -> Mapping[str, object]:
    return {name: from_json(item) for name, item in _object(given, key).items()}


def _others(given: Mapping[str, object]) -> Mapping[str, Mapping[str, object]]:
    others = _object(given, "others")
    return {name: _map(others, name) for name in others}


def _list(given: Mapping[str, object], key: str) -> Sequence[object]:
    value = from_json(given.get(key, []))
    if not isinstance(value, list):
        raise BadJsonError(f"an example's {key} is a JSON list")
    return cast("list[object]", value)


def _text(given: Mapping[str, object], key: str) -> str:
    value = given.get(key, "")
    if not isinstance(value, str):
        raise BadJsonError(f"an example's {key} is a string")
    return value


def _integer(given: Mapping[str, object], key: str) -> int:
    value = given.get(key, 0)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 1 << 64:
        raise BadJsonError(f"an example's {key} is an integer from 0 to 2**64 - 1")
    return value


def _number(given: Mapping[str, object], key: str) -> float:
    value = given.get(key, 0)
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise BadJsonError(f"an example's {key} is a number")
    return float(value)


def _time(given: Mapping[str, object]) -> datetime | None:
    text = _text(given, "now")
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise BadJsonError("an example's now is a time such as 2026-01-31T12:00:00Z") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _slots(slots: Mapping[str, object]) -> pb.Slots:
    return pb.Slots(values=map_to_wire(slots))


def _timestamp(moment: datetime) -> Timestamp:
    timestamp = Timestamp()
    timestamp.FromDatetime(moment)
    return timestamp
