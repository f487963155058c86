"""Whether a synthesis may begin. Law: every no comes before anything is spent, and says what would make it a yes.

In this order, each read linearizably, for whoever begins a flight; who joins one that is under way is not asked:

1. policies, which `admission` asks, and the kill switch (freeze);
2. a selector that answers and of which this one is a misspelling (spelling), unless intent or examples came with it;
3. what failed lately (setbacks);
4. the budgets of all objects along the lookup path: reserved together or not at all.

Afterwards what was not spent goes back, and a failure is kept or forgotten.
"""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass

import vocabulary
from chassis.metrics import Metrics
from kernel.errors import (
    ApprovalPending,
    BadArguments,
    BudgetExhausted,
    KernelError,
    MethodNotFound,
    NotUnderstood,
    ObjectNotFound,
)
from kernel.lookup import holder_of, understood
from kernel.messages import Message
from kernel.objects import ROOT, Selector
from kernel.signature import bind
from kernel.synthesis import SynthesisRecord
from objectstore.flights import Budget, Flights, Reservation, Setback
from objectstore.store import Store
from synthesizer import freeze, personas, setbacks, spelling
from synthesizer.admission import Admission, refused
from synthesizer.estimate import estimate

_MOST_NEAR = 3

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Hourly:
    """What a namespace may spend in an hour where its root object says nothing; None: no bound."""

    tokens: int | None = None
    syntheses: int | None = None


@dataclass(frozen=True, slots=True)
class Permit:
    """Leave to write one method: what was reserved for it, and the setback that it comes after."""

    message: Message
    ask: str
    reservation: Reservation | None
    before: Setback | None


