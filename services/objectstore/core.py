"""What all parts of the store share. Law: a change that others raced is tried again from its first read."""

import asyncio
import base64
import binascii
import random
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, TypeVar

from kernel.errors import BadArguments, Conflict, ObjectNotFound
from kernel.objects import Definition, MethodPointer, Namespace, ObjectId, Policy, Selector, check_slot_name
from kernel.transactions import Token
from kernel.values import INT64_MAX, SlotValues, Value, canonical
from objectstore import records
from objectstore.epochs import EpochLedger
from objectstore.fences import Fences
from objectstore.hub import Hub
from objectstore.keys import DefinitionKey
from objectstore.lanes import Lanes
from objectstore.ledger import Entry, Reading, Span, Step

ATTEMPTS: Final = 12
_FIRST_PAUSE: Final = 0.002  # seconds; about one commit
_LONGEST_PAUSE: Final = 0.2
DEFAULT_PAGE: Final = 100
LARGEST_PAGE: Final = 1000
PAGE_BYTES: Final = 2 << 20  # a page must fit one frame, whatever its items hold
_SPANS_AT_ONCE: Final = 100

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Core:
    """The ledger in its epoch, its lanes, one watch of it for all, and a clock in seconds since 1970."""

    ledger: EpochLedger
    lanes: Lanes
    hub: Hub
    clock: Callable[[], float]
    fences: Fences = field(default_factory=Fences)

    @property
    def epoch(self) -> str:
        """What names the store until a backup is restored."""
        return self.ledger.epoch

    def token(self, revision: int) -> Token:
        """The store's clock at a revision that was told, in the epoch that this was of."""
        return Token(self.ledger.epoch_at(revision), revision)

    def now(self) -> float:
        """The time, to the microsecond that the contract carries."""
        return round(self.clock(), 6)

    async def holder(self, namespace: Namespace, object_id: ObjectId, *more: Span) -> tuple["Held", Reading]:
        """An object's definition, read together with more spans. Raises ObjectNotFound."""
        key = DefinitionKey(namespace, object_id).encode()
        reading = await self.ledger.read(Span.key(key), *more)
        if (entry := reading.only(0)) is None:
            raise ObjectNotFound(object_id)
        return Held(key, records.definition(entry.value), entry.revision), reading

    async def take(self, held: "Held", step: Step) -> int | None:
        """The revision of a step that holds only while the object's definition is the one that was read."""
        return (await self.lanes.take(replace(step, same={**step.same, held.key: held.revision}))).revision

    async def first(self, span: Span) -> Reading:
        """The first `limit` entries of a span, at a cost that does not grow with it. StoreUnavailable."""
        return await self.fences.first(self.ledger, span)

    async def read_all(self, spans: Sequence[Span]) -> list[Sequence[Entry]]:
        """Any number of spans, some at a time: each part at one revision, not all."""
        entries: list[Sequence[Entry]] = []
        for start in range(0, len(spans), _SPANS_AT_ONCE):
            entries += (await self.ledger.read(*spans[start : start + _SPANS_AT_ONCE])).spans
        return entries

    async def read_all_at(self, revision: int, spans: Sequence[Span]) -> list[Sequence[Entry]]:
        """Any number of spans, all as they stood at a revision that a read told. StaleToken, StoreUnavailable."""
        entries: list[Sequence[Entry]] = []
        for start in range(0, len(spans), _SPANS_AT_ONCE):
            entries += await self.ledger.read_all_at(revision, spans[start : start + _SPANS_AT_ONCE])
        return entries


@dataclass(frozen=True, slots=True)
class Held:
    """A definition as it was read: its key and the revision that a change compares."""

    key: bytes
    definition: Definition
    revision: int

    def moved(self, selector: Selector, pointer: MethodPointer) -> bytes:
        """The stored bytes of the definition with another row in its method table."""
        methods: Mapping[str, MethodPointer] = {**self.definition.methods, selector: pointer}
        return records.encode_definition(replace(self.definition, methods=methods))

    def expect(self, revision: int | None) -> None:
        """Raises Conflict where another revision was expected."""
        if revision is not None and revision != self.revision:
            raise Conflict(
                f"the definition has revision {self.revision}, not {revision}: read it again", ["definition"]
            )


async def persist(attempt: Callable[[], Awaitable[T | None]]) -> T:
    """The result of the first attempt that is not None. Raises Conflict after 12."""
    for tries in range(ATTEMPTS):
        if (result := await attempt()) is not None:
            return result
        longest = min(_FIRST_PAUSE * 2**tries, _LONGEST_PAUSE)
        await asyncio.sleep(random.uniform(0, longest))  # noqa: S311 - keeps those who raced from meeting again
    raise Conflict(f"other changes came between each of {ATTEMPTS} attempts: try again")


def checked_slots(slots: SlotValues) -> Mapping[str, Value]:
    """The slots in canonical form, names checked. Raises BadValue, LimitExceeded."""
    return {check_slot_name(name): canonical(value) for name, value in slots.items()}


def check_policy(policy: Policy) -> None:
    """Raises BadArguments where a budget is no count."""
    for name, budget in (
        ("tokens_per_hour", policy.tokens_per_hour),
        ("syntheses_per_hour", policy.syntheses_per_hour),
    ):
        if budget is not None and not 0 <= budget <= INT64_MAX:
            raise BadArguments(f"{name} is a count, from 0; leave it out for no bound", field=f"policy.{name}")


def page_size(size: int) -> int:
    """How many items a page has. Raises BadArguments."""
    if size < 0:
        raise BadArguments("a page size is not negative; 0 asks for 100", field="page_size")
    return min(size or DEFAULT_PAGE, LARGEST_PAGE)


def page_token(position: str) -> str:
    """The token of a page that goes on after a position."""
    return base64.urlsafe_b64encode(position.encode()).decode()


def page_position(token: str) -> str:
    """The position to go on after; empty at the beginning. Raises BadArguments."""
    try:
        return base64.b64decode(token, altchars=b"-_", validate=True).decode()
    except (binascii.Error, ValueError):
        raise BadArguments("not a page token that this store gave", field="page_token") from None


def cut(entries: Sequence[Entry], size: int) -> tuple[Sequence[Entry], bool]:
    """The entries of one page, and whether there are more."""
    total = 0
    for index, entry in enumerate(entries[:size]):
        total += len(entry.value)
        if total > PAGE_BYTES and index:
            return entries[:index], True
    return entries[:size], len(entries) > size
