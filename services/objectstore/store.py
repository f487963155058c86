"""What the store promises. Law: the promises are here, in words; who keeps them is elsewhere.

- Acknowledged means durable: a call that returns has been committed by the store below.
- Every read here is linearizable. Revisions grow with every change in the whole store, over all namespaces.
- Every change is one transaction: it happens whole or not at all, and never half.
- A change whose answer is lost is settled before the caller hears of it (lanes); if it cannot be settled in time,
  CommitUnclear is raised, and `settle` decides it later. StoreUnavailable otherwise means: nothing happened.
- A deleted object leaves nothing: its slots, versions, evidence and replies go in the same transaction, and a new
  object of the same id has another incarnation.
- The parents of every object exist, and have a consistent order, at every revision; no object with children goes.
- The holder of every pin is on the lookup path of the pinned object at every revision, in the incarnation it names.
"""

from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

from kernel.lookup import Answer
from kernel.objects import (
    Definition,
    EffectSet,
    Evidence,
    Finding,
    MethodPointer,
    MethodRecord,
    Namespace,
    ObjectId,
    Policy,
    Provenance,
    Retirement,
    Selector,
)  # fmt: skip
from kernel.synthesis import SynthesisRecord
from kernel.transactions import KeptReply, Key, Lane, Token, Transaction
from kernel.values import Packed, SlotValues, Value, unpack
from objectstore.proving import KeptExample, Proving

if TYPE_CHECKING:
    from objectstore.flights import Flight

FORMAT = 1  # the number that stored bytes begin with; the one before it is read too

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class StoredObject:
    """An object as it stood at `token`; slots are None where they were not asked for."""

    object_id: ObjectId
    definition: Definition
    definition_revision: int
    slots: SlotValues | None
    slots_revision: int
    token: Token


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """A part of a list; `next_page` is empty at the end."""

    items: Sequence[T]
    next_page: str
    token: Token


@dataclass(frozen=True, slots=True)
class ResolutionChange:
    """An object that an activation would give another version: what answers before and after, None for nothing."""

    object_id: ObjectId
    before: Answer | None
    after: Answer | None


@dataclass(frozen=True, slots=True)
class Preview:
    """A part of what an activation would change; `objects` were looked at so far, all as they stood at `token`."""

    changes: Sequence[ResolutionChange]
    objects: int
    token: Token


@dataclass(frozen=True, slots=True)
class Change:
    """The new state of one part of an object; a deleted one has neither definition nor slots.

    Slots stay packed until someone looks: most changes that a watch tells are of objects that its reader does not use.
    """

    key: Key
    revision: int
    definition: Definition | None = None
    packed: Packed | None = None

    @property
    def slots(self) -> SlotValues | None:
        """The new slots, unpacked at each look."""
        return None if self.packed is None else unpack(self.packed)

    @property
    def deleted(self) -> bool:
        """Whether the object is gone."""
        return self.definition is None and self.packed is None


@dataclass(frozen=True, slots=True)
class Changes:
    """All that changed up to `token`; without items it tells progress alone."""

    items: Sequence[Change]
    token: Token


@dataclass(frozen=True, slots=True)
class Draft:
    """A method version before it has a number."""

    holder: ObjectId
    selector: Selector
    source: str
    provenance: Provenance = Provenance()
    findings: Sequence[Finding] = ()
    evidence: Sequence[Evidence] = ()
    effects: EffectSet | None = None


@dataclass(frozen=True, slots=True)
class NewObject:
    """What an object is made from; `root` is the parent where none is named."""

    object_id: ObjectId
    parents: Sequence[ObjectId] = ()
    policy: Policy = Policy()
    slots: SlotValues = field(default_factory=dict[str, Value])


@dataclass(frozen=True, slots=True)
class Update:
    """What to replace; None leaves it. Expected revisions are compared where they are given."""

    object_id: ObjectId
    parents: Sequence[ObjectId] | None = None
    policy: Policy | None = None
    slots: SlotValues | None = None
    expected_definition: int | None = None
    expected_slots: int | None = None


@dataclass(frozen=True, slots=True)
class Landing:
    """The flight that a registration ends, and the record of its synthesis; method, state and time are filled in."""

    flight: "Flight"
    synthesis: SynthesisRecord


