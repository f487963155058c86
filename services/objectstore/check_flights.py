"""What lies apart from objects, checked. Law: each key on its own: it can be read, and ends by itself if it should."""

from collections.abc import Callable
from typing import Final

from kernel.synthesis import State
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


def check_apart(key: StoredKey, entry: Entry, problems: list[Problem]) -> None:
    """Add what is wrong with a key of these kinds."""
    found = read(_READERS.get(type(key), records.slots), entry, problems)
    match key:
        case SynthesisKey():
            ends = getattr(found, "state", State.RUNNING) is not State.RUNNING
        case AgeKey():
            ends = found not in (None, State.RUNNING)
        case _:
            ends = isinstance(key, EventKey | LeftKey | DraftingKey | CancelledKey)
    if ends and not entry.passing:
        problems.append(Problem.at(Kind.LEASE_MISSING, entry.key, "it does not end by itself"))
