"""Method versions. Law: a version never changes; what answers is the pointer in its holder's method table.

Evidence, and the mark that a version is retired, are appended beside it. All that decides whether a pointer may move is
compared in the transaction that moves it.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from kernel.errors import BadArguments, Conflict, LimitExceeded, MethodNotFound, NotServed
from kernel.lookup import MAX_PATH
from kernel.objects import (
    Definition,
    Evidence,
    Level,
    MethodPointer,
    MethodRecord,
    MethodVersion,
    Namespace,
    ObjectId,
    Selector,
    Severity,
)
from kernel.signature import parse_method
from kernel.transactions import Token
from objectstore import records
from objectstore.core import Core, Held, cut, page_position, page_size, page_token, persist
from objectstore.keys import END_OF_TIMES, DefinitionKey, EvidenceKey, RetiredKey, StoredKey, VersionKey, parse, span
from objectstore.ledger import Entry, Span, Step
from objectstore.store import Draft, Page


@dataclass(frozen=True, slots=True)
class _Version:
    """A version as it was read, with its holder."""

    holder: Held
    key: VersionKey
    entry: Entry | None
    beside: Sequence[Entry]
    read_at: int

    @property
    def retired(self) -> bool:
        mark = RetiredKey(self.key).encode()
        return any(entry.key == mark for entry in self.beside)

    def record(self) -> MethodRecord:
        """The version with what is beside it. Raises MethodNotFound."""
        if self.entry is None:
            raise MethodNotFound(self.key.object_id, self.key.selector, self.key.number)
        return _record(self.entry, self.beside, self.holder.definition)


class Methods:
    """The part of the store that keeps method versions; see Store for what each method promises."""

    def __init__(self, core: Core) -> None:
        self._core = core

    async def register(
        self, namespace: Namespace, draft: Draft, *, activate: bool, expected: Mapping[ObjectId, int] | None = None
    ) -> tuple[MethodRecord, Token]:
        """See Store."""
        others = dict(expected or {})
        own = others.pop(draft.holder, None)
        if len(others) >= MAX_PATH:
            raise LimitExceeded("path", f"at most {MAX_PATH} definitions are compared with a registration")
        same = {DefinitionKey(namespace, item).encode(): revision for item, revision in others.items()}
        unnumbered = self._checked(draft)
        evidence = tuple(self._proof(proof) for proof in draft.evidence)

        async def attempt() -> tuple[MethodRecord, Token] | None:
            spans = [Span.key(each, values=False) for each in same]
            held, reading = await self._core.holder(namespace, draft.holder, *spans)
            held.expect(own)
            _expect_others(others, reading.spans[1:])
            before = held.definition.methods.get(draft.selector, MethodPointer())
            number = before.latest + 1
            method = replace(unnumbered, number=number)
            key = VersionKey(namespace, draft.holder, held.definition.incarnation, draft.selector, number)
            after = replace(before, latest=number)
            after = after.moved(number) if activate else after
            puts = {
                key.encode(): records.encode(method),
                held.key: _moved(held.definition, draft.selector, after),
                **_evidence_puts(key, evidence),
            }
            revision = await self._take(held, Step({**same, key.encode(): 0}, puts=puts))
            if revision is None:
                return None
            return MethodRecord(method, evidence, active=activate), self._core.token(revision)

        return await persist(attempt)

    async def method(
        self, namespace: Namespace, holder: ObjectId, selector: Selector, number: int
    ) -> tuple[MethodRecord, Token]:
        """See Store."""
        version = await persist(lambda: self._read_version(namespace, holder, selector, number))
        return version.record(), self._core.token(version.read_at)

    async def methods(
        self, namespace: Namespace, holder: ObjectId, selector: Selector | None, size: int, page: str
    ) -> Page[MethodRecord]:
        """See Store."""
        size = page_size(size)
        held, _ = await self._core.holder(namespace, holder)
        incarnation = held.definition.incarnation
        wanted = span(namespace, "m", f"{holder}//{incarnation}/{selector + '/' if selector else ''}")
        if after := page_position(page):
            wanted = replace(wanted, begin=_position(after, wanted) + b"\0")
        reading = await self._core.first(replace(wanted, limit=size + 1))
        entries, more = cut(reading.spans[0], size)
        keys = [_version_key(entry) for entry in entries]
        beside = await self._core.read_all([key.beside() for key in keys])
        items = [_record(entry, each, held.definition) for entry, each in zip(entries, beside, strict=True)]
        return Page(items, page_token(entries[-1].key.decode()) if more else "", self._core.token(reading.revision))

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
        """See Store."""
        if evidence is not None and not number:
            raise BadArguments("evidence belongs to a version; number 0 is none", field="evidence")
        proofs = () if evidence is None else (self._proof(evidence),)

        async def attempt() -> tuple[MethodPointer, MethodPointer, Token] | None:
            held, reading = await self._core.holder(namespace, holder)
            held.expect(expected_definition)
            before = _row(held, holder, selector, number)
            after = before.moved(number)
            puts: dict[bytes, bytes] = {}
            same: dict[bytes, int] = {}
            if number:
                version = await self._read_version(namespace, holder, selector, number)
                if version is None:
                    return None
                version.record()
                if version.retired:
                    raise MethodNotFound(holder, selector, number, retired=True)
                puts |= _evidence_puts(version.key, proofs)
                same = {RetiredKey(version.key).encode(): 0}
            if after != before:
                puts[held.key] = _moved(held.definition, selector, after)
            if not puts:
                return after, before, self._core.token(reading.revision)
            revision = await self._take(held, Step(same, puts=puts))
            return None if revision is None else (after, before, self._core.token(revision))

        return await persist(attempt)

    async def retire(
        self, namespace: Namespace, holder: ObjectId, selector: Selector, number: int
    ) -> tuple[MethodPointer, Token]:
        """See Store."""

        async def attempt() -> tuple[MethodPointer, Token] | None:
            held, reading = await self._core.holder(namespace, holder)
            before = _row(held, holder, selector, number)
            version = await self._read_version(namespace, holder, selector, number)
            if version is None:
                return None
            version.record()
            after = replace(before, active=0) if before.active == number else before
            puts = {} if version.retired else {RetiredKey(version.key).encode(): records.mark()}
            if after != before:
                puts[held.key] = _moved(held.definition, selector, after)
            if not puts:
                return after, self._core.token(reading.revision)
            revision = await self._take(held, Step(puts=puts))
            return None if revision is None else (after, self._core.token(revision))

        return await persist(attempt)

    async def _take(self, held: Held, step: Step) -> int | None:
        """A step that holds only while the holder's definition is the one that was read."""
        return (await self._core.lanes.take(replace(step, same={**step.same, held.key: held.revision}))).revision

    async def _read_version(
        self, namespace: Namespace, holder: ObjectId, selector: Selector, number: int
    ) -> _Version | None:
        """A version (0: the active one) with its holder; None where the holder was made anew meanwhile."""
        first, _ = await self._core.holder(namespace, holder)
        wanted = number or first.definition.active(selector)
        if wanted < 1:
            raise MethodNotFound(holder, selector, number)
        key = VersionKey(namespace, holder, first.definition.incarnation, selector, wanted)
        held, reading = await self._core.holder(namespace, holder, Span.key(key.encode()), key.beside())
        if held.definition.incarnation != first.definition.incarnation:
            return None
        return _Version(held, key, reading.only(1), reading.spans[2], reading.revision)

    def _checked(self, draft: Draft) -> MethodVersion:
        """The version, yet without a number. Raises BadArguments, NotServed, LimitExceeded."""
        if draft.effects is not None:
            raise NotServed("effects")
        if any(finding.severity is Severity.ERROR for finding in draft.findings):
            raise BadArguments("a source that the audit refuses is not registered", field="findings")
        parameters = parse_method(draft.source, draft.selector)
        return MethodVersion(
            holder=draft.holder,
            selector=draft.selector,
            number=0,
            source=draft.source,
            digest=hashlib.sha256(draft.source.encode()).hexdigest(),
            parameters=parameters,
            provenance=draft.provenance,
            findings=tuple(draft.findings),
            created=self._core.now(),
        )

    def _proof(self, evidence: Evidence) -> Evidence:
        if evidence.level is Level.UNSET:
            raise BadArguments("evidence has a level, from AUDITED to APPROVED", field="evidence")
        if not 0 <= evidence.at < END_OF_TIMES:
            raise BadArguments("evidence is of a time from 1970 to 2286; without one it is of now", field="evidence.at")
        return evidence if evidence.at else replace(evidence, at=self._core.now())


