"""The one write of a synthesis. Law: what allows it is read anew right before, and is as it was read then.

A synthesis takes minutes. Another's version that answers by now is the answer; a policy anywhere on the path that
forbids it by now, or asks for a person or for more evidence, is obeyed. The transaction that registers compares the
definitions of the whole path: what allowed the version still stands when it is made.
"""

from kernel.errors import CommitUnclear, Conflict
from kernel.messages import Message
from kernel.objects import Evidence, Level, Provenance
from kernel.synthesis import Registered
from objectstore.store import Draft, Store
from synthesizer.admission import admit, needs_person, pending
from synthesizer.order import Order
from synthesizer.personas import ALFRED
from synthesizer.trial import Choice

BY = "synthesizer"
_ATTEMPTS = 5


def new_method(order: Order, choice: Choice, trace_id: str, now: float) -> Draft:
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
    )
    notes = {
        Level.AUDITED: "no rule refuses it",
        Level.AGREED: f"{choice.agreeing} of {written} drafts behave alike, and two runs are identical",
        Level.EXAMPLES: f"passes {tried.total} examples",
    }
    evidence = [Evidence(level, BY, now, notes[level]) for level in choice.levels]
    return Draft(message.target, message.selector, tried.draft.source, provenance, tried.findings, evidence)


async def install(store: Store, message: Message, new: Draft) -> Registered:
    """Register the version, and activate it where its evidence suffices.

    Raises ApprovalPending where it does not, what `admit` raises, Conflict after 5 changes of the definition.
    """
    level = max(proof.level for proof in new.evidence)
    for _ in range(_ATTEMPTS):
        admission = await admit(store, message)
        if admission.answer is not None:
            return Registered(*admission.answer)
        waits = needs_person(admission.policy, level)
        try:
            record, token = await store.register(
                message.namespace, new, activate=not waits, expected=admission.revisions
            )
        except (Conflict, CommitUnclear):
            # After a lost answer the version may be there: then it is found now, or the next attempt conflicts with it.
            continue
        if waits:
            raise pending(message.namespace, record, admission.policy)
        return Registered(record, token)
    raise Conflict(f"the definition of {message.target} changed {_ATTEMPTS} times while a method was registered")
