"""The program around a method. Law: only here is it known how a method and its objects look inside the sandbox.

A method is fed as `activation.rewriting` leaves it. Around it come the guest's two classes and the run itself:

- `_Object` is the receiver: slots are its attributes; `send` and `resend` suspend into the host with the slots as they
  are, and take the result and the slots to resume with.
- `_Reference` is another object, known by its id; `reference.send(selector, ...)` sends to it.

All that is around the method has private names, the built-in functions too, since a selector may be `list` or `type`,
and a keyword `receiver` (names before a slash would do, but the interpreter refuses keywords that are spelled so).

Values cross as one text (`activation.crossing`), which the guest makes and reads itself, within its limits: the
interpreter would hand out functions, ranges and cycles as text, and the host would spend its own time on building sets
and maps that a guest made to be slow.

There are two runs around the same text: `program` activates the method once; `batch_program` defines `_run`, which a
kept session is fed with again and again. In it the method stands one frame deeper (`BATCH_FRAMES`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

from activation import crossing
from activation.rewriting import sends_to_self, slot_names
from kernel.errors import BadValue
from kernel.objects import ObjectId
from kernel.values import SlotValues, Value
from sandbox.host import Call

SEND, RESEND = "_host_send", "_host_resend"
FUNCTIONS = frozenset({SEND, RESEND})
NOT_A_VALUE = "not a value: "  # how the guest's own TypeError begins
LINES_BEFORE = 4  # of the program, before the method's first
BATCH_FRAMES = 1
RUN_BATCH = "_run(_given)"
_SEND_PARTS = 5  # slots, receiver, selector, arguments, keywords
_OUTPUT_PARTS = 3  # result, slots, covenant

_BEFORE = """\
import json as _json
_setattr, _getattr, _hasattr, _type, _bool, _int, _float = setattr, getattr, hasattr, type, bool, int, float
_str, _bytes, _list, _tuple, _dict, _sorted = str, bytes, list, tuple, dict, sorted
_TypeError, _BaseException = TypeError, BaseException
"""

# Only where a method sends: the interpreter reads all that is around a method before each run.
_REFERENCE_SENDS = """
    def send(self, _selector_, *args, **kwargs):
        return _me.send(self, _selector_, *args, **kwargs)
"""

_OBJECT_SENDS = f"""
    def send(self, _receiver_, _selector_, *args, **kwargs):
        if _type(_receiver_) in (_Reference, _Object):
            _receiver_ = _receiver_.id
        if _type(_receiver_) is not _str or _type(_selector_) is not _str:
            raise _TypeError("send takes an object (self, a reference, an id), a selector, then the arguments")
        slots = _suspended(self)
        return _resumed(self, {SEND}(_text([slots, _receiver_, _selector_, _plain(args), _plain(kwargs)])))

    def resend(self, *args, **kwargs):
        slots = _suspended(self)
        return _resumed(self, {RESEND}(_text([slots, _plain(args), _plain(kwargs)])))


def _suspended(self):
    slots = _state(self, _slots, _names)
    _slots.update(slots)
    return slots


def _resumed(self, answer):
    result, slots = _json.loads(answer)
    for name, item in slots.items():
        _setattr(self, name, _revived(item))
        _slots[name] = item
        if name not in _names:
            _names.append(name)
    return _revived(result)
"""

_AFTER = f"""

class _Reference:
    def __init__(self, id):
        self.id = id

    def __eq__(self, other):
        return _type(other) in (_Reference, _Object) and other.id == self.id

    def __repr__(self):
        return f"<{{self.id}}>"
{_REFERENCE_SENDS}

class _Object:
    def __eq__(self, other):
        return _type(other) in (_Reference, _Object) and other.id == self.id

    def __repr__(self):
        return f"<{{self.id}}>"
{_OBJECT_SENDS}

def _state(self, before, names):
    state = {{}}
    for name in names:
        if _hasattr(self, name):
            item = _getattr(self, name)
            kind = _type(item)
            if name in before and (item is None or kind in (_bool, _int, _str)):
                old = before[name]
                if _type(old) is kind and old == item:
                    continue
            state[name] = _plain(item)
    return state


def _text(item):
    return _json.dumps(item, ensure_ascii=False, separators=(",", ":"))


def _plain(item):
    kind = _type(item)
    if item is None or kind is _bool or kind is _str:
        return item
    if kind is _int:
        if -9223372036854775808 <= item <= 9223372036854775807:
            return item
        raise _TypeError("{NOT_A_VALUE}an integer that does not fit 64 bits; give it as a string")
    if kind is _float:
        return item if item - item == 0 else {{"": ["float", _str(item)]}}
    if kind is _bytes:
        return {{"": ["bytes", item.hex()]}}
    if kind is _list or kind is _tuple:
        return [_plain(one) for one in item]
    if kind is _dict:
        for key in item:
            if _type(key) is not _str:
                raise _TypeError("{NOT_A_VALUE}a map has a key that is no string")
        plain = {{key: _plain(item[key]) for key in _sorted(item)}}
        return {{"": ["map", plain]}} if "" in plain else plain
    if (kind is _Reference or kind is _Object) and _type(item.id) is _str:
        return {{"": ["reference", item.id]}}
    raise _TypeError(f"{NOT_A_VALUE}a {{kind.__name__}}")


