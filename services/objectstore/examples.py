"""Kept examples. Law: what every later version must pass is bounded, and tells who gave it and who took it back.

Each example of a method is one key, named by its digest. A change compares that no other came between, so that the
bound holds however many give examples at once.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from kernel.errors import BadArguments, LimitExceeded
from kernel.objects import Namespace, ObjectId, Selector
from kernel.transactions import MAX_TRANSACTION_BYTES, Token
from objectstore import records
from objectstore.core import Core, persist
from objectstore.keys import ExampleKey, span
from objectstore.ledger import Entry, Span, Step
from objectstore.proofs import checked_time
from objectstore.proving import KeptExample

MAX_KEPT: Final = 100
MAX_KEPT_BYTES: Final = MAX_TRANSACTION_BYTES


@dataclass(frozen=True, slots=True)
class Shelf:
    """Where the examples of one method are."""

    namespace: Namespace
    holder: ObjectId
    incarnation: str
    selector: Selector

    def span(self) -> Span:
        """All of them."""
        return span(self.namespace, "x", f"{self.holder}//{self.incarnation}/{self.selector}/")

    def key(self, digest: str) -> bytes:
        """Where one of them is."""
        return ExampleKey(self.namespace, self.holder, self.incarnation, self.selector, digest).encode()


class Examples:
    """The part of the store that keeps examples; see Store for what each method promises."""

    def __init__(self, core: Core) -> None:
        self._core = core

    async def keep(
        self, namespace: Namespace, holder: ObjectId, selector: Selector, examples: Sequence[KeptExample]
    ) -> Token:
        """See Store."""
        given = dated(examples, self._core.now())

        async def attempt() -> Token | None:
            held, _ = await self._core.holder(namespace, holder)
            shelf = Shelf(namespace, holder, held.definition.incarnation, selector)
            if (keeps := await keeping(self._core, shelf, given)) is None:
                return None
            step, read_at = keeps
            if not step.puts:
                return self._core.token(read_at)
            revision = await self._core.take(held, step)
            return None if revision is None else self._core.token(revision)

        return await persist(attempt)

    async def withdraw(
        self, namespace: Namespace, holder: ObjectId, selector: Selector, digest: str, by: str
    ) -> tuple[KeptExample, Token]:
        """See Store."""
        if not by:
            raise BadArguments("who withdraws an example is told: name them", field="by")

        async def attempt() -> tuple[KeptExample, Token] | None:
            held, _ = await self._core.holder(namespace, holder)
            shelf = Shelf(namespace, holder, held.definition.incarnation, selector)
            reading = await self._core.ledger.read(Span.key(shelf.key(digest)))
            if (entry := reading.only(0)) is None:
                raise BadArguments(
                    f"{holder}.{selector} has no example {digest[:80]!r}: list those that it has", field="digest"
                )
            kept = records.example(entry.value)
            if kept.withdrawn_by:
                return kept, self._core.token(reading.revision)
            kept = replace(kept, withdrawn_by=by)
            step = Step({entry.key: entry.revision}, puts={entry.key: records.encode_example(kept)})
            revision = await self._core.take(held, step)
            return None if revision is None else (kept, self._core.token(revision))

        return await persist(attempt)

    async def kept(
        self, namespace: Namespace, holder: ObjectId, selector: Selector
    ) -> tuple[Sequence[KeptExample], Token]:
        """See Store."""

        async def attempt() -> tuple[Sequence[KeptExample], Token] | None:
            first, _ = await self._core.holder(namespace, holder)
            shelf = Shelf(namespace, holder, first.definition.incarnation, selector)
            held, reading = await self._core.holder(namespace, holder, shelf.span())
            if held.definition.incarnation != first.definition.incarnation:
                return None
            found = sorted(map(_Found.of, reading.spans[1]), key=_Found.age)
            return [each.kept for each in found], self._core.token(reading.revision)

        return await persist(attempt)


def dated(examples: Sequence[KeptExample], now: float) -> Sequence[KeptExample]:
    """The examples as they are kept: of `now` (seconds since 1970) where they name no time. Raises BadArguments."""
    return [
        replace(each, at=checked_time(each.at, now, "example"), withdrawn_by="")
        for each in {each.digest: each for each in examples}.values()
    ]


async def keeping(core: Core, shelf: Shelf, given: Sequence[KeptExample]) -> tuple[Step, int] | None:
    """The step that keeps examples, empty where all are kept already, and when this was so. Raises LimitExceeded.

    None where it would be too large, with all that are let go: they went first, and it is to be asked for again.
    """
    reading = await core.ledger.read(shelf.span())
    found = [_Found.of(entry) for entry in reading.spans[0]]
    gating = {each.key for each in found if not each.kept.withdrawn_by}
    new = {shelf.key(each.digest): records.encode_example(each) for each in given}
    puts = {key: value for key, value in new.items() if key not in gating}
    if not puts:
        return Step(), reading.revision
    others = [each for each in found if each.key not in puts]
    let_go = _let_go(others, len(puts), sum(map(len, puts.values())), f"{shelf.holder}.{shelf.selector}")
    quiet, deletes = [(shelf.span(), reading.revision)], [Span.key(key) for key in let_go]
    if deletes and len(puts) + len(deletes) > MAX_KEPT:
        await core.lanes.take(Step(quiet=quiet, deletes=deletes))
        return None
    return Step(quiet=quiet, puts=puts, deletes=deletes), reading.revision


@dataclass(frozen=True, slots=True)
class _Found:
    """An example as it was read, with its size in bytes."""

    key: bytes
    size: int
    kept: KeptExample

    @classmethod
    def of(cls, entry: Entry) -> "_Found":
        return cls(entry.key, len(entry.value), records.example(entry.value))

    def age(self) -> tuple[float, bytes]:
        return self.kept.at, self.key


def _let_go(others: Sequence[_Found], count: int, size: int, method: str) -> Sequence[bytes]:
    """Which withdrawn examples make room for new ones, of a count and a size in bytes. Raises LimitExceeded."""
    count, size = count + len(others), size + sum(each.size for each in others)
    let_go: list[bytes] = []
    for each in sorted((each for each in others if each.kept.withdrawn_by), key=_Found.age):
        if count <= MAX_KEPT and size <= MAX_KEPT_BYTES:
            break
        let_go.append(each.key)
        count, size = count - 1, size - each.size
    if count > MAX_KEPT or size > MAX_KEPT_BYTES:
        raise LimitExceeded(
            "examples",
            f"{method} would have {count} examples, of {size} bytes; at most {MAX_KEPT}, of {MAX_KEPT_BYTES}, are kept"
            ": withdraw some",
        )
    return let_go
