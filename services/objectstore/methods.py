"""Method versions. Law: a version never changes; what answers is the pointer in its holder's method table.

Evidence, and the mark that a version is retired, are appended beside it. All that decides whether a pointer may move is
compared in the transaction that moves it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from kernel.errors import BadArguments, LimitExceeded, MethodNotFound
from kernel.objects import Definition, Evidence, MethodPointer, MethodRecord, Namespace, ObjectId, Retirement, Selector
from kernel.transactions import Token
from objectstore import records
from objectstore.core import Core, Held, cut, page_position, page_size, page_token, persist
from objectstore.keys import EvidenceKey, RetiredKey, StoredKey, VersionKey, parse, span
from objectstore.ledger import Entry, Span, Step
from objectstore.proofs import checked_proof, checked_time, proof_puts
from objectstore.store import Page

MAX_REASON: Final = 4000
MAX_PROOFS: Final = 100


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
        proofs = () if evidence is None else (checked_proof(evidence, self._core.now()),)

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
                puts |= proof_puts(version.key, proofs)
                same = {RetiredKey(version.key).encode(): 0}
            if after != before:
                puts[held.key] = held.moved(selector, after)
            if not puts:
                return after, before, self._core.token(reading.revision)
            revision = await self._core.take(held, Step(same, puts=puts))
            return None if revision is None else (after, before, self._core.token(revision))

        return await persist(attempt)

    async def prove(
        self, namespace: Namespace, holder: ObjectId, selector: Selector, number: int, evidence: Evidence
    ) -> tuple[MethodRecord, Token]:
        """See Store."""
        if number < 1:
            raise BadArguments("evidence belongs to a version; their numbers begin with 1", field="number")
        proof = checked_proof(evidence, self._core.now())

        async def attempt() -> tuple[MethodRecord, Token] | None:
            version = await self._read_version(namespace, holder, selector, number)
            if version is None:
                return None
            record = version.record()
            if proof in record.evidence:
                return record, self._core.token(version.read_at)
            if len(record.evidence) >= MAX_PROOFS:
                raise LimitExceeded("evidence", f"a version has at most {MAX_PROOFS} proofs: they have to suffice")
            quiet = [(version.key.beside(), version.read_at)]
            step = Step(quiet=quiet, puts=proof_puts(version.key, [proof]))
            revision = await self._core.take(version.holder, step)
            if revision is None:
                return None
            proofs = sorted((*record.evidence, proof), key=lambda each: each.at)
            return replace(record, evidence=tuple(proofs)), self._core.token(revision)

        return await persist(attempt)

    async def retire(
        self,
        namespace: Namespace,
        holder: ObjectId,
        selector: Selector,
        number: int,
        *,
        retirement: Retirement | None = None,
    ) -> tuple[MethodPointer, Token]:
        """See Store."""
        retirement = retirement or Retirement()
        if len(retirement.reason) > MAX_REASON:
            raise BadArguments(f"a reason has at most {MAX_REASON} characters", field="reason")
        kept = replace(retirement, at=checked_time(retirement.at, self._core.now(), "retirement"))

        async def attempt() -> tuple[MethodPointer, Token] | None:
            held, reading = await self._core.holder(namespace, holder)
            before = _row(held, holder, selector, number)
            version = await self._read_version(namespace, holder, selector, number)
            if version is None:
                return None
            version.record()
            after = replace(before, active=0) if before.active == number else before
            mark = RetiredKey(version.key).encode()
            puts = {} if version.retired else {mark: records.encode(kept)}
            same = dict.fromkeys(puts, 0)  # who retired it first stays, also where another came between
            if after != before:
                puts[held.key] = held.moved(selector, after)
            if not puts:
                return after, self._core.token(reading.revision)
            revision = await self._core.take(held, Step(same, puts=puts))
            return None if revision is None else (after, self._core.token(revision))

        return await persist(attempt)

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


def _row(held: Held, holder: ObjectId, selector: Selector, number: int) -> MethodPointer:
    """The selector's row. Raises MethodNotFound where no such version was ever registered."""
    row = held.definition.methods.get(selector)
    if row is None or not 0 <= number <= row.latest:
        raise MethodNotFound(holder, selector, number)
    return row


def _record(entry: Entry, beside: Sequence[Entry], definition: Definition) -> MethodRecord:
    method = records.version(entry.value)
    keys = [_known(each) for each in beside]
    proofs = [
        records.evidence(each.value) for each, key in zip(beside, keys, strict=True) if isinstance(key, EvidenceKey)
    ]
    marks = [each.value for each, key in zip(beside, keys, strict=True) if isinstance(key, RetiredKey)]
    retirement = records.retirement(marks[0]) if marks else None
    active = definition.active(method.selector) == method.number
    return MethodRecord(method, tuple(proofs), active=active, retirement=retirement)


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
