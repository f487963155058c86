"""What a panel is asked about, and how it is shown. Law: all of it quoted, and of values only what may be shown.

What is shown is the same for the same mission, byte for byte. So maps are in the order of their keys: the wire gives
them in another order to each process, and methods see them in this one. Real slots are at hand for trials; a prompt
sees them through `disclosure`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from kernel.messages import Example, Failure, Message
from kernel.objects import MethodVersion
from kernel.values import SlotValues, Value
from synthesizer import disclosure, rendering
from synthesizer.fitting import Cut, of_most_value

MOST_EXAMPLES = 6  # shown; a trial tries all
_MOST_SLOTS = 64
_MOST_INTENT = 4000  # characters


@dataclass(frozen=True, slots=True)
class Mission:
    """What the panel is asked about: the message, the receiver's slots, and methods that may work like it.

    `known` are those that retrieval found, the nearest first. `disclosed` names the slots that may be shown, `*` all.
    """

    message: Message
    slots: SlotValues
    known: Sequence[MethodVersion]
    disclosed: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        object.__setattr__(self, "message", message_in_order(self.message))
        object.__setattr__(self, "slots", slots_in_order(self.slots))

    def whole(self, *, examples: int = MOST_EXAMPLES, worked: int = 0) -> Cut:
        """A prompt with all that is there, at most so many examples and worked methods."""
        return Cut(min(len(self.message.examples), examples), worked, 1, _MOST_SLOTS, _MOST_INTENT)


def message_in_order(message: Message) -> Message:
    """The same message, its maps in the order of their keys."""
    return replace(
        message,
        arguments=tuple(in_order(item) for item in message.arguments),
        keywords=slots_in_order(message.keywords),
        examples=tuple(_example_in_order(each) for each in message.examples),
    )


def _example_in_order(example: Example) -> Example:
    return replace(
        example,
        outcome=example.outcome if isinstance(example.outcome, Failure) else in_order(example.outcome),
        before=slots_in_order(example.before),
        arguments=tuple(in_order(item) for item in example.arguments),
        keywords=slots_in_order(example.keywords),
        after=None if example.after is None else slots_in_order(example.after),
    )


def slots_in_order(slots: SlotValues) -> SlotValues:
    """The same slots or keywords, all maps in the order of their keys."""
    return {name: in_order(slots[name]) for name in sorted(slots)}


def in_order(value: Value) -> Value:
    """The same value, its maps in the order of their keys."""
    match value:
        case Mapping():
            return slots_in_order(value)
        case list():
            return [in_order(item) for item in value]
        case _:
            return value


def intent(mission: Mission, cut: Cut) -> str:
    """The intent as far as it is shown."""
    text = mission.message.intent
    return text if len(text) <= cut.intent else text[: cut.intent] + "..."


def state(mission: Mission, cut: Cut) -> str:
    """The slots on one line, with their kinds, and with samples or what they hold; empty where there are none."""
    slots = {name: value for name, value in mission.slots.items() if name != disclosure.SLOT}
    chosen = dict(list(slots.items())[: cut.slots])
    if not cut.samples:
        return rendering.slots(chosen)
    shown = disclosure.shown_slots(chosen, mission.disclosed, disclosure.said(mission.message))
    open_ones = [name for name in chosen if disclosure.discloses(mission.disclosed, name)]
    return rendering.slots(chosen, shown, open_ones)


def sent(mission: Mission) -> str:
    """The message as a send, its arguments as they may be shown."""
    message = disclosure.shown_message(mission.message)
    return rendering.send(message.selector, message.arguments, message.keywords)


def case_file(mission: Mission, cut: Cut | None = None) -> str:
    """What every persona but ALFRED is shown of a mission."""
    cut = cut or mission.whole()
    message, words = mission.message, intent(mission, cut)
    lines = [
        f"Mission: {rendering.quoted(words) if words else 'not said'}",
        f"Message: {sent(mission)} to {rendering.quoted(message.receiver)}",
    ]
    if shown := state(mission, cut):
        lines.append(f"Slots: {shown}")
    if examples := of_most_value(message.examples, cut.examples):
        lines += ["Examples:", *(rendering.example(message.selector, item) for item in examples)]
    return "\n".join(lines)
