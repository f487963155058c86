"""The heart: a message that nothing understands becomes a method. Law: registration is the only write, and comes last.

    admit ─▶ adopt ─▶ panel ─▶ drafts ─▶ audit ─▶ trial ─▶ choose ─▶ register
               │                 ▲                  │ none passed: repair; too few agree: more drafts
               │                 └──────────────────┘                        ▲
               └── a version that is there passes everything ────────────────┘

Whatever stops a synthesis before its last act leaves nothing behind. Where drafts pass and disagree, the caller is
asked for an example, and nothing is registered either.
"""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from opentelemetry.trace import format_trace_id

import vocabulary
from activation.examples import Tryout
from activation.run import Activator
from chassis.telemetry import Telemetry
from kernel.messages import Message
from kernel.synthesis import Adopted, Chosen, Compared, Registered, Started
from objectstore.store import Store
from synthesizer import drafts, evolution, panel, personas, retrieval
from synthesizer.admission import Admission, admit
from synthesizer.adoption import adopt
from synthesizer.attempts import Attempt, failure
from synthesizer.drafting import Drafting
from synthesizer.drafts import Draft
from synthesizer.endpoints import ChatMessages, Sampling
from synthesizer.examination import Examination
from synthesizer.fitting import cost
from synthesizer.order import Order
from synthesizer.panel import Minutes
from synthesizer.personas import ALFRED, Persona
from synthesizer.registration import install, new_method
from synthesizer.selection import WAVES, choose
from synthesizer.trial import Choice, Trial, as_example
from synthesizer.turns import Tell, Turns

_FIRST_TEMPERATURE, _TEMPERATURE = 0.2, 0.7


@dataclass(frozen=True, slots=True)
class Synthesis:
    """Writes methods. `count` drafts are written at a time, in `waves` at most; `clock` is in seconds since 1970."""

    store: Store
    turns: Turns
    activator: Activator
    telemetry: Telemetry
    count: int = 3
    clock: Callable[[], float] = time.time
    waves: int = WAVES

    async def admit(self, message: Message, *, evolves: bool = False) -> Admission:
        """Whether the message may be synthesized for. Raises as `admission.admit`."""
        return await admit(self.store, message, evolves=evolves)

    async def write(self, order: Order, tell: Tell) -> None:
        """Write and register a method, and tell of it. The last event is Registered.

        Raises what `admit` raises, EndpointUnavailable, AuditRejected, SynthesisFailed, ExamplesNeeded,
        ApprovalPending, Conflict, FlightLost, StoreUnavailable.
        """
        message = order.message
        names = {
            vocabulary.SYNTHESIS_ID: order.synthesis_id,
            vocabulary.NAMESPACE: message.namespace,
            vocabulary.OBJECT_ID: message.target,
            vocabulary.SELECTOR: message.selector,
        }
        with self.telemetry.span(vocabulary.SPAN_SYNTHESIZE, names) as span:
            admission = await self.admit(message, evolves=bool(order.evolves))
            if admission.answer is None or order.evolves:
                tell(Started(order.synthesis_id, message.target))
                work = _Work(self, order, admission, tell)
                try:
                    choice = await work.adopted() or await work.chosen()
                    tell(await work.register(choice))
                finally:
                    span.set_attribute(vocabulary.DRAFT_COUNT, work.written)
            else:
                tell(Registered(*admission.answer))


