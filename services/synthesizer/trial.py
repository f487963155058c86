"""The trial of a draft. Law: tried by the code and in the sandbox that will run it, so what passes is what runs.

A draft is tried on every example, and on the message that asked for it, on the receiver's state as it is: twice, since
the same state, arguments, clock and seed have to give the same. ROBIN's sends are only observed. What a draft did in
all of them is its *behaviour*; drafts that behave alike agree.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256

from activation.examples import Observation, Tryout
from kernel.errors import Overloaded
from kernel.messages import Example, Failure, Message
from kernel.objects import Finding, Level, MethodVersion, ObjectId
from kernel.signature import parse_method
from kernel.values import Reference, SlotValues, Value
from synthesizer import rendering
from synthesizer.drafts import Draft
from synthesizer.snapshot import StoreSnapshot

MAX_OTHERS = 20  # objects a message refers to whose slots its own trial sees
_RAISED = "METHOD_RAISED"
_LIMIT = "LIMIT_EXCEEDED"
_OVERLOADED = "OVERLOADED"


@dataclass(frozen=True, slots=True)
class Tried:
    """How a draft did: examples passed of all, in words what it failed (empty: it passed), and its behaviour."""

    draft: Draft
    findings: tuple[Finding, ...]
    passed: int
    total: int
    failure: str
    behaviour: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Choice:
    """The draft that is registered, how many agreed with it, and the levels of evidence it has."""

    tried: Tried
    agreeing: int
    levels: tuple[Level, ...]


@dataclass(frozen=True, slots=True)
class Trial:
    """What drafts of one synthesis are tried on. `live` is the message itself on the receiver's own state."""

    tryout: Tryout
    target: ObjectId
    message: Message
    live: Example
    probes: Sequence[Example]

    async def of(self, draft: Draft, findings: tuple[Finding, ...]) -> Tried:
        """Try a draft that passed the audit. Raises StoreUnavailable, Overloaded."""
        method = self._version(draft)
        examples = self.message.examples
        seen: list[Observation] = []
        failures: list[tuple[int, str]] = []
        for example in examples:
            verdict = await self.tryout.check(method, self.message.receiver, example)
            seen.append(_settled(verdict.observation))
            if not verdict.passed:
                failures.append((len(rendering.example(method.selector, example)), verdict.failure))
                if _reason(verdict.observation) == _LIMIT:
                    break  # the draft is refused, and the others would cost as much time
        passed = len(seen) - len(failures)
        failure = min(failures)[1] if failures else await self._live(method, seen)
        if not failure:
            seen += [await self._observed(method, probe) for probe in self.probes]
        return Tried(draft, findings, passed, len(examples), failure, tuple(item.digest() for item in seen))

    async def _live(self, method: MethodVersion, seen: list[Observation]) -> str:
        first = await self._observed(method, self.live)
        again = await self._observed(method, self.live)
        seen.append(first)
        sent = rendering.send(method.selector, self.live.arguments, self.live.keywords)
        if first.digest() != again.digest():
            return f"{sent}: two runs on the same state, clock and seed differ"
        # Examples may say that the method raises; without them an exception is the only sign of a broken draft.
        if _reason(first) in ({"", _RAISED} if self.message.examples else {""}):
            return ""
        return f"{sent} failed: {first.text}"

    async def _observed(self, method: MethodVersion, example: Example) -> Observation:
        return _settled(await self.tryout.observe(method, self.message.receiver, example))

    def _version(self, draft: Draft) -> MethodVersion:
        selector, source = self.message.selector, draft.source
        digest = sha256(source.encode()).hexdigest()
        return MethodVersion(self.target, selector, 0, source, digest, parse_method(source, selector))


async def as_example(message: Message, slots: SlotValues, objects: StoreSnapshot, now: float, seed: int) -> Example:
    """The message itself as something to run: the receiver's slots, and those of the objects that it refers to."""
    given: list[Value] = [*message.arguments, dict(message.keywords), dict(slots)]
    others: dict[ObjectId, SlotValues] = {}
    for reference in list(dict.fromkeys(references(given)))[:MAX_OTHERS]:
        read = await objects.slots(ObjectId(reference.id))
        if read.slots is not None:
            others[ObjectId(reference.id)] = read.slots
    return Example(None, slots, message.arguments, message.keywords, now, seed, others)


def references(value: Value) -> Iterator[Reference]:
    """Every reference in a value."""
    match value:
        case Reference():
            yield value
        case str() | bytes():
            pass
        case Mapping():
            for item in value.values():
                yield from references(item)
        case Sequence():
            for item in value:
                yield from references(item)
        case _:
            pass


def choose(tried: Sequence[Tried]) -> Choice | None:
    """The shortest source of the largest group that behaves alike; None where no draft passed."""
    groups: dict[tuple[str, ...], list[Tried]] = {}
    for each in tried:
        if not each.failure:
            groups.setdefault(each.behaviour, []).append(each)
    if not groups:
        return None
    for group in groups.values():
        group.sort(key=lambda each: (len(each.draft.source), each.draft.index))
    largest = min(groups.values(), key=lambda group: (-len(group), len(group[0].draft.source), group[0].draft.index))
    best = largest[0]
    levels = [Level.AUDITED]
    if len(largest) > 1:
        levels.append(Level.AGREED)
    if best.total:
        levels.append(Level.EXAMPLES)
    return Choice(best, len(largest), tuple(levels))


def _reason(seen: Observation) -> str:
    return seen.outcome.reason if isinstance(seen.outcome, Failure) else ""


def _settled(seen: Observation) -> Observation:
    """What was seen, unless it tells of this machine and not of the draft."""
    if _reason(seen) == _OVERLOADED:
        raise Overloaded(f"the trial found no room in the sandbox: {seen.text}")
    return seen
