"""The calls that are served on their own and in frames. Law: one meaning each, whichever way they come."""

from batos.v1 import objectstore_pb2 as pb
from kernel.objects import parse_namespace, parse_object_id, parse_selector
from kernel.transactions import Lane
from objectstore.store import Store
from objectstore.wire import found_to_wire
from wire.objects import record_to_wire
from wire.transactions import commit_from_wire, kept_reply_to_wire


class Calls:
    """Translates, asks the store, translates."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def commit(self, request: pb.CommitRequest) -> pb.CommitResponse:
        """Apply a transaction."""
        token = await self._store.commit(*commit_from_wire(request))
        return pb.CommitResponse(revision=token.revision, token=str(token))

    async def settle(self, request: pb.SettleCommitRequest) -> pb.SettleCommitResponse:
        """Decide a commit whose answer was lost."""
        token = await self._store.settle(parse_namespace(request.namespace), Lane(request.lane, request.number))
        return (
            pb.SettleCommitResponse()
            if token is None
            else pb.SettleCommitResponse(committed=True, revision=token.revision, token=str(token))
        )

    async def get(self, request: pb.GetObjectRequest) -> pb.GetObjectResponse:
        """Read one object."""
        namespace = parse_namespace(request.namespace)
        found = await self._store.get(namespace, parse_object_id(request.id))
        return found_to_wire(namespace, found, encoded=request.encoded)

    async def reply(self, request: pb.GetReplyRequest, *, encoded: bool) -> pb.GetReplyResponse:
        """Read a kept reply; in the form between services, or the one for all."""
        reply, token = await self._store.kept_reply(
            parse_namespace(request.namespace),
            parse_object_id(request.receiver),
            request.incarnation,
            request.principal,
            request.request_id,
        )
        told = None if reply is None else kept_reply_to_wire(reply, encoded=encoded)
        return pb.GetReplyResponse(reply=told, token=str(token))

    async def method(self, request: pb.GetMethodRequest) -> pb.GetMethodResponse:
        """Read a method version."""
        record, token = await self._store.method(
            parse_namespace(request.namespace),
            parse_object_id(request.holder),
            parse_selector(request.selector),
            request.number,
        )
        return pb.GetMethodResponse(method=record_to_wire(record), token=str(token))
