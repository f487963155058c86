"""Who flies. Law: of all who ask, one holds the flight, and none takes it from a holder that lives.

The flight is a key that does not end by itself: it stays when its holder dies, and says whose place is to be taken. Who
takes it over compares, in that transaction, that it is a living member and that the one before is none. Each time the
key is put it has another revision: the fence that all acts of its holder compare.

Asked again by the same member for the same synthesis, the flight is told again: an answer that was lost loses nothing.
"""

import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from kernel.errors import BadArguments, Conflict, LimitExceeded, StoreUnavailable
from kernel.objects import SYSTEM_NAMESPACE, Namespace, ObjectId, Selector
from kernel.synthesis import State, SynthesisRecord
from objectstore import flight_records, records
from objectstore.core import Core, cut, persist
from objectstore.flight_keys import FLIGHTS, FlightKey, SynthesisKey
from objectstore.flight_records import Holding
from objectstore.flights import SERVICE, Boarding, Flight
from objectstore.keys import END_OF_TIMES, DefinitionKey, MemberKey, parse, span
from objectstore.landings import age_key, check_fence, ending, key_of, of_another_time, record_key
from objectstore.ledger import Entry, Span, Step

_ID: Final = re.compile(r"[A-Za-z0-9-]{1,64}")
_MOST_BYTES: Final = 256 << 10  # of a record, which its end puts into one transaction with a version and its examples
_MEMBERS: Final = span(SYSTEM_NAMESPACE, "w", f"{SERVICE}/")


class Boards:
    """The part of the flights that begins and ends them; see Flights for what each method promises."""

    def __init__(self, core: Core) -> None:
        self._core = core

    async def board(self, synthesis: SynthesisRecord, member: str) -> Boarding:
        """See Flights."""
        _check(synthesis, member)
        return await persist(lambda: self._board(synthesis, member))

    async def under_way(self, namespace: Namespace, target: ObjectId, selector: Selector) -> SynthesisRecord | None:
        """See Flights."""
        key = FlightKey(namespace, target, selector).encode()
        held = (await self._core.ledger.read(Span.key(key))).only(0)
        if held is None:
            return None
        record = SynthesisKey(namespace, flight_records.holding(held.value).synthesis_id).encode()
        entry = (await self._core.ledger.read(Span.key(record))).only(0)
        found = flight_records.synthesis(entry.value) if entry else None
        return found if found and found.state is State.RUNNING else None

    async def end(self, flight: Flight, synthesis: SynthesisRecord) -> None:
        """See Flights."""
        step = ending(flight, synthesis)
        if (await self._core.lanes.take(step)).revision is not None:
            return
        record = record_key(flight).encode()
        reading = await self._core.ledger.read(Span.key(key_of(flight)), Span.key(record))
        found = reading.only(1)
        if found is None or found.value != step.passing[record]:  # else it was ended so already
            check_fence(flight, reading.spans[0])
            raise of_another_time()

    async def orphans(self) -> Sequence[SynthesisRecord]:
        """See Flights."""
        reading = await self._core.ledger.read(FLIGHTS, _MEMBERS)
        living = {entry.key for entry in reading.spans[1]}
        keys = [key for entry in reading.spans[0] if (key := _orphan(entry, living)) is not None]
        entries = await self._core.read_all([Span.key(key.encode()) for key in keys])
        there = [each[0] for each in entries if each]
        random.shuffle(there)  # so that those whom nobody can take over hold up no others for good
        fitting, _ = cut(there, len(there))
        found = [flight_records.synthesis(entry.value) for entry in fitting]
        return [record for record in found if record.state is State.RUNNING]

    async def _board(self, synthesis: SynthesisRecord, member: str) -> Boarding | None:
        flight = FlightKey(synthesis.namespace, synthesis.target, synthesis.selector).encode()
        seat = _seat(member)
        own = SynthesisKey(synthesis.namespace, synthesis.synthesis_id).encode()
        target = DefinitionKey(synthesis.namespace, synthesis.target).encode()
        reading = await self._core.ledger.read(
            Span.key(flight), Span.key(seat, values=False), Span.key(own), Span.key(target)
        )
        seated, held, known = reading.only(1), reading.only(0), reading.only(2)
        if seated is None:
            raise StoreUnavailable(f"{member} is no living member of {SERVICE}: join first", member=member)
        record = flight_records.synthesis(known.value) if known else None
        if record and record.state is not State.RUNNING:
            return Boarding(record, None)
        if held is not None:
            return await self._aboard(synthesis, member, held, seated, _incarnation(reading.only(3)))
        if record:
            raise Conflict(f"{record.synthesis_id} is a synthesis of another method: take a new id")
        incarnation = _incarnation(reading.only(3))
        return await self._begin(synthesis, member, {flight: 0, seat: seated.revision}, incarnation)

    async def _begin(
        self, synthesis: SynthesisRecord, member: str, found: Mapping[bytes, int], incarnation: str
    ) -> Boarding | None:
        """A new flight, where what was found is still so, the flight's key first; None where it is not."""
        if synthesis.state is not State.RUNNING:
            raise BadArguments("a synthesis that has ended does not begin", field="synthesis.state")
        own = SynthesisKey(synthesis.namespace, synthesis.synthesis_id).encode()
        record = flight_records.encode_synthesis(synthesis)
        if len(record) > _MOST_BYTES:
            raise LimitExceeded(
                "size", f"the message has {len(record)} bytes; a method is written for one of at most {_MOST_BYTES}"
            )
        puts = {
            next(iter(found)): records.encode(
                Holding(synthesis.synthesis_id, member, synthesis.synthesis_id, incarnation)
            ),
            own: record,
            age_key(synthesis).encode(): records.encode(synthesis.state),
        }
        fence = (await self._core.lanes.take(Step({**found, own: 0}, puts=puts))).revision
        return None if fence is None else Boarding(synthesis, _flight(synthesis, member, fence))

    async def _aboard(
        self, synthesis: SynthesisRecord, member: str, held: Entry, seated: Entry, incarnation: str
    ) -> Boarding | None:
        """What comes of asking for a flight that is there; None where it changed meanwhile."""
        holding = flight_records.holding(held.value)
        key, before = SynthesisKey(synthesis.namespace, holding.synthesis_id).encode(), _seat(holding.member)
        reading = await self._core.ledger.read(Span.key(key), Span.key(before, values=False), Span.key(held.key))
        entry = reading.only(0)
        if reading.spans[2] != [held]:
            return None
        if entry is None:  # nobody who keeps the rules leaves a flight of nothing; it is not to stop all others
            found = {held.key: held.revision, seated.key: seated.revision}
            return await self._begin(synthesis, member, found, incarnation)
        record = flight_records.synthesis(entry.value)
        if (holding.member, holding.asked) == (member, synthesis.synthesis_id):
            return Boarding(record, _flight(record, member, held.revision, holding.takeovers))
        if reading.only(1) is not None:
            return Boarding(record, None)
        taken = replace(holding, member=member, asked=synthesis.synthesis_id, takeovers=holding.takeovers + 1)
        same = {held.key: held.revision, seated.key: seated.revision, before: 0}
        fence = (await self._core.lanes.take(Step(same, puts={held.key: records.encode(taken)}))).revision
        return None if fence is None else Boarding(record, _flight(record, member, fence, taken.takeovers))


