"""What can go wrong in a sandbox, and whose fault it is.

Law: facts with their fields, no gRPC, nothing of the host in the text. SandboxError and what is below it leave
``Sandbox.run``; GuestException goes the other way, from the host into the guest.
"""

from typing import Literal

LimitKind = Literal["time", "memory", "depth", "size", "output", "calls"]


class SandboxError(Exception):
    """A feed has no outcome."""


class GuestSyntaxError(SandboxError):
    """The code is not in the guest's language; nothing of it ran. ``line`` counts from 1; 0 where none is known."""

    def __init__(self, message: str, line: int) -> None:
        super().__init__(f"line {line}: {message}")
        self.message, self.line = message, line


class GuestRaised(SandboxError):
    """The guest raised and did not catch. ``line`` is the innermost line of the feed's code; 0 where none is known."""

    def __init__(self, type_name: str, message: str, line: int) -> None:
        super().__init__(f"line {line}: {type_name}: {message}")
        self.type_name, self.message, self.line = type_name, message, line


class LimitExceeded(SandboxError):
    """A limit ended the feed; the guest could not catch it.

    ``kind`` is ``time`` (feed or deadline), ``memory`` (heap, or the worker died), ``depth`` (recursion, or nesting of
    the outcome), ``size`` (of the outcome or of one call's arguments), ``output`` (printed), ``calls`` (of the host).
    The one limit that a guest can catch is recursion, as RecursionError.
    """

    def __init__(self, kind: LimitKind, detail: str) -> None:
        super().__init__(f"{kind}: {detail}")
        self.kind: LimitKind = kind
        self.detail = detail


class UnsupportedOutput(SandboxError):
    """The outcome, or an argument of a call, holds something that is not plain: a set, a date, a type, an exception."""

    def __init__(self, type_name: str) -> None:
        super().__init__(f"{type_name} is not a plain value; give back None, numbers, text, bytes, lists or dicts")
        self.type_name = type_name


class SandboxUnavailable(SandboxError):
    """No guest can run: the sandbox is not entered, was closed, a required wall is missing, or no worker starts."""


class GuestException(Exception):
    """Raised by ``on_call`` to answer a call with an exception that the guest may catch.

    ``type_name`` is a built-in exception's name; the guest has no others, so an unknown one arrives as a RuntimeError
    whose text begins with the name. Text longer than 2,000 characters is cut.
    """

    def __init__(self, type_name: str, message: str) -> None:
        super().__init__(f"{type_name}: {message}")
        self.type_name, self.message = type_name, message
