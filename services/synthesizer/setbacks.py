"""What failed is not paid for again at once. Law: pure; the same ask waits longer each time, another goes at once.

| failed with                                              | waits, doubling     | who waits     |
|----------------------------------------------------------|---------------------|---------------|
| SYNTHESIS_FAILED, AUDIT_REJECTED, EXAMPLES_NEEDED        | 1 min, at most 1 h  | the same ask  |
| ENDPOINT_UNAVAILABLE                                     | 2 s, at most 60 s   | every ask     |
| all else: budgets, policies, cancellations, the store    | not at all          |               |

An *ask* is what senders can change to get another answer: intent, examples, and how the message is shaped, that is the
kinds of its arguments, not their values, so that a feed of a thousand rows is one ask. The incarnation belongs to it,
since what is made anew inherits nothing; the revision of the definition does not: each method that is written for an
object changes it, and would lift what stands against all others.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from kernel.errors import AuditRejected, EndpointUnavailable, ExamplesNeeded, KernelError, SynthesisFailed, error_with
from kernel.messages import Message
from kernel.synthesis import Ended
from kernel.values import Value, encode
from objectstore.flights import Setback

ANY_ASK: Final = ""  # the ask of a setback that stands against all


@dataclass(frozen=True, slots=True)
class _Pace:
    first: float
    most: float
    asks: bool

    def wait(self, times: int) -> float:
        """Seconds after so many failures in a row."""
        return min(self.most, self.first * 2.0 ** min(times - 1, 30))


_WRITING: Final = _Pace(60.0, 3600.0, asks=True)
_REACHING: Final = _Pace(2.0, 60.0, asks=False)
_PACES: Final[Mapping[str, _Pace]] = {
    SynthesisFailed.reason: _WRITING,
    AuditRejected.reason: _WRITING,
    ExamplesNeeded.reason: _WRITING,
    EndpointUnavailable.reason: _REACHING,
}


def ask_of(message: Message, incarnation: str, evolves: int = 0) -> str:
    """The digest of what is asked for, in hex; the order of examples, and blanks in the intent, do not count."""
    examples: list[Value] = [*sorted({example.digest() for example in message.examples})]
    shapes: list[Value] = [_shape(each) for each in message.arguments]
    named: Value = {name: _shape(each) for name, each in message.keywords.items()}
    intent = " ".join(message.intent.split())
    return sha256(encode([intent, examples, shapes, named, incarnation, evolves])).hexdigest()


def _shape(value: Value) -> str:
    match value:
        case Mapping():
            return "map"
        case list() | tuple():
            return "list"
        case _:
            return type(value).__name__


def after(failure: Exception, ask: str, before: Setback | None, now: float) -> Setback | None:
    """The setback that a failure makes after the one before; None where it makes none. `now`: seconds since 1970."""
    if not isinstance(failure, KernelError) or (pace := _PACES.get(failure.reason)) is None:
        return None
    own = ask if pace.asks else ANY_ASK
    times = 1 + (before.times if before is not None and before.ask == own else 0)
    return Setback(own, Ended.of(failure), now + pace.wait(times), times)


def refusal(setback: Setback | None, ask: str, now: float) -> KernelError | None:
    """The failure of an ask that a setback stands against; None where it may be tried."""
    if setback is None or setback.ask not in (ANY_ASK, ask) or now >= setback.until:
        return None
    left = setback.until - now
    failed = "once" if setback.times == 1 else f"{setback.times} times in a row"
    lifts = "" if setback.ask == ANY_ASK else "; another intent or other examples are tried at once"
    text = f"{setback.failure.text} (this failed {failed} and is tried again in {math.ceil(left)} s{lifts})"
    fields = {**setback.failure.fields, "retry_seconds": f"{left:.3f}", "failed_times": str(setback.times)}
    return error_with(setback.failure.reason, text, fields)
