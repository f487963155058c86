"""What lies apart from objects, checked. Law: each key can be read, and ends by itself if it should.

A synthesis that runs has a flight, and each flight a synthesis that runs: they begin and end together.
"""

from collections.abc import Callable
from typing import Final

from kernel.synthesis import State, SynthesisRecord
from objectstore import flight_records, records
from objectstore.flight_keys import (
    AgeKey,
    CancelledKey,
    DraftingKey,
    EventKey,
    FlightKey,
    LeftKey,
    ReservationKey,
    SetbackKey,
    SpentKey,
    SynthesisKey,
)
from objectstore.keys import LaneKey, MemberKey, StoredKey
from objectstore.ledger import Entry
from objectstore.problems import Kind, Problem, read

KINDS: Final = "stbqgflw"
"""The letters of these kinds."""

_READERS: Final[dict[type[StoredKey], Callable[[bytes], object]]] = {
    FlightKey: flight_records.holding,
    SynthesisKey: flight_records.synthesis,
    EventKey: flight_records.event,
    LeftKey: flight_records.left,
    CancelledKey: flight_records.name,
    AgeKey: flight_records.state,
    SpentKey: flight_records.spent,
    ReservationKey: flight_records.reserved,
    SetbackKey: flight_records.setback,
    LaneKey: records.lane,
    MemberKey: records.member,
}


class ApartCheck:
    """What is known of such keys so far, of all namespaces: which syntheses run, and which have a flight."""

    def __init__(self, problems: list[Problem]) -> None:
        self._problems = problems
        self._running: dict[SynthesisKey, bytes] = {}
        self._flown: dict[SynthesisKey, bytes] = {}

    def take(self, key: StoredKey, entry: Entry) -> None:
        """Check the next key."""
        found = read(_READERS.get(type(key), records.slots), entry, self._problems)
        ends = isinstance(key, EventKey | LeftKey | DraftingKey | CancelledKey)
        match key, found:
            case SynthesisKey(), SynthesisRecord(state=State.RUNNING):
                self._running[key] = entry.key
            case FlightKey(), flight_records.Holding(synthesis_id=synthesis_id):
                self._flown[SynthesisKey(key.namespace, synthesis_id)] = entry.key
            case SynthesisKey() | AgeKey(), SynthesisRecord() | State():
                ends = found is not State.RUNNING
            case _:
                pass
        if ends and not entry.passing:
            self._problems.append(Problem.at(Kind.LEASE_MISSING, entry.key, "it does not end by itself"))

    def end(self) -> None:
        """Check what is known when all keys were taken."""
        for key in self._running.keys() - self._flown.keys():
            fact = f"synthesis {key.synthesis_id} runs, and has no flight"
            self._problems.append(Problem.at(Kind.SYNTHESIS_WITHOUT_FLIGHT, self._running[key], fact))
        for key in self._flown.keys() - self._running.keys():
            fact = f"it is of synthesis {key.synthesis_id}, which does not run"
            self._problems.append(Problem.at(Kind.FLIGHT_WITHOUT_SYNTHESIS, self._flown[key], fact))
