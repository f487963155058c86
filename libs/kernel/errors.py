"""Every way a message can fail, as facts. Law: an error states what happened, its fields and its stable reason.

The reason is the contract with clients (ErrorInfo.reason, domain `batos`); which status code carries it is a table in
`wire.errors`. Nothing here knows of gRPC. A failure that is not one of these is a bug, and is told as INTERNAL.
"""

from collections.abc import Mapping, Sequence

MAX_RAISED = 500  # characters kept of what an exception says: a failure is told twice in what gRPC has room for


class KernelError(Exception):
    """A failure with a stable reason. `fields` become the metadata of the status, for programs to read."""

    reason = "INTERNAL"

    def __init__(self, text: str, **fields: str) -> None:
        super().__init__(text)
        self.text = text
        self.fields: Mapping[str, str] = fields


def error_with(reason: str, text: str, fields: Mapping[str, str]) -> KernelError:
    """An error of the type that has the reason, with text and fields as they were told.

    Its own constructor is passed over, since the text is already made.
    """
    kinds = [thing for thing in globals().values() if isinstance(thing, type) and issubclass(thing, KernelError)]
    kind = next((each for each in kinds if each.reason == reason), KernelError)
    error = kind.__new__(kind)
    KernelError.__init__(error, text, **fields)
    return error


class ObjectNotFound(KernelError):
    """There is no such object, by a linearizable read."""

    reason = "OBJECT_NOT_FOUND"

    def __init__(self, object_id: str) -> None:
        super().__init__(f"there is no object {object_id}", object=object_id)
        self.object_id = object_id


class MethodNotFound(KernelError):
    """The object holds no such version, or it is retired."""

    reason = "METHOD_NOT_FOUND"

    def __init__(self, holder: str, selector: str, number: int = 0, *, retired: bool = False) -> None:
        version = f" version {number}" if number else ""
        text = f"{holder}.{selector}{version} " + (
            "is retired: activate or pin another" if retired else "does not exist"
        )
        super().__init__(text, object=holder, selector=selector, version=str(number))
        self.holder, self.selector, self.number = holder, selector, number


class SynthesisNotFound(KernelError):
    """There is no such synthesis."""

    reason = "SYNTHESIS_NOT_FOUND"


class ObjectExists(KernelError):
    """The id is taken."""

    reason = "OBJECT_EXISTS"

    def __init__(self, object_id: str) -> None:
        super().__init__(f"object {object_id} exists already", object=object_id)


class BadArguments(KernelError):
    """The arguments do not fit: the method's signature, or the call's own rules."""

    reason = "BAD_ARGUMENTS"


class BadValue(KernelError):
    """A value that no slot, argument or result can be."""

    reason = "BAD_VALUE"


class BadObjectId(KernelError):
    """Not an object id."""

    reason = "BAD_OBJECT_ID"

    def __init__(self, text: str) -> None:
        shown = text if len(text) <= 80 else text[:77] + "..."  # noqa: PLR2004 - a line of a terminal
        super().__init__(
            f"{shown!r} is not an object id: lower-case letters, digits, '-', '_' and '.' in segments parted by '/', "
            "at most 256 bytes, such as feed/acme",
        )


class BadExample(KernelError):
    """An example that cannot be tried."""

    reason = "BAD_EXAMPLE"


class RequestIdReused(KernelError):
    """The request id came before, with another message."""

    reason = "REQUEST_ID_REUSED"

    def __init__(self, request_id: str) -> None:
        super().__init__(f"request id {request_id} was used for another message; make a new one", request_id=request_id)


class StaleToken(KernelError):
    """The token is of another epoch, or what it points to is no longer kept."""

    reason = "STALE_TOKEN"


class NotServed(KernelError):
    """The contract has this field or call, this version does not serve it yet."""

    reason = "NOT_SERVED"

    def __init__(self, what: str) -> None:
        super().__init__(f"{what} is not served by this version; leave it out", field=what)


class NotUnderstood(KernelError):
    """Neither the receiver nor any of its parents has a method for the selector, and none may be written."""

    reason = "NOT_UNDERSTOOD"

    def __init__(self, receiver: str, selector: str, near: Sequence[str] = (), why: str = "") -> None:
        text = f"{receiver} does not understand {selector}" + (f": {why}" if why else "")
        if near:
            text += f"; near selectors: {', '.join(near)}"
        super().__init__(text, receiver=receiver, selector=selector, near=",".join(near))
        self.receiver, self.selector, self.near = receiver, selector, tuple(near)


