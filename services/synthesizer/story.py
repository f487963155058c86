"""What one synthesis tells, to all in this process who wait for it. Law: nobody is shown what the store may not know.

A story has its events from the first, each once, and then its end: the version that answers, or the failure. Events
come to it when the store has them, whoever told them; so a synthesis that goes on elsewhere goes on here as well, and
nothing that was shown is ever taken back.
"""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from opentelemetry.trace import SpanContext

from kernel.errors import ApprovalPending, KernelError, StoreUnavailable, SynthesisCancelled
from kernel.lookup import strictest
from kernel.objects import Namespace, ObjectId, Selector
from kernel.synthesis import Ended, Event, Registered, State, SynthesisRecord, TurnFinished
from objectstore.flights import Flight
from objectstore.store import Store
from synthesizer.admission import pending
from synthesizer.snapshot import StoreSnapshot

Key = tuple[Namespace, ObjectId, Selector]
End = Registered | Exception


@dataclass(slots=True)
class Story:
    """One synthesis as it is known here; `flight` while this process holds it, `span` where it is written here.

    `waiting` is how many wait for it here.
    """

    record: SynthesisRecord
    flight: Flight | None = None
    span: SpanContext | None = None
    events: list[Event] = field(default_factory=list[Event])
    end: End | None = None
    waiting: int = 0
    _news: asyncio.Event = field(default_factory=asyncio.Event)
    _boarded: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def key(self) -> Key:
        """Which method it is about."""
        return self.record.namespace, self.record.target, self.record.selector

    @property
    def tokens(self) -> int:
        """What the turns that were told have cost, in and out."""
        turns = [event.turn for event in self.events if isinstance(event, TurnFinished)]
        return sum(turn.input_tokens + turn.output_tokens for turn in turns)

    def tell(self, events: Sequence[Event]) -> None:
        """Go on with what the store has by now."""
        self.events.extend(events)
        self._wake()

    def close(self, end: End) -> None:
        """No more comes; the first end stays."""
        if self.end is None:
            self.end = end
            self._wake()

    def board(self, flight: Flight) -> None:
        """This process holds it from now on."""
        self.flight = flight
        self._boarded.set()

    def lose(self) -> None:
        """It is in other hands."""
        self.flight = None
        self._boarded.clear()

    async def handed(self, seconds: float) -> None:
        """Return when this process holds it, or after so many seconds."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._boarded.wait(), seconds)

    async def read(self, after: int = 0) -> AsyncGenerator[Event]:
        """All but the first `after` events, as they come, with Registered as the last. Raises the failure."""
        seen = after
        while True:
            news = self._news
            while seen < len(self.events):
                seen += 1
                yield self.events[seen - 1]
            if self.end is not None:
                break
            await news.wait()
        if isinstance(self.end, Exception):
            raise self.end.with_traceback(None)
        if seen == len(self.events):
            yield self.end

    def _wake(self) -> None:
        self._news.set()
        self._news = asyncio.Event()


async def end_of(store: Store, record: SynthesisRecord) -> End:
    """How a synthesis that has ended did so, as its record tells. Raises StoreUnavailable."""
    try:
        if record.failure is not None:
            return record.failure.error()
        if record.method is None:
            return KernelError(f"synthesis {record.synthesis_id} ended, and its record does not say how")
        made = record.method
        version, token = await store.method(record.namespace, made.holder, made.selector, made.number)
        if record.state is State.WAITING:
            path, definitions = await StoreSnapshot(store, record.namespace).path(record.message.receiver)
            return pending(record.namespace, version, strictest([definitions[name].policy for name in path]))
        return Registered(version, token)
    except StoreUnavailable:
        raise
    except KernelError as gone:  # the version, or the receiver, was deleted since
        return gone


def state_of(failure: Exception) -> State:
    """Where a synthesis stands that ended so."""
    match failure:
        case ApprovalPending():
            return State.WAITING
        case SynthesisCancelled():
            return State.CANCELLED
        case _:
            return State.FAILED


def ended(failure: Exception) -> Ended:
    """The failure as it is kept; of a fault only that it was one, since its text may tell of anything."""
    if isinstance(failure, KernelError):
        return Ended.of(failure)
    return Ended(KernelError.reason, "the synthesizer has a fault: its log tells which")
