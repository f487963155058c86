"""The program around a method. Law: only here is it known how a method and its objects look inside the sandbox.

A method is fed as written, but for one rewriting: `self.other(...)` is a send to self, since
slots never hold functions. After it come the guest's two classes and the run itself:

- `_Object` is the receiver: slots are its attributes; `send` and `resend` suspend into the host with the slots as they
  are, and take the result and the slots to resume with.
- `_Reference` is another object, known by its id; `reference.send(selector, ...)` sends to it.

All that is around the method has private names, the built-in functions too, since a selector may be `list` or `type`,
and a keyword `receiver` (names before a slash would do, but the interpreter refuses keywords that are spelled so).

Values go in as they are, a reference as a tuple of its id alone, since no other value is a tuple. They come out only
as `_plain` made them, in the guest and within its limits: the interpreter would hand out functions, ranges and cycles
as text, and the host would spend its own time on building sets and maps that a guest made to be slow.
"""

import ast
import io
import tokenize
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import cast

from kernel.errors import BadValue
from kernel.objects import RESERVED_SLOTS, ObjectId, check_slot_name
from kernel.values import Reference, SlotValues, Value, canonical
from sandbox.host import Call, GuestObject

SEND, RESEND = "_host_send", "_host_resend"
FUNCTIONS = frozenset({SEND, RESEND})
NOT_A_VALUE = "not a value: "  # how the guest's own TypeError begins
LINES_BEFORE = 2  # of the program, before the method's first
_SEND_PARTS = 5  # slots, receiver, selector, arguments, keywords
_OUTPUT_PARTS = 3  # result, slots, covenant

_BEFORE = """\
_setattr, _getattr, _hasattr, _type, _bool, _int, _float = setattr, getattr, hasattr, type, bool, int, float
_str, _bytes, _list, _tuple, _dict, _TypeError = str, bytes, list, tuple, dict, TypeError
"""

_AFTER = f"""

class _Reference:
    def __init__(self, id):
        self.id = id

    def __eq__(self, other):
        return _type(other) in (_Reference, _Object) and other.id == self.id

    def send(self, _selector_, *args, **kwargs):
        return _me.send(self, _selector_, *args, **kwargs)


class _Object:
    def __eq__(self, other):
        return _type(other) in (_Reference, _Object) and other.id == self.id

    def send(self, _receiver_, _selector_, *args, **kwargs):
        if _type(_receiver_) in (_Reference, _Object):
            _receiver_ = _receiver_.id
        if _type(_receiver_) is not _str or _type(_selector_) is not _str:
            raise _TypeError("send takes an object (self, a reference, an id), a selector, then the arguments")
        return _resumed(self, {SEND}(_state(self), _receiver_, _selector_, _plain(args), _plain(kwargs)))

    def resend(self, *args, **kwargs):
        return _resumed(self, {RESEND}(_state(self), _plain(args), _plain(kwargs)))


def _resumed(self, answer):
    for name, item in answer[1].items():
        _setattr(self, name, _revived(item))
        if name not in _names:
            _names.append(name)
    return _revived(answer[0])


def _state(self):
    return {{name: _plain(_getattr(self, name)) for name in _names if _hasattr(self, name)}}


def _plain(item):
    kind = _type(item)
    if item is None or kind in (_bool, _int, _float, _str, _bytes):
        return item
    if kind in (_list, _tuple):
        return [_plain(one) for one in item]
    if kind is _dict:
        for key in item:
            if _type(key) is not _str:
                raise _TypeError("{NOT_A_VALUE}a map has a key that is no string")
        return {{key: _plain(one) for key, one in item.items()}}
    if kind in (_Reference, _Object) and _type(item.id) is _str:
        return _Reference(item.id)
    raise _TypeError(f"{NOT_A_VALUE}a {{kind.__name__}}")


def _revived(item):
    kind = _type(item)
    if kind is _tuple:
        return _Reference(item[0])
    if kind is _list:
        return [_revived(one) for one in item]
    if kind is _dict:
        return {{key: _revived(one) for key, one in item.items()}}
    return item


_me = _Object()
_me.id = _id
for _name, _item in _slots.items():
    _setattr(_me, _name, _revived(_item))
"""

_END = '[_plain(_result), _state(_me), _bool(_getattr(_me, "_p_changed", False))]\n'


def program(source: str, selector: str) -> str:
    """The code of one activation; its inputs are those of `inputs`.

    Raises SyntaxError where the source has none, BadValue where it may set slots that it does not name.
    """
    names = f"_names = [*_slots, *[_one for _one in {_slot_names(source)!r} if _one not in _slots]]\n"
    run = f"_result = {selector}(_me, *[_revived(_one) for _one in _args], **_revived(_kwargs))\n"
    return _BEFORE + sends_to_self(source) + _AFTER + names + run + _END


def _slot_names(source: str) -> list[str]:
    """Every name that a slot may have after the method ran: whatever it says after a dot, or to setattr."""
    names: set[str] = set()
    literal = 0
    nodes = list(ast.walk(ast.parse(source)))
    for node in nodes:
        match node:
            case ast.Attribute(attr=name):
                names.add(name)
            case ast.Call(func=ast.Name(id="setattr"), args=[_, ast.Constant(value=str(name)), *_]):
                names.add(name)
                literal += 1
            case _:
                pass
    if literal < sum(isinstance(node, ast.Name) and node.id == "setattr" for node in nodes):
        raise BadValue("setattr is given the name of a slot as a literal, else the slot could not be kept")
    return sorted(names - RESERVED_SLOTS)


