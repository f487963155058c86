"""Where everything is stored. Law: each kind of key has one encode and one parse, and no key is another's prefix.

| key                                                      | what is there                                     |
|----------------------------------------------------------|---------------------------------------------------|
| `/batos/meta//`                                          | epoch and format of the whole store               |
| `d/<object>//`                                           | definition                                        |
| `o/<object>//`                                           | slots                                             |
| `c/<parent>//<child>//`                                  | an edge, put anew whenever the child's parents are |
| `m/<object>//<incarnation>/<selector>/<number>`          | method version                                    |
| `e/<object>//<incarnation>/<selector>/<number>/<proof>`  | evidence, one key a proof, in the order of time   |
| `e/<object>//<incarnation>/<selector>/<number>/retired`  | the mark of a retired version                     |
| `x/<object>//<incarnation>/<selector>/<digest>`          | example                                           |
| `y/<object>//<incarnation>/<selector>/<place>`           | recorded call, in one of 20 places                |
| `r/<object>//<incarnation>/<principal>/<request id>//`   | kept reply                                        |
| `s/<synthesis id>/record`                                | synthesis record; ends once it has ended          |
| `s/<synthesis id>/event/<number>`                        | what it told                                      |
| `s/<synthesis id>/left/<digest>`                         | example that was left with it                     |
| `s/<synthesis id>/drafting`, `…/cancelled`               | marks of the same                                 |
| `t/<time>/<synthesis id>//`                              | its state; the newest first                       |
| `b/<object>//<hour>`                                     | what was spent, for a while                       |
| `q/<name>//`                                             | what was reserved, for a while                    |
| `g/<object>//<selector>//`                               | setback, for a while                              |
| `l/<lane>//`                                             | lane                                              |
| `n/restored//`                                           | put for a minute when a restore comes             |
| `w/<service>/<member>//`                                 | a living member of a service                      |
| `f/<namespace>/<object>//<selector>//`                   | flight, in the namespace `system` for all others  |

All but the first begin with `/batos/<namespace>/`. Ids end with `//`, since one id may begin with another; numbers and
times are padded, so that keys sort as they do. Ids sort as their keys: `a-b`, `a.b`, `a`, `a/b`.
"""

import re
from dataclasses import dataclass
from typing import Final, TypeAlias
from urllib.parse import quote, unquote

from kernel.objects import Namespace, ObjectId, Selector
from objectstore import flight_keys
from objectstore.flight_keys import FlyingKey
from objectstore.ledger import Span

META: Final = b"/batos/meta//"
EVERYTHING: Final = Span.prefix(b"/batos/")
_NUMBER_DIGITS: Final = 19  # an int64
_PLACE_DIGITS: Final = 2
_TIME_DIGITS: Final = 16  # microseconds since 1970, until the year 2286
END_OF_TIMES: Final = 10 ** (_TIME_DIGITS - 6)  # seconds since 1970; keys hold times from 0 to before it


@dataclass(frozen=True, slots=True)
class DefinitionKey:
    """Where an object's definition is."""

    namespace: Namespace
    object_id: ObjectId

    def encode(self) -> bytes:
        """The key's bytes."""
        return f"/batos/{self.namespace}/d/{self.object_id}//".encode()


@dataclass(frozen=True, slots=True)
class SlotsKey:
    """Where an object's slots are."""

    namespace: Namespace
    object_id: ObjectId

    def encode(self) -> bytes:
        """The key's bytes."""
        return f"/batos/{self.namespace}/o/{self.object_id}//".encode()


@dataclass(frozen=True, slots=True)
class EdgeKey:
    """Where it stands that one object is another's parent."""

    namespace: Namespace
    parent: ObjectId
    child: ObjectId

    def encode(self) -> bytes:
        """The key's bytes."""
        return f"/batos/{self.namespace}/c/{self.parent}//{self.child}//".encode()


