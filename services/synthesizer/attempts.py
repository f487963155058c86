"""What came of a draft, and what is said of drafts that failed. Law: a failure is told by the smallest proof of it."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from kernel.errors import AuditRejected, KernelError, SynthesisFailed
from kernel.messages import Message
from kernel.objects import Finding, Severity
from synthesizer import drafts
from synthesizer.drafts import Draft
from synthesizer.endpoints import ChatMessages
from synthesizer.trial import Tried

MOST_REPAIRED = 2  # drafts that are corrected at the same time
_MOST_FINDINGS = 3  # told to a person or a persona; one fault often has several


@dataclass(frozen=True, slots=True)
class Attempt:
    """A draft that has been audited and, where that let it, tried."""

    draft: Draft
    findings: tuple[Finding, ...]
    tried: Tried | None

    @property
    def passed(self) -> bool:
        """Whether it passed its trial."""
        return self.tried is not None and not self.tried.failure

    @property
    def errors(self) -> tuple[Finding, ...]:
        """The findings that refuse it."""
        return tuple(each for each in self.findings if each.severity is Severity.ERROR)

    @property
    def complaint(self) -> str:
        """What is wrong with it, in words."""
        if self.draft.cut and not self.tried:
            return "it was cut off before its end; write a shorter one"
        if self.tried:
            return self.tried.failure
        return "; ".join(_told(each) for each in self.errors[:_MOST_FINDINGS])

    @property
    def whispered(self) -> str:
        """The complaint as ALFRED may be told it."""
        return (self.tried.whispered if self.tried else "") or self.complaint

    def closeness(self) -> tuple[int, int, int]:
        """The smaller, the nearer it came: examples failed, errors found, length."""
        if self.tried:
            return self.tried.total - self.tried.passed, 0, len(self.draft.source)
        return 1 << 30, len(self.errors), len(self.draft.source)


def _told(finding: Finding) -> str:
    where = f"line {finding.line}: " if finding.line else ""
    return f"{where}{finding.reason} ({finding.rule})"


def closest(attempts: Sequence[Attempt]) -> Attempt:
    """The attempt that came nearest."""
    return min(attempts, key=Attempt.closeness)


def nearest(attempts: Sequence[Attempt], corrected: Collection[str] = ()) -> list[Attempt]:
    """The attempts to correct next: the one that came nearest, and another near it; none whose source was already.

    Two only where they are different drafts with different faults: the same fault told twice finds the same repair.
    """
    near: list[Attempt] = []
    written = (each for each in attempts if each.draft.source and each.draft.source not in corrected)
    for attempt in sorted(written, key=Attempt.closeness):
        if all(attempt.draft.source != each.draft.source and attempt.complaint != each.complaint for each in near):
            near.append(attempt)
    return near[:MOST_REPAIRED]


def repair(asked: ChatMessages, attempt: Attempt) -> ChatMessages:
    """The conversation that asks for a better draft than this one."""
    return drafts.repair(asked, attempt.draft.source, attempt.whispered)


def failure(message: Message, attempts: Sequence[Attempt]) -> KernelError:
    """AuditRejected where the audit refused every draft, else SynthesisFailed."""
    method, count = f"{message.target}.{message.selector}", len(attempts)
    best = closest(attempts)
    if best.tried:
        return SynthesisFailed(
            f"none of {count} drafts of {method} passed its trial; the nearest: {best.complaint}; "
            "say more in the intent, or check the examples",
            object=message.target,
            selector=message.selector,
        )
    rules = sorted({each.rule for attempt in attempts for each in attempt.errors})
    return AuditRejected(
        f"the audit refused all {count} drafts of {method} ({', '.join(rules)}); the nearest: {best.complaint}",
        object=message.target,
        selector=message.selector,
        rules=",".join(rules),
    )
