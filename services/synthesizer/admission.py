"""What a synthesis stands on, and whether policies allow it. Law: of linearizable reads; the strictest wins.

Asked before anything is spent, and again right before the version is registered: while the kill switch holds, a version
waits for a person whatever its evidence. Whether one may begin at all is asked of `control` beside.
"""

import asyncio
import keyword
from collections.abc import Mapping
from dataclasses import dataclass

from kernel.errors import ApprovalPending, BadArguments, NotPermitted, NotUnderstood
from kernel.lookup import holder_of, near_selectors, strictest, understood
from kernel.messages import Message
from kernel.objects import (
    DEFAULT_NAMESPACE,
    MAX_NAME,
    SYSTEM_NAMESPACE,
    Definition,
    Level,
    MethodRecord,
    Namespace,
    ObjectId,
    Policy,
    Selector,
    Synthesis,
)
from kernel.transactions import Token
from objectstore.store import Store, StoredObject
from synthesizer import freeze
from synthesizer.snapshot import StoreSnapshot

_PAGE = 1000


@dataclass(frozen=True, slots=True)
class Admission:
    """What a synthesis stands on. `answer` is the version that answers already, where one does.

    `revisions` are those of the definitions along the path, whose policies allow it. `frozen`: the kill switch holds,
    and `policy` asks for a person.
    """

    snapshot: StoreSnapshot
    path: tuple[ObjectId, ...]
    definitions: Mapping[ObjectId, Definition]
    policy: Policy
    receiver: StoredObject
    revisions: Mapping[ObjectId, int]
    answer: tuple[MethodRecord, Token] | None = None
    frozen: bool = False


def _can_be_parameter(name: str) -> bool:
    """Whether a method that the audit lets through may have it: else all that is paid for it is lost."""
    if not (name.isascii() and name.isidentifier()) or len(name) > MAX_NAME:
        return False
    return name != "self" and not name.startswith("__") and not keyword.iskeyword(name)


async def admit(store: Store, message: Message, *, evolves: bool = False) -> Admission:
    """Read what the message's synthesis stands on; `evolves` where it is to better the version that answers.

    Raises ObjectNotFound, BadArguments (the target is not on the path), NotUnderstood and for an evolution NotPermitted
    (the policy), ApprovalPending (a version waits for a person already), StoreUnavailable.
    """
    for name in message.keywords:
        if not _can_be_parameter(name):
            raise BadArguments(f"{name[:80]!r} cannot be the name of a parameter", field="message.keywords")
    snapshot = StoreSnapshot(store, message.namespace)
    (path, definitions), frozen = await asyncio.gather(snapshot.path(message.receiver), freeze.frozen(store))
    if message.target not in path:
        raise BadArguments(
            f"install_at {message.target} is not on the lookup path of {message.receiver}: {', '.join(path)}",
            field="message.install_at",
        )
    receiver, target = await snapshot.object(message.receiver), await snapshot.object(message.target)
    assert receiver is not None  # both are on the path
    assert target is not None
    held_back = (Policy(synthesis=Synthesis.REVIEW),) if frozen else ()
    policy = strictest([*(definitions[name].policy for name in path), *held_back])
    held = holder_of(message.selector, path, definitions)
    if (evolves or held is None) and (why := _forbidden(policy, message)):
        raise refused(message, path, definitions, why, evolves=held is not None)
    answer = None
    if held is None and not evolves:
        await _check_pending(store, message, policy, target, frozen=frozen)
    elif held is not None:
        answer = await store.method(message.namespace, held.holder, message.selector, held.number)
    revisions = {name: (await snapshot.definition(name)).revision for name in path}
    return Admission(snapshot, path, definitions, policy, receiver, revisions, answer, frozen)


def _forbidden(policy: Policy, message: Message) -> str:
    """Why no method may be written for a message; empty where one may.

    What a root object understands all its descendants answer: in `system` those are the personas and the kill switch.
    """
    if message.namespace == SYSTEM_NAMESPACE:
        return f"no method is ever written in the namespace {SYSTEM_NAMESPACE}"
    if policy.synthesis is Synthesis.OFF:
        return "the policy along its path allows no synthesis"
    if message.selector in policy.never:
        return "the policy along its path never allows this selector"
    return ""


