"""What was made of the last few things. Law: many who are handed the same thing make something of it once."""

from collections.abc import Callable
from typing import Final, Generic, TypeVar

_KEPT: Final = 32

T = TypeVar("T")
M = TypeVar("M")


class Lately(Generic[T, M]):
    """Keeps what `make` made of the last things that it was asked about, which are told apart by being the same one."""

    def __init__(self, make: Callable[[T], M], kept: int = _KEPT) -> None:
        self._make = make
        self._most = kept
        self._kept: dict[int, tuple[T, M]] = {}  # the thing is held, so that no other gets its id

    def of(self, thing: T) -> M:
        """What is made of a thing. Raises what making it raises."""
        if (kept := self._kept.get(id(thing))) is not None:
            return kept[1]
        made = self._make(thing)
        if len(self._kept) >= self._most:
            del self._kept[next(iter(self._kept))]
        self._kept[id(thing)] = thing, made
        return made