@dataclass(slots=True)
class _Work:
    """One synthesis under way: what it stands on, and what it has cost so far."""

    parts: Synthesis
    order: Order
    admission: Admission
    tell: Tell
    written: int = 0
    turns: Turns = field(init=False)

    def __post_init__(self) -> None:
        self.turns = self.parts.turns.after(self.order.told)

    # --- what is there already ---

    async def adopted(self) -> Choice | None:
        """A version that passes everything as it is; None where none does, or without examples to pass."""
        if self.order.evolves or not self.order.message.examples:
            return None
        found = await retrieval.adoptable(self.parts.store, self.order.message, self.admission)
        choice, version = await adopt(found, self.order, self._examination)
        if version is not None:
            self.tell(Adopted(version.holder, version.selector, version.number))
        return choice

    # --- panel and drafts ---

    async def chosen(self) -> Choice:
        """The draft to register. Raises EndpointUnavailable, AuditRejected, SynthesisFailed, ExamplesNeeded."""
        store = self.parts.store
        cast, mission = await asyncio.gather(
            personas.read(store), retrieval.mission(store, self.order.message, self.admission)
        )
        with self.parts.telemetry.span(vocabulary.SPAN_PANEL):
            minutes = await panel.sit(self.turns, cast, mission, self.order.seed, self.tell)
        self.order.spent += minutes.turns
        message = await self.order.begin_drafting()
        asked = drafts.prompt(cast[ALFRED], minutes, replace(mission, message=message))
        examination = replace(await self._examination(message, minutes), tell=self.tell)

        async def write(number: int, prompt: ChatMessages) -> Attempt:
            return await examination.of(await self._draft(number, cast[ALFRED], prompt))

        attempts = await Drafting(write, self.parts.count, self.parts.waves).attempts(asked)
        choice = choose([each.tried for each in attempts if each.tried], message)
        if choice is None:
            raise failure(message, attempts)
        self.tell(Chosen(choice.tried.draft.index, choice.agreeing, choice.passed, choice.dissent))
        return choice

    async def _draft(self, number: int, alfred: Persona, asked: ChatMessages) -> Draft:
        self.written += 1
        temperature = _FIRST_TEMPERATURE if number == 1 else _TEMPERATURE
        sampling = Sampling(alfred.max_tokens, temperature, self.order.seed + number)
        try:
            said = await self.turns.take(alfred, asked, sampling, self.tell, number)
        except asyncio.CancelledError:
            self.order.broken_off += cost(asked)
            raise
        self.order.spent.append(said.turn)
        return Draft(number, said.text, said.turn, said.cut)

    async def _examination(self, message: Message, minutes: Minutes | None = None) -> Examination:
        """How sources for the message are examined; after a panel, on what it said too."""
        snapshot, slots = self.admission.snapshot, self.admission.receiver.slots or {}
        live = await as_example(message, slots, snapshot, self.parts.clock(), self.order.seed)
        trial = Trial(Tryout(self.parts.activator, snapshot, message.namespace), message.target, message, live)
        if minutes is None:
            return Examination(self.parts.telemetry, trial, count=self._count)
        trial = replace(trial, probes=minutes.probes, properties=minutes.properties)
        promised = minutes.spec.effects if minutes.spec.said else None
        return Examination(self.parts.telemetry, trial, promised, count=self._count)

    def _count(self, runs: int) -> None:
        self.order.trials += runs

    # --- registration ---

    async def register(self, choice: Choice) -> Registered:
        """Write the version. Raises ApprovalPending, NotUnderstood, Conflict, StoreUnavailable, StoreFull."""
        with self.parts.telemetry.span(vocabulary.SPAN_REGISTER) as span:
            context = span.get_span_context()
            trace_id = format_trace_id(context.trace_id) if context.is_valid else ""
            compared = await self._compared(choice) if self.order.evolves else None
            new = new_method(self.order, choice, trace_id, self.parts.clock(), compared)
            registered = await install(self.parts.store, self.order, new, compared)
            span.set_attribute(vocabulary.METHOD_VERSION, registered.record.method.number)
            span.set_attribute(vocabulary.EVIDENCE, f"E{registered.record.level - 1}")
            return registered

    async def _compared(self, choice: Choice) -> Compared:
        """The chosen draft beside the version that it is to better, on recorded calls. StoreUnavailable, Overloaded."""
        message, snapshot = self.order.message, self.admission.snapshot
        tryout = Tryout(self.parts.activator, snapshot, message.namespace)
        compared = await evolution.compared(self.parts.store, tryout, self.order, choice.tried.draft.source)
        self.tell(compared)
        return compared
