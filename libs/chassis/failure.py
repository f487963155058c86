"""What a failure looks like on the wire: `google.rpc.Status`, small enough to arrive.

Law: a caller learns the status of a failure that the service knows, and of any other an id and no text. Nothing here
knows gRPC's context or the failure's type; the service's own table does.
"""

import logging
import secrets
from collections.abc import Callable

import grpc
import grpc.aio
from google.protobuf.any_pb2 import Any
from google.rpc import code_pb2
from google.rpc.error_details_pb2 import ErrorInfo, RequestInfo
from google.rpc.status_pb2 import Status
from opentelemetry.trace import Span

import vocabulary

StatusOf = Callable[[BaseException], Status | None]
"""The status of a failure that the service knows; None for any other."""

DETAILS_HEADER = "grpc-status-details-bin"
"""The trailing metadata in which gRPC carries a serialized Status."""

# A status travels twice, as percent-encoded text and as (base64) details, and peers refuse more than 8 KiB of metadata:
# the caller would then see RESOURCE_EXHAUSTED in place of the failure.
_MESSAGE_BYTES = 800
_STATUS_BYTES = 3_800
_VALUE_BYTES = 300  # of a value in ErrorInfo, where the status is too large

_ERROR_INFO = ErrorInfo.DESCRIPTOR.full_name
_CODES = {code.value[0]: code for code in grpc.StatusCode}

log = logging.getLogger(__name__)


def told(status_of: StatusOf, name: str, error: BaseException, span: Span) -> Status:
    """What the caller of `name` learns of a failure; of one that the service does not know, the log has the rest."""
    status = _known(status_of, error)
    if status is None:
        error_id = secrets.token_hex(8)
        log.error("unknown failure %s in %s", error_id, name, exc_info=error, extra={"error_id": error_id})
        span.set_attribute(vocabulary.ERROR_ID, error_id)
        span.record_exception(error)
        return unknown(error_id)
    if (reason := reason_of(status)) is not None:
        span.set_attribute(vocabulary.ERROR_REASON, reason)
    return status


def _known(status_of: StatusOf, error: BaseException) -> Status | None:
    try:
        status = status_of(error)
    except Exception:
        log.exception("the table of known failures failed itself on %s", type(error).__qualname__)
        return None
    return status if status is not None and is_failure(status) else None


def unknown(error_id: str) -> Status:
    """INTERNAL, with the id under which the server's log has the reason (also as RequestInfo)."""
    detail = Any()
    detail.Pack(RequestInfo(request_id=error_id))
    return Status(
        code=code_pb2.INTERNAL, message=f"internal error {error_id}: the server's log has the reason", details=[detail]
    )


def is_failure(status: Status) -> bool:
    """Whether the status has a code that gRPC can send for a failure."""
    return status.code in _CODES and status.code != code_pb2.OK


def code_of(status: Status) -> grpc.StatusCode:
    """The gRPC code of a status."""
    return _CODES[status.code]


def reason_of(status: Status) -> str | None:
    """The stable reason (ErrorInfo.reason), if it has one."""
    for detail in status.details:
        if detail.TypeName() == _ERROR_INFO:
            info = ErrorInfo()
            detail.Unpack(info)
            return info.reason
    return None


def received(error: grpc.aio.AioRpcError) -> Status | None:
    """The status that a server sent with a failure; None where gRPC alone says that the call failed."""
    for key, value in error.trailing_metadata() or ():
        if key == DETAILS_HEADER:
            return Status.FromString(value if isinstance(value, bytes) else str(value).encode())
    return None


def fitted(status: Status) -> Status:
    """The same status within what peers accept.

    A longer message is cut; then what ErrorInfo tells beside the reason; then other details go, the last one first.
    The reason always arrives: it is what a caller branches on.
    """
    fit = Status(code=status.code, message=_cut(status.message, _MESSAGE_BYTES), details=status.details)
    if fit.ByteSize() > _STATUS_BYTES:
        _tell_less(fit, _VALUE_BYTES)
    for index in reversed(range(len(fit.details))):
        if fit.ByteSize() > _STATUS_BYTES and fit.details[index].TypeName() != _ERROR_INFO:
            del fit.details[index]
    if fit.ByteSize() > _STATUS_BYTES:
        _tell_less(fit, 0)
    return fit


def _tell_less(status: Status, most: int) -> None:
    """Cut what ErrorInfo tells beside the reason to so many bytes a value; 0: leave it out."""
    for detail in status.details:
        info = ErrorInfo()
        if detail.Unpack(info):
            kept = {key: _cut(value, most) for key, value in info.metadata.items() if most}
            detail.Pack(ErrorInfo(reason=info.reason, domain=info.domain, metadata=kept))


def _cut(text: str, most: int) -> str:
    data = text.encode()
    return text if len(data) <= most else data[:most].decode(errors="ignore") + "…"
