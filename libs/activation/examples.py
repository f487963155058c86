"""Whether a method does what an example says. Law: tried exactly as it would run: the same run, sandbox and limits.

The run sees the store's definitions with the candidate in place, and the example's states alone as slots: the
receiver's, those of the other objects it names, and none else.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256

from activation.run import Activator
from activation.snapshot import ReadDefinition, ReadSlots, Snapshot
from kernel.errors import Conflict, KernelError, MethodRaised, Overloaded, StoreUnavailable
from kernel.messages import Example, Failure, Message
from kernel.objects import MethodPointer, MethodRecord, MethodVersion, Namespace, ObjectId, Selector
from kernel.transactions import Key
from kernel.values import SlotValues, Value, encode, same

_SHOWN = 200  # characters of a value in a failure's words
_CANDIDATE = -1  # the number of a version that is not registered yet; real ones begin at 1


@dataclass(frozen=True, slots=True)
class Observation:
    """What a method did: the result or the failure, and the receiver's slots after."""

    outcome: Value | Failure
    text: str
    after: SlotValues

    def digest(self) -> str:
        """sha256 of outcome and slots, in hex: two methods that did the same have the same."""
        failed = isinstance(self.outcome, Failure)
        outcome = [self.outcome.reason, self.outcome.exception] if isinstance(self.outcome, Failure) else self.outcome
        told = (encode(part) for part in ([failed], outcome, self.after))  # each may be as large as a value may be
        return sha256(b"".join(told)).hexdigest()


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether an example passed; if not, `failure` says in words what was expected and what came."""

    failure: str
    observation: Observation

    @property
    def passed(self) -> bool:
        """Whether it did."""
        return not self.failure


class Tryout:
    """Tries methods on examples, over the definitions of a snapshot."""

    def __init__(self, activator: Activator, snapshot: Snapshot, namespace: Namespace) -> None:
        self._activator, self._snapshot, self._namespace = activator, snapshot, namespace

    async def observe(
        self, method: MethodVersion, receiver: ObjectId, example: Example, reads: dict[Key, int] | None = None
    ) -> Observation:
        """Run the method on the example's state, whatever the example expects; `reads` is filled with what it read."""
        message = Message(receiver, method.selector, example.arguments, example.keywords, self._namespace)
        snapshot = _ExampleSnapshot(self._snapshot, receiver, example, method)
        try:
            run = await self._activator.run(message, snapshot, now=example.now, seed=example.seed, reads=reads)
        except (StoreUnavailable, Overloaded, Conflict):
            raise  # of the service, not of the method
        except KernelError as error:
            exception = error.exception if isinstance(error, MethodRaised) else ""
            return Observation(Failure(error.reason, exception), error.text, example.before)
        return Observation(run.result, "", run.writes.get(receiver, example.before))

    async def check(
        self, method: MethodVersion, receiver: ObjectId, example: Example, reads: dict[Key, int] | None = None
    ) -> Verdict:
        """Run the method on the example, and compare; as observe."""
        seen = await self.observe(method, receiver, example, reads)
        wrong = _outcome_differs(example, seen) or _state_differs(example, seen)
        return Verdict(f"{_described(method.selector, example)}: {wrong}" if wrong else "", seen)


class _ExampleSnapshot:
    """The store's definitions with a candidate in place, and an example's slots."""

    def __init__(self, base: Snapshot, receiver: ObjectId, example: Example, method: MethodVersion) -> None:
        self._base, self._method = base, method
        self._slots: Mapping[ObjectId, SlotValues] = {**example.others, receiver: example.before}

    async def definition(self, object_id: ObjectId) -> ReadDefinition:
        read = await self._base.definition(object_id)
        if read.definition is None:
            return read
        holder, selector = self._method.holder, self._method.selector
        methods, pins = dict(read.definition.methods), dict(read.definition.pins)
        pin = pins.get(selector)
        if object_id == holder:
            methods[selector] = MethodPointer(_CANDIDATE, _CANDIDATE)
            pins.pop(selector, None)  # it would answer before the candidate
        elif pin is not None and pin.holder == holder:
            pins[selector] = replace(pin, number=_CANDIDATE)
        else:
            return read
        return ReadDefinition(replace(read.definition, methods=methods, pins=pins), read.revision)

    async def slots(self, object_id: ObjectId) -> ReadSlots:
        slots = self._slots.get(object_id)
        return ReadSlots(slots, 0 if slots is None else 1)

    async def method(self, holder: ObjectId, incarnation: str, selector: Selector, number: int) -> MethodRecord:
        if number == _CANDIDATE:
            return MethodRecord(self._method)
        return await self._base.method(holder, incarnation, selector, number)


def _outcome_differs(example: Example, seen: Observation) -> str:
    expected, got = example.outcome, seen.outcome
    if isinstance(expected, Failure):
        fits = isinstance(got, Failure) and got.reason == expected.reason
        fits = fits and expected.exception in {"", got.exception if isinstance(got, Failure) else ""}
        return "" if fits else f"expected {expected.reason} {expected.exception}".rstrip() + f", got {_got(seen)}"
    if isinstance(got, Failure) or not close(expected, got, example.tolerance):
        return f"expected {shown(expected)}, got {_got(seen)}"
    return ""


def _state_differs(example: Example, seen: Observation) -> str:
    if example.after is None:
        return ""
    after = seen.after if example.after_exact else {name: seen.after.get(name) for name in example.after}
    missing = set(example.after) - set(seen.after)
    if missing or not close(example.after, after, example.tolerance):
        return f"expected the slots {shown(example.after)} afterwards, got {shown(after)}"
    return ""


def _got(seen: Observation) -> str:
    return seen.text if isinstance(seen.outcome, Failure) else shown(seen.outcome)


def _described(selector: str, example: Example) -> str:
    arguments = [shown(item) for item in example.arguments]
    arguments += [f"{name}={shown(item)}" for name, item in example.keywords.items()]
    state = f" on {shown(example.before)}" if example.before else ""
    return f"{selector}({', '.join(arguments)}){state}"


def shown(value: Value) -> str:
    """A value in a line of text, cut where it is long."""
    text = repr(value)
    return text if len(text) <= _SHOWN else text[: _SHOWN - 3] + "..."


def close(expected: Value, got: Value, tolerance: float) -> bool:
    """Whether two values are the same, doubles within an absolute tolerance; True, 1 and 1.0 always differ."""
    if tolerance == 0.0:
        return same(expected, got)
    match expected, got:
        case float(), float():
            return same(expected, got) or abs(expected - got) <= tolerance
        case (str() | bytes(), _) | (_, str() | bytes()):
            return same(expected, got)
        case Mapping(), Mapping():
            return set(expected) == set(got) and all(close(item, got[key], tolerance) for key, item in expected.items())
        case Sequence(), Sequence():
            return len(expected) == len(got) and all(
                close(one, other, tolerance) for one, other in zip(expected, got, strict=True)
            )
        case _:
            return same(expected, got)
