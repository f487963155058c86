"""A flight in the hands of this synthesizer. Law: it writes only while the flight is its own, and every end is kept.

Beside the writing run what tells, and what looks for a cancellation and for the loss of the flight: the first of these
that ends decides. A stop of the process ends nothing: the flight is left for others as it is.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any, Final, Protocol

from opentelemetry.trace import get_current_span

from kernel.errors import FlightLost, KernelError, LimitExceeded, StoreUnavailable, SynthesisCancelled, SynthesisFailed
from kernel.messages import Example, MethodRef
from kernel.synthesis import Event, Registered, Started, State, TurnFinished
from objectstore.flights import Flight, Flights
from objectstore.store import Store
from synthesizer.cluster import Belonging
from synthesizer.measures import Measures
from synthesizer.order import Order
from synthesizer.story import End, Story, ended, state_of
from synthesizer.telling import OutOfStep, Telling, steadily

LOOK_SECONDS: Final = 0.5
LETTING_GO_SECONDS: Final = 1.0
MOST_TAKEOVERS: Final = 5  # holders that were gone before the end; what kills each of them is not tried for ever
_PAUSE: Final = 0.5
_ATTEMPTS: Final = 5

log = logging.getLogger(__name__)


class Writer(Protocol):
    """Who writes methods; `synthesizer.synthesis` does."""

    async def write(self, order: Order, tell: Callable[[Event], None]) -> None:
        """Write and register a method, and tell of it. Raises what it fails with."""
        ...


@dataclass(frozen=True, slots=True)
class Ground:
    """What all flights of a process stand on; `clock` is in seconds since 1970."""

    flights: Flights
    store: Store
    writer: Writer
    belonging: Belonging
    measures: Measures
    clock: Callable[[], float] = time.time


class _Out(Exception):
    """This synthesizer is no member any more, as far as the others may know."""


@dataclass(slots=True)
class Holding:
    """One flight from the moment it is held to its end, or its loss.

    `spent` are the tokens of it all, what was paid by holders before included. Of one that is `fresh`, begun here a
    moment ago, all that there is is known.
    """

    ground: Ground
    story: Story
    flight: Flight
    fresh: bool = False
    spent: int = 0
    _poked: asyncio.Event = field(default_factory=asyncio.Event)

    def look(self) -> None:
        """Look at once whether it was cancelled."""
        self._poked.set()

    async def fly(self) -> End | None:
        """How it ended; None where it is not this synthesizer's any more."""
        failed = 0
        try:
            while True:
                await self._back()
                self.spent = max(self.spent, self.story.tokens)
                if self.flight.takeovers > MOST_TAKEOVERS:
                    return await self._end(self._hopeless())
                try:
                    return await self._once(last=failed >= _ATTEMPTS)
                except _Out:
                    log.warning("synthesis %s waits: this synthesizer is no member", self._id)
                except (StoreUnavailable, OutOfStep) as again:
                    log.info("synthesis %s goes on where it was: %s", self._id, again)
                    failed += 1
                    await asyncio.sleep(_PAUSE)
        except FlightLost:
            log.info("synthesis %s is another's by now, or has ended", self._id)
            return None

    @property
    def _id(self) -> str:
        return self.story.record.synthesis_id

    async def _back(self) -> None:
        """Return when this is a member that holds the flight, and knows all that was told. FlightLost."""
        if self.fresh:
            self.fresh = False
            return
        while True:
            await self.ground.belonging.back()
            with suppress(StoreUnavailable):
                await self.ground.flights.cancelled(self.flight)
                told = len(self.story.events)
                _, events = await self.ground.flights.events(self.story.record.namespace, self._id, told)
                self.story.tell(events)
                return
            await asyncio.sleep(_PAUSE)

    async def _once(self, *, last: bool) -> End:
        """Write until it ends. FlightLost, _Out; StoreUnavailable and OutOfStep, unless it is the last time."""
        registered: list[Registered] = []
        telling = Telling(self.ground.flights, self.flight, self.story, self._heard)
        order = self._order(telling)

        def tell(event: Event) -> None:
            if isinstance(event, Registered):
                registered.append(event)
            elif isinstance(event, Started):
                self.story.span = get_current_span().get_span_context()
            telling.tell(event)

        work = (self.ground.writer.write(order, tell), telling.run(), self._watch(), self._out())
        tasks = [asyncio.create_task(each, name=f"synthesis {self._id}") for each in work]
        try:
            failure = await _first(tasks)
        finally:
            await _let_go(tasks)
            self.spent += order.broken_off
            with suppress(KernelError, OutOfStep, TimeoutError):  # how the writing ended counts
                await asyncio.wait_for(telling.drain(), LETTING_GO_SECONDS)
        if order.landed:
            return failure or registered[-1]
        if isinstance(failure, (FlightLost, _Out)):
            raise failure
        if isinstance(failure, (StoreUnavailable, OutOfStep)) and not last:
            raise failure
        with suppress(LimitExceeded, OutOfStep):  # that it ended is kept, whatever of it could not be told
            await telling.drain()
        return await self._end(failure or registered[-1])

    def _order(self, telling: Telling) -> Order:
        record = self.story.record
        return Order(
            record.synthesis_id,
            record.message,
            record.asked_by,
            record.evolves,
            self.flight,
            tuple(self.story.events),
            self._close,
            telling.flush,
            record.created,
        )

    async def _close(self) -> Sequence[Example]:
        """The examples that are kept for the method, and those that were left by who joined."""
        (kept, _), joined = await asyncio.gather(
            self.ground.store.kept(*self.story.key), self.ground.flights.close(self.flight)
        )
        return [*(each.example for each in kept if not each.withdrawn_by), *joined]

    def _heard(self, event: Event) -> None:
        if isinstance(event, TurnFinished):
            self.ground.measures.turn(event.turn)
            self.spent += event.turn.input_tokens + event.turn.output_tokens

    async def _watch(self) -> None:
        """Raises SynthesisCancelled, FlightLost."""
        while True:
            with suppress(StoreUnavailable):
                if by := await self.ground.flights.cancelled(self.flight):
                    raise SynthesisCancelled(
                        f"{by} cancelled the synthesis; send the message again to have the method written",
                        synthesis=self._id,
                    )
            self._poked.clear()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._poked.wait(), LOOK_SECONDS)

    async def _out(self) -> None:
        """Raises _Out once this is no member any more: not only when a store that is away has been missed."""
        await self.ground.belonging.lost()
        raise _Out

    def _hopeless(self) -> SynthesisFailed:
        record, holders = self.story.record, self.flight.takeovers
        return SynthesisFailed(
            f"{holders} synthesizers were gone before they had written {record.target}.{record.selector}; no further "
            "one takes it over, and their logs may tell why",
            object=record.target,
            selector=record.selector,
        )

    async def _end(self, end: End) -> End:
        """Keep how it ended. FlightLost."""
        if isinstance(end, Registered):
            made = end.record.method
            version = MethodRef(made.holder, made.selector, made.number, made.digest, end.record.level)
            record = replace(self.story.record, state=State.SUCCEEDED, method=version)
        else:
            record = replace(self.story.record, state=state_of(end), failure=ended(end))
            if not isinstance(end, KernelError):
                log.error("synthesis %s has met a fault", self._id, exc_info=end)
        record = replace(record, ended=self.ground.clock())
        await steadily(lambda: self.ground.flights.end(self.flight, record))
        return end


async def _first(tasks: Sequence["asyncio.Task[None]"]) -> Exception | None:
    """What the first task that ended raised; None where it raised nothing, as only the writing may."""
    await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    done = next(task for task in tasks if task.done())
    if done.cancelled():
        return RuntimeError("the synthesis was broken off from within")
    failure = done.exception()
    assert failure is None or isinstance(failure, Exception)
    return failure


async def _let_go(tasks: Sequence["asyncio.Task[Any]"]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