def _expect_others(expected: Mapping[ObjectId, int], found: Sequence[Sequence[Entry]]) -> None:
    pairs = zip(expected.items(), found, strict=True)
    if changed := [item for (item, revision), entries in pairs if not entries or entries[0].revision != revision]:
        raise Conflict(f"the definition of {', '.join(changed)} changed since it was read: read it again", changed)


def _row(held: Held, holder: ObjectId, selector: Selector, number: int) -> MethodPointer:
    """The selector's row. Raises MethodNotFound where no such version was ever registered."""
    row = held.definition.methods.get(selector)
    if row is None or not 0 <= number <= row.latest:
        raise MethodNotFound(holder, selector, number)
    return row


def _moved(definition: Definition, selector: Selector, pointer: MethodPointer) -> bytes:
    methods: Mapping[str, MethodPointer] = {**definition.methods, selector: pointer}
    return records.encode_definition(replace(definition, methods=methods))


def _evidence_puts(key: VersionKey, evidence: Sequence[Evidence]) -> dict[bytes, bytes]:
    puts: dict[bytes, bytes] = {}
    for proof in evidence:
        data = records.encode(proof)
        # The digest makes the same proof given twice one key, and two proofs of one moment two.
        digest = hashlib.sha256(data).hexdigest()[:16]
        puts[EvidenceKey(key, round(proof.at * 1e6), digest).encode()] = data
    return puts


def _record(entry: Entry, beside: Sequence[Entry], definition: Definition) -> MethodRecord:
    method = records.version(entry.value)
    keys = [_known(each) for each in beside]
    proofs = [
        records.evidence(each.value) for each, key in zip(beside, keys, strict=True) if isinstance(key, EvidenceKey)
    ]
    retired = any(isinstance(key, RetiredKey) for key in keys)
    active = definition.active(method.selector) == method.number
    return MethodRecord(method, tuple(proofs), active=active, retired=retired)


def _known(entry: Entry) -> StoredKey | None:
    try:
        return parse(entry.key)
    except ValueError:
        return None  # put there by another hand: no reason to keep the version from its readers


def _version_key(entry: Entry) -> VersionKey:
    key = parse(entry.key)
    assert isinstance(key, VersionKey)
    return key


def _position(text: str, wanted: Span) -> bytes:
    position = text.encode()
    if not wanted.begin <= position < wanted.end:
        raise BadArguments("the page token is of another list", field="page_token")
    return position