def check_synthesis_id(text: str) -> str:
    """The id, if a synthesis may have it. Raises BadArguments."""
    if not _ID.fullmatch(text):
        raise BadArguments("a synthesis is named by at most 64 letters, digits and dashes", field="synthesis_id")
    return text


def _check(synthesis: SynthesisRecord, member: str) -> None:
    check_synthesis_id(synthesis.synthesis_id)
    if not _ID.fullmatch(member):
        raise BadArguments("a member is named by at most 64 letters, digits and dashes", field="member")
    if not 0 <= synthesis.created < END_OF_TIMES:
        raise BadArguments("a synthesis is of a time from 1970 to 2286", field="synthesis.created")


def _incarnation(definition: Entry | None) -> str:
    return records.definition(definition.value).incarnation if definition else ""


def _seat(member: str) -> bytes:
    return MemberKey(SYSTEM_NAMESPACE, SERVICE, member).encode()


def _flight(record: SynthesisRecord, member: str, fence: int, takeovers: int = 0) -> Flight:
    return Flight(record.namespace, record.target, record.selector, record.synthesis_id, member, fence, takeovers)


def _orphan(entry: Entry, living: set[bytes]) -> SynthesisKey | None:
    """Where the record of a flight is whose holder does not live; None for another."""
    holding, key = flight_records.holding(entry.value), parse(entry.key)
    assert isinstance(key, FlightKey)
    return None if _seat(holding.member) in living else SynthesisKey(key.namespace, holding.synthesis_id)
