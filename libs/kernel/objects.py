"""What is stored: definitions, slots, method versions, evidence. Law: names are checked here, where text comes in.

Definitions and slots are apart, so that state written to a prototype does not disturb its children. A method version
is immutable; which one answers is only a pointer in the holder's method table. Everything is frozen: a change is a
new record.
"""

import keyword
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from functools import lru_cache
from types import MappingProxyType
from typing import NewType

from kernel.errors import BadArguments, BadObjectId, BadValue

ObjectId = NewType("ObjectId", str)
Selector = NewType("Selector", str)
Namespace = NewType("Namespace", str)

ROOT = ObjectId("root")
DEFAULT_NAMESPACE = Namespace("default")
SYSTEM_NAMESPACE = Namespace("system")
RESERVED_SLOTS = frozenset({"id", "send", "resend", "_p_changed"})
MAX_ID_BYTES = 256
MAX_NAME = 128
MAX_SOURCE_BYTES = 64 * 1024

_SEGMENT = r"[a-z0-9_][a-z0-9_.-]*"
_OBJECT_ID = re.compile(rf"{_SEGMENT}(?:/{_SEGMENT})*")
_NAMESPACE = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_SLOT = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


# Few ids make most messages, and a match costs as much as the rest of reading a small one.
_REMEMBERED = 16_384


@lru_cache(_REMEMBERED)
def parse_object_id(text: str) -> ObjectId:
    """The object id that `text` is. Raises BadObjectId."""
    if len(text) > MAX_ID_BYTES or not _OBJECT_ID.fullmatch(text):
        raise BadObjectId(text)
    return ObjectId(text)


@lru_cache(_REMEMBERED)
def parse_namespace(text: str) -> Namespace:
    """The namespace; `default` where empty. Raises BadObjectId."""
    if not text:
        return DEFAULT_NAMESPACE
    if not _NAMESPACE.fullmatch(text):
        raise BadArguments(f"{text[:80]!r} is not a namespace: lower-case letters, digits and '-', at most 63")
    return Namespace(text)


@lru_cache(_REMEMBERED)
def parse_selector(text: str) -> Selector:
    """The selector: an ASCII identifier, no keyword, not beginning with an underscore. Raises BadArguments."""
    if len(text) > MAX_NAME or not _NAME.fullmatch(text) or keyword.iskeyword(text) or text in RESERVED_SLOTS:
        raise BadArguments(
            f"{text[:80]!r} is not a selector: a Python name such as normalize_row, not one that is reserved"
        )
    return Selector(text)


def check_slot_name(text: str) -> str:
    """The name, if a slot may have it. Raises BadValue."""
    if len(text) > MAX_NAME or not _SLOT.fullmatch(text) or keyword.iskeyword(text) or text in RESERVED_SLOTS:
        raise BadValue(
            f"{text[:80]!r} cannot name a slot: a Python name, not one of {', '.join(sorted(RESERVED_SLOTS))}"
        )
    return text


class Synthesis(IntEnum):
    """What happens on a miss; a greater one is stricter."""

    UNSET = 0
    AUTO = 1
    REVIEW = 2
    OFF = 3


class Level(IntEnum):
    """How well a method version is proved: E0 to E4."""

    UNSET = 0
    AUDITED = 1
    AGREED = 2
    EXAMPLES = 3
    REPLAYED = 4
    APPROVED = 5


@dataclass(frozen=True, slots=True)
class Policy:
    """What may be synthesized for an object. A budget is of an hour, for the object and all that inherits from it."""

    synthesis: Synthesis = Synthesis.UNSET
    min_evidence: Level = Level.UNSET
    never: tuple[str, ...] = ()
    tokens_per_hour: int | None = None
    syntheses_per_hour: int | None = None


@dataclass(frozen=True, slots=True)
class MethodPointer:
    """One row of a method table. `active` 0: the selector is not understood here; `latest` never goes back.

    `previous` is the version that was active before, to roll back to; 0 where there was none.
    """

    active: int = 0
    latest: int = 0
    previous: int = 0

    def moved(self, number: int) -> "MethodPointer":
        """The row after another version is made active; what was active becomes the previous one."""
        if number == self.active:
            return self
        before = self.active or self.previous
        return MethodPointer(number, self.latest, 0 if before == number else before)


