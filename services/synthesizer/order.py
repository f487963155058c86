"""One synthesis as it was asked for. Law: its examples are open to those who join until drafting begins, then fixed."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace

from batos.identifiers import new_request_id
from kernel.messages import Example, Message
from kernel.objects import PersonaTurn
from kernel.synthesis import Event, SynthesisRecord
from objectstore.flights import Flight
from objectstore.store import Landing


async def _nobody() -> Sequence[Example]:
    return ()


async def _nothing() -> None:
    pass


@dataclass(slots=True)
class Order:
    """One synthesis under way: the message that asked for it, who sent it, and what has become of it so far.

    `evolves` is the version that it is to better, 0 where the selector was not understood. `told` are the events that
    whoever held the flight before told of it: what was finished then is not paid for again. `close` ends joining and
    gives the examples that are kept for the method and those that were left; `flush` returns when all that was told is
    kept; `flight` is what a registration lands, and `landed` whether it did. `created` is when it was asked for, in
    seconds since 1970. `spent` gathers the turns that were taken, `trials` how often a draft was run, `broken_off`
    about how many tokens went into turns that were broken off: an endpoint tells nothing of those.
    """

    synthesis_id: str
    message: Message
    asked_by: str
    evolves: int = 0
    flight: Flight | None = None
    told: Sequence[Event] = ()
    close: Callable[[], Awaitable[Sequence[Example]]] = _nobody
    flush: Callable[[], Awaitable[None]] = _nothing
    created: float = 0.0
    landed: bool = False
    spent: list[PersonaTurn] = field(default_factory=list[PersonaTurn])
    trials: int = 0
    broken_off: int = 0

    async def begin_drafting(self) -> Message:
        """The message with all examples that it has to pass, each once. Raises FlightLost."""
        every = {example.digest(): example for example in (*self.message.examples, *await self.close())}
        return replace(self.message, examples=tuple(every.values()))

    @property
    def landing(self) -> Landing | None:
        """What a registration ends; None where the synthesis is no flight."""
        return Landing(self.flight, self.record) if self.flight else None

    @property
    def record(self) -> SynthesisRecord:
        """The record of the synthesis, under way."""
        return SynthesisRecord(self.synthesis_id, self.message, self.asked_by, self.created, evolves=self.evolves)

    @property
    def seed(self) -> int:
        """Where the seeds of its turns begin: another one for each synthesis, kept in the provenance."""
        return int(self.synthesis_id[-7:], 16)

    @property
    def tokens(self) -> int:
        """What it has cost so far, in and out."""
        return sum(turn.input_tokens + turn.output_tokens for turn in self.spent) + self.broken_off


def new_synthesis_id() -> str:
    """A UUIDv7 in hex: syntheses sort by their time."""
    return new_request_id().replace("-", "")
