"""Objects as wholes. Law: each change is one transaction, and what it rests on is compared in it."""

import re
import secrets
from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from kernel.errors import BadArguments, Conflict, HasChildren, KernelError, ObjectExists, ObjectNotFound
from kernel.objects import ROOT, Definition, Level, Namespace, ObjectId, Policy, Synthesis, parse_object_id
from kernel.transactions import Token
from kernel.values import Value
from objectstore import records
from objectstore.core import Core, check_policy, checked_slots, cut, page_position, page_size, page_token, persist
from objectstore.keys import DefinitionKey, EdgeKey, SlotsKey, owned, parse, span
from objectstore.ledger import Entry, Reading, Span, Step
from objectstore.store import NewObject, Page, StoredObject, Update
from objectstore.structure import Compares, check_changed, check_new, checked_parents, edges

_PREFIX: Final = re.compile(r"[a-z0-9_./-]{0,256}")


class Objects:
    """The part of the store that keeps whole objects; see Store for what each method promises."""

    def __init__(self, core: Core) -> None:
        self._core = core

    async def ensure_root(self, namespace: Namespace) -> None:
        """Make the namespace's root object unless it is there."""
        policy = Policy(Synthesis.AUTO, Level.EXAMPLES)
        if not (await self._core.ledger.read(Span.key(DefinitionKey(namespace, ROOT).encode()))).only(0):
            await self._made(namespace, ROOT, Definition(_incarnation(), (), {}, policy), {}, Compares())

    async def create(self, namespace: Namespace, new: NewObject) -> StoredObject:
        """See Store."""
        check_policy(new.policy)
        slots = checked_slots(new.slots)
        parents = checked_parents(new.object_id, new.parents)
        await self.ensure_root(namespace)

        async def attempt() -> StoredObject | None:
            await self._refuse_existing(namespace, new.object_id)
            compares = await check_new(self._core, namespace, new.object_id, parents)
            if compares is None:
                return None
            definition = Definition(_incarnation(), parents, {}, new.policy)
            return await self._made(namespace, new.object_id, definition, slots, compares)

        return await persist(attempt)

    async def clone(self, namespace: Namespace, prototype: ObjectId, object_id: ObjectId) -> StoredObject:
        """See Store."""

        async def attempt() -> StoredObject | None:
            await self._refuse_existing(namespace, object_id)
            source = self._stored(prototype, await self._read_object(namespace, prototype))
            compares = await check_new(self._core, namespace, object_id, (prototype,))
            if compares is None:
                return None
            copied = {SlotsKey(namespace, prototype).encode(): source.slots_revision}
            compares = replace(compares, same={**compares.same, **copied})
            definition = Definition(_incarnation(), (prototype,))
            return await self._made(namespace, object_id, definition, source.slots or {}, compares)

        return await persist(attempt)

    async def get(self, namespace: Namespace, object_id: ObjectId) -> StoredObject:
        """See Store."""
        return self._stored(object_id, await self._read_object(namespace, object_id))

    async def list(self, namespace: Namespace, prefix: str, size: int, page: str) -> Page[StoredObject]:
        """See Store."""
        if not _PREFIX.fullmatch(prefix) or "//" in prefix:
            raise BadArguments(f"{prefix[:80]!r} begins no object id", field="prefix")
        size = page_size(size)
        wanted = span(namespace, "d", prefix)
        if prefix.endswith("/"):
            # The key of `a` begins with `a/` too; ids below it go on with something above "/".
            wanted = replace(wanted, begin=wanted.begin + b"0")
        if after := page_position(page):
            begin = DefinitionKey(namespace, _position(after, prefix)).encode() + b"\0"
            wanted = replace(wanted, begin=begin)
        reading = await self._core.first(replace(wanted, limit=size + 1))
        entries, more = cut(reading.spans[0], size)
        items = [self._listed(entry, reading.revision) for entry in entries]
        return Page(items, page_token(items[-1].object_id) if more else "", self._core.token(reading.revision))

    async def update(self, namespace: Namespace, update: Update) -> StoredObject:
        """See Store."""
        if update.policy is not None:
            check_policy(update.policy)
        slots = None if update.slots is None else checked_slots(update.slots)
        parents = None if update.parents is None else checked_parents(update.object_id, update.parents)

        async def attempt() -> StoredObject | None:
            reading = await self._read_object(namespace, update.object_id)
            before = self._stored(update.object_id, reading)
            _expect("definition", before.definition_revision, update.expected_definition)
            _expect("slots", before.slots_revision, update.expected_slots)
            compares: Compares | None = Compares()
            if parents is not None:
                pins, revision = before.definition.pins, reading.revision
                compares = await check_changed(
                    self._core, namespace, update.object_id, parents, pins=pins, revision=revision
                )
            if compares is None:
                return None
            return await self._changed(namespace, before, replace(update, parents=parents, slots=slots), compares)

        return await persist(attempt)

    async def delete(self, namespace: Namespace, object_id: ObjectId) -> Token:
        """See Store."""
        children = span(namespace, "c", f"{object_id}//")

        async def attempt() -> Token | None:
            held, reading = await self._core.holder(namespace, object_id, replace(children, limit=1))
            if entry := reading.only(1):
                raise _has_children(object_id, entry)
            slots = Span.key(SlotsKey(namespace, object_id).encode())
            own = [Span.key(edge) for edge in edges(namespace, object_id, held.definition.parents)]
            step = Step(
                same={held.key: held.revision},
                quiet=[(children, 0)],
                deletes=[Span.key(held.key), slots, *own, *owned(namespace, object_id)],
            )
            revision = (await self._core.lanes.take(step)).revision
            return None if revision is None else self._core.token(revision)

        return await persist(attempt)

    async def _read_object(self, namespace: Namespace, object_id: ObjectId) -> Reading:
        keys = DefinitionKey(namespace, object_id), SlotsKey(namespace, object_id)
        return await self._core.ledger.read(*(Span.key(key.encode()) for key in keys))

    def _stored(self, object_id: ObjectId, reading: Reading) -> StoredObject:
        definition, slots = reading.only(0), reading.only(1)
        if definition is None or slots is None:
            raise ObjectNotFound(object_id)
        return StoredObject(
            object_id,
            records.definition(definition.value),
            definition.revision,
            records.slots(slots.value),
            slots.revision,
            self._core.token(reading.revision),
        )

    def _listed(self, entry: Entry, revision: int) -> StoredObject:
        key = parse(entry.key)
        assert isinstance(key, DefinitionKey)
        definition = records.definition(entry.value)
        return StoredObject(key.object_id, definition, entry.revision, None, 0, self._core.token(revision))

    async def _refuse_existing(self, namespace: Namespace, object_id: ObjectId) -> None:
        key = DefinitionKey(namespace, object_id).encode()
        if (await self._core.ledger.read(Span.key(key, values=False))).only(0):
            raise ObjectExists(object_id)

    async def _made(
        self,
        namespace: Namespace,
        object_id: ObjectId,
        definition: Definition,
        slots: Mapping[str, Value],
        compares: Compares,
    ) -> StoredObject | None:
        definition_key = DefinitionKey(namespace, object_id).encode()
        puts = {
            definition_key: records.encode_definition(definition),
            SlotsKey(namespace, object_id).encode(): records.encode(slots),
            **edges(namespace, object_id, definition.parents),
        }
        step = Step(same={**compares.same, definition_key: 0}, puts=puts)
        revision = (await self._core.lanes.take(step)).revision
        if revision is None:
            return None
        return StoredObject(object_id, definition, revision, slots, revision, self._core.token(revision))

    async def _changed(
        self, namespace: Namespace, before: StoredObject, update: Update, compares: Compares
    ) -> StoredObject | None:
        """The object after the update, told from the step alone: a read after it could fail, and the update not."""
        definition_key = DefinitionKey(namespace, before.object_id).encode()
        slots_key = SlotsKey(namespace, before.object_id).encode()
        # Slots that others write meanwhile are no obstacle, unless the caller says so.
        expected = {} if update.expected_slots is None else {slots_key: update.expected_slots}
        puts: dict[bytes, bytes] = {}
        gone: set[bytes] = set()
        definition = before.definition
        if update.policy is not None:
            definition = replace(definition, policy=update.policy)
        if update.parents is not None:
            definition = replace(definition, parents=tuple(update.parents))
            puts |= edges(namespace, before.object_id, definition.parents)
            gone = edges(namespace, before.object_id, before.definition.parents).keys() - puts.keys()
        if definition != before.definition:
            puts[definition_key] = records.encode_definition(definition)
        if update.slots is not None:
            puts[slots_key] = records.encode(update.slots)
        same = {**compares.same, definition_key: before.definition_revision, **expected}
        step = Step(same, compares.quiet, puts, deletes=[Span.key(key) for key in sorted(gone)])
        revision = (await self._core.lanes.take(step)).revision
        if revision is None:
            return None
        return StoredObject(
            before.object_id,
            definition,
            revision if definition_key in puts else before.definition_revision,
            before.slots if update.slots is None else update.slots,
            revision if slots_key in puts else before.slots_revision,
            self._core.token(revision),
        )


def _incarnation() -> str:
    return secrets.token_hex(8)


def _position(text: str, prefix: str) -> ObjectId:
    try:
        if text.startswith(prefix):
            return parse_object_id(text)
    except KernelError:
        pass
    raise BadArguments("the page token is of another list", field="page_token")


def _expect(part: str, revision: int, expected: int | None) -> None:
    if expected is not None and expected != revision:
        raise Conflict(f"the {part} has revision {revision}, not {expected}: read it again", [part])


def _has_children(object_id: ObjectId, entry: Entry) -> KernelError:
    key = parse(entry.key)
    child = key.child if isinstance(key, EdgeKey) else ""
    return HasChildren(f"{object_id} is a parent of {child}: delete its children or give them other parents first")
