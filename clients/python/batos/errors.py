"""Every way a request can fail, as the client sees it.

Law: one class a stable reason; programs branch on the reason, never on the text. What becomes which is told in
`batos.failures`.
"""

from collections.abc import Mapping

import grpc


class BatosError(Exception):
    """A request failed. `reason` is stable, `fields` are for programs, `message` is for people.

    `retry_seconds` is how long to wait before sending again, where that helps. `trace_id` finds a message's trace, and
    sent again with `request_id` it takes effect at most once.
    """

    reason = "INTERNAL"

    def __init__(
        self,
        message: str,
        *,
        reason: str = "",
        code: grpc.StatusCode | None = None,
        fields: Mapping[str, str] | None = None,
        retry_seconds: float | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.reason = reason or self.reason
        self.code = code
        self.fields: Mapping[str, str] = fields or {}
        self.retry_seconds = retry_seconds
        self.trace_id = ""
        self.request_id = ""


class ObjectNotFound(BatosError):
    """There is no such object."""

    reason = "OBJECT_NOT_FOUND"


class MethodNotFound(BatosError):
    """The object holds no such version, or it is retired."""

    reason = "METHOD_NOT_FOUND"


class SynthesisNotFound(BatosError):
    """There is no such synthesis."""

    reason = "SYNTHESIS_NOT_FOUND"


class ObjectExists(BatosError):
    """The id is taken."""

    reason = "OBJECT_EXISTS"


class BadArguments(BatosError):
    """The arguments do not fit the method's signature, or the request's own rules."""

    reason = "BAD_ARGUMENTS"


class BadValue(BatosError):
    """A value that no slot, argument or result can be."""

    reason = "BAD_VALUE"


class BadObjectId(BatosError):
    """Not an object id."""

    reason = "BAD_OBJECT_ID"


class BadExample(BatosError):
    """An example that cannot be tried."""

    reason = "BAD_EXAMPLE"


class RequestIdReused(BatosError):
    """The request id came before, with another message."""

    reason = "REQUEST_ID_REUSED"


class StaleToken(BatosError):
    """The token is of another epoch, or what it points to is no longer kept."""

    reason = "STALE_TOKEN"


class NotServed(BatosError):
    """The contract has this field; the services that answered do not serve it yet."""

    reason = "NOT_SERVED"


class NotUnderstood(BatosError):
    """No object on the lookup path has a method for the selector, and none may be written."""

    reason = "NOT_UNDERSTOOD"


class MethodRaised(BatosError):
    """The method raised; `fields["exception"]` names what. None of its writes remain."""

    reason = "METHOD_RAISED"


class ExamplesDisagree(BatosError):
    """The active version fails an example that came with the message; nothing was run on the object."""

    reason = "EXAMPLES_DISAGREE"


class AuditRejected(BatosError):
    """The audit refused every draft."""

    reason = "AUDIT_REJECTED"


class ApprovalPending(BatosError):
    """A version is registered and waits for a person."""

    reason = "APPROVAL_PENDING"


class SynthesisFailed(BatosError):
    """No draft passed its trial."""

    reason = "SYNTHESIS_FAILED"


class ExamplesNeeded(BatosError):
    """Drafts pass everything and disagree; the text tells where. An example of what is wanted decides."""

    reason = "EXAMPLES_NEEDED"


class FlightLost(BatosError):
    """A synthesizer no longer holds the synthesis it was writing; told among services alone."""

    reason = "FLIGHT_LOST"


class HasChildren(BatosError):
    """The object is the parent of others."""

    reason = "HAS_CHILDREN"


class InconsistentParents(BatosError):
    """No order keeps every object before its parents."""

    reason = "INCONSISTENT_PARENTS"


class Conflict(BatosError):
    """Something that was read has changed since."""

    reason = "CONFLICT"


class LimitExceeded(BatosError):
    """A limit of time, memory, depth, sends, size or reads was reached."""

    reason = "LIMIT_EXCEEDED"


class BudgetExhausted(BatosError):
    """The budget for syntheses is spent."""

    reason = "BUDGET_EXHAUSTED"


class Overloaded(BatosError):
    """Too much is queued."""

    reason = "OVERLOADED"


class StoreFull(BatosError):
    """The store has no space left; reads go on."""

    reason = "STORE_FULL"


class SynthesisPending(BatosError):
    """The synthesis goes on: the deadline came first, or the sender does not wait. `fields["synthesis"]` names it."""

    reason = "SYNTHESIS_PENDING"


class SynthesisCancelled(BatosError):
    """Somebody cancelled the synthesis; sent again, the message has another one begun."""

    reason = "SYNTHESIS_CANCELLED"


class EndpointUnavailable(BatosError):
    """A persona's endpoint does not answer as it should."""

    reason = "ENDPOINT_UNAVAILABLE"


class StoreUnavailable(BatosError):
    """The store, or a service on the way to it, cannot be reached."""

    reason = "STORE_UNAVAILABLE"


class NotPermitted(BatosError):
    """The principal may not do this."""

    reason = "NOT_PERMITTED"


class NoCredentials(BatosError):
    """Nothing says who is asking."""

    reason = "NO_CREDENTIALS"


class Unreachable(BatosError):
    """The service that was asked cannot be reached; told by the client itself.

    Whether the request took effect is not known. `answering` is set where the answer had begun to come.
    """

    reason = "UNREACHABLE"
    answering = False


class WrongService(BatosError):
    """Another service listens where this one was asked, or one of another version; told by the client itself."""

    reason = "WRONG_SERVICE"


class DeadlineExceeded(BatosError):
    """No answer came in time; told by the client itself. Whether the request took effect is not known."""

    reason = "DEADLINE_EXCEEDED"