def _revived(item):
    kind = _type(item)
    if kind is _list:
        return [_revived(one) for one in item]
    if kind is _dict:
        if "" in item:
            kind, item = item[""]
            if kind == "reference":
                return _Reference(item)
            if kind == "bytes":
                return _bytes.fromhex(item)
            if kind == "float":
                return _float(item)
        return _named(item)
    return item


def _named(items):
    return {{name: _revived(items[name]) for name in items}}
"""

_ALONE = """
_id, _slots, _args, _kwargs = _json.loads(_given)
_me = _Object()
_me.id = _id
for _name, _item in _slots.items():
    _setattr(_me, _name, _revived(_item))
_names = [*_slots, *[_one for _one in {names!r} if _one not in _slots]]
_result = {selector}(_me, *[_revived(_one) for _one in _args], **_named(_kwargs))
_text([_plain(_result), _state(_me, _slots, _names), _bool(_getattr(_me, "_p_changed", False))])
"""

_AFTER_NO_SEND = _AFTER.replace(_REFERENCE_SENDS, "").replace(_OBJECT_SENDS, "")

# A raise leaves the state of before it, as if the message had never been.
_BATCH = """
def _run(text):
    done = []
    for id, slots, messages in _json.loads(text):
        for args, kwargs in messages:
            try:
                me = _Object()
                me.id = id
                for name in slots:
                    _setattr(me, name, _revived(slots[name]))
                names = [*slots, *[one for one in {names!r} if one not in slots]]
                result = {selector}(me, *[_revived(one) for one in args], **_named(kwargs))
                result = _plain(result)
                state = _state(me, slots, names)
                kept = _bool(_getattr(me, "_p_changed", False))
                outcome = [result, state, kept]
                if kept:
                    slots = {{**slots, **state}}
            except _BaseException:
                outcome = None
            done.append(outcome)
    return _text(done)
"""


def program(source: str, selector: str) -> str:
    """The code of one activation; its input is that of `inputs`.

    Raises SyntaxError where the source has none, BadValue where it may set slots that it does not name.
    """
    run = _ALONE.format(names=slot_names(source), selector=selector)
    fed = sends_to_self(source)
    return _BEFORE + fed + (_AFTER if "send" in fed else _AFTER_NO_SEND) + run


def batch_program(source: str, selector: str) -> str:
    """The code that a kept session is fed first; then `RUN_BATCH` runs each batch. As `program` raises."""
    run = _BATCH.format(names=slot_names(source), selector=selector)
    return _BEFORE + source + _AFTER_NO_SEND + run


def inputs(
    object_id: ObjectId, slots: SlotValues, arguments: Sequence[Value], keywords: SlotValues
) -> dict[str, object]:
    """What `program` reads from the host."""
    given = [object_id, crossing.packed_map(slots), crossing.packed_list(arguments), crossing.packed_map(keywords)]
    return {"_given": crossing.text_of(given)}


def answer(result: Value, slots: SlotValues) -> str:
    """What a suspended sender resumes with."""
    return crossing.text_of([crossing.packed(result), crossing.packed_map(slots)])


@dataclass(frozen=True, slots=True)
class Sent:
    """A nested send as the guest asked for it; a resend has neither receiver nor selector."""

    resend: bool
    slots: SlotValues
    receiver: str
    selector: str
    arguments: Sequence[Value]
    keywords: SlotValues


def sent(call: Call, most: int) -> Sent:
    """The nested send of a suspended guest, of at most so many bytes. Raises BadValue, LimitExceeded."""
    resend = call.name == RESEND
    given = _listed(crossing.read(call.args[0] if call.args else None, most))
    given = [*given[:1], "", "", *given[1:]] if resend else given
    if len(given) != _SEND_PARTS:
        raise BadValue("send takes an object, a selector, then the arguments")
    slots, receiver, selector, arguments, keywords = given
    listed = crossing.value(arguments)
    if not isinstance(receiver, str) or not isinstance(selector, str) or not isinstance(listed, list):
        raise BadValue("send takes an object, a selector as text, then the arguments")
    return Sent(resend, crossing.slots(slots), receiver, selector, listed, crossing.mapping(keywords))


def output(thing: object, most: int) -> tuple[Value, SlotValues, bool]:
    """What a feed ended with: result, slots that may have changed, whether it kept the covenant. As `sent` raises."""
    return outcome(crossing.read(thing, most))


def outcome(read: object) -> tuple[Value, SlotValues, bool]:
    """As `output`, of what was read already."""
    ended = _listed(read)
    if len(ended) != _OUTPUT_PARTS:
        raise BadValue("the method did not end as methods do")
    return crossing.value(ended[0]), crossing.slots(ended[1]), ended[2] is True


def _listed(read: object) -> list[object]:
    return cast("list[object]", read) if isinstance(read, list) else []
