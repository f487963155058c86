"""One synthesis as it was asked for. Law: its examples are open to those who join until drafting begins, then fixed."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace

from batos.identifiers import new_request_id
from kernel.messages import Example, Message
from kernel.objects import PersonaTurn
from kernel.synthesis import Event
from objectstore.flights import Flight


async def _nobody() -> Sequence[Example]:
    return ()


@dataclass(slots=True)
class Order:
    """One synthesis under way: the message that asked for it, who sent it, and what has become of it so far.

    `evolves` is the version that it is to better, 0 where the selector was not understood. `told` are the events that
    whoever held the flight before told of it: what was finished then is not paid for again. `close` ends joining and
    gives the examples that were left; `flight` is what a registration lands. `spent` gathers the turns that were taken.
    """

    synthesis_id: str
    message: Message
    asked_by: str
    evolves: int = 0
    flight: Flight | None = None
    told: Sequence[Event] = ()
    close: Callable[[], Awaitable[Sequence[Example]]] = _nobody
    spent: list[PersonaTurn] = field(default_factory=list[PersonaTurn])

    async def begin_drafting(self) -> Message:
        """The message with all examples that came with it and with those who joined, each once. Raises FlightLost."""
        every = {example.digest(): example for example in (*self.message.examples, *await self.close())}
        return replace(self.message, examples=tuple(every.values()))

    @property
    def seed(self) -> int:
        """Where the seeds of its turns begin: another one for each synthesis, kept in the provenance."""
        return int(self.synthesis_id[-7:], 16)

    @property
    def tokens(self) -> int:
        """What it has cost so far, in and out."""
        return sum(turn.input_tokens + turn.output_tokens for turn in self.spent)


def new_synthesis_id() -> str:
    """A UUIDv7 in hex: syntheses sort by their time."""
    return new_request_id().replace("-", "")
