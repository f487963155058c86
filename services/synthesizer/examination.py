"""What is done with every source before it may be registered. Law: audit first, then trial, whoever wrote it."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import vocabulary
from chassis.telemetry import Telemetry
from kernel.objects import EffectSet, Finding, Severity
from kernel.synthesis import DraftAudited, DraftTried
from synthesizer.attempts import Attempt
from synthesizer.audit import audit, passed
from synthesizer.drafts import Draft
from synthesizer.effects import beyond, effects
from synthesizer.rules.rule import Given
from synthesizer.trial import Trial, Tried
from synthesizer.turns import Tell

BEYOND = "BAT503"


def tell_nobody(_: object) -> None:
    """Where an examination is no event."""


@dataclass(frozen=True, slots=True)
class Examination:
    """Examines sources for one message. `promised` is what BRICK's spec lets them touch; None where it says nothing.

    `known` is how sources did: one that is written again does the same, and is not run again.
    """

    telemetry: Telemetry
    trial: Trial
    promised: EffectSet | None = None
    tell: Tell = tell_nobody
    count: Callable[[int], None] = tell_nobody
    known: dict[str, Tried] = field(default_factory=dict[str, Tried])

    async def of(self, draft: Draft) -> Attempt:
        """Audit a draft and, where that lets it, try it; `count` is told of its runs. StoreUnavailable, Overloaded."""
        findings = self._audited(draft)
        if not passed(findings):
            return Attempt(draft, findings, None)
        return Attempt(draft, findings, await self._tried(draft, findings))

    def _audited(self, draft: Draft) -> tuple[Finding, ...]:
        message = self.trial.message
        with self.telemetry.span(vocabulary.SPAN_AUDIT, {vocabulary.DRAFT_INDEX: draft.index}) as span:
            findings = audit(draft.source, message.selector, Given.of(message, self.trial.live))
            if passed(findings) and (more := self._beyond(draft)):
                findings += (Finding(BEYOND, Severity.WARNING, 0, f"the spec does not say that it {'; '.join(more)}"),)
            span.set_attribute(vocabulary.FINDING_RULE, [each.rule for each in findings])
        self.tell(DraftAudited(draft.index, findings, passed(findings)))
        return findings

    def _beyond(self, draft: Draft) -> tuple[str, ...]:
        if self.promised is None:
            return ()
        return beyond(effects(draft.source, self.trial.message.selector), self.promised)

    async def _tried(self, draft: Draft, findings: tuple[Finding, ...]) -> Tried:
        with self.telemetry.span(vocabulary.SPAN_TRIAL, {vocabulary.DRAFT_INDEX: draft.index}) as span:
            tried = self.known.get(draft.source) or await self._run(draft, findings)
            tried = self.known[draft.source] = replace(tried, draft=draft)
            span.set_attribute(vocabulary.TRIAL_PASSED, not tried.failure)
        self.tell(DraftTried(draft.index, tried.passed, tried.total, tried.failure))
        return tried

    async def _run(self, draft: Draft, findings: tuple[Finding, ...]) -> Tried:
        tried = await self.trial.of(draft, findings)
        self.count(tried.runs)
        return replace(tried, beyond=self._beyond(draft))
