"""What can be wrong in a store. Law: a kind's name never changes, and each kind says what to do about it."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, TypeVar

import msgspec

from kernel.errors import KernelError
from objectstore.ledger import Entry
from objectstore.records import UnknownFormat

T = TypeVar("T")


class Kind(StrEnum):
    """Every kind of problem."""

    UNREADABLE_KEY = "UNREADABLE_KEY"
    UNREADABLE_VALUE = "UNREADABLE_VALUE"
    UNKNOWN_FORMAT = "UNKNOWN_FORMAT"
    LEASE_MISSING = "LEASE_MISSING"
    DEFINITION_WITHOUT_SLOTS = "DEFINITION_WITHOUT_SLOTS"
    SLOTS_WITHOUT_DEFINITION = "SLOTS_WITHOUT_DEFINITION"
    EDGE_WITHOUT_CHILD = "EDGE_WITHOUT_CHILD"
    EDGE_WITHOUT_PARENT = "EDGE_WITHOUT_PARENT"
    PARENT_WITHOUT_EDGE = "PARENT_WITHOUT_EDGE"
    PARENT_MISSING = "PARENT_MISSING"
    PARENTS_INCONSISTENT = "PARENTS_INCONSISTENT"
    POINTER_DANGLES = "POINTER_DANGLES"
    LATEST_BEHIND = "LATEST_BEHIND"
    VERSION_MISSING = "VERSION_MISSING"
    VERSION_CHANGED = "VERSION_CHANGED"
    VERSION_MISPLACED = "VERSION_MISPLACED"
    EVIDENCE_WITHOUT_VERSION = "EVIDENCE_WITHOUT_VERSION"
    ORPHAN = "ORPHAN"
    SYNTHESIS_WITHOUT_FLIGHT = "SYNTHESIS_WITHOUT_FLIGHT"
    FLIGHT_WITHOUT_SYNTHESIS = "FLIGHT_WITHOUT_SYNTHESIS"
    PIN_DANGLES = "PIN_DANGLES"
    PIN_OFF_PATH = "PIN_OFF_PATH"
    DANGLING_REFERENCE = "DANGLING_REFERENCE"


# What the store itself lets happen is no error: it is told so that somebody may look.
TOLD_ONLY: Final = frozenset({Kind.PIN_DANGLES, Kind.PIN_OFF_PATH, Kind.DANGLING_REFERENCE})

_ADVICE: Final = {
    Kind.UNREADABLE_KEY: "nothing reads it; delete it, if it is nobody's",
    Kind.UNREADABLE_VALUE: "restore it from a backup",
    Kind.UNKNOWN_FORMAT: "run the version that wrote it",
    Kind.LEASE_MISSING: "it would stay for ever; delete it",
    Kind.DEFINITION_WITHOUT_SLOTS: "restore its slots from a backup",
    Kind.SLOTS_WITHOUT_DEFINITION: "restore its definition from a backup, or delete them",
    Kind.EDGE_WITHOUT_CHILD: "delete the edge",
    Kind.EDGE_WITHOUT_PARENT: "give the child its parents again, or delete the edge",
    Kind.PARENT_WITHOUT_EDGE: "give the object its parents again: `batctl object update`",
    Kind.PARENT_MISSING: "make the parent again, or give the object other parents",
    Kind.PARENTS_INCONSISTENT: "give the object other parents",
    Kind.POINTER_DANGLES: "activate another version: `batctl method activate`",
    Kind.LATEST_BEHIND: "restore the definition from a backup; a new version would meet this one",
    Kind.VERSION_MISSING: "restore it from a backup",
    Kind.VERSION_CHANGED: "restore it from a backup, and find out who changed it",
    Kind.VERSION_MISPLACED: "restore it from a backup, and find out who moved it",
    Kind.EVIDENCE_WITHOUT_VERSION: "restore the version from a backup, or delete it",
    Kind.ORPHAN: "delete it: nothing reads it",
    Kind.SYNTHESIS_WITHOUT_FLIGHT: "nobody will end it; delete it",
    Kind.FLIGHT_WITHOUT_SYNTHESIS: "whoever asks for the method next takes its place",
    Kind.PIN_DANGLES: "it answers nothing; pin again, or take the pin away",
    Kind.PIN_OFF_PATH: "it answers nothing while its holder is no ancestor; pin again, or take the pin away",
    Kind.DANGLING_REFERENCE: "a send to it finds no object",
}


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong, at a key. `error` is False for what is only to be known."""

    kind: Kind
    key: str
    text: str
    error: bool

    @classmethod
    def at(cls, kind: Kind, key: bytes, fact: str) -> "Problem":
        """A problem in words: the fact, and what to do."""
        text = key.decode(errors="backslashreplace")
        return cls(kind, text, f"{fact}: {_ADVICE[kind]}", kind not in TOLD_ONLY)


def read(reader: Callable[[bytes], T], entry: Entry, problems: list[Problem]) -> T | None:
    """What a reader makes of a value; None, and one more problem, where it cannot."""
    try:
        return reader(entry.value)
    except UnknownFormat as error:
        problems.append(Problem.at(Kind.UNKNOWN_FORMAT, entry.key, error.text))
    except (msgspec.MsgspecError, KernelError, ValueError) as error:
        problems.append(Problem.at(Kind.UNREADABLE_VALUE, entry.key, f"it cannot be read ({error})"))
    return None
