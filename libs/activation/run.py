"""One run of a root message. Law: (snapshot, arguments, now, seed) -> (result, writes, nested sends), and no more.

A run looks the method up, activates it in a fresh feed of the sandbox, and serves its nested sends from the same
snapshot and write buffer. Every nested send is a savepoint. Four things never enter the guest, since a method must not
swallow them: a miss, a limit, a failure of the store, cancellation; they abandon the run, and nothing of it remains.
What else a nested send can fail with, the sending method may catch.

Where no object on the path has the selector, an own `does_not_understand(self, selector, arguments, keywords)` on the
path is activated instead, by the same rules; raising LookupError it says that the message is none of its own, and only
then the message is missed.
"""

import contextlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import lru_cache
from typing import Protocol

import vocabulary
from activation import failures, guest
from activation.buffer import Frame, Savepoint, WriteBuffer
from activation.effects import check_send, check_writes
from activation.snapshot import Snapshot
from kernel.errors import LimitExceeded, MethodRaised, NotUnderstood, ObjectNotFound
from kernel.lookup import MAX_PATH, holder_of, lookup_path, near_selectors
from kernel.messages import Message, MethodRef
from kernel.objects import Definition, MethodRecord, MethodVersion, ObjectId, Selector, parse_object_id, parse_selector
from kernel.signature import bind
from kernel.transactions import MAX_READS, Key, Part
from kernel.values import SlotValues, Value
from sandbox.host import Call, Feed, Sandbox
from sandbox.limits import Limits

MAX_DEPTH = 16
MAX_SENDS = 100
DOES_NOT_UNDERSTAND = Selector("does_not_understand")
DECLINES = "LookupError"  # and no KeyError, which is a mistake of the method
MAX_PROGRAMS = 1024  # kept ready; each has at most the 64 KiB of a source, and some 5 KiB around it


class Tracing(Protocol):
    """Where spans are made; `chassis.telemetry.Telemetry` is one."""

    def span(
        self, name: str, attributes: Mapping[str, str | int] | None = None
    ) -> contextlib.AbstractContextManager[object]:
        """The current span while the block runs."""
        ...


class Miss(NotUnderstood):
    """The root, or a message sent on the way, is not understood: `message` is the one to write a method for."""

    def __init__(self, message: Message, near: Sequence[str], path: Sequence[ObjectId]) -> None:
        super().__init__(message.receiver, message.selector, near)
        self.message, self.path = message, tuple(path)


@dataclass(frozen=True, slots=True)
class Run:
    """What came of a root: result, version, the receiver's incarnation, the revisions read, what to write.

    `before` has the slots of every object that was looked into.
    """

    result: Value
    record: MethodRecord
    incarnation: str
    reads: Mapping[Key, int]
    writes: Mapping[ObjectId, SlotValues]
    sends: int
    before: Mapping[ObjectId, SlotValues]

    @property
    def method(self) -> MethodRef:
        """Which version gave the result."""
        method = self.record.method
        return MethodRef(method.holder, method.selector, method.number, method.digest, self.record.level)


def to_does_not_understand(message: Message) -> Message:
    """The message that is sent to the receiver's own does_not_understand instead of one that is not understood."""
    arguments = (message.selector, list(message.arguments), dict(message.keywords))
    return replace(message, selector=DOES_NOT_UNDERSTAND, arguments=arguments, keywords={})


