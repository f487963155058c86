"""What a failure looks like on the wire: `google.rpc.Status`, small enough to arrive.

Law: a caller learns the status of a failure that the service knows, and of any other an id and no text. Nothing here
knows gRPC's context or the failure's type; the service's own table does.
"""

from collections.abc import Callable

import grpc
import grpc.aio
from google.protobuf.any_pb2 import Any
from google.rpc import code_pb2
from google.rpc.error_details_pb2 import ErrorInfo, RequestInfo
from google.rpc.status_pb2 import Status

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
