"""BRICK's typed spec. Law: read strictly and as a whole; one that does not parse is replaced by what the message says.

It is JSON of one shape, which an endpoint that can is made to keep:

    {"does": "Raises the count and returns it.", "parameters": ["by"],
     "reads": ["count"], "writes": ["count"], "sends": []}

`reads` and `writes` are slots of the receiver, `sends` the selectors that are sent: the effect set as BRICK expects it.
The one that activation enforces is read off the source. What examples show belongs to it whatever BRICK says, and slots
that are neither there nor written are not read. Parameters that the message or one of its examples does not fit
are replaced too, by names that their values suggest: a default or a type would be a guess from one message.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, cast

from kernel.errors import KernelError
from kernel.messages import Message
from kernel.objects import EffectSet, check_slot_name, parse_selector
from kernel.signature import bind, parse_method
from kernel.values import same
from synthesizer import rendering

_LONGEST = 200  # characters of what it does
_MOST = 16  # of parameters, slots, selectors
_NAME: Final[Mapping[str, object]] = {"type": "string", "pattern": "^[A-Za-z_][A-Za-z0-9_]*$"}
_NAMES: Final[Mapping[str, object]] = {"type": "array", "items": _NAME, "maxItems": _MOST}
_FIELDS: Final[Mapping[str, object]] = {
    "does": {"type": "string"},
    "parameters": _NAMES,
    "reads": _NAMES,
    "writes": _NAMES,
    "sends": _NAMES,
}
SCHEMA: Final[Mapping[str, object]] = {
    "type": "object",
    "properties": _FIELDS,
    "required": list(_FIELDS),
    "additionalProperties": False,
}
"""The JSON schema of it."""


@dataclass(frozen=True, slots=True)
class Spec:
    """What a method is to be: its signature, what it does in one line (or empty), its expected effects.

    The line is BRICK's own words: whoever shows it quotes it.

    `said` tells that BRICK said so; else it is what the message itself says.
    """

    signature: str
    does: str
    effects: EffectSet
    said: bool


def by_rule(message: Message) -> Spec:
    """What the message itself says: names after its values, slots of its examples, and those that change in them."""
    reads = dict.fromkeys(name for each in message.examples for name in each.before)
    writes = dict.fromkeys(
        name
        for each in message.examples
        for name, value in (each.after or {}).items()
        if name not in each.before or not same(each.before[name], value)
    )
    return Spec(rendering.signature(message), "", EffectSet(tuple(reads), tuple(writes)), said=False)


def read_spec(text: str, message: Message, slots: Iterable[str] = ()) -> Spec:
    """The spec in BRICK's answer; `slots` are those of the receiver."""
    certain = by_rule(message)
    try:
        said = _spec(json.loads(_object(text)), message)
    except (ValueError, TypeError, RecursionError, KernelError):
        return certain
    writes = tuple(dict.fromkeys((*certain.effects.writes, *said.effects.writes)))
    there = {*slots, *certain.effects.reads, *writes}
    reads = tuple(dict.fromkeys((*certain.effects.reads, *(name for name in said.effects.reads if name in there))))
    return replace(said, effects=EffectSet(reads, writes, said.effects.sends))


def _object(text: str) -> str:
    """The answer without a fence around it, and prose before and behind."""
    return text[text.find("{") : text.rfind("}") + 1]


def _spec(given: Any, message: Message) -> Spec:
    """Raises ValueError, TypeError or KernelError where it is not of the shape."""
    if not isinstance(given, dict) or set(cast("dict[str, object]", given)) != set(_FIELDS):
        raise ValueError("not the fields of a spec")
    fields = cast("dict[str, object]", given)
    does = fields["does"]
    if not isinstance(does, str):
        raise TypeError("`does` is no text")
    reads, writes = (tuple(check_slot_name(name) for name in _texts(fields[field])) for field in ("reads", "writes"))
    sends = tuple(parse_selector(name) for name in _texts(fields["sends"]))
    signature = _signature(_texts(fields["parameters"]), message)
    line = " ".join(does.split())[:_LONGEST].encode(errors="replace").decode()
    return Spec(signature, line, EffectSet(reads, writes, sends), said=True)


def _texts(value: object) -> tuple[str, ...]:
    """The names in a list, each once; slots may be spelled as attributes of self."""
    if not isinstance(value, list):
        raise TypeError("not a list of names")
    items = cast("list[object]", value)
    if len(items) > _MOST or not all(isinstance(item, str) for item in items):
        raise ValueError("not a short list of names")
    return tuple(dict.fromkeys(str(item).removeprefix("self.") for item in items))


def _signature(names: Sequence[str], message: Message) -> str:
    taken = [name for name in names if name != "self"]
    if all(name.isidentifier() for name in taken) and _fits(taken, message):
        return f"{message.selector}({', '.join(['self', *taken])})"
    return rendering.signature(message)


def _fits(names: Sequence[str], message: Message) -> bool:
    source = f"def {message.selector}({', '.join(['self', *names])}):\n    pass\n"
    try:
        taken = parse_method(source, message.selector)
        for send in (message, *message.examples):
            bind(message.selector, taken, len(send.arguments), list(send.keywords))
    except KernelError:
        return False
    return True