@dataclass(frozen=True, slots=True)
class Pin:
    """A version that answers a selector whatever its holder activates; a holder made anew does not answer it."""

    holder: ObjectId
    incarnation: str
    number: int


_NO_METHODS: Mapping[str, MethodPointer] = MappingProxyType({})
_NO_PINS: Mapping[str, Pin] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Definition:
    """What an object is: parents, methods, policy, pins; and the incarnation that its versions and replies carry."""

    incarnation: str
    parents: tuple[ObjectId, ...] = ()
    methods: Mapping[str, MethodPointer] = field(default_factory=lambda: _NO_METHODS)
    policy: Policy = Policy()
    pins: Mapping[str, Pin] = field(default_factory=lambda: _NO_PINS)

    def active(self, selector: str) -> int:
        """The number of the version that answers, 0 where none does."""
        pointer = self.methods.get(selector)
        return pointer.active if pointer else 0


class ParameterKind(IntEnum):
    """How a parameter takes its argument, as in Python."""

    STANDARD = 1
    KEYWORD = 2
    REST = 3
    KEYWORD_REST = 4


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter, `self` left out."""

    name: str
    kind: ParameterKind = ParameterKind.STANDARD
    has_default: bool = False


class Severity(IntEnum):
    """Whether a finding refuses a draft."""

    ERROR = 1
    WARNING = 2


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing the audit has against a source: rule id, severity, line (from 1), reason."""

    rule: str
    severity: Severity
    line: int
    reason: str


@dataclass(frozen=True, slots=True)
class PersonaTurn:
    """One turn of a persona: who, which model, what it cost. `seconds` is wall time."""

    persona: str
    model: str
    prompt_digest: str
    input_tokens: int
    output_tokens: int
    seconds: float
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where a method version comes from."""

    asked_by: str = ""
    intent: str = ""
    synthesis_id: str = ""
    turns: tuple[PersonaTurn, ...] = ()
    drafts: int = 0
    agreeing: int = 0
    examples: int = 0
    trace_id: str = ""
    parent: int = 0
    """The version of the same selector that it is to better; 0 where there was none."""
    adopted: str = ""
    """The version that it was taken from unchanged, as `holder.selector@number`; empty where it was written."""
    seconds: float = 0.0
    trials: int = 0
    """How often a draft was run."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """One proof appended to a version. `at` is in seconds since 1970."""

    level: Level
    by: str
    at: float
    note: str = ""


@dataclass(frozen=True, slots=True)
class Retirement:
    """Who retired a version and why. `at` is in seconds since 1970; 0 where that was not kept."""

    by: str = ""
    at: float = 0.0
    reason: str = ""


@dataclass(frozen=True, slots=True)
class EffectSet:
    """What a method touches at most, as its source says: slots of self by name, and selectors that it sends.

    `*` stands for any. An activation that writes another slot, or sends another selector, fails.
    """

    reads: tuple[str, ...] = ()
    writes: tuple[str, ...] = ()
    sends: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class MethodVersion:
    """One immutable version of a method. `created` is in seconds since 1970."""

    holder: ObjectId
    selector: Selector
    number: int
    source: str
    digest: str
    parameters: tuple[Parameter, ...]
    provenance: Provenance = Provenance()
    findings: tuple[Finding, ...] = ()
    created: float = 0.0
    effects: EffectSet | None = None


@dataclass(frozen=True, slots=True)
class MethodRecord:
    """A version with what was appended beside it."""

    method: MethodVersion
    evidence: tuple[Evidence, ...] = ()
    active: bool = False
    retirement: Retirement | None = None

    @property
    def retired(self) -> bool:
        """Whether it can no longer be activated or pinned."""
        return self.retirement is not None

    @property
    def level(self) -> Level:
        """The highest level of its evidence."""
        return max((proof.level for proof in self.evidence), default=Level.UNSET)
