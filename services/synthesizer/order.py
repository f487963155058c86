"""One synthesis as it was asked for. Law: its examples are open to those who join until drafting begins, then fixed."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from batos.identifiers import new_request_id
from kernel.messages import Example, Message


@dataclass(slots=True)
class Order:
    """One synthesis: the message that asked for it, who sent it, and the examples of those who joined in time."""

    synthesis_id: str
    message: Message
    asked_by: str
    joined: list[Example] = field(default_factory=list[Example])
    drafting: bool = False

    def join(self, examples: Sequence[Example]) -> None:
        """Add a joiner's examples; those that come after drafting began are checked by its own send."""
        if not self.drafting:
            self.joined.extend(examples)

    def begin_drafting(self) -> Message:
        """The message with all examples that gate it, each once."""
        self.drafting = True
        every = {example.digest(): example for example in (*self.message.examples, *self.joined)}
        return replace(self.message, examples=tuple(every.values()))

    @property
    def seed(self) -> int:
        """Where the seeds of its turns begin: another one for each synthesis, kept in the provenance."""
        return int(self.synthesis_id[-7:], 16)


def new_synthesis_id() -> str:
    """A UUIDv7 in hex: syntheses sort by their time."""
    return new_request_id().replace("-", "")
