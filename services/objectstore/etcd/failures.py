"""What etcd's failures mean. Law: only what surely was not applied is told as a failure; all else is Unclear.

`etcdserver: request timed out` and `leader changed` come as UNAVAILABLE and may still be applied. A full store is told
with RESOURCE_EXHAUSTED, also for the very transaction that filled it.
"""

import grpc
from grpc.aio import AioRpcError

from kernel.errors import KernelError, LimitExceeded, StaleToken, StoreFull, StoreUnavailable
from kernel.transactions import MAX_TRANSACTION_BYTES
from objectstore.ledger import Unclear

SILENT = "the store does not answer: "
_SPACE = "database space exceeded"
_TOO_MANY = "too many requests"
_TOO_LARGE = "too large"
_NO_USERS = "authentication is not enabled"
_NO_LOGIN = ("invalid auth token", "revision of auth store is old")
_NO_USER = "user name is empty"
_NOT_TRUSTED = ("CERTIFICATE_VERIFY_FAILED", "Hostname Verification", "handshake failed")
# etcd refuses with these before a transaction is proposed, or says that it does not fit what is stored.
_REFUSED = frozenset(
    {
        grpc.StatusCode.INVALID_ARGUMENT,
        grpc.StatusCode.NOT_FOUND,
        grpc.StatusCode.PERMISSION_DENIED,
        grpc.StatusCode.UNAUTHENTICATED,
        grpc.StatusCode.FAILED_PRECONDITION,
        grpc.StatusCode.OUT_OF_RANGE,
        grpc.StatusCode.UNIMPLEMENTED,
    }
)


class NotTrusted(StoreUnavailable):
    """One side does not take the certificate of the other, or speaks TLS alone."""


class NotLetIn(StoreUnavailable):
    """etcd knows no such user, or asks for one, or allows the user too little."""


def of_transaction(error: AioRpcError) -> KernelError | Unclear:
    """What the failure of a transaction tells."""
    code, details = error.code(), error.details() or ""
    if is_full(error):
        return StoreFull(
            "the store has no space left: compact and defragment etcd and disarm its alarm, or raise its quota; reads"
            " go on"
        )
    if code is grpc.StatusCode.RESOURCE_EXHAUSTED and _TOO_MANY in details:
        return StoreUnavailable("the store has too much to do: try again")
    if _TOO_LARGE in details or code is grpc.StatusCode.RESOURCE_EXHAUSTED:
        return LimitExceeded(
            "size", f"the change is too large; at most {MAX_TRANSACTION_BYTES} bytes are committed together"
        )
    if code is grpc.StatusCode.DATA_LOSS:
        return _corrupt()
    if code in _REFUSED:
        return refused(error)
    return Unclear(details)


def of_read(error: AioRpcError) -> StoreUnavailable:
    """What the failure of a read tells, or of anything else that changes nothing."""
    details = error.details() or ""
    if error.code() is grpc.StatusCode.DATA_LOSS:
        return _corrupt()
    if any(sign in details for sign in _NOT_TRUSTED):
        return NotTrusted(f"the store's certificate, or ours, is not trusted: {details}")
    if error.code() in _REFUSED:
        return refused(error)
    return StoreUnavailable(f"{SILENT}{details}")


def of_grant(error: AioRpcError) -> KernelError:
    """What the failure to grant a lease tells: nothing was changed."""
    failure = of_transaction(error)
    if isinstance(failure, Unclear):
        return StoreUnavailable(f"etcd grants no lease: {error.details()}; nothing was changed")
    return failure


def refused(error: AioRpcError) -> StoreUnavailable:
    """A refusal, before anything was changed."""
    details = error.details() or ""
    if _NO_USER in details:
        return NotLetIn("etcd asks who we are, and no user is named")
    if error.code() is grpc.StatusCode.PERMISSION_DENIED:
        return NotLetIn(f"etcd does not allow the user all keys below /batos/: {details}")
    return StoreUnavailable(f"etcd refuses: {details}")


def _corrupt() -> StoreUnavailable:
    return StoreUnavailable(
        "etcd has found that its members disagree (alarm CORRUPT) and takes no change: replace the member that is"
        " wrong or restore a backup, then disarm the alarm"
    )


def is_login_refused(error: AioRpcError) -> bool:
    """Whether a request was refused, before anything came of it, because its token is no good any more."""
    details = error.details() or ""
    return error.code() in _REFUSED and any(sign in details for sign in _NO_LOGIN)


def is_without_users(error: AioRpcError) -> bool:
    """Whether etcd needs no login."""
    return _NO_USERS in (error.details() or "")


def is_of_member(error: AioRpcError) -> bool:
    """Whether another member may do better."""
    return error.code() in {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED}


def is_lease_gone(error: AioRpcError) -> bool:
    """Whether a transaction failed because a lease has ended."""
    return error.code() is grpc.StatusCode.NOT_FOUND and "lease not found" in (error.details() or "")


def is_full(error: AioRpcError) -> bool:
    """Whether etcd has no space left, and refused for that reason."""
    return error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED and _SPACE in (error.details() or "")


def is_final(error: AioRpcError) -> bool:
    """Whether the same read would fail again."""
    return error.code() in _REFUSED or error.code() is grpc.StatusCode.DATA_LOSS


def of_revision(error: AioRpcError, revision: int) -> StaleToken | None:
    """StaleToken where a revision is compacted or yet to come; None for any other failure."""
    if error.code() is not grpc.StatusCode.OUT_OF_RANGE:
        return None
    return StaleToken(f"the changes after revision {revision} are not kept: list again and watch from there")