@dataclass(frozen=True, slots=True)
class VersionKey:
    """Where a method version is."""

    namespace: Namespace
    object_id: ObjectId
    incarnation: str
    selector: Selector
    number: int

    def encode(self) -> bytes:
        """The key's bytes."""
        return f"/batos/{self.namespace}/m/{self._rest()}".encode()

    def beside(self) -> Span:
        """Where all its evidence is, and the mark that it is retired."""
        return Span.prefix(f"/batos/{self.namespace}/e/{self._rest()}/".encode())

    def _rest(self) -> str:
        return f"{self.object_id}//{self.incarnation}/{self.selector}/{self.number:0{_NUMBER_DIGITS}}"


@dataclass(frozen=True, slots=True)
class EvidenceKey:
    """Where one proof is. `at` is in microseconds since 1970, `digest` tells proofs of one moment apart."""

    version: VersionKey
    at: int
    digest: str

    def encode(self) -> bytes:
        """The key's bytes."""
        return self.version.beside().begin + f"{self.at:0{_TIME_DIGITS}}-{self.digest}".encode()


@dataclass(frozen=True, slots=True)
class RetiredKey:
    """Where it stands that a version is retired."""

    version: VersionKey

    def encode(self) -> bytes:
        """The key's bytes."""
        return self.version.beside().begin + b"retired"


@dataclass(frozen=True, slots=True)
class ExampleKey:
    """Where an example is kept that every version of a method must pass."""

    namespace: Namespace
    object_id: ObjectId
    incarnation: str
    selector: Selector
    digest: str

    def encode(self) -> bytes:
        """The key's bytes."""
        return f"/batos/{self.namespace}/x/{self.object_id}//{self.incarnation}/{self.selector}/{self.digest}".encode()


@dataclass(frozen=True, slots=True)
class CallKey:
    """Where a recorded call of a method is: one of few places, each of which is used again."""

    namespace: Namespace
    object_id: ObjectId
    incarnation: str
    selector: Selector
    place: int

    def encode(self) -> bytes:
        """The key's bytes."""
        rest = f"{self.object_id}//{self.incarnation}/{self.selector}/{self.place:0{_PLACE_DIGITS}}"
        return f"/batos/{self.namespace}/y/{rest}".encode()


@dataclass(frozen=True, slots=True)
class ReplyKey:
    """Where a reply is kept. Principal and request id are any text."""

    namespace: Namespace
    object_id: ObjectId
    incarnation: str
    principal: str
    request_id: str

    def encode(self) -> bytes:
        """The key's bytes."""
        who, what = quote(self.principal, safe=""), quote(self.request_id, safe="")
        return f"/batos/{self.namespace}/r/{self.object_id}//{self.incarnation}/{who}/{what}//".encode()


@dataclass(frozen=True, slots=True)
class LaneKey:
    """Where the last number of a lane is."""

    namespace: Namespace
    lane: str

    def encode(self) -> bytes:
        """The key's bytes."""
        return f"/batos/{self.namespace}/l/{self.lane}//".encode()


@dataclass(frozen=True, slots=True)
class MemberKey:
    """Where a living member of a service announces itself."""

    namespace: Namespace
    service: str
    member: str

    def encode(self) -> bytes:
        """The key's bytes."""
        return f"/batos/{self.namespace}/w/{self.service}/{self.member}//".encode()


@dataclass(frozen=True, slots=True)
class RestoredKey:
    """What tells the watchers of a namespace that all in it is about to be replaced."""

    namespace: Namespace

    def encode(self) -> bytes:
        """The key's bytes."""
        return f"/batos/{self.namespace}/n/restored//".encode()


Owned: TypeAlias = VersionKey | EvidenceKey | RetiredKey | ExampleKey | CallKey | ReplyKey
StoredKey: TypeAlias = DefinitionKey | SlotsKey | EdgeKey | Owned | FlyingKey | LaneKey | MemberKey | RestoredKey