def inputs(
    object_id: ObjectId, slots: SlotValues, arguments: Sequence[Value], keywords: SlotValues
) -> dict[str, object]:
    """What `program` reads from the host."""
    return {
        "_id": object_id,
        "_slots": sent_in(slots),
        "_args": [sent_in(item) for item in arguments],
        "_kwargs": sent_in(keywords),
    }


def sent_in(value: Value) -> object:
    """A value as the guest takes it: a reference as a tuple of its id."""
    if isinstance(value, Reference):
        return (value.id,)
    if isinstance(value, str | bytes):
        return value
    if isinstance(value, Mapping):
        return {key: sent_in(item) for key, item in value.items()}
    if isinstance(value, Sequence):
        return [sent_in(item) for item in value]
    return value


@dataclass(frozen=True, slots=True)
class Sent:
    """A nested send as the guest asked for it; a resend has neither receiver nor selector."""

    resend: bool
    slots: SlotValues
    receiver: str
    selector: str
    arguments: Sequence[Value]
    keywords: SlotValues


def sent(call: Call) -> Sent:
    """The nested send of a suspended guest. Raises BadValue, LimitExceeded."""
    resend = call.name == RESEND
    given = (*call.args[:1], "", "", *call.args[1:]) if resend else call.args
    if len(given) != _SEND_PARTS:
        raise BadValue("send takes an object, a selector, then the arguments")
    slots, receiver, selector, arguments, keywords = (_value_out(part) for part in given)
    if not isinstance(receiver, str) or not isinstance(selector, str) or not isinstance(arguments, list):
        raise BadValue("send takes an object, a selector as text, then the arguments")
    return Sent(resend, _slots_out(slots), receiver, selector, arguments, _map_out(keywords))


def output(thing: object) -> tuple[Value, SlotValues, bool]:
    """What a feed ended with: the result, the object's slots, whether it kept the covenant. As `sent` raises."""
    ended = cast("Sequence[object]", thing) if isinstance(thing, list) else ()
    if len(ended) != _OUTPUT_PARTS:
        raise BadValue("the method did not end as methods do")
    return _value_out(ended[0]), _slots_out(_value_out(ended[1])), ended[2] is True


def _slots_out(value: Value) -> SlotValues:
    slots = _map_out(value)
    for name in slots:
        check_slot_name(name)
    return slots


def _map_out(value: Value) -> SlotValues:
    if not isinstance(value, Mapping):
        raise BadValue("slots and keywords are maps")
    return value


def _value_out(thing: object) -> Value:
    return canonical(_references(thing))


def _references(thing: object) -> object:
    if isinstance(thing, GuestObject):
        name = thing.attributes.get("id")
        if thing.type_name == "_Reference" and isinstance(name, str):
            return Reference(name)
        raise BadValue(f"a {thing.type_name} is not a value; use null, bool, int, float, str, bytes, list or map")
    if isinstance(thing, dict):
        entries = cast("dict[object, object]", thing)
        return {key: _references(item) for key, item in entries.items()}
    if isinstance(thing, list | tuple):
        return [_references(item) for item in cast("Sequence[object]", thing)]
    return thing


def sends_to_self(source: str) -> str:
    """The source with every `self.other(...)` as `self.send(self, "other", ...)`; lines stay where they are."""
    data = bytearray(source.encode())
    starts = [0, *accumulate(len(line) for line in data.splitlines(keepends=True))]
    openings = _openings(source, starts)
    calls = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call) and _is_send_to_self(node)]
    edits = [edit for call in calls for edit in _edits(call, starts, openings)]
    for at, length, text in sorted(edits, reverse=True):
        data[at : at + length] = text
    return data.decode()


def _openings(source: str, starts: Sequence[int]) -> list[int]:
    """Where parentheses open, in bytes; those in texts and comments are none."""
    return [
        starts[token.start[0] - 1] + len(token.line[: token.start[1]].encode())
        for token in tokenize.generate_tokens(io.StringIO(source).readline)
        if token.string == "(" and token.type == tokenize.OP
    ]


def _is_send_to_self(call: ast.Call) -> bool:
    match call.func:
        case ast.Attribute(value=ast.Name(id="self"), attr=name):
            return name.isascii() and name not in RESERVED_SLOTS  # a selector is ASCII
        case _:
            return False


def _edits(call: ast.Call, starts: Sequence[int], openings: Sequence[int]) -> list[tuple[int, int, bytes]]:
    """What to replace: place in bytes, how many, by what. Places are those of the untouched source."""
    name = cast("ast.Attribute", call.func).attr
    end = starts[(call.func.end_lineno or 1) - 1] + (call.func.end_col_offset or 0)
    opening = openings[bisect_left(openings, end)]
    edits = [(end - len(name), len(name), b"send"), (opening + 1, 0, f'self, "{name}", '.encode())]
    only = call.args[0] if len(call.args) == 1 and not call.keywords else None
    if isinstance(only, ast.GeneratorExp) and starts[only.lineno - 1] + only.col_offset == opening:
        # A generator that is the only argument shares the parentheses of its call; as one of three it needs its own.
        closing = starts[(call.end_lineno or 1) - 1] + (call.end_col_offset or 0) - 1
        edits[1] = (opening + 1, 0, f'self, "{name}", ('.encode())
        edits.append((closing, 0, b")"))
    return edits
