"""What a failure that came over the wire means. Law: a call and a request of a frame that fail alike mean the same.

| failure of               | becomes                                                  |
|--------------------------|----------------------------------------------------------|
| the suite, reason known  | the class of that reason                                 |
| the suite, reason newer  | BatosError with that reason                              |
| gRPC itself              | Unreachable, DeadlineExceeded, WrongService,             |
|                          | else BatosError with the status code's name as reason    |
"""

from collections.abc import Iterable, Mapping

import grpc
from google.protobuf.message import DecodeError
from google.rpc import error_details_pb2, status_pb2

from batos.errors import BatosError, DeadlineExceeded, Unreachable, WrongService
from batos.v1 import object_pb2 as pb

DOMAIN = "batos"
_CODES: Mapping[int, grpc.StatusCode] = {code.value[0]: code for code in grpc.StatusCode}
_DETAILS = "grpc-status-details-bin"
_TOLD_BY_GRPC: Mapping[grpc.StatusCode, type[BatosError]] = {
    grpc.StatusCode.UNAVAILABLE: Unreachable,
    grpc.StatusCode.DEADLINE_EXCEEDED: DeadlineExceeded,
    grpc.StatusCode.UNIMPLEMENTED: WrongService,
}


def from_rpc(error: grpc.aio.AioRpcError, *, service: str, address: str) -> BatosError:
    """What a failed gRPC request means. `service` was asked, such as `dispatcher`, at `address` (`host:port`)."""
    details = next((value for key, value in error.trailing_metadata() or () if key == _DETAILS), b"")
    told = _told_by_suite(details, error.code()) if isinstance(details, bytes) else None
    return _meaning(told, error.code(), error.details() or "", service, address)


def from_failure(failure: pb.Failure, *, service: str, address: str) -> BatosError:
    """What the failure of one request of a frame means: what its own call would have failed with."""
    code = _CODES.get(failure.code, grpc.StatusCode.UNKNOWN)
    return _meaning(_told_by_suite(failure.SerializeToString(), code), code, failure.message, service, address)


def _meaning(told: BatosError | None, code: grpc.StatusCode, details: str, service: str, address: str) -> BatosError:
    if told and told.reason != BatosError.reason:
        return told
    kind = _TOLD_BY_GRPC.get(code, BatosError)
    reason = kind.reason if kind is not BatosError else code.name
    text = _GRPC_TEXTS.get(code, "{service} failed: {details}")
    return kind(
        text.format(service=f"{service} at {address}", details=details or "no reason given"),
        reason=reason,
        code=code,
        fields={"service": service, **(told.fields if told else {})},
    )


_GRPC_TEXTS: Mapping[grpc.StatusCode, str] = {
    grpc.StatusCode.UNAVAILABLE: "cannot reach the {service}",
    grpc.StatusCode.DEADLINE_EXCEEDED: "the {service} did not answer in time",
    grpc.StatusCode.UNIMPLEMENTED: "another service, or another version, listens as the {service}: {details}",
}


def _told_by_suite(packed: bytes, code: grpc.StatusCode) -> BatosError | None:
    try:
        status = status_pb2.Status.FromString(packed)
    except DecodeError:
        return None
    reason, fields, retry_seconds = "", dict[str, str](), None
    for detail in status.details:
        info, retry, request = (
            error_details_pb2.ErrorInfo(),
            error_details_pb2.RetryInfo(),
            error_details_pb2.RequestInfo(),
        )
        if detail.Unpack(info) and info.domain == DOMAIN:
            reason, fields = info.reason, dict(info.metadata)
        elif detail.Unpack(retry):
            retry_seconds = retry.retry_delay.ToTimedelta().total_seconds()
        elif detail.Unpack(request):  # of a bug: where the service's log has the reason
            fields["id"] = request.request_id
    kind = next((kind for kind in _kinds() if kind.reason == reason), BatosError)
    return kind(status.message, reason=reason, code=code, fields=fields, retry_seconds=retry_seconds)


def _kinds() -> Iterable[type[BatosError]]:
    return BatosError.__subclasses__()
