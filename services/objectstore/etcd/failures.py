"""What etcd's failures mean. Law: only what surely was not applied is told as a failure; all else is Unclear.

`etcdserver: request timed out` and `leader changed` come as UNAVAILABLE and may still be applied. A full store is told
with RESOURCE_EXHAUSTED, also for the very transaction that filled it.
"""

import grpc
from grpc.aio import AioRpcError

from kernel.errors import KernelError, LimitExceeded, StaleToken, StoreFull, StoreUnavailable
from kernel.transactions import MAX_TRANSACTION_BYTES
from objectstore.ledger import Unclear

_SPACE = "database space exceeded"
_TOO_MANY = "too many requests"
_TOO_LARGE = "too large"
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


def of_transaction(error: AioRpcError) -> KernelError | Unclear:
    """What the failure of a transaction tells."""
    code, details = error.code(), error.details() or ""
    if code is grpc.StatusCode.RESOURCE_EXHAUSTED:
        if _SPACE in details:
            return StoreFull(
                "the store has no space left: compact and defragment etcd, or raise its quota; reads go on"
            )
        if _TOO_MANY in details:
            return StoreUnavailable("the store has too much to do: try again")
    if _TOO_LARGE in details or code is grpc.StatusCode.RESOURCE_EXHAUSTED:
        return LimitExceeded(
            "size", f"the change is too large; at most {MAX_TRANSACTION_BYTES} bytes are committed together"
        )
    if code in _REFUSED:
        return StoreUnavailable(f"etcd refuses: {details}")
    return Unclear(details)


def is_lease_gone(error: AioRpcError) -> bool:
    """Whether a transaction failed because a lease has ended."""
    return error.code() is grpc.StatusCode.NOT_FOUND and "lease not found" in (error.details() or "")


def is_final(error: AioRpcError) -> bool:
    """Whether the same read would fail again."""
    return error.code() in _REFUSED


def of_revision(error: AioRpcError, revision: int) -> StaleToken | None:
    """StaleToken where a revision is compacted or yet to come; None for any other failure."""
    if error.code() is not grpc.StatusCode.OUT_OF_RANGE:
        return None
    return StaleToken(f"the changes after revision {revision} are not kept: list again and watch from there")
