"""What is promised of syntheses under way. Law: one flight for a method in the whole cluster, and only its holder acts.

A *flight* is the one synthesis that is under way for (namespace, target, selector). A synthesizer, who is a living
member of the service `synthesizer` (objectstore.members), holds it; when it is no member any more, another takes the
flight over, with all that was told so far. Whoever took it over has another *fence*: what the one before still sends is
refused.

- A flight begins together with the record of its synthesis, and ends together with it, or with the registration of the
  version (Store.register with a landing): nothing in between is ever seen, whoever dies when.
- It is for the target as it was made: on one that was deleted and made anew meanwhile no version lands (Conflict).
- What is told is appended, in order, and never changed: the events of a synthesis can be read from the start, while
  it runs and after.
- Who joins leaves examples with the flight until drafting begins; what came before is with the drafts, what comes after
  is refused.
- Money is reserved before it is spent: of every budget along the path, or of none. Hours are those of UTC.
- The record of a synthesis goes seven days after its end. What it told lasts eight days from then on: of one that took
  more than a day, such as one that nobody was there to take over, the first events go before the record.
- What was spent and reserved goes some hours later, and a setback an hour after its end.
- A member's name is of one life: whoever starts again takes another, or its own flights would wait for it.
- Whatever is asked here may be asked again after an unclear end: it happens once. What was left, told, ended,
  cancelled, reserved or settled already is compared in the transaction that does it.
- Reads are linearizable. Acknowledged means durable.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from kernel.messages import Example
from kernel.objects import Namespace, ObjectId, Selector
from kernel.synthesis import Ended, Event, State, SynthesisRecord
from objectstore.store import Page

SERVICE = "synthesizer"
"""The service whose members hold flights."""


@dataclass(frozen=True, slots=True)
class Flight:
    """A flight as its holder knows it; `fence` is the store's revision that made it so.

    `takeovers` is how many held it before, and were gone before its end.
    """

    namespace: Namespace
    target: ObjectId
    selector: Selector
    synthesis_id: str
    member: str
    fence: int
    takeovers: int = 0


@dataclass(frozen=True, slots=True)
class Boarding:
    """What came of asking for a flight: the synthesis that is under way, and the flight where it is the asker's."""

    synthesis: SynthesisRecord
    flight: Flight | None


@dataclass(frozen=True, slots=True)
class Budget:
    """What one object on the path allows in an hour, for itself and all that inherits from it; None: no bound."""

    object_id: ObjectId
    tokens: int | None
    syntheses: int | None


@dataclass(frozen=True, slots=True)
class Reservation:
    """What was reserved, by object, in one hour (counted since 1970); settle it with what was spent.

    By its name, which is its namespace's own, it is reserved once and settled once.
    """

    namespace: Namespace
    hour: int
    tokens: int
    objects: tuple[ObjectId, ...]
    name: str = ""


@dataclass(frozen=True, slots=True)
class Setback:
    """Why a method could not be written: not tried again before `until` (seconds since 1970) by the same ask.

    `ask` is a digest of what was asked for (intent, examples); another ask is tried at once. `times` counts failures in
    a row.
    """

    ask: str
    failure: Ended
    until: float
    times: int


class Flights(Protocol):
    """The flights of the cluster, the records of syntheses, budgets and setbacks.

    StoreUnavailable: it may have been done all the same, so ask again. StoreFull, LimitExceeded (1 MiB in one change).
    """

    async def board(self, synthesis: SynthesisRecord, member: str) -> Boarding:
        """Begin the flight for a synthesis, unless one is under way.

        One whose holder is no living member is taken over: the boarding then has its synthesis, and a flight of the
        asker. A record whose synthesis_id is that of a flight taken over changes nothing of it; where that synthesis
        has ended, nothing begins, and it is told as it ended. Who asks and is no living member itself is refused:
        StoreUnavailable. LimitExceeded where the record has over 256 KiB: it must find room beside its version.
        """
        ...

    async def under_way(self, namespace: Namespace, target: ObjectId, selector: Selector) -> SynthesisRecord | None:
        """The synthesis whose flight is there, whoever holds it; None where there is none."""
        ...

    async def join(self, namespace: Namespace, synthesis_id: str, examples: Sequence[Example]) -> bool:
        """Leave examples with a flight; False where drafting has begun, it has ended, or no more find room.

        At most 64, and 256 KiB of them. SynthesisNotFound.
        """
        ...

    async def close(self, flight: Flight) -> Sequence[Example]:
        """Begin drafting: the examples that were left, each once; the same again after a takeover. FlightLost."""
        ...

    async def tell(self, flight: Flight, events: Sequence[Event], after: int) -> None:
        """Append events after the first `after` that are there; those of them that are there already stay.

        FlightLost; BadArguments where fewer are there than `after`, or another where one of these goes.
        """
        ...

    async def end(self, flight: Flight, synthesis: SynthesisRecord) -> None:
        """End the flight, the record as it is given: of that synthesis, `created` when it was, and ended.

        FlightLost, BadArguments.
        """
        ...

    async def cancel(self, namespace: Namespace, synthesis_id: str, by: str) -> SynthesisRecord:
        """Ask the holder to end it. Idempotent; one that has ended stays as it ended. SynthesisNotFound."""
        ...

    async def cancelled(self, flight: Flight) -> str:
        """Who cancelled it; empty where nobody did. FlightLost."""
        ...

    async def synthesis(self, namespace: Namespace, synthesis_id: str) -> SynthesisRecord:
        """The record. SynthesisNotFound."""
        ...

    async def events(
        self, namespace: Namespace, synthesis_id: str, after: int
    ) -> tuple[SynthesisRecord, Sequence[Event]]:
        """The record and its events but for the first `after`, at one revision. SynthesisNotFound."""
        ...

    async def syntheses(
        self, namespace: Namespace, states: Sequence[State], size: int, page: str
    ) -> Page[SynthesisRecord]:
        """Records, the newest first; all states where none is named. A page may be short, and not the last."""
        ...

    async def orphans(self) -> Sequence[SynthesisRecord]:
        """Those under way, in all namespaces, whose holder is no living member: board them to take them over.

        Of many large ones those that fit into one answer; once they are boarded, the others are told.
        """
        ...

    async def reserve(
        self, namespace: Namespace, budgets: Sequence[Budget], tokens: int, *, name: str = ""
    ) -> Reservation:
        """One synthesis and so many tokens of this hour, of all budgets or of none. BudgetExhausted.

        What was reserved by that name in the last hours is told again; without a name it gets one.
        """
        ...

    async def settle(self, reservation: Reservation, tokens: int, *, begun: bool = True) -> None:
        """Give back what was not spent (all, where nothing was `begun`), or charge what was spent beyond. Once.

        BadArguments where the reservation has no name.
        """
        ...

    async def spent(self, namespace: Namespace, objects: Sequence[ObjectId]) -> Mapping[ObjectId, tuple[int, int]]:
        """Tokens and syntheses of this hour, by object."""
        ...

    async def setback(self, namespace: Namespace, target: ObjectId, selector: Selector) -> Setback | None:
        """The last one that was kept, past its `until` too: whoever asks judges, and counts on from it.

        None where none is, and an hour and more after its `until`: then it is let go.
        """
        ...

    async def set_back(
        self, namespace: Namespace, target: ObjectId, selector: Selector, setback: Setback | None
    ) -> None:
        """Keep it in place of the one before; None forgets it."""
        ...
