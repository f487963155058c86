"""How a message is shown to a persona. Law: what senders wrote is data: one line, quoted, and no way out of the quotes.

Values are in Python's own spelling, with JSON's quotes, so that what is shown can be pasted into a method.
"""

import json
import re
from collections.abc import Collection, Mapping, Sequence

from kernel.messages import Example, Failure, Message
from kernel.values import Reference, SlotValues, Value, same

_LONGEST = 600  # characters of one value, or of a complaint
_LONGEST_NAME = 80
_ID = re.compile(r"[a-z0-9._/-]{1,256}")  # of an object
# What chat templates and fences end a turn or a block with. A space breaks them and leaves them readable.
_MARKERS = re.compile(
    r"<(?=[|\uff5c]|/?s>|(?:start|end)_of_\w+>|[be]os>|</?SYS>>|/?(?:think|tool_\w+)>)"
    r"|\[(?=/?(?:INST|SYSTEM_PROMPT|AVAILABLE_TOOLS|TOOL_\w+)\])|`(?=``)"
)
_QUOTES = re.compile(r'"(?=")')
_KINDS: Mapping[type, str] = {
    bool: "flag",
    int: "number",
    float: "number",
    str: "text",
    bytes: "content",
    list: "items",
    dict: "row",
    Reference: "other",
}


def quoted(text: str) -> str:
    """A sender's text as one quoted line."""
    return _line(json.dumps(" ".join(text.split()), ensure_ascii=False))


def complaint(text: str) -> str:
    """What is wrong with a draft, as one line: senders' values and drafts' own words are in it. A long one is cut."""
    shown = _line(" ".join(text.split()))
    return shown if len(shown) <= _LONGEST else shown[:_LONGEST] + "..."


def code(source: str) -> str:
    """A source in which nothing ends a turn or a block; its lines are its own."""
    return _inert(source)


def _line(text: str) -> str:
    return _inert("".join(each if each.isprintable() else _escaped(each) for each in text))


def _inert(text: str) -> str:
    return _MARKERS.sub(lambda found: found[0] + " ", text)


def _escaped(character: str) -> str:
    return character.encode("unicode-escape").decode()


def value(thing: Value) -> str:
    """A value as Python spells it; a long one is cut, inside its quotes."""
    text = _line(_spelled(thing))
    if len(text) <= _LONGEST:
        return text
    start = thing if isinstance(thing, str) else text
    return _line(json.dumps(start[:_LONGEST], ensure_ascii=False)) + "..."


def _name(name: str) -> str:
    """A name that a sender chose, quoted where it is no name."""
    return name if name.isidentifier() and len(name) <= _LONGEST_NAME else quoted(name[:_LONGEST_NAME])


def _spelled(thing: Value) -> str:
    match thing:
        case Reference(id=name):
            return f"<{name if _ID.fullmatch(name) else quoted(name[:_LONGEST_NAME])}>"
        case str():
            return json.dumps(thing, ensure_ascii=False)
        case Mapping():
            return "{" + ", ".join(f"{_spelled(key)}: {_spelled(item)}" for key, item in thing.items()) + "}"
        case list() | tuple():
            return "[" + ", ".join(_spelled(item) for item in thing) + "]"
        case _:
            return repr(thing)


def send(selector: str, arguments: Sequence[Value], keywords: SlotValues) -> str:
    """A send, such as `increment(by=2)`."""
    parts = [value(item) for item in arguments] + [f"{_name(name)}={value(item)}" for name, item in keywords.items()]
    return f"{selector}({', '.join(parts)})"


def example(selector: str, of: Example) -> str:
    """An example on one line: `self.count == 4; increment(by=2) -> 6; self.count == 6`."""
    before = [f"self.{_name(name)} == {value(item)}" for name, item in of.before.items()]
    after = [f"self.{_name(name)} == {value(item)}" for name, item in (of.after or {}).items()]
    sent = send(selector, of.arguments, of.keywords)
    if isinstance(of.outcome, Failure):
        return "; ".join([*before, f"{sent} raises {_name(of.outcome.exception or of.outcome.reason)}", *after])
    return "; ".join([*before, f"{sent} -> {value(of.outcome)}", *after])


def docstring(text: str) -> str:
    """A sender's text as one line of a docstring, which it cannot end: no two quotes stand together."""
    return _QUOTES.sub('" ', quoted(text)[1:-1].replace('\\"', '"'))


def doctest(selector: str, of: Example) -> list[str]:
    """An example as a doctest: the state, the send, what comes of it, and the slots that have changed."""
    lines = [f">>> self.{_name(name)} = {value(item)}" for name, item in of.before.items()]
    lines.append(f">>> self.{send(selector, of.arguments, of.keywords)}")
    if isinstance(of.outcome, Failure):
        lines.append(f"raises {_name(of.outcome.exception or of.outcome.reason)}")
    else:
        lines.append(value(of.outcome))
    for name, item in (of.after or {}).items():
        if name not in of.before or not same(of.before[name], item):
            lines += [f">>> self.{_name(name)}", value(item)]
    return lines


def signature(message: Message) -> str:
    """A signature that the message fits, such as `increment(self, number)`."""
    names: list[str] = []
    for argument in message.arguments:
        kind = _KINDS.get(type(argument), "value")
        count = sum(name.rstrip("0123456789") == kind for name in names)
        names.append(f"{kind}{count + 1}" if count else kind)
    return f"{message.selector}({', '.join(['self', *names, *message.keywords])})"


def slots(of: SlotValues, shown: SlotValues | None = None, disclosed: Collection[str] = ()) -> str:
    """The slots and what they hold, such as `self.count (number, such as 42)`.

    `shown` are values to show of them; those of the slots named in `disclosed` are their own.
    """
    return ", ".join(f"self.{_name(name)} ({_held(name, item, shown, disclosed)})" for name, item in of.items())


def _held(name: str, item: Value, shown: SlotValues | None, disclosed: Collection[str]) -> str:
    kind = _KINDS.get(type(item), "value")
    if shown is None or name not in shown:
        return kind
    return f"{kind}, {'now' if name in disclosed else 'such as'} {value(shown[name])}"