class Activator:
    """Runs roots in a sandbox; holds nothing between runs but the programs it has made of sources."""

    def __init__(self, sandbox: Sandbox, tracing: Tracing, limits: Limits | None = None) -> None:
        self._sandbox, self._tracing = sandbox, tracing
        self._limits = limits or Limits()
        self._programs = lru_cache(MAX_PROGRAMS)(guest.program)

    async def run(
        self,
        message: Message,
        snapshot: Snapshot,
        *,
        now: float,
        seed: int,
        reads: dict[Key, int] | None = None,
        decided: bool = True,
    ) -> Run:
        """Run a root message. `now` is in seconds since 1970; `reads` is filled, also where the run fails.

        What the snapshot does not have counts as absent where that is `decided`; else every miss is told, so that the
        message can be run again on a newer one, before a does_not_understand may answer.

        Raises Miss, ObjectNotFound, BadArguments, BadValue, MethodRaised, LimitExceeded, StoreUnavailable.
        """
        root = _Root(
            self._sandbox,
            self._tracing,
            self._limits,
            self._programs,
            snapshot,
            datetime.fromtimestamp(now, UTC),
            seed,
            {} if reads is None else reads,
            decided,
        )
        result, record = await root.send(message, depth=0)
        incarnation = root.incarnations[message.receiver]
        return Run(result, record, incarnation, root.reads, root.buffer.writes(), root.sends, root.buffer.base)


@dataclass(slots=True)
class _Root:
    """The state of one run: what it read, what it wrote, how much of its budget is spent."""

    sandbox: Sandbox
    tracing: Tracing
    limits: Limits
    programs: Callable[[str, str], str]
    snapshot: Snapshot
    now: datetime
    seed: int
    reads: dict[Key, int]
    decided: bool
    incarnations: dict[ObjectId, str] = field(default_factory=dict[ObjectId, str])
    buffer: WriteBuffer = field(default_factory=WriteBuffer)
    sends: int = 0

    async def send(self, message: Message, depth: int, above: ObjectId | None = None) -> tuple[Value, MethodRecord]:
        """Deliver one message, root or nested; with `above`, to the next holder after it (a resend)."""
        if depth > MAX_DEPTH:
            raise LimitExceeded("depth", f"sends are nested deeper than {MAX_DEPTH}")
        self.sends += 1
        if self.sends > MAX_SENDS:
            raise LimitExceeded("sends", f"one message led to more than {MAX_SENDS} sends")
        names = {vocabulary.OBJECT_ID: message.receiver, vocabulary.SELECTOR: message.selector}
        try:
            with self.tracing.span(vocabulary.SPAN_LOOKUP, names):
                record = await self._lookup(message, above)
        except Miss as miss:
            return await self._instead(miss, depth)
        return await self._run(message, record, depth), record

    async def _instead(self, miss: Miss, depth: int) -> tuple[Value, MethodRecord]:
        """What the receiver's own does_not_understand answers. Raises the miss where none does."""
        if not self.decided or miss.selector == DOES_NOT_UNDERSTAND:
            raise miss
        asked = to_does_not_understand(miss.message)
        try:
            record = await self._lookup(asked, None)
        except Miss:
            raise miss from None
        try:
            return await self._run(asked, record, depth), record
        except MethodRaised as raised:
            error = miss if raised.exception == DECLINES else raised  # whatever it wrote goes with the run
            raise error from None

    async def _run(self, message: Message, record: MethodRecord, depth: int) -> Value:
        method = record.method
        names = {vocabulary.OBJECT_ID: message.receiver, vocabulary.SELECTOR: message.selector}
        names |= {vocabulary.HOLDER: method.holder, vocabulary.METHOD_VERSION: method.number}
        names |= {vocabulary.ACTIVATION_DEPTH: depth}
        with self.tracing.span(vocabulary.SPAN_ACTIVATE, names):
            return await self._activate(message, record, depth)

    async def _lookup(self, message: Message, above: ObjectId | None) -> MethodRecord:
        receiver, selector = message.receiver, message.selector
        definitions = await self._ancestry(receiver)
        path = lookup_path(receiver, {name: item.parents for name, item in definitions.items()})
        asked = path if above is None else path[path.index(above) + 1 :]
        if (answer := holder_of(selector, asked, definitions)) is None:
            if above is None:
                raise Miss(message, near_selectors(selector, path, definitions), path)
            if selector == DOES_NOT_UNDERSTAND:  # who sends it again has nothing to say itself
                raise MethodRaised(receiver, selector, DECLINES, f"nothing above {above} has it")
            raise NotUnderstood(receiver, selector, why=f"nothing above {above} has it, so it cannot be sent again")
        incarnation = definitions[answer.holder].incarnation
        return await self.snapshot.method(answer.holder, incarnation, selector, answer.number)

    async def _ancestry(self, receiver: ObjectId) -> dict[ObjectId, Definition]:
        definitions: dict[ObjectId, Definition] = {}
        ahead = [receiver]
        while ahead:
            name = ahead.pop()
            if name in definitions:
                continue
            definitions[name] = await self._definition(name)
            if len(definitions) > MAX_PATH:
                raise LimitExceeded("path", f"{receiver} has more than {MAX_PATH} ancestors")
            ahead.extend(definitions[name].parents)
        return definitions

    async def _definition(self, name: ObjectId) -> Definition:
        read = await self.snapshot.definition(name)
        self._read(Key(name, Part.DEFINITION), read.revision)
        if read.definition is None:
            raise ObjectNotFound(name)
        self.incarnations[name] = read.definition.incarnation
        return read.definition

    def _read(self, key: Key, revision: int) -> None:
        self.reads[key] = revision
        if len(self.reads) > MAX_READS:
            raise LimitExceeded(
                "reads", f"one message read more than {MAX_READS} keys, which cannot be committed together"
            )

    async def _slots(self, name: ObjectId) -> None:
        if name in self.buffer.base:
            return
        read = await self.snapshot.slots(name)
        self._read(Key(name, Part.SLOTS), read.revision)
        if read.slots is None:
            raise ObjectNotFound(name)
        self.buffer.base[name] = read.slots

    async def _activate(self, message: Message, record: MethodRecord, depth: int) -> Value:
        method = record.method
        bind(method.selector, method.parameters, len(message.arguments), list(message.keywords))
        await self._slots(message.receiver)
        frame = self.buffer.begin(message.receiver)
        result, kept = await _Activation(self, message, record.method, frame, depth).feed()
        self.buffer.end(frame, keep=kept)
        return result