def span(namespace: Namespace, letter: str, rest: str = "") -> Span:
    """All keys of one kind, or those that go on with `rest`."""
    return Span.prefix(f"/batos/{namespace}/{letter}/{rest}".encode())


def owned(namespace: Namespace, object_id: ObjectId) -> tuple[Span, ...]:
    """All that goes with an object beside its definition and slots."""
    return tuple(span(namespace, letter, f"{object_id}//") for letter in "mexyr")


def watched(namespace: Namespace) -> Span:
    """One range that holds all definitions and slots. Lanes and versions lie between them; watchers pass them over."""
    return Span(f"/batos/{namespace}/d/".encode(), f"/batos/{namespace}/p/".encode())


_ID = r"([^/]+(?:/[^/]+)*)//"
_WORD = "([^/]+)"
_VERSION = rf"{_ID}{_WORD}/{_WORD}/(\d{{{_NUMBER_DIGITS}}})"
_KEY = re.compile(rf"/batos/{_WORD}/([a-z])/(.+)")
_REST: Final = {
    "d": re.compile(_ID),
    "o": re.compile(_ID),
    "c": re.compile(rf"{_ID}{_ID}"),
    "m": re.compile(_VERSION),
    "e": re.compile(rf"{_VERSION}/(?:retired|(\d{{{_TIME_DIGITS}}})-{_WORD})"),
    "x": re.compile(rf"{_ID}{_WORD}/{_WORD}/{_WORD}"),
    "y": re.compile(rf"{_ID}{_WORD}/{_WORD}/(\d{{{_PLACE_DIGITS}}})"),
    "r": re.compile(rf"{_ID}{_WORD}/{_WORD}/{_WORD}//"),
    "l": re.compile(rf"{_WORD}//"),
    "w": re.compile(rf"{_WORD}/{_WORD}//"),
    "n": re.compile(r"(restored)//"),
    **flight_keys.REST,
}


def parse(key: bytes) -> StoredKey:
    """What the key stands for. Raises ValueError for what is no key of a namespace."""
    text = key.decode()
    whole = _KEY.fullmatch(text)
    rest = _REST[whole[2]].fullmatch(whole[3]) if whole and whole[2] in _REST else None
    if whole is None or rest is None:
        raise ValueError(f"{text!r} is no key of the store")
    return _made(whole[2], Namespace(whole[1]), rest.groups())


def _made(letter: str, namespace: Namespace, parts: tuple[str, ...]) -> StoredKey:  # noqa: PLR0911 - one case a kind
    if letter in flight_keys.REST:
        return flight_keys.made(letter, namespace, parts)
    first = ObjectId(parts[0])
    match letter:
        case "d":
            return DefinitionKey(namespace, first)
        case "o":
            return SlotsKey(namespace, first)
        case "c":
            return EdgeKey(namespace, first, ObjectId(parts[1]))
        case "m" | "e" | "x" | "y" | "r":
            return _owned(letter, namespace, first, parts[1:])
        case "l":
            return LaneKey(namespace, parts[0])
        case "n":
            return RestoredKey(namespace)
        case _:
            return MemberKey(namespace, parts[0], parts[1])


def _owned(letter: str, namespace: Namespace, first: ObjectId, parts: tuple[str, ...]) -> Owned:
    if letter == "r":
        return ReplyKey(namespace, first, parts[0], unquote(parts[1]), unquote(parts[2]))
    selector = Selector(parts[1])
    if letter == "x":
        return ExampleKey(namespace, first, parts[0], selector, parts[2])
    if letter == "y":
        return CallKey(namespace, first, parts[0], selector, int(parts[2]))
    version = VersionKey(namespace, first, parts[0], selector, int(parts[2]))
    if letter == "m":
        return version
    return EvidenceKey(version, int(parts[3]), parts[4]) if parts[3] else RetiredKey(version)
