"""How a feed fails, for who sent the message. Law: every failure names the method; a raise tells its line, too.

What a nested send fails with that its sender may catch enters the guest as one of the exceptions that it has.
"""

from collections.abc import Generator, Mapping
from contextlib import contextmanager

from activation import guest
from kernel.errors import (
    BadArguments,
    BadObjectId,
    BadValue,
    KernelError,
    LimitExceeded,
    MethodRaised,
    ObjectNotFound,
    Overloaded,
)
from kernel.objects import MethodVersion
from sandbox.errors import GuestException, GuestRaised, GuestSyntaxError, SandboxUnavailable, UnsupportedOutput
from sandbox.errors import LimitExceeded as SandboxLimitExceeded

# What a nested send can fail with that the sending method may catch, and as what.
_CATCHABLE: Mapping[type[KernelError], str] = {
    BadArguments: "TypeError",
    BadObjectId: "ValueError",
    BadValue: "ValueError",
    ObjectNotFound: "LookupError",
}
CATCHABLE = (MethodRaised, *_CATCHABLE)


def into_guest(error: KernelError) -> GuestException:
    """One of `CATCHABLE`, as the sending method sees it."""
    if isinstance(error, MethodRaised):
        return GuestException(error.exception, error.message)
    return GuestException(_CATCHABLE[type(error)], error.text)


@contextmanager
def told(method: MethodVersion) -> Generator[None]:
    """Turns what the method's feed fails with in the block into the kernel's errors."""
    holder, selector = method.holder, method.selector
    try:
        yield
    except GuestRaised as raised:
        line = raised.line - guest.LINES_BEFORE
        if line > method.source.count("\n") and raised.message.startswith(guest.NOT_A_VALUE):
            raise BadValue(f"{holder}.{selector} gave what is {raised.message}") from None
        raise MethodRaised(holder, selector, raised.type_name, raised.message, max(line, 0)) from None
    except GuestSyntaxError as error:
        line = max(error.line - guest.LINES_BEFORE, 0)
        raise MethodRaised(holder, selector, "SyntaxError", error.message, line) from None
    except SandboxLimitExceeded as limit:
        text = f"{holder}.{selector} reached its limit of {limit.kind}: {limit.detail}"
        raise LimitExceeded(limit.kind, text) from None
    except SandboxUnavailable as error:
        raise Overloaded(f"no worker to run {holder}.{selector}: {error}") from None
    except UnsupportedOutput as output:
        raise BadValue(f"{holder}.{selector} gave a {output.type_name}, which is not a value") from None
