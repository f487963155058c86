"""The trial of a draft. Law: tried by the code and in the sandbox that will run it, so what passes is what runs.

A draft is tried on every example, and on the message that asked for it, on the receiver's state as it is: twice, since
the same state, arguments, clock and seed have to give the same (BAT504). On ROBIN's sends and on variations of the
examples it is only observed. What a draft did on all of them is its *behaviour*; drafts that behave alike agree.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256

from activation.examples import Observation, Tryout
from kernel.errors import BadArguments, Overloaded
from kernel.messages import Example, Failure, Message
from kernel.objects import EffectSet, Finding, Level, MethodVersion, ObjectId
from kernel.signature import bind, parse_method
from kernel.values import Reference, SlotValues, Value
from synthesizer import rendering
from synthesizer.disclosure import shown_message
from synthesizer.drafts import Draft
from synthesizer.effects import effects
from synthesizer.properties import Property
from synthesizer.snapshot import StoreSnapshot
from synthesizer.variations import variations

MAX_OTHERS = 20  # objects a message refers to whose slots its own trial sees
_LIVE_RUNS = 2
SILENT = ""  # in a behaviour: it failed on an input of which no caller said what must come
_RAISED = "METHOD_RAISED"
_LIMIT = "LIMIT_EXCEEDED"
_OVERLOADED = "OVERLOADED"
_DIFFER = ": two runs on the same state, clock and seed differ (BAT504)"


@dataclass(frozen=True, slots=True)
class Tried:
    """How a draft did: examples passed of all, in words what it failed (empty: it passed), and its behaviour.

    `behaviour` has for each of the `inputs` a digest of what was `seen` of it there, or SILENT. `held` is how many of
    ROBIN's properties held wherever they say something, `runs` how often it was run. `effects` is what it touches,
    `beyond` what of it BRICK's spec does not have. `whispered` is what ALFRED may be told of a failure that speaks of
    the message's own arguments and state: neither of them.
    """

    draft: Draft
    findings: tuple[Finding, ...]
    passed: int
    total: int
    failure: str
    behaviour: tuple[str, ...] = ()
    inputs: tuple[Example, ...] = ()
    seen: tuple[Observation, ...] = ()
    held: int = 0
    runs: int = 0
    effects: EffectSet | None = None
    beyond: tuple[str, ...] = ()
    whispered: str = ""


@dataclass(frozen=True, slots=True)
class Choice:
    """The draft that is registered, how many agree with it of those that passed, and its levels of evidence.

    `dissent` counts the groups that answer otherwise. `adopted` names the version that it was taken from unchanged, as
    `holder.selector@number`.
    """

    tried: Tried
    agreeing: int
    levels: tuple[Level, ...]
    passed: int = 1
    dissent: int = 0
    adopted: str = ""


@dataclass(frozen=True, slots=True)
class Trial:
    """What drafts of one synthesis are tried on. `live` is the message itself on the receiver's own state."""

    tryout: Tryout
    target: ObjectId
    message: Message
    live: Example
    probes: Sequence[Example] = ()
    properties: Sequence[Property] = ()

    async def of(self, draft: Draft, findings: tuple[Finding, ...]) -> Tried:
        """Try a draft that passed the audit. Raises StoreUnavailable, Overloaded."""
        method, examples = self._version(draft), self.message.examples
        seen, failures = await self._on_examples(method)
        passed, runs = len(seen) - len(failures), len(seen)
        tried = Tried(draft, findings, passed, len(examples), "", runs=runs, effects=method.effects)
        if failures:
            return replace(tried, failure=min(failures)[1])
        failure = await self._live(method, seen)
        if failure:
            whispered = self._whispered(method, seen[-1], failure)
            return replace(tried, failure=failure, whispered=whispered, runs=runs + _LIVE_RUNS)
        inputs = (*examples, self.live, *self._others())
        await self._on_others(method, inputs[len(seen) :], seen)
        vouched = len(examples) + 1
        behaviour = tuple(_told(each, vouched=at < vouched) for at, each in enumerate(seen))
        behaviour += (SILENT,) * (len(inputs) - len(seen))
        held = sum(_holds(each, seen, inputs) for each in self.properties)
        runs = len(seen) - 1 + _LIVE_RUNS
        return replace(tried, behaviour=behaviour, inputs=inputs, seen=tuple(seen), held=held, runs=runs)

    async def _on_examples(self, method: MethodVersion) -> tuple[list[Observation], list[tuple[int, str]]]:
        """What it did, and where it failed: how long the example is, and what was wrong."""
        seen: list[Observation] = []
        failures: list[tuple[int, str]] = []
        for example in self.message.examples:
            verdict = await self.tryout.check(method, self.message.receiver, example)
            seen.append(_settled(verdict.observation))
            if not verdict.passed:
                failures.append((len(rendering.example(method.selector, example)), verdict.failure))
                if _reason(verdict.observation) == _LIMIT:
                    break  # the draft is refused, and the others would cost as much time
        return seen, failures

    async def _on_others(self, method: MethodVersion, inputs: Sequence[Example], seen: list[Observation]) -> None:
        for given in inputs:
            seen.append(await self._observed(method, given))
            if _reason(seen[-1]) == _LIMIT:
                break  # nobody vouches for these inputs, and each could take as long

    def _others(self) -> Iterator[Example]:
        """Inputs that no caller vouches for."""
        yield from self.probes
        yield from variations(self.message.examples or (self.live,))

    async def _live(self, method: MethodVersion, seen: list[Observation]) -> str:
        first = await self._observed(method, self.live)
        again = await self._observed(method, self.live)
        seen.append(first)
        sent = rendering.send(method.selector, self.live.arguments, self.live.keywords)
        if first.digest() != again.digest():
            return f"{sent}{_DIFFER}"
        # Examples may say that the method raises; without them an exception is the only sign of a broken draft.
        if _reason(first) in ({"", _RAISED} if self.message.examples else {""}):
            return ""
        return f"{sent} failed: {first.text}"

    def _whispered(self, method: MethodVersion, seen: Observation, failure: str) -> str:
        """The failure with samples for arguments, and without its text: that may hold a slot, or an argument."""
        shown = shown_message(self.message)
        sent = rendering.send(shown.selector, shown.arguments, shown.keywords)
        if failure.endswith(_DIFFER):
            return f"{sent}{_DIFFER}"
        try:
            bind(method.selector, method.parameters, len(shown.arguments), list(shown.keywords))
        except BadArguments as misfit:
            return f"{sent} failed: {misfit.text}"
        told = seen.outcome if isinstance(seen.outcome, Failure) else Failure(_RAISED)
        return f"{sent} failed: {told.exception or told.reason}"

    async def _observed(self, method: MethodVersion, example: Example) -> Observation:
        return _settled(await self.tryout.observe(method, self.message.receiver, example))

    def _version(self, draft: Draft) -> MethodVersion:
        selector, source = self.message.selector, draft.source
        digest = sha256(source.encode()).hexdigest()
        parameters, touched = parse_method(source, selector), effects(source, selector)
        return MethodVersion(self.target, selector, 0, source, digest, parameters, effects=touched)


def _holds(each: Property, seen: Sequence[Observation], inputs: Sequence[Example]) -> bool:
    """Whether the property says something of what was seen, and nothing of it was otherwise."""
    said = [each.holds(item, given) for item, given in zip(seen, inputs, strict=False)]
    return True in said and False not in said


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


def _told(seen: Observation, *, vouched: bool) -> str:
    return SILENT if isinstance(seen.outcome, Failure) and not vouched else seen.digest()


def _reason(seen: Observation) -> str:
    return seen.outcome.reason if isinstance(seen.outcome, Failure) else ""


def _settled(seen: Observation) -> Observation:
    """What was seen, unless it tells of this machine and not of the draft."""
    if _reason(seen) == _OVERLOADED:
        raise Overloaded(f"the trial found no room in the sandbox: {seen.text}")
    return seen
