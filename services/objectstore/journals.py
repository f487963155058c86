"""What is told of a synthesis, and to it. Law: what lies beside a record is put once and never changed.

Events are numbered in the order they are told, one key each. An example is left by its digest, for as long as the mark
that drafting has begun is absent, which the transaction that leaves it compares: so whoever begins drafting reads all
that were ever left. All of it ends by itself, later than the record.
"""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final

from kernel.errors import BadArguments, SynthesisNotFound
from kernel.messages import Example
from kernel.objects import Namespace
from kernel.synthesis import Event, State, SynthesisRecord
from objectstore import flight_records, records
from objectstore.core import Core, cut, page_position, page_size, page_token, persist
from objectstore.flight_keys import (
    AgeKey,
    CancelledKey,
    DraftingKey,
    EventKey,
    LeftKey,
    SynthesisKey,
    all_left,
    events_after,
)
from objectstore.flights import Flight
from objectstore.keys import parse, span
from objectstore.landings import BESIDE_SECONDS, check_fence, key_of, record_key
from objectstore.ledger import Entry, Span, Step
from objectstore.store import Page

_MOST_LEFT: Final = 64
_MOST_LEFT_BYTES: Final = 256 << 10  # they may be kept with the version, in the transaction that lands the flight
_TOLD_AT_ONCE: Final = 50  # events, and their bytes, of one transaction
_TOLD_BYTES: Final = 256 << 10
_LOOKED_AT: Final = 1000  # places of the list, for one page


