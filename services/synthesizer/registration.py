"""The one write of a synthesis. Law: what allows it is read anew right before, and is as it was read then.

A synthesis takes minutes. Another's version that answers by now is the answer; a policy anywhere on the path that
forbids it by now, or asks for a person or for more evidence, is obeyed. The transaction that registers compares the
definitions of the whole path: what allowed the version still stands when it is made. It ends the flight as well, so
that nobody sees one without the other, and keeps the examples that the asker gave: they gate every later version.
"""

from kernel.errors import ApprovalPending, CommitUnclear, Conflict, LimitExceeded
from kernel.objects import Evidence, Level, Provenance
from kernel.synthesis import Compared, Registered
from objectstore.store import Draft, KeptExample, Store
from synthesizer.admission import Admission, admit, needs_person, pending
from synthesizer.evolution import all_alike, evidence_of
from synthesizer.order import Order
from synthesizer.personas import ALFRED
from synthesizer.trial import Choice

BY = "synthesizer"
_ATTEMPTS = 5


def new_method(order: Order, choice: Choice, trace_id: str, now: float, compared: Compared | None = None) -> Draft:
    """The version to register, with where it comes from and what proves it. `now` is in seconds since 1970."""
    tried, message = choice.tried, order.message
    written = sum(turn.persona == ALFRED for turn in order.spent)
    provenance = Provenance(
        asked_by=order.asked_by,
        intent=message.intent,
        synthesis_id=order.synthesis_id,
        turns=tuple(order.spent),
        drafts=written,
        agreeing=choice.agreeing,
        examples=tried.total,
        trace_id=trace_id,
        parent=order.evolves,
        seconds=max(0.0, now - order.created) if order.created else 0.0,
        trials=order.trials,
        adopted=choice.adopted,
    )
    notes = {
        Level.AUDITED: "no rule refuses it",
        Level.AGREED: f"{choice.agreeing} of {written} drafts behave alike, and two runs are identical",
        Level.EXAMPLES: f"passes {tried.total} examples",
    }
    evidence = [Evidence(level, BY, now, notes[level]) for level in choice.levels]
    evidence += evidence_of(compared, BY, now)
    source, findings = tried.draft.source, tried.findings
    return Draft(message.target, message.selector, source, provenance, findings, evidence, tried.effects)


async def install(store: Store, order: Order, new: Draft, compared: Compared | None = None) -> Registered:
    """Register the version, and activate it where its evidence suffices.

    One that is to better another is activated only if it also answered every recorded call alike, and the other is
    active still. Raises ApprovalPending where it does not, what `admit` raises, FlightLost, Conflict after 5 changes
    of the definition.
    """
    await order.flush()
    message = order.message
    level = max(proof.level for proof in new.evidence)
    examples = [KeptExample(example, order.asked_by, 0.0) for example in message.examples]
    for _ in range(_ATTEMPTS):
        admission = await admit(store, message, evolves=bool(order.evolves))
        if admission.answer is not None and not order.evolves:
            return Registered(*admission.answer)
        differs = _differs(order, admission, compared)
        waits = bool(differs) or needs_person(admission.policy, level)
        try:
            record, token = await store.register(
                message.namespace,
                new,
                activate=not waits,
                expected=admission.revisions,
                examples=examples,
                landing=order.landing,
            )
        except (Conflict, CommitUnclear):
            # After a lost answer the version may be there: then it is found now, or the next attempt conflicts with it.
            continue
        except LimitExceeded:
            if not examples:
                raise
            examples = []  # a method has room for so many; those that are kept gate on, and these were passed
            continue
        order.landed = order.flight is not None
        if waits:
            failure = pending(message.namespace, record, admission.policy, frozen=admission.frozen)
            raise ApprovalPending(f"{differs}; {failure.text}", **failure.fields) if differs else failure
        return Registered(record, token)
    raise Conflict(f"the definition of {message.target} changed {_ATTEMPTS} times while a method was registered")


def _differs(order: Order, admission: Admission, compared: Compared | None) -> str:
    """Why a better version does not take the place of the one before by itself; empty where it does, or is none."""
    if not order.evolves:
        return ""
    active = admission.answer[0].method.number if admission.answer else 0
    if active != order.evolves:
        return f"version {order.evolves}, which it is to better, is not the active one any more"
    if compared is not None and not all_alike(compared):
        return f"of {compared.calls} recorded calls it answers {compared.calls - compared.alike} otherwise"
    return ""
