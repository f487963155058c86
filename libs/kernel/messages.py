"""What one sends to an object, what must come of it, and what came of it. Law: checked when made, frozen after."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from hashlib import sha256
from types import MappingProxyType

from kernel.objects import DEFAULT_NAMESPACE, Level, Namespace, ObjectId, Selector
from kernel.values import SlotValues, Value, encode

LOCAL = "local"  # the principal where authentication is off
MAX_EXAMPLES = 32
MAX_INTENT = 4000
EPOCH_2000 = 946_684_800.0


class Consistency(IntEnum):
    """How new the state must be that a message reads."""

    MINIMIZE_LATENCY = 1
    AT_LEAST = 2
    FULL = 3


class OnMiss(IntEnum):
    """What the sender wants when the message is not understood."""

    WAIT = 1
    ASYNC = 2
    NEVER = 3


@dataclass(frozen=True, slots=True)
class Failure:
    """How an example is expected to fail: the reason, and the exception's name for METHOD_RAISED (empty: any)."""

    reason: str
    exception: str = ""


@dataclass(frozen=True, slots=True)
class Example:
    """A message and what must come of it.

    `now` is in seconds since 1970; `after` None compares no state; `after_exact` False compares only the slots named.
    `tolerance` is absolute, for doubles.
    """

    outcome: Value | Failure
    before: SlotValues = field(default_factory=dict[str, Value])
    arguments: tuple[Value, ...] = ()
    keywords: Mapping[str, Value] = field(default_factory=dict[str, Value])
    now: float = EPOCH_2000
    seed: int = 0
    others: Mapping[ObjectId, SlotValues] = field(default_factory=dict[ObjectId, SlotValues])
    after: SlotValues | None = None
    after_exact: bool = True
    tolerance: float = 0.0

    def digest(self) -> str:
        """sha256 of its canonical bytes, in hex: two examples with it are the same example."""
        failed = isinstance(self.outcome, Failure)
        outcome = [self.outcome.reason, self.outcome.exception] if isinstance(self.outcome, Failure) else self.outcome
        others = {str(item): slots for item, slots in self.others.items()}
        state: list[Value] = [self.before, others, self.after, self.after_exact]
        parts: list[Value] = [failed, outcome, list(self.arguments), dict(self.keywords), state]
        parts += [self.now, str(self.seed), self.tolerance]
        return sha256(encode(parts)).hexdigest()


@dataclass(frozen=True, slots=True)
class Message:
    """What one sends: receiver, selector, arguments, keywords, and what the sender says beside them."""

    receiver: ObjectId
    selector: Selector
    arguments: tuple[Value, ...] = ()
    keywords: Mapping[str, Value] = field(default_factory=dict[str, Value])
    namespace: Namespace = DEFAULT_NAMESPACE
    principal: str = LOCAL
    intent: str = ""
    examples: tuple[Example, ...] = ()
    request_id: str = ""
    consistency: Consistency = Consistency.MINIMIZE_LATENCY
    token: str = ""
    on_miss: OnMiss = OnMiss.WAIT
    install_at: ObjectId | None = None
    dry_run: bool = False

    @property
    def target(self) -> ObjectId:
        """Where a synthesized method goes."""
        return self.install_at or self.receiver

    def digest(self) -> str:
        """sha256 of what the message asks for, in hex; the same request id with another digest is refused."""
        parts: list[Value] = [self.receiver, self.selector, list(self.arguments), dict(self.keywords)]
        return sha256(encode(parts)).hexdigest()


@dataclass(frozen=True, slots=True)
class MethodRef:
    """Which method version ran, and how well it is proved."""

    holder: ObjectId
    selector: Selector
    number: int
    digest: str
    evidence: Level


_NO_WRITES: Mapping[ObjectId, SlotValues] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Reply:
    """What came of a message. `token` is the store's clock after the commit; `writes` is what a dry run would write."""

    result: Value
    method: MethodRef
    token: str = ""
    synthesized: bool = False
    replayed: bool = False
    writes: Mapping[ObjectId, SlotValues] = field(default_factory=lambda: _NO_WRITES)