class Control:
    """What stands between a message that is not understood and the money. `drafts` are written at a time."""

    def __init__(
        self,
        flights: Flights,
        store: Store,
        clock: Callable[[], float],
        metrics: Metrics,
        *,
        drafts: int = 3,
        hourly: Hourly | None = None,
    ) -> None:
        self._flights, self._store, self._clock = flights, store, clock
        self._drafts, self._hourly = drafts, hourly or Hourly()
        about = "Syntheses that were refused before anything was spent."
        self._refused = metrics.counters(vocabulary.METRIC_SYNTHESES_REFUSED, "{synthesis}", about, _because)

    async def permit(
        self, message: Message, admission: Admission, *, evolves: int = 0, synthesis_id: str = ""
    ) -> Permit:
        """Leave to begin a synthesis; `evolves` is the number of the version to better, 0 where none answers.

        Raises NotUnderstood (frozen, or a selector that is most likely misspelled), NotPermitted (frozen, for a better
        version), what failed lately with `retry_seconds`, BudgetExhausted, StoreUnavailable.
        """
        self._check_switch(message, admission, evolves)
        if not evolves:
            await self._check_spelling(message, admission)
        ask, before = await self._check_setback(message, admission, evolves)
        reservation = await self._reserved(message, admission, synthesis_id)
        return Permit(message, ask, reservation, before)

    async def resumed(self, record: SynthesisRecord) -> Permit | None:
        """The permit of a synthesis that began elsewhere under its id, for whoever took it over to settle.

        None where the store does not answer: then the reservation counts as spent.
        """
        message = record.message
        try:
            incarnation, before, reservation = await asyncio.gather(
                self._incarnation(message),
                self._flights.setback(message.namespace, message.target, message.selector),
                self._flights.reserve(message.namespace, (), 0, name=record.synthesis_id),
            )
        except KernelError as lost:
            log.warning("synthesis %s is not settled: %s", record.synthesis_id, lost.text)
            return None
        ask = setbacks.ask_of(message, incarnation, record.evolves)
        return Permit(message, ask, reservation, before)

    async def _incarnation(self, message: Message) -> str:
        try:
            return (await self._store.get(message.namespace, message.target)).definition.incarnation
        except ObjectNotFound:
            return ""  # what was reserved for it goes back all the same

    async def settled(self, permit: Permit, spent_tokens: int, failure: Exception | None) -> None:
        """Say how it ended: None and ApprovalPending are good ends; with 0 tokens spent, it never began.

        What was reserved and not spent goes back. A store that is away then is logged: until the hour ends the
        reservation counts as spent.
        """
        await asyncio.gather(self.returned(permit, spent_tokens), self._steadily(self._remember(permit, failure)))

    async def returned(self, permit: Permit, spent_tokens: int) -> None:
        """Give back what was reserved and not spent, once, whoever says so first."""
        await self._steadily(self._give_back(permit, spent_tokens))

    # --- before ---

    def _check_switch(self, message: Message, admission: Admission, evolves: int) -> None:
        if admission.frozen:
            path, definitions = admission.path, admission.definitions
            why = refused(message, path, definitions, freeze.WHY, evolves=bool(evolves))
            raise self._no(vocabulary.REFUSAL_FROZEN, why)

    async def _check_spelling(self, message: Message, admission: Admission) -> None:
        if message.intent or message.examples:
            return
        if near := await self._misspelled(message, admission):
            why = "it looks misspelled; send an intent or examples to have it written all the same"
            raise self._no(vocabulary.REFUSAL_SPELLING, NotUnderstood(message.receiver, message.selector, near, why))

    async def _misspelled(self, message: Message, admission: Admission) -> Sequence[Selector]:
        """The selectors that this one may be a misspelling of, which would take its arguments."""
        path, definitions = admission.path, admission.definitions
        candidates = [name for name in understood(path, definitions) if spelling.near(message.selector, name)]
        near = candidates[:_MOST_NEAR]
        takes = await asyncio.gather(*(self._takes(name, message, admission) for name in near))
        return [name for name, fits in zip(near, takes, strict=True) if fits]

    async def _takes(self, selector: Selector, message: Message, admission: Admission) -> bool:
        answer = holder_of(selector, admission.path, admission.definitions)
        assert answer is not None  # it is understood
        try:
            record, _ = await self._store.method(message.namespace, answer.holder, selector, answer.number)
            bind(selector, record.method.parameters, len(message.arguments), list(message.keywords))
        except (BadArguments, MethodNotFound, ObjectNotFound):  # it takes others, or is gone meanwhile
            return False
        return True

    async def _check_setback(self, message: Message, admission: Admission, evolves: int) -> tuple[str, Setback | None]:
        ask = setbacks.ask_of(message, admission.definitions[message.target].incarnation, evolves)
        before = await self._flights.setback(message.namespace, message.target, message.selector)
        if failure := setbacks.refusal(before, ask, self._clock()):
            raise self._no(vocabulary.REFUSAL_SETBACK, failure)
        return ask, before

    async def _reserved(self, message: Message, admission: Admission, name: str) -> Reservation | None:
        if not (budgets := self._budgets(admission)):
            return None
        cast = await personas.read(self._store)
        tokens = estimate(cast, message, admission.receiver.slots or {}, self._drafts)
        try:
            return await self._flights.reserve(message.namespace, budgets, tokens, name=name)
        except BudgetExhausted as exhausted:
            raise self._no(vocabulary.REFUSAL_BUDGET, exhausted) from None

    def _budgets(self, admission: Admission) -> list[Budget]:
        """What the objects on the path allow, and the root object for its whole namespace."""
        along = {name: admission.definitions[name].policy for name in admission.path}
        budgets = {name: Budget(name, each.tokens_per_hour, each.syntheses_per_hour) for name, each in along.items()}
        root = budgets.get(ROOT, Budget(ROOT, None, None))
        tokens = self._hourly.tokens if root.tokens is None else root.tokens
        syntheses = self._hourly.syntheses if root.syntheses is None else root.syntheses
        budgets[ROOT] = Budget(ROOT, tokens, syntheses)
        return [each for each in budgets.values() if each.tokens is not None or each.syntheses is not None]

    def _no(self, cause: str, failure: KernelError) -> KernelError:
        self._refused[cause].count += 1
        return failure

    # --- after ---

    async def _give_back(self, permit: Permit, spent: int) -> None:
        if permit.reservation is not None:
            await self._flights.settle(permit.reservation, spent, begun=spent > 0)

    async def _remember(self, permit: Permit, failure: Exception | None) -> None:
        message = permit.message
        where = message.namespace, message.target, message.selector
        if failure is None or isinstance(failure, ApprovalPending):
            if permit.before is not None:
                await self._flights.set_back(*where, None)
        elif setback := setbacks.after(failure, permit.ask, permit.before, self._clock()):
            await self._flights.set_back(*where, setback)

    @staticmethod
    async def _steadily(keeping: Coroutine[None, None, None]) -> None:
        try:
            await keeping
        except KernelError as away:  # a store that is full, too: it is no end of a synthesis
            log.warning("what became of a synthesis is not kept: %s", away.text)


def _because(cause: str) -> Mapping[str, str]:
    return {vocabulary.REFUSAL_CAUSE: cause}
