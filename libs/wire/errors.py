"""Failures between the kernel and gRPC. Law: one table from reason to code; the reason is what clients branch on.

A status carries ErrorInfo (domain `batos`, the reason, the error's fields), RetryInfo where waiting helps, BadRequest
where a field of the request is wrong. A request that protobuf cannot read is the sender's mistake. What else is no
kernel error has no status here: the server answers INTERNAL with an id.
"""

from collections.abc import Mapping

from google.protobuf import any_pb2, duration_pb2
from google.protobuf.message import DecodeError
from google.protobuf.message import Message as ProtoMessage
from google.rpc import code_pb2, error_details_pb2, status_pb2

from kernel import errors
from kernel.errors import KernelError
from kernel.values import MAX_DEPTH

DOMAIN = "batos"
_RETRY_SECONDS = 0.1  # a conflict is over within a commit or two

CODES: Mapping[str, int] = {
    "OBJECT_NOT_FOUND": code_pb2.NOT_FOUND,
    "METHOD_NOT_FOUND": code_pb2.NOT_FOUND,
    "SYNTHESIS_NOT_FOUND": code_pb2.NOT_FOUND,
    "OBJECT_EXISTS": code_pb2.ALREADY_EXISTS,
    "BAD_ARGUMENTS": code_pb2.INVALID_ARGUMENT,
    "BAD_VALUE": code_pb2.INVALID_ARGUMENT,
    "BAD_OBJECT_ID": code_pb2.INVALID_ARGUMENT,
    "BAD_EXAMPLE": code_pb2.INVALID_ARGUMENT,
    "REQUEST_ID_REUSED": code_pb2.INVALID_ARGUMENT,
    "STALE_TOKEN": code_pb2.INVALID_ARGUMENT,
    "NOT_UNDERSTOOD": code_pb2.UNIMPLEMENTED,
    "NOT_SERVED": code_pb2.UNIMPLEMENTED,
    "METHOD_RAISED": code_pb2.FAILED_PRECONDITION,
    "EXAMPLES_DISAGREE": code_pb2.FAILED_PRECONDITION,
    "AUDIT_REJECTED": code_pb2.FAILED_PRECONDITION,
    "APPROVAL_PENDING": code_pb2.FAILED_PRECONDITION,
    "SYNTHESIS_FAILED": code_pb2.FAILED_PRECONDITION,
    "EXAMPLES_NEEDED": code_pb2.FAILED_PRECONDITION,
    "SYNTHESIS_CANCELLED": code_pb2.ABORTED,
    "FLIGHT_LOST": code_pb2.ABORTED,
    "HAS_CHILDREN": code_pb2.FAILED_PRECONDITION,
    "INCONSISTENT_PARENTS": code_pb2.FAILED_PRECONDITION,
    "CONFLICT": code_pb2.ABORTED,
    "LIMIT_EXCEEDED": code_pb2.RESOURCE_EXHAUSTED,
    "BUDGET_EXHAUSTED": code_pb2.RESOURCE_EXHAUSTED,
    "OVERLOADED": code_pb2.RESOURCE_EXHAUSTED,
    "STORE_FULL": code_pb2.RESOURCE_EXHAUSTED,
    "SYNTHESIS_PENDING": code_pb2.DEADLINE_EXCEEDED,
    "ENDPOINT_UNAVAILABLE": code_pb2.UNAVAILABLE,
    "STORE_UNAVAILABLE": code_pb2.UNAVAILABLE,
    "NOT_PERMITTED": code_pb2.PERMISSION_DENIED,
    "NO_CREDENTIALS": code_pb2.UNAUTHENTICATED,
}


def status_of(error: BaseException) -> status_pb2.Status | None:
    """The status of a kernel error, or of a request that cannot be read; None for anything else, which is a bug."""
    if isinstance(error, DecodeError):
        error = _unreadable(error)
    if not isinstance(error, KernelError) or error.reason not in CODES:
        return None
    details: list[ProtoMessage] = [
        error_details_pb2.ErrorInfo(reason=error.reason, domain=DOMAIN, metadata=dict(error.fields))
    ]
    if (seconds := _retry_seconds(error)) is not None:
        delay = duration_pb2.Duration()
        delay.FromNanoseconds(int(seconds * 1e9))
        details.append(error_details_pb2.RetryInfo(retry_delay=delay))
    if field := error.fields.get("field"):
        violation = error_details_pb2.BadRequest.FieldViolation(field=field, description=error.text)
        details.append(error_details_pb2.BadRequest(field_violations=[violation]))
    return status_pb2.Status(code=CODES[error.reason], message=error.text, details=[_packed(item) for item in details])


def _unreadable(error: DecodeError) -> KernelError:
    if "depth" in str(error).lower():  # protobuf has one error for all that it cannot read
        return errors.LimitExceeded("depth", f"a value is nested deeper than {MAX_DEPTH} levels")
    return errors.BadArguments("the request is no message of the contract: make it with the contract's own code")


def error_of(status: status_pb2.Status) -> KernelError | None:
    """The kernel error that a status of another service of the suite carries; None where it carries none."""
    for detail in status.details:
        info = error_details_pb2.ErrorInfo()
        if detail.Unpack(info) and info.domain == DOMAIN:
            return errors.error_with(info.reason, status.message, dict(info.metadata))
    return None


def _retry_seconds(error: KernelError) -> float | None:
    if seconds := error.fields.get("retry_seconds"):
        return float(seconds)
    return _RETRY_SECONDS if isinstance(error, errors.Conflict) else None


def _packed(message: ProtoMessage) -> any_pb2.Any:
    packed = any_pb2.Any()
    packed.Pack(message)
    return packed


def doubled() -> KernelError:
    """The failure of a request of a framed stream whose number another in flight has."""
    return errors.BadArguments(
        "another request in flight on this stream has the same id: give each its own", field="id"
    )