@dataclass(frozen=True, slots=True)
class _Activation:
    """One method running on one object, in one feed of the sandbox."""

    root: _Root
    message: Message
    method: MethodVersion
    frame: Frame
    depth: int

    async def feed(self) -> tuple[Value, bool]:
        """Run the method: its result, and whether it kept the covenant."""
        root = self.root
        code = root.programs(self.method.source, self.method.selector)
        given = guest.inputs(self.message.receiver, self.frame.loaded, self.message.arguments, self.message.keywords)
        feed = Feed(code, given, guest.FUNCTIONS, root.now, root.seed, root.limits)
        with failures.told(self.method):
            output = await root.sandbox.run(feed, self._on_call, nested=self.depth > 0)
            result, slots, kept = guest.output(output, root.limits.output_bytes)
        self.frame.note(slots)
        if kept:
            check_writes(self.method, self.frame.changed)
        return result, kept

    async def _on_call(self, call: Call) -> object:
        """A nested send: the sender is suspended with its slots, and resumes with what they are afterwards."""
        buffer = self.root.buffer
        sent = guest.sent(call, self.root.limits.output_bytes)
        self.frame.note(sent.slots)
        check_writes(self.method, self.frame.changed)
        check_send(self.method, self.message.selector if sent.resend else sent.selector)
        point = buffer.savepoint()
        try:
            result = await self._deliver(sent)
        except failures.CATCHABLE as error:
            self._undo(point)
            raise failures.into_guest(error) from None
        return guest.answer(result, buffer.reload(self.frame))

    def _undo(self, point: Savepoint) -> None:
        """Nothing since the send remains; the sender goes on with the slots it was suspended with."""
        self.root.buffer.restore(point)
        self.root.buffer.reload(self.frame)

    async def _deliver(self, sent: guest.Sent) -> Value:
        message = Message(
            receiver=self.message.receiver if sent.resend else parse_object_id(sent.receiver),
            selector=self.message.selector if sent.resend else parse_selector(sent.selector),
            arguments=tuple(sent.arguments),
            keywords=sent.keywords,
            namespace=self.message.namespace,
            principal=self.message.principal,
        )
        above = self.method.holder if sent.resend else None
        result, _ = await self.root.send(message, self.depth + 1, above)
        return result
