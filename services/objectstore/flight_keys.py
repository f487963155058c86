"""Where syntheses under way, and what they spend, are stored. Law: as in `keys`, which has the table of all.

All of one synthesis begins alike, so that one read finds it whole; flights are kept in the system's namespace, so that
one read finds those of every namespace.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias
from urllib.parse import quote, unquote

from kernel.objects import SYSTEM_NAMESPACE, Namespace, ObjectId, Selector
from objectstore.ledger import Span

_TIME_DIGITS: Final = 16  # as the times of all keys
_COUNT_DIGITS: Final = 10
_LAST_TIME: Final = 10**_TIME_DIGITS - 1


@dataclass(frozen=True, slots=True)
class FlightKey:
    """Where it stands who writes a method, so that there is one in the cluster."""

    namespace: Namespace
    object_id: ObjectId
    selector: Selector

    def encode(self) -> bytes:
        """The key's bytes."""
        return f"/batos/{SYSTEM_NAMESPACE}/f/{self.namespace}/{self.object_id}//{self.selector}//".encode()


@dataclass(frozen=True, slots=True)
class SynthesisKey:
    """Where the record of a synthesis is; its id is one word."""

    namespace: Namespace
    synthesis_id: str

    def encode(self) -> bytes:
        """The key's bytes."""
        return self.beside("record").encode()

    def beside(self, rest: str) -> str:
        """What begins as all keys of that synthesis do."""
        return f"/batos/{self.namespace}/s/{self.synthesis_id}/{rest}"


@dataclass(frozen=True, slots=True)
class EventKey:
    """Where one event of a synthesis is; they are numbered from 1."""

    synthesis: SynthesisKey
    number: int

    def encode(self) -> bytes:
        """The key's bytes."""
        return self.synthesis.beside(f"event/{self.number:0{_COUNT_DIGITS}}").encode()


@dataclass(frozen=True, slots=True)
class LeftKey:
    """Where an example is that somebody left with a flight."""

    synthesis: SynthesisKey
    digest: str

    def encode(self) -> bytes:
        """The key's bytes."""
        return self.synthesis.beside(f"left/{self.digest}").encode()


@dataclass(frozen=True, slots=True)
class DraftingKey:
    """Where it stands that drafting has begun."""

    synthesis: SynthesisKey

    def encode(self) -> bytes:
        """The key's bytes."""
        return self.synthesis.beside("drafting").encode()


@dataclass(frozen=True, slots=True)
class CancelledKey:
    """Where it stands who cancelled a synthesis."""

    synthesis: SynthesisKey

    def encode(self) -> bytes:
        """The key's bytes."""
        return self.synthesis.beside("cancelled").encode()


@dataclass(frozen=True, slots=True)
class AgeKey:
    """What lists syntheses, the newest first; `created` is in microseconds since 1970."""

    synthesis: SynthesisKey
    created: int

    def encode(self) -> bytes:
        """The key's bytes."""
        until = _LAST_TIME - self.created
        return f"/batos/{self.synthesis.namespace}/t/{until:0{_TIME_DIGITS}}/{self.synthesis.synthesis_id}//".encode()


@dataclass(frozen=True, slots=True)
class SpentKey:
    """Where it stands what was spent for an object and all that inherits from it in an hour, counted since 1970."""

    namespace: Namespace
    object_id: ObjectId
    hour: int

    def encode(self) -> bytes:
        """The key's bytes."""
        return f"/batos/{self.namespace}/b/{self.object_id}//{self.hour:0{_COUNT_DIGITS}}".encode()


@dataclass(frozen=True, slots=True)
class ReservationKey:
    """Where it stands that something was reserved, by any name."""

    namespace: Namespace
    name: str

    def encode(self) -> bytes:
        """The key's bytes."""
        return f"/batos/{self.namespace}/q/{quote(self.name, safe='')}//".encode()


@dataclass(frozen=True, slots=True)
class SetbackKey:
    """Where it stands why a method could not be written."""

    namespace: Namespace
    object_id: ObjectId
    selector: Selector

    def encode(self) -> bytes:
        """The key's bytes."""
        return f"/batos/{self.namespace}/g/{self.object_id}//{self.selector}//".encode()


SynthesisPart: TypeAlias = SynthesisKey | EventKey | LeftKey | DraftingKey | CancelledKey
FlyingKey: TypeAlias = FlightKey | SynthesisPart | AgeKey | SpentKey | ReservationKey | SetbackKey

FLIGHTS: Final = Span.prefix(f"/batos/{SYSTEM_NAMESPACE}/f/".encode())


def events_after(synthesis: SynthesisKey, after: int) -> Span:
    """All events of a synthesis but the first `after`."""
    return Span(EventKey(synthesis, after + 1).encode(), Span.prefix(synthesis.beside("event/").encode()).end)


def all_left(synthesis: SynthesisKey) -> Span:
    """All examples that were left with a synthesis."""
    return Span.prefix(synthesis.beside("left/").encode())


_ID = r"([^/]+(?:/[^/]+)*)//"
_WORD = "([^/]+)"
_COUNT = rf"(\d{{{_COUNT_DIGITS}}})"
REST: Final[Mapping[str, re.Pattern[str]]] = {
    "f": re.compile(rf"{_WORD}/{_ID}{_WORD}//"),
    "s": re.compile(rf"{_WORD}/(?:(record|drafting|cancelled)|event/{_COUNT}|left/{_WORD})"),
    "t": re.compile(rf"(\d{{{_TIME_DIGITS}}})/{_WORD}//"),
    "b": re.compile(rf"{_ID}{_COUNT}"),
    "q": re.compile(rf"{_WORD}//"),
    "g": re.compile(rf"{_ID}{_WORD}//"),
}
"""What follows the letter of each kind of key."""

_BESIDE: Final[Mapping[str, Callable[[SynthesisKey], SynthesisPart]]] = {
    "record": lambda key: key,
    "drafting": DraftingKey,
    "cancelled": CancelledKey,
}


def made(letter: str, namespace: Namespace, parts: tuple[str, ...]) -> FlyingKey:  # noqa: PLR0911 - one case a kind
    """The key of a kind whose parts these are."""
    match letter:
        case "f":
            return FlightKey(Namespace(parts[0]), ObjectId(parts[1]), Selector(parts[2]))
        case "s":
            key = SynthesisKey(namespace, parts[0])
            if parts[1]:
                return _BESIDE[parts[1]](key)
            return EventKey(key, int(parts[2])) if parts[2] else LeftKey(key, parts[3])
        case "t":
            return AgeKey(SynthesisKey(namespace, parts[1]), _LAST_TIME - int(parts[0]))
        case "b":
            return SpentKey(namespace, ObjectId(parts[0]), int(parts[1]))
        case "q":
            return ReservationKey(namespace, unquote(parts[0]))
        case _:
            return SetbackKey(namespace, ObjectId(parts[0]), Selector(parts[1]))
