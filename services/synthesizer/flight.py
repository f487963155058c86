"""Flights: all who wait for the same method wait for one synthesis. Law: none begins while the same is under way here.

A flight belongs to (namespace, install target, selector). Whoever joins sees its events from the start; whoever leaves
does not end it; it ends with its last event, its failure, or the service. A synthesis in another process is not seen
here: the registration that comes second finds the first one's version and takes it.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import dataclass, field, replace

from opentelemetry.trace import Link, Span, SpanContext, get_current_span

import vocabulary
from chassis.telemetry import Telemetry
from kernel.errors import Overloaded, StoreUnavailable
from kernel.messages import Example, Message
from kernel.objects import Namespace, ObjectId, Selector
from kernel.synthesis import Event, Registered, Started
from synthesizer.order import Order, new_synthesis_id
from synthesizer.synthesis import Synthesis

MAX_FLIGHTS = 64  # with three drafts each as many requests as one TGI takes, and half as many again
_RETRY_SECONDS = 5.0

Key = tuple[Namespace, ObjectId, Selector]


@dataclass(slots=True)
class _Flight:
    """One synthesis under way: what it told so far. `told` is set, and replaced, with each event and at the end."""

    order: Order
    span: SpanContext | None = None
    events: list[Event] = field(default_factory=list[Event])
    told: asyncio.Event = field(default_factory=asyncio.Event)
    joined: list[Example] = field(default_factory=list[Example])
    drafting: bool = False

    def join(self, examples: Sequence[Example]) -> None:
        """Add a joiner's examples; those that come after drafting began are checked by its own send."""
        if not self.drafting:
            self.joined.extend(examples)

    async def close(self) -> Sequence[Example]:
        """No more of them: drafting begins."""
        self.drafting = True
        return self.joined

    def tell(self, event: Event) -> None:
        if isinstance(event, Started):
            self.span = get_current_span().get_span_context()
        self.events.append(event)
        self.wake()

    def wake(self) -> None:
        self.told.set()
        self.told = asyncio.Event()


class Flights:
    """The flights of this process. `close` ends them all."""

    def __init__(
        self, synthesis: Synthesis, telemetry: Telemetry, new_id: Callable[[], str] = new_synthesis_id
    ) -> None:
        self._synthesis, self._telemetry, self._new_id = synthesis, telemetry, new_id
        self._flights: dict[Key, tuple[_Flight, asyncio.Task[None]]] = {}
        self._closed = False

    async def join(self, message: Message, asked_by: str) -> AsyncGenerator[Event]:
        """The events of the flight for the message, begun if there is none. Raises what the synthesis failed with."""
        admission = await self._synthesis.admit(message)
        if admission.answer is not None:
            yield Registered(*admission.answer)
            return
        key = (message.namespace, message.target, message.selector)
        joined = key in self._flights
        flight, task = self._flights[key] if joined else self._begin(key, message, asked_by)
        waiting: Span | None = None
        if joined:
            flight.join(message.examples)
        try:
            async for event in _events(flight, task):
                if joined and isinstance(event, Started):
                    waiting = self._waiting(flight)
                    yield replace(event, joined=True)
                else:
                    yield event
        finally:
            if waiting is not None:
                waiting.end()

    def _begin(self, key: Key, message: Message, asked_by: str) -> "tuple[_Flight, asyncio.Task[None]]":
        if self._closed:
            raise _stopping()
        if len(self._flights) >= MAX_FLIGHTS:
            raise Overloaded(f"{MAX_FLIGHTS} methods are being written already; send again later", _RETRY_SECONDS)
        flight = _Flight(Order(self._new_id(), message, asked_by))
        flight.order.close = flight.close
        writing = self._synthesis.write(flight.order, flight.tell)
        task = asyncio.create_task(writing, name=f"synthesis {message.target}.{message.selector}")
        self._flights[key] = flight, task
        task.add_done_callback(lambda done: self._ended(key, done))
        return flight, task

    def _ended(self, key: Key, task: "asyncio.Task[None]") -> None:
        flight, _ = self._flights.pop(key)
        flight.wake()
        if not task.cancelled():
            task.exception()  # whoever waited has raised it; if nobody did, it is in the span

    def _waiting(self, flight: _Flight) -> Span | None:
        """The span of one who joined, linked to the synthesis it waits for, in whose trace the work is."""
        if flight.span is None:
            return None
        attributes = {
            vocabulary.SYNTHESIS_ID: flight.order.synthesis_id,
            vocabulary.SELECTOR: flight.order.message.selector,
            vocabulary.FLIGHT_JOINED: True,
        }
        span = self._telemetry.start(vocabulary.SPAN_SYNTHESIZE, attributes, links=(Link(flight.span),))
        return None if span is get_current_span() else span  # nothing is recorded, and the parent is not ours to end

    async def close(self) -> None:
        """End every flight, and begin no more. Nothing is left half-written: registration comes last."""
        self._closed = True
        tasks = [task for _, task in self._flights.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _events(flight: _Flight, task: "asyncio.Task[None]") -> AsyncGenerator[Event]:
    """All events from the start, until the last one or the failure."""
    seen = 0
    while True:
        told = flight.told
        while seen < len(flight.events):
            seen += 1
            yield flight.events[seen - 1]
        if told.is_set():
            continue
        if task.done():
            break
        await told.wait()
    if task.cancelled():
        raise _stopping()
    await task


def _stopping() -> StoreUnavailable:
    return StoreUnavailable("the synthesizer is stopping; send the message again")