def refused(
    message: Message, path: tuple[ObjectId, ...], definitions: Mapping[ObjectId, Definition], why: str, *, evolves: bool
) -> NotUnderstood | NotPermitted:
    """What is told where no synthesis may begin: of a miss what is near, of an evolution that the method stays."""
    if evolves:
        method = f"{message.receiver}.{message.selector}"
        return NotPermitted(f"{method} stays as it is: {why}", object=message.receiver, selector=message.selector)
    return NotUnderstood(message.receiver, message.selector, near_selectors(message.selector, path, definitions), why)


async def _check_pending(store: Store, message: Message, policy: Policy, target: StoredObject, *, frozen: bool) -> None:
    """A version that waits already is not written and paid for again, unless examples may prove another.

    They may where they are all that the policy asks for, and the version that waits passed none.
    """
    pointer = target.definition.methods.get(message.selector)
    if pointer is None or not pointer.latest:
        return
    page = await store.methods(message.namespace, message.target, message.selector, _PAGE, "")
    waiting = [item for item in page.items if not item.retired and item.method.provenance.synthesis_id]
    if not waiting:
        return
    unproved = all(item.level < Level.EXAMPLES for item in waiting)
    if not (message.examples and unproved and not needs_person(policy, Level.EXAMPLES)):
        raise pending(message.namespace, waiting[-1], policy, frozen=frozen)


async def check_evolving(store: Store, message: Message, admission: Admission) -> None:
    """A better version that waits is not paid for again by the same ask: another intent, or examples, ask for another.

    Raises ApprovalPending.
    """
    assert admission.answer is not None
    active = admission.answer[0].method
    page, (kept, _) = await asyncio.gather(
        store.methods(message.namespace, active.holder, message.selector, _PAGE, ""),
        store.kept(message.namespace, active.holder, message.selector),
    )
    known = {each.example.digest() for each in kept if not each.withdrawn_by}
    if any(each.digest() not in known for each in message.examples):
        return
    for item in page.items:
        made = item.method.provenance
        if made.synthesis_id and made.parent == active.number and made.intent == message.intent and not item.retired:
            failure = pending(message.namespace, item, admission.policy, frozen=admission.frozen)
            text = f"it was asked for already; approve or reject it, or ask with another intent: {failure.text}"
            raise ApprovalPending(text, **failure.fields)


def pending(namespace: Namespace, record: MethodRecord, policy: Policy, *, frozen: bool = False) -> ApprovalPending:
    """What is told of a version that waits for a person."""
    method = record.method
    if frozen:
        why = "synthesis is frozen, and only a person activates"
    elif policy.synthesis is Synthesis.REVIEW:
        why = "the policy asks for a person's approval"
    elif record.level >= policy.min_evidence:
        why = "the policy asked for more when it was written"
    else:
        why = f"it has evidence E{record.level - 1} and the policy asks for E{policy.min_evidence - 1}"
        if policy.min_evidence is Level.EXAMPLES:
            why += "; send examples with the message, or approve it"
    option = "" if namespace == DEFAULT_NAMESPACE else f" --namespace {namespace}"
    return ApprovalPending(
        f"{method.holder}.{method.selector} version {method.number} is written and not active: {why}: "
        f"batctl method approve{option} {method.holder} {method.selector} {method.number}",
        object=method.holder,
        selector=method.selector,
        version=str(method.number),
    )


def needs_person(policy: Policy, level: Level) -> bool:
    """Whether a version with this level of evidence is registered without being activated."""
    return policy.synthesis is Synthesis.REVIEW or level < policy.min_evidence


def selectors_along(path: tuple[ObjectId, ...], definitions: Mapping[ObjectId, Definition]) -> dict[Selector, ObjectId]:
    """What is understood along a path, and who holds it; a nearer holder or pin hides a farther one."""
    answers = {name: holder_of(name, path, definitions) for name in understood(path, definitions)}
    return {name: answer.holder for name, answer in answers.items() if answer is not None}