class Store(Proving, Protocol):
    """Objects, method versions and commits. Raises kernel errors alone; see each method's RPC for which."""

    async def create(self, namespace: Namespace, new: NewObject) -> StoredObject:
        """Make an object. ObjectExists, ObjectNotFound (a parent), InconsistentParents, BadValue."""
        ...

    async def get(self, namespace: Namespace, object_id: ObjectId) -> StoredObject:
        """Read one object, both parts at one revision. ObjectNotFound."""
        ...

    async def list(self, namespace: Namespace, prefix: str, size: int, page: str) -> Page[StoredObject]:
        """Read objects in the order of their ids, without slots."""
        ...

    async def update(self, namespace: Namespace, update: Update) -> StoredObject:
        """Replace parents, policy or slots. ObjectNotFound, Conflict, InconsistentParents (descendants too).

        BadArguments where a pin, here or in a descendant, would lose its holder from the lookup path. What is left as
        it was is told as it was read for this change: others may write slots meanwhile.
        """
        ...

    async def delete(self, namespace: Namespace, object_id: ObjectId) -> Token:
        """Remove an object with all that is its own. ObjectNotFound, HasChildren."""
        ...

    async def clone(self, namespace: Namespace, prototype: ObjectId, object_id: ObjectId) -> StoredObject:
        """Make an object with the prototype's slots, copied at one revision, and the prototype as its parent."""
        ...

    async def commit(self, transaction: Transaction, lane: Lane) -> Token:
        """Apply a transaction if every read still has its revision. Conflict, LimitExceeded, CommitUnclear."""
        ...

    async def settle(self, namespace: Namespace, lane: Lane) -> Token | None:
        """Decide a commit whose answer was lost: its token, or None if it was not made and never will be."""
        ...

    async def kept_reply(
        self, namespace: Namespace, receiver: ObjectId, incarnation: str, principal: str, request_id: str
    ) -> tuple[KeptReply | None, Token]:
        """The reply kept for a request id, if there is one, and when this was so."""
        ...

    def watch(self, namespace: Namespace, after: Token | None) -> AsyncGenerator[Changes]:
        """Every change after a token (after now where None), in order, none left out; resumed over lost connections.

        The first item comes at once and tells where the stream begins. StaleToken where it cannot go on from there,
        StoreUnavailable where the store stays away: watch again from the last token then, and nothing is lost.
        """
        ...

    async def register(
        self,
        namespace: Namespace,
        draft: Draft,
        *,
        activate: bool,
        expected: Mapping[ObjectId, int] | None = None,
        examples: Sequence[KeptExample] = (),
        landing: Landing | None = None,
    ) -> tuple[MethodRecord, Token]:
        """Append a version and, where asked, activate it at once. ObjectNotFound, Conflict, BadArguments, FlightLost.

        `expected` are revisions that definitions must still have, such as those whose policies allowed the version.
        `examples` are kept with it, as `keep` does, and a `landing` ends its flight, in the same transaction:
        Conflict where the object was made anew since that began.
        While the kill switch holds (`objectstore.switch`), one that a synthesis wrote is not activated: Conflict.
        """
        ...

    async def method(
        self, namespace: Namespace, holder: ObjectId, selector: Selector, number: int
    ) -> tuple[MethodRecord, Token]:
        """Read a version; the active one for number 0. ObjectNotFound, MethodNotFound."""
        ...

    async def methods(
        self, namespace: Namespace, holder: ObjectId, selector: Selector | None, size: int, page: str
    ) -> Page[MethodRecord]:
        """Read an object's own versions by selector and number."""
        ...

    async def activate(
        self,
        namespace: Namespace,
        holder: ObjectId,
        selector: Selector,
        number: int,
        *,
        expected_definition: int | None = None,
        evidence: Evidence | None = None,
    ) -> tuple[MethodPointer, MethodPointer, Token]:
        """Move the pointer (0: out of the table). The rows after and before. MethodNotFound, Conflict."""
        ...

    def preview(
        self, namespace: Namespace, holder: ObjectId, selector: Selector, number: int
    ) -> AsyncGenerator[Preview]:
        """What activate would change: every object that would get another version, in parts, at one revision.

        An object comes after one of its parents. MethodNotFound as activate; StaleToken where that revision is no
        longer kept before the end.
        """
        ...

    async def pin(
        self,
        namespace: Namespace,
        object_id: ObjectId,
        selector: Selector,
        number: int,
        *,
        holder: ObjectId | None = None,
        expected_definition: int | None = None,
    ) -> tuple[Answer | None, Answer | None, Token]:
        """Keep an object and all that inherit from it on a version (0: no longer). What answers it after and before.

        The holder is the one that answers now where none is named. ObjectNotFound, MethodNotFound, BadArguments (the
        holder is not on the lookup path), Conflict.
        """
        ...

    async def retire(
        self,
        namespace: Namespace,
        holder: ObjectId,
        selector: Selector,
        number: int,
        *,
        retirement: Retirement | None = None,
    ) -> tuple[MethodPointer, Token]:
        """Never activate or pin the version again; out of the table if active. Pins to it stay. MethodNotFound.

        Who retired it first, when and why is kept with it; `at` 0 is now. BadArguments (over 4,000 characters).
        """
        ...