class Journals:
    """The part of the flights that tells what happens in them; see Flights for what each method promises."""

    def __init__(self, core: Core) -> None:
        self._core = core
        # Of two hundred who join at once, those who ask one server would only race each other for the room left.
        self._joining = asyncio.Lock()

    async def join(self, namespace: Namespace, synthesis_id: str, examples: Sequence[Example]) -> bool:
        """See Flights."""
        key = SynthesisKey(namespace, synthesis_id)
        drafting = DraftingKey(key).encode()
        given = {LeftKey(key, each.digest()).encode(): flight_records.encode_left(each) for each in examples}

        async def attempt() -> bool | None:
            record, entry, beside, read_at = await self._found(key, Span.key(drafting), all_left(key))
            if record.state is not State.RUNNING or beside[0]:
                return False
            left = beside[1]
            new = {each: value for each, value in given.items() if each not in {known.key for known in left}}
            weight = sum(len(each.value) for each in left) + sum(map(len, new.values()))
            if not new:
                return True
            if len(left) + len(new) > _MOST_LEFT or weight > _MOST_LEFT_BYTES:
                return False
            same, quiet = {entry.key: entry.revision, drafting: 0}, [(all_left(key), read_at)]
            step = Step(same, quiet, passing=new, seconds=BESIDE_SECONDS)
            return None if (await self._core.lanes.take(step)).revision is None else True

        async with self._joining:
            return await persist(attempt)

    async def close(self, flight: Flight) -> Sequence[Example]:
        """See Flights."""
        key = record_key(flight)
        drafting = DraftingKey(key).encode()

        async def attempt() -> Sequence[Example] | None:
            reading = await self._core.ledger.read(Span.key(key_of(flight)), Span.key(drafting), all_left(key))
            check_fence(flight, reading.spans[0])
            if reading.spans[1]:
                left = sorted(reading.spans[2], key=lambda entry: (entry.revision, entry.key))
                return [flight_records.left(entry.value) for entry in left]
            same = {key_of(flight): flight.fence, drafting: 0}
            await self._core.lanes.take(Step(same, passing={drafting: records.mark()}, seconds=BESIDE_SECONDS))
            return None  # what was left until then is read next

        return await persist(attempt)

    async def tell(self, flight: Flight, events: Sequence[Event], after: int) -> None:
        """See Flights."""
        if after < 0:
            raise BadArguments("events are told after a number of others, from 0", field="after")
        for part in _parts([flight_records.encode_event(event) for event in events]):
            await persist(lambda part=part, after=after: self._tell(flight, part, after))
            after += len(part)

    async def cancel(self, namespace: Namespace, synthesis_id: str, by: str) -> SynthesisRecord:
        """See Flights."""
        key = SynthesisKey(namespace, synthesis_id)
        cancelled = CancelledKey(key).encode()

        async def attempt() -> SynthesisRecord | None:
            record, entry, beside, _ = await self._found(key, Span.key(cancelled))
            if record.state is not State.RUNNING or beside[0]:
                return record
            puts = {cancelled: records.encode(by)}
            step = Step({entry.key: entry.revision, cancelled: 0}, passing=puts, seconds=BESIDE_SECONDS)
            return None if (await self._core.lanes.take(step)).revision is None else record

        return await persist(attempt)

    async def cancelled(self, flight: Flight) -> str:
        """See Flights."""
        mark = CancelledKey(record_key(flight)).encode()
        reading = await self._core.ledger.read(Span.key(key_of(flight)), Span.key(mark))
        check_fence(flight, reading.spans[0])
        found = reading.only(1)
        return flight_records.name(found.value) if found else ""

    async def synthesis(self, namespace: Namespace, synthesis_id: str) -> SynthesisRecord:
        """See Flights."""
        return (await self._found(SynthesisKey(namespace, synthesis_id)))[0]

    async def events(
        self, namespace: Namespace, synthesis_id: str, after: int
    ) -> tuple[SynthesisRecord, Sequence[Event]]:
        """See Flights."""
        key = SynthesisKey(namespace, synthesis_id)
        record, _, beside, _ = await self._found(key, events_after(key, max(0, after)))
        return record, [flight_records.event(entry.value) for entry in beside[0]]

    async def syntheses(
        self, namespace: Namespace, states: Sequence[State], size: int, page: str
    ) -> Page[SynthesisRecord]:
        """See Flights."""
        size = page_size(size)
        whole = span(namespace, "t")
        begin = page_position(page).encode() + b"\0" if page else whole.begin
        if not whole.begin <= begin < whole.end:
            raise BadArguments("the page token is of another list", field="page_token")
        reading = await self._core.first(replace(whole, begin=begin, limit=_LOOKED_AT))
        places = reading.spans[0]
        wanted = [place for place in places if not states or flight_records.state(place.value) in states]
        # At the revision of the list: a record that has ended since is no more of the state that was asked for.
        found = await self._core.read_all_at(reading.revision, [_record_of(place) for place in wanted[:size]])
        entries = [each[0] for each in found if each]
        items, cut_short = cut(entries, size)
        if cut_short or len(wanted) > size:
            shown = {entry.key for entry in items}
            last = next((each for each in reversed(wanted) if _record_of(each).begin in shown), wanted[size - 1])
        else:
            last = places[-1] if len(places) == _LOOKED_AT else None
        return Page(
            [flight_records.synthesis(entry.value) for entry in items],
            page_token(last.key.decode()) if last else "",
            self._core.token(reading.revision),
        )

    async def _found(
        self, key: SynthesisKey, *more: Span
    ) -> tuple[SynthesisRecord, Entry, Sequence[Sequence[Entry]], int]:
        """A record, its entry, more spans read with it, and at which revision. Raises SynthesisNotFound."""
        reading = await self._core.ledger.read(Span.key(key.encode()), *more)
        if (entry := reading.only(0)) is None:
            raise SynthesisNotFound(
                f"there is no synthesis {key.synthesis_id}: what has ended is kept for seven days",
                synthesis=key.synthesis_id,
            )
        return flight_records.synthesis(entry.value), entry, reading.spans[1:], reading.revision

    async def _tell(self, flight: Flight, told: Sequence[bytes], after: int) -> bool | None:
        """Whether these are there, as the events after the first `after`; None where something came between."""
        key = record_key(flight)
        keys = [EventKey(key, after + 1 + index).encode() for index in range(len(told))]
        before = Span.key(EventKey(key, after).encode(), values=False)
        reading = await self._core.ledger.read(Span.key(key_of(flight)), before, Span(keys[0], keys[-1] + b"\0"))
        check_fence(flight, reading.spans[0])
        there = [entry.value for entry in reading.spans[2]]
        if after and not reading.spans[1]:
            raise BadArguments(f"fewer than {after} events were told: tell those first", field="after")
        if there != list(told[: len(there)]):
            raise BadArguments(f"other events follow the first {after}: they stay as they were told", field="events")
        new = dict(zip(keys[len(there) :], told[len(there) :], strict=True))
        if not new:
            return True
        same = {key_of(flight): flight.fence, **dict.fromkeys(new, 0)}
        step = Step(same, passing=new, seconds=BESIDE_SECONDS)
        return None if (await self._core.lanes.take(step)).revision is None else True


def _parts(told: Sequence[bytes]) -> Iterator[Sequence[bytes]]:
    """Events in parts that each fit a transaction."""
    part: list[bytes] = []
    size = 0
    for each in told:
        if part and (len(part) >= _TOLD_AT_ONCE or size + len(each) > _TOLD_BYTES):
            yield part
            part, size = [], 0
        part.append(each)
        size += len(each)
    if part:
        yield part


def _record_of(place: Entry) -> Span:
    """Where the record is that a place of the list stands for."""
    key = parse(place.key)
    assert isinstance(key, AgeKey)
    return Span.key(key.synthesis.encode())
