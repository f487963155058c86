"""What a synthesis is and what it tells. Law: events are facts in their order; what has ended never changes.

Whoever joins a flight under way sees its events from the start, with `joined` true in the first. The last event of a
synthesis that succeeds is Registered; one that fails has its failure instead.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Self

from kernel.errors import KernelError, error_with
from kernel.messages import Message, MethodRef
from kernel.objects import Finding, MethodRecord, Namespace, ObjectId, PersonaTurn, Selector
from kernel.transactions import Token


class State(IntEnum):
    """Where a synthesis stands. All but RUNNING are ends."""

    RUNNING = 1
    SUCCEEDED = 2
    """A version answers."""
    WAITING = 3
    """A version is registered, and waits for a person."""
    FAILED = 4
    CANCELLED = 5


@dataclass(frozen=True, slots=True)
class Ended:
    """A failure as it is kept: the reason, the words, the fields of the kernel error."""

    reason: str
    text: str
    fields: Mapping[str, str] = field(default_factory=dict[str, str])

    @classmethod
    def of(cls, error: KernelError) -> Self:
        """The failure that an error tells of."""
        return cls(error.reason, error.text, dict(error.fields))

    def error(self) -> KernelError:
        """The error that told of it."""
        return error_with(self.reason, self.text, self.fields)


@dataclass(frozen=True, slots=True)
class SynthesisRecord:
    """A synthesis as it is kept. `message` asked for it; times are in seconds since 1970, `ended` 0 while it runs.

    `evolves` is the number of the version that it is to better; 0 where the selector was not understood.
    """

    synthesis_id: str
    message: Message
    asked_by: str
    created: float
    state: State = State.RUNNING
    evolves: int = 0
    ended: float = 0.0
    method: MethodRef | None = None
    failure: Ended | None = None

    @property
    def namespace(self) -> Namespace:
        """Where it is."""
        return self.message.namespace

    @property
    def target(self) -> ObjectId:
        """The object the method goes to."""
        return self.message.target

    @property
    def selector(self) -> Selector:
        """What the method answers."""
        return self.message.selector


@dataclass(frozen=True, slots=True)
class Started:
    """The synthesis began, or was joined. `target` is the object the method will go to."""

    synthesis_id: str
    target: ObjectId
    joined: bool = False


@dataclass(frozen=True, slots=True)
class TurnStarted:
    """A persona begins to speak. `draft` counts from 1 where it writes one; 0 else."""

    persona: str
    model: str
    draft: int = 0


@dataclass(frozen=True, slots=True)
class TurnFinished:
    """A persona has spoken: an artifact, or a draft's source. `cut` tells that the answer reached its limit."""

    turn: PersonaTurn
    text: str
    draft: int = 0
    cut: bool = False


@dataclass(frozen=True, slots=True)
class DraftAudited:
    """What the audit has against a draft, and whether the draft goes on."""

    draft: int
    findings: Sequence[Finding]
    passed: bool


@dataclass(frozen=True, slots=True)
class DraftTried:
    """How many of the examples a draft passed, and in words the one it failed; empty where it passed."""

    draft: int
    passed: int
    total: int
    failure: str = ""


@dataclass(frozen=True, slots=True)
class Adopted:
    """A version that another object holds passed everything, and is registered here too: nothing was written."""

    holder: ObjectId
    selector: Selector
    number: int


@dataclass(frozen=True, slots=True)
class Chosen:
    """Which draft is registered: how many of the `drafts` that passed agree with it, and the groups that did not."""

    draft: int
    agreeing: int
    drafts: int
    dissent: int = 0


@dataclass(frozen=True, slots=True)
class Compared:
    """How a version answers recorded calls beside the one before: how many alike, and in words those that differ."""

    calls: int
    alike: int
    differences: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Registered:
    """A version answers the selector now. `token` is the store's clock, to send the message again after it."""

    record: MethodRecord
    token: Token


Event = Started | TurnStarted | TurnFinished | DraftAudited | DraftTried | Adopted | Chosen | Compared | Registered
