"""What a synthesis tells while it runs. Law: events are facts in their order; the last one is Registered, or it fails.

Whoever joins a flight under way sees its events from the start, with `joined` true in the first.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from kernel.objects import Finding, MethodRecord, ObjectId, PersonaTurn
from kernel.transactions import Token


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
    """A persona has spoken: an artifact, or a draft's source."""

    turn: PersonaTurn
    text: str
    draft: int = 0


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
class Registered:
    """A version answers the selector now. `token` is the store's clock, to send the message again after it."""

    record: MethodRecord
    token: Token


Event = Started | TurnStarted | TurnFinished | DraftAudited | DraftTried | Registered