class MethodRaised(KernelError):
    """The method raised an exception; none of its writes remain. Of what it says, 500 characters are kept."""

    reason = "METHOD_RAISED"

    def __init__(self, holder: str, selector: str, exception: str, message: str, line: int = 0) -> None:
        at = f" at line {line}" if line else ""
        message = message if len(message) <= MAX_RAISED else message[:MAX_RAISED] + "…"
        super().__init__(
            f"{holder}.{selector} raised {exception}{at}: {message}",
            holder=holder,
            selector=selector,
            exception=exception,
            message=message,
            line=str(line),
        )
        self.holder, self.selector, self.exception, self.message, self.line = holder, selector, exception, message, line


class ExamplesDisagree(KernelError):
    """The active version fails an example that came with the message; nothing was run on the object."""

    reason = "EXAMPLES_DISAGREE"


class AuditRejected(KernelError):
    """The audit refused every draft, or the source that was given."""

    reason = "AUDIT_REJECTED"


class ApprovalPending(KernelError):
    """A version is registered and waits for a person."""

    reason = "APPROVAL_PENDING"


class SynthesisFailed(KernelError):
    """No draft passed its trial."""

    reason = "SYNTHESIS_FAILED"


class ExamplesNeeded(KernelError):
    """Drafts pass everything and disagree: on `before`, `send` gives `first` or `second`. An example decides."""

    reason = "EXAMPLES_NEEDED"


class HasChildren(KernelError):
    """The object is the parent of others."""

    reason = "HAS_CHILDREN"


class InconsistentParents(KernelError):
    """No order keeps every object before its parents."""

    reason = "INCONSISTENT_PARENTS"


class Conflict(KernelError):
    """Something that was read has changed since; `kernel.transactions` names and parses what of a commit."""

    reason = "CONFLICT"

    def __init__(self, text: str, changed: Sequence[str] = ()) -> None:
        super().__init__(text, changed=",".join(changed))

    @property
    def changed(self) -> tuple[str, ...]:
        """What has changed, as far as it was told."""
        return tuple(filter(None, self.fields.get("changed", "").split(",")))


class LimitExceeded(KernelError):
    """A limit of time, memory, depth, calls, size or reads was reached."""

    reason = "LIMIT_EXCEEDED"

    def __init__(self, limit: str, text: str) -> None:
        super().__init__(text, limit=limit)
        self.limit = limit


class BudgetExhausted(KernelError):
    """The budget for syntheses is spent; the next hour has a new one. Without `retry_seconds` none will ever do."""

    reason = "BUDGET_EXHAUSTED"

    def __init__(self, text: str, retry_seconds: float | None, **fields: str) -> None:
        renewed = {} if retry_seconds is None else {"retry_seconds": str(retry_seconds)}
        super().__init__(text, **renewed, **fields)


class Overloaded(KernelError):
    """Too much is queued; come back later."""

    reason = "OVERLOADED"

    def __init__(self, text: str, retry_seconds: float = 1.0) -> None:
        super().__init__(text, retry_seconds=str(retry_seconds))


class StoreFull(KernelError):
    """The store has no space left; reads go on."""

    reason = "STORE_FULL"


class SynthesisPending(KernelError):
    """The synthesis goes on: the deadline comes before its end, or the sender does not wait."""

    reason = "SYNTHESIS_PENDING"

    def __init__(self, synthesis_id: str) -> None:
        going_on = f"the method is still being written (synthesis {synthesis_id}); send again"
        not_begun = "there was no time left to have the method written; send again with a later deadline"
        super().__init__(going_on if synthesis_id else not_begun, synthesis=synthesis_id)


class SynthesisCancelled(KernelError):
    """Somebody who may cancelled the synthesis; send the message again to have the method written."""

    reason = "SYNTHESIS_CANCELLED"


class FlightLost(KernelError):
    """The flight is another's by now, or has ended: whoever held it stops at once, and writes nothing more."""

    reason = "FLIGHT_LOST"


class EndpointUnavailable(KernelError):
    """A persona's endpoint does not answer as it should."""

    reason = "ENDPOINT_UNAVAILABLE"


class StoreUnavailable(KernelError):
    """The store, or a service on the way to it, cannot be reached."""

    reason = "STORE_UNAVAILABLE"


class CommitUnclear(StoreUnavailable):
    """It is not known whether the commit was made; settle it by its lane before anything is answered."""


class NotPermitted(KernelError):
    """The principal may not do this."""

    reason = "NOT_PERMITTED"


class NoCredentials(KernelError):
    """Nothing says who is asking."""

    reason = "NO_CREDENTIALS"
