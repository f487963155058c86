"""What senders did and saw, with its times. Law: an attempt is on paper before it is sent, so that none is ever lost.

A history is a file of JSON lines: one when an attempt begins, one when it ends, one for each thing that was done to the
suite meanwhile. An attempt that never ended may have taken effect, at any time after it began. Times are seconds of the
monotonic clock of the machine that sends. Several attempts with one request id are one operation.
"""

import json
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from pathlib import Path
from types import TracebackType
from typing import Any, Self

NEVER = float("inf")


class Outcome(StrEnum):
    """What is known of an effect."""

    OK = "ok"
    FAILED = "failed"  # surely without an effect
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Attempt:
    """One message as it was sent once: `at` names the dispatcher; `token` is the reply's, `after` the one asked for."""

    number: int
    sender: str
    at: str
    receiver: str
    selector: str
    arguments: tuple[object, ...] = ()
    consistency: str = "minimize_latency"
    after: str = ""
    request_id: str = ""
    began: float = 0.0
    ended: float = NEVER
    outcome: Outcome = Outcome.UNKNOWN
    result: Any = None
    token: str = ""
    reason: str = ""
    replayed: bool = False

    @property
    def revision(self) -> int:
        """The revision of its token, 0 where it has none."""
        return revision_of(self.token)

    def __str__(self) -> str:
        ended = "never" if self.ended == NEVER else f"{self.ended:.4f}"
        came = self.result if self.outcome is Outcome.OK else f"{self.outcome} {self.reason}"
        asked = f"{self.receiver}.{self.selector}{self.arguments}"
        return f"#{self.number} {self.sender}@{self.at} {asked} {self.began:.4f}..{ended}: {came!r} token {self.token}"


@dataclass(frozen=True, slots=True)
class Ending:
    """How an attempt ended."""

    outcome: Outcome
    result: Any = None
    token: str = ""
    reason: str = ""
    replayed: bool = False


class Recorder:
    """Writes a history; lines are on their way to the file before the method returns."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = path.open("w", encoding="utf-8", buffering=1)
        self._next = 0
        self.attempts: dict[int, Attempt] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def begin(self, attempt: Attempt) -> int:
        """The attempt is about to be sent; its number."""
        number, self._next = self._next, self._next + 1
        begun = replace(attempt, number=number, began=time.monotonic(), ended=NEVER, outcome=Outcome.UNKNOWN)
        self.attempts[number] = begun
        self._write({"begin": {**asdict(begun), "ended": None}})
        return number

    def end(self, number: int, ending: Ending) -> Attempt:
        """The attempt ended now."""
        now = time.monotonic()
        # What may still take effect has no end, whenever its sender gave up.
        ended = NEVER if ending.outcome is Outcome.UNKNOWN else now
        done = self.attempts[number] = replace(self.attempts[number], ended=ended, **asdict(ending))
        self._write({"end": number, "at": now, **asdict(ending)})
        return done

    def note(self, text: str) -> None:
        """What was done to the suite."""
        self._write({"note": text, "at": time.monotonic()})

    def _write(self, line: Mapping[str, object]) -> None:
        self._file.write(json.dumps(line) + "\n")


def load(path: Path) -> list[Attempt]:
    """The attempts of a history, in the order they began. A last line that was cut short is no line."""
    found: dict[int, Attempt] = {}
    for line in _lines(path):
        if "begin" in line:
            begun = line["begin"] | {"ended": NEVER, "arguments": tuple(line["begin"]["arguments"])}
            found[begun["number"]] = Attempt(**begun)
        elif "end" in line:
            ending = Ending(**{name: line[name] for name in ("outcome", "result", "token", "reason", "replayed")})
            outcome = Outcome(ending.outcome)
            ended = NEVER if outcome is Outcome.UNKNOWN else line["at"]
            found[line["end"]] = replace(found[line["end"]], ended=ended, **(asdict(ending) | {"outcome": outcome}))
    return [replace(each, outcome=Outcome(each.outcome)) for each in found.values()]


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    for text in path.read_text(encoding="utf-8").splitlines(keepends=True):
        if text.endswith("\n"):
            yield json.loads(text)


def operations(attempts: Iterable[Attempt]) -> list[Attempt]:
    """The attempts with one request id made one: from the first that may have had its effect to the first reply.

    An attempt that failed had none, so that an effect before the next one began is no effect of this operation's. It
    failed if each attempt did; if none was answered and one may have had the effect, it is unknown.
    """
    groups: dict[str, list[Attempt]] = {}
    for each in attempts:
        groups.setdefault(each.request_id or f"#{each.number}", []).append(each)
    return [_merged(group) for group in groups.values()]


def _merged(group: list[Attempt]) -> Attempt:
    answered = [each for each in group if each.outcome is Outcome.OK]
    unknown = [each for each in group if each.outcome is Outcome.UNKNOWN]
    one = min(answered, key=lambda each: each.ended) if answered else (unknown or group)[0]
    return replace(one, began=min(each.began for each in [*answered, *unknown] or group))


def revision_of(token: str) -> int:
    """The revision of a token, 0 where there is none."""
    return int(token.rpartition(".")[2] or 0)
