"""Whether a method may be written. Law: asked before anything is spent, of linearizable reads; the strictest wins."""

from collections.abc import Mapping
from dataclasses import dataclass

from kernel.errors import ApprovalPending, BadArguments, NotUnderstood
from kernel.lookup import holder_of, near_selectors, strictest, understood
from kernel.messages import Message
from kernel.objects import (
    DEFAULT_NAMESPACE,
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
from synthesizer.snapshot import StoreSnapshot

_PAGE = 1000


@dataclass(frozen=True, slots=True)
class Admission:
    """What a synthesis stands on. `answer` is the version that answers already, where one does.

    `revisions` are those of the definitions along the path, whose policies allow it.
    """

    snapshot: StoreSnapshot
    path: tuple[ObjectId, ...]
    definitions: Mapping[ObjectId, Definition]
    policy: Policy
    receiver: StoredObject
    revisions: Mapping[ObjectId, int]
    answer: tuple[MethodRecord, Token] | None = None


async def admit(store: Store, message: Message) -> Admission:
    """Read what the message's synthesis stands on.

    Raises ObjectNotFound, BadArguments (the target is not on the path), NotUnderstood (the policy), ApprovalPending (a
    version waits for a person already), StoreUnavailable.
    """
    for name in message.keywords:
        if not name.isidentifier():
            raise BadArguments(f"{name[:80]!r} cannot be the name of a parameter", field="message.keywords")
    snapshot = StoreSnapshot(store, message.namespace)
    path, definitions = await snapshot.path(message.receiver)
    if message.target not in path:
        raise BadArguments(
            f"install_at {message.target} is not on the lookup path of {message.receiver}: {', '.join(path)}",
            field="message.install_at",
        )
    receiver, target = await snapshot.object(message.receiver), await snapshot.object(message.target)
    assert receiver is not None  # both are on the path
    assert target is not None
    policy = strictest([definitions[name].policy for name in path])
    answer = None
    if (held := holder_of(message.selector, path, definitions)) is not None:
        answer = await store.method(message.namespace, held.holder, message.selector, held.number)
    else:
        _check_policy(message, path, definitions, policy)
        await _check_pending(store, message, policy, target)
    revisions = {name: (await snapshot.definition(name)).revision for name in path}
    return Admission(snapshot, path, definitions, policy, receiver, revisions, answer)


def _check_policy(
    message: Message, path: tuple[ObjectId, ...], definitions: Mapping[ObjectId, Definition], policy: Policy
) -> None:
    why = ""
    if policy.synthesis is Synthesis.OFF:
        why = "the policy along its path allows no synthesis"
    elif message.selector in policy.never:
        why = "the policy along its path never allows this selector"
    if why:
        near = near_selectors(message.selector, path, definitions)
        raise NotUnderstood(message.receiver, message.selector, near, why)


async def _check_pending(store: Store, message: Message, policy: Policy, target: StoredObject) -> None:
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
        raise pending(message.namespace, waiting[-1], policy)


def pending(namespace: Namespace, record: MethodRecord, policy: Policy) -> ApprovalPending:
    """What is told of a version that waits for a person."""
    method = record.method
    if policy.synthesis is Synthesis.REVIEW:
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
        f"batctl method activate{option} {method.holder} {method.selector} {method.number}",
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
