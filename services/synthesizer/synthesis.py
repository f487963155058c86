"""The heart: a message that nothing understands becomes a method. Law: registration is the only write, and comes last.

    admit ─▶ panel ─▶ drafts ─▶ audit ─▶ trial ─▶ choose ─▶ register
                        ▲                  │ none passed: at most two rounds of repair
                        └──────────────────┘

Whatever stops a synthesis before its last act leaves nothing behind. Drafts are written at the same time and each is
audited and tried as it arrives; one whose turn fails is missed only if all fail.
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
from kernel.errors import EndpointUnavailable
from kernel.messages import Message
from kernel.objects import Finding, MethodVersion
from kernel.synthesis import DraftAudited, DraftTried, Registered, Started
from objectstore.store import Store
from synthesizer import drafts, panel, personas
from synthesizer.admission import Admission, admit, selectors_along
from synthesizer.attempts import Attempt, failure, repair
from synthesizer.audit import audit, passed
from synthesizer.drafts import Draft
from synthesizer.endpoints import ChatMessages, Sampling
from synthesizer.mission import Mission
from synthesizer.order import Order
from synthesizer.panel import Minutes
from synthesizer.personas import ALFRED, Persona
from synthesizer.registration import install, new_method
from synthesizer.trial import Choice, Trial, Tried, as_example, choose
from synthesizer.turns import Tell, Turns

REPAIRS = 2
MAX_KNOWN = 12  # methods along the path that BABS is told of
_MAX_TOKENS = 400
_FIRST_TEMPERATURE, _TEMPERATURE = 0.2, 0.7


@dataclass(frozen=True, slots=True)
class Synthesis:
    """Writes methods. `count` drafts are written at a time; `clock` is in seconds since 1970."""

    store: Store
    turns: Turns
    activator: Activator
    telemetry: Telemetry
    count: int = 3
    clock: Callable[[], float] = time.time

    async def admit(self, message: Message) -> Admission:
        """Whether the message may be synthesized for. Raises as `admission.admit`."""
        return await admit(self.store, message)

    async def write(self, order: Order, tell: Tell) -> None:
        """Write and register a method, and tell of it. The last event is Registered.

        Raises what `admit` raises, EndpointUnavailable, AuditRejected, SynthesisFailed, ApprovalPending, Conflict,
        StoreUnavailable.
        """
        message = order.message
        names = {
            vocabulary.SYNTHESIS_ID: order.synthesis_id,
            vocabulary.NAMESPACE: message.namespace,
            vocabulary.OBJECT_ID: message.target,
            vocabulary.SELECTOR: message.selector,
        }
        with self.telemetry.span(vocabulary.SPAN_SYNTHESIZE, names) as span:
            admission = await self.admit(message)
            if admission.answer is None:
                tell(Started(order.synthesis_id, message.target))
                work = _Work(self, order, admission, tell)
                try:
                    tell(await work.register(await work.chosen()))
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

    # --- panel and drafts ---

    async def chosen(self) -> Choice:
        """The draft to register. Raises EndpointUnavailable, AuditRejected, SynthesisFailed."""
        cast = await personas.read(self.parts.store)
        mission = Mission(self.order.message, self.admission.receiver.slots or {}, await self._known())
        with self.parts.telemetry.span(vocabulary.SPAN_PANEL):
            minutes = await panel.sit(self.turns, cast, mission, self.order.seed, self.tell)
        self.order.spent += minutes.turns
        message = await self.order.begin_drafting()
        trial = await self._trial(message, minutes)
        asked = drafts.prompt(cast[ALFRED], minutes, replace(mission, message=message))
        attempts: list[Attempt] = []
        for round_ in range(1 + REPAIRS):
            prompt = repair(asked, attempts) if round_ else asked
            attempts += await self._round(cast[ALFRED], prompt, trial)
            if choice := choose([each.tried for each in attempts if each.tried]):
                return choice
        raise failure(message, attempts)

    async def _known(self) -> list[MethodVersion]:
        """The methods along the path, the nearest holder's first."""
        namespace = self.order.message.namespace
        along = selectors_along(self.admission.path, self.admission.definitions)
        known: list[MethodVersion] = []
        for selector, holder in list(along.items())[:MAX_KNOWN]:
            known.append((await self.parts.store.method(namespace, holder, selector, 0))[0].method)
        return known

    async def _round(self, alfred: Persona, asked: ChatMessages, trial: Trial) -> list[Attempt]:
        """Drafts at the same time, each audited and tried as it arrives. Raises EndpointUnavailable where none came."""
        first = self.written + 1
        self.written += self.parts.count
        numbers = range(first, first + self.parts.count)
        outcomes = await asyncio.gather(
            *(self._attempt(number, alfred, asked, trial) for number in numbers), return_exceptions=True
        )
        attempts = [each for each in outcomes if isinstance(each, Attempt)]
        failures = [each for each in outcomes if isinstance(each, BaseException)]
        serious = [each for each in failures if not isinstance(each, EndpointUnavailable)]
        if serious or not attempts:
            raise (serious or failures)[0]
        return attempts

    async def _attempt(self, number: int, alfred: Persona, asked: ChatMessages, trial: Trial) -> Attempt:
        temperature = _FIRST_TEMPERATURE if number == 1 else _TEMPERATURE
        sampling = Sampling(_MAX_TOKENS, temperature, self.order.seed + number)
        said = await self.turns.take(alfred, asked, sampling, self.tell, number)
        self.order.spent.append(said.turn)
        draft = Draft(number, said.text, said.turn, said.cut)
        findings = self._audited(draft)
        if not passed(findings):
            return Attempt(draft, findings, None)
        return Attempt(draft, findings, await self._tried(draft, findings, trial))

    def _audited(self, draft: Draft) -> tuple[Finding, ...]:
        with self.parts.telemetry.span(vocabulary.SPAN_AUDIT, {vocabulary.DRAFT_INDEX: draft.index}) as span:
            findings = audit(draft.source, self.order.message.selector)
            span.set_attribute(vocabulary.FINDING_RULE, [each.rule for each in findings])
        self.tell(DraftAudited(draft.index, findings, passed(findings)))
        return findings

    async def _tried(self, draft: Draft, findings: tuple[Finding, ...], trial: Trial) -> Tried:
        with self.parts.telemetry.span(vocabulary.SPAN_TRIAL, {vocabulary.DRAFT_INDEX: draft.index}) as span:
            tried = await trial.of(draft, findings)
            span.set_attribute(vocabulary.TRIAL_PASSED, not tried.failure)
        self.tell(DraftTried(draft.index, tried.passed, tried.total, tried.failure))
        return tried

    async def _trial(self, message: Message, minutes: Minutes) -> Trial:
        snapshot, slots = self.admission.snapshot, self.admission.receiver.slots or {}
        live = await as_example(message, slots, snapshot, self.parts.clock(), self.order.seed)
        tryout = Tryout(self.parts.activator, snapshot, message.namespace)
        return Trial(tryout, message.target, message, live, minutes.probes)

    # --- registration ---

    async def register(self, choice: Choice) -> Registered:
        """Write the version. Raises ApprovalPending, NotUnderstood, Conflict, StoreUnavailable, StoreFull."""
        with self.parts.telemetry.span(vocabulary.SPAN_REGISTER) as span:
            context = span.get_span_context()
            trace_id = format_trace_id(context.trace_id) if context.is_valid else ""
            new = new_method(self.order, choice, trace_id, self.parts.clock())
            registered = await install(self.parts.store, self.order.message, new)
            span.set_attribute(vocabulary.METHOD_VERSION, registered.record.method.number)
            span.set_attribute(vocabulary.EVIDENCE, f"E{registered.record.level - 1}")
            return registered
