"""Feeds and hosts for tests of the sandbox, in few words."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from sandbox.guest import Call, Feed, OnCall
from sandbox.limits import Limits

NOW = datetime(2026, 3, 4, 5, 6, 7, 890, tzinfo=UTC)


def feed(
    code: str, *functions: str, limits: Limits | None = None, now: datetime = NOW, seed: int = 7, **inputs: object
) -> Feed:
    """A feed of this code that may call these functions."""
    return Feed(code, inputs, frozenset(functions), now, seed, limits or Limits())


async def no_call(call: Call) -> object:
    """A host that is never called."""
    raise AssertionError(f"the guest called the host: {call}")


def answering(answer: Callable[[Call], object]) -> OnCall:
    """A host that answers at once."""

    async def on_call(call: Call) -> object:
        return answer(call)

    return on_call


def children(parent: int | str = "self") -> dict[int, str]:
    """The processes that a process has started and that still run: pid to command line."""
    found: dict[int, str] = {}
    for thread in Path(f"/proc/{parent}/task").iterdir():
        for pid in (thread / "children").read_text(encoding="ascii").split():
            try:
                found[int(pid)] = Path(f"/proc/{pid}/cmdline").read_text(encoding="utf-8").replace("\0", " ")
            except (FileNotFoundError, ProcessLookupError):
                continue
    return {pid: command for pid, command in found.items() if command}
