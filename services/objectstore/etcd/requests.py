"""Steps and spans as etcd's messages. Law: pure translation; a span of one key is sent as that key."""

from collections.abc import Mapping, Sequence
from typing import Any

from objectstore.etcd.connection import etcd
from objectstore.ledger import Entry, Span, Step


def txn_request(step: Step, lease: int) -> Any:
    """The transaction of a step; `lease` is that of the passing puts."""
    return etcd.TxnRequest(compare=_compares(step), success=_changes(step, lease))


def range_request(span: Span, revision: int = 0) -> Any:
    """The linearizable read of a span, in the order of the keys; at a revision that went by, where one is given."""
    return etcd.RangeRequest(
        key=span.begin, limit=span.limit, keys_only=not span.values, revision=revision, **_end(span)
    )


def read_request(spans: Sequence[Span], revision: int = 0) -> Any:
    """The read of several spans at one revision, the newest where none is given: a transaction that changes nothing."""
    return etcd.TxnRequest(success=[etcd.RequestOp(request_range=range_request(span, revision)) for span in spans])


def entries(response: Any) -> list[Entry]:
    """The entries of a range's response."""
    return [Entry(kv.key, kv.value, kv.mod_revision, kv.lease != 0) for kv in response.kvs]


def _end(span: Span) -> Mapping[str, bytes]:
    return {} if span.single else {"range_end": span.end}


def _compares(step: Step) -> list[Any]:
    compare, equal, less = etcd.Compare, etcd.Compare.EQUAL, etcd.Compare.LESS
    mod = etcd.Compare.MOD
    compares = [
        compare(key=key, target=mod, result=equal, mod_revision=revision) for key, revision in step.same.items()
    ]
    value = etcd.Compare.VALUE
    compares += [compare(key=key, target=value, result=equal, value=wanted) for key, wanted in step.equal.items()]
    # Of an empty range etcd compares a key of revision 0.
    compares += [
        compare(key=span.begin, target=mod, result=less, mod_revision=revision + 1, **_end(span))
        for span, revision in step.quiet
    ]
    if step.mark:
        compares.append(compare(key=step.mark.key, target=value, result=less, value=step.mark.below))
    return compares


def _changes(step: Step, lease: int) -> list[Any]:
    op, put = etcd.RequestOp, etcd.PutRequest
    changes = [op(request_put=put(key=key, value=value)) for key, value in step.puts.items()]
    changes += [op(request_put=put(key=key, value=value, lease=lease)) for key, value in step.passing.items()]
    changes += [op(request_delete_range=etcd.DeleteRangeRequest(key=span.begin, **_end(span))) for span in step.deletes]
    if step.mark:
        changes.append(op(request_put=put(key=step.mark.key, value=step.mark.value)))
    return changes
