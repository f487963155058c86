"""What Monty's failures mean.

Law: the only place that reads the texts of Monty's errors (1.4). A guest may raise an error with the same text; it then
only misnames its own failure.
"""

import re

from pydantic_monty import Frame, MontyCrashedError, MontyError, MontyRuntimeError, MontySyntaxError

from sandbox.errors import GuestRaised, GuestSyntaxError, LimitExceeded, SandboxError
from sandbox.limits import Limits

_MESSAGE_LIMIT = 2000
_HEAP = re.compile(r"memory limit exceeded: \d+ bytes > (\d+) bytes")


def failure(error: MontyError, limits: Limits) -> SandboxError:
    """The failure of a feed that has started, in the sandbox's terms."""
    if isinstance(error, MontyCrashedError):
        if error.timed_out:
            return LimitExceeded("time", "the guest did not stop and was killed")
        return LimitExceeded("memory", "the worker died: out of memory, or out of stack")
    if isinstance(error, MontySyntaxError):
        frames, text = error.traceback(), error.display("msg")[:_MESSAGE_LIMIT]
        # A text given to ``exec`` or ``eval`` is parsed while the guest runs.
        return GuestSyntaxError(text, _line(frames)) if _outside(frames) else _raised("SyntaxError", text, frames)
    if isinstance(error, MontyRuntimeError):
        return _runtime_failure(error, limits)
    return GuestRaised(type(error).__name__, str(error)[:_MESSAGE_LIMIT], 0)


def _runtime_failure(error: MontyRuntimeError, limits: Limits) -> SandboxError:
    raised, frames = error.exception(), error.traceback()
    text = error.display("msg")[:_MESSAGE_LIMIT]
    if _never_ran(raised, frames):
        return GuestSyntaxError(text, _line(frames))
    return _limit(raised, text, limits) or _raised(type(raised).__name__, text, frames)


def _raised(type_name: str, text: str, frames: list[Frame]) -> GuestRaised:
    return GuestRaised(type_name, text, _line(frames))


def _never_ran(raised: BaseException, frames: list[Frame]) -> bool:
    # Python that Monty does not have is refused while it is parsed, as a NotImplementedError outside of any function;
    # one that the guest raises has at least the frame of its module.
    return isinstance(raised, NotImplementedError) and _outside(frames)


def _outside(frames: list[Frame]) -> bool:
    return all(frame.function_name is None for frame in frames)


def _limit(raised: BaseException, text: str, limits: Limits) -> LimitExceeded | None:
    if isinstance(raised, TimeoutError) and text.startswith("feed time limit exceeded"):
        return LimitExceeded("time", f"the guest ran longer than {limits.feed_seconds} s")
    if isinstance(raised, RecursionError) and text.startswith("maximum recursion depth exceeded"):
        return LimitExceeded("depth", f"the guest recursed deeper than {limits.recursion}")
    if isinstance(raised, RuntimeError) and text == f"suspension limit {limits.suspensions} exceeded":
        return LimitExceeded("calls", f"the guest called the host more than {limits.suspensions} times")
    if isinstance(raised, MemoryError) and "memory limit" in text:
        found = _HEAP.match(text)
        if found and int(found[1]) == limits.printed_bytes:
            return LimitExceeded("output", f"the guest printed more than {limits.printed_bytes} bytes")
        return LimitExceeded("memory", f"the guest took more than {limits.memory_bytes} bytes")
    return None


def _line(frames: list[Frame]) -> int:
    """The innermost line of the feed itself; code inside ``exec`` and ``eval`` texts has lines of its own."""
    own = [frame.line for frame in frames if frame.filename != "<string>"]
    return own[-1] if own else 0
