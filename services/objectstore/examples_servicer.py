"""The objectstore's RPCs for what proves a method. Law: translate, ask the store, translate."""

# ruff: noqa: ARG002 - the context is in gRPC's signature, whether it is needed or not

from typing import Any

import grpc.aio

from batos.v1 import objectstore_pb2 as pb
from batos.v1.objectstore_pb2_grpc import ObjectStoreServicer
from kernel.objects import Namespace, ObjectId, Selector, parse_namespace, parse_object_id, parse_selector
from objectstore.store import Store
from objectstore.wire_examples import call_from_wire, call_to_wire, examples_from_wire, kept_to_wire
from wire.objects import evidence_from_wire, record_to_wire

_Context = grpc.aio.ServicerContext[Any, Any]
_OfMethod = (
    pb.KeepExamplesRequest
    | pb.WithdrawExampleRequest
    | pb.ListExamplesRequest
    | pb.RecordCallsRequest
    | pb.ListCallsRequest
    | pb.ProveMethodRequest
)


class ExamplesServicer(ObjectStoreServicer):
    """Serves proofs, kept examples and recorded calls of a store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def ProveMethod(self, request: pb.ProveMethodRequest, context: _Context) -> pb.ProveMethodResponse:
        """Append a proof to a version."""
        evidence = evidence_from_wire(request.evidence)
        record, token = await self._store.prove(*_method(request), request.number, evidence)
        return pb.ProveMethodResponse(method=record_to_wire(record), token=str(token))

    async def KeepExamples(self, request: pb.KeepExamplesRequest, context: _Context) -> pb.KeepExamplesResponse:
        """Keep examples."""
        token = await self._store.keep(*_method(request), examples_from_wire(request.examples))
        return pb.KeepExamplesResponse(token=str(token))

    async def WithdrawExample(
        self, request: pb.WithdrawExampleRequest, context: _Context
    ) -> pb.WithdrawExampleResponse:
        """Take an example back."""
        kept, token = await self._store.withdraw(*_method(request), request.digest, request.by)
        return pb.WithdrawExampleResponse(example=kept_to_wire(kept), token=str(token))

    async def ListExamples(self, request: pb.ListExamplesRequest, context: _Context) -> pb.ListExamplesResponse:
        """Read all examples of a method."""
        kept, token = await self._store.kept(*_method(request))
        return pb.ListExamplesResponse(examples=[kept_to_wire(each) for each in kept], token=str(token))

    async def RecordCalls(self, request: pb.RecordCallsRequest, context: _Context) -> pb.RecordCallsResponse:
        """Keep some calls of a method."""
        await self._store.record(*_method(request), [call_from_wire(each) for each in request.calls])
        return pb.RecordCallsResponse()

    async def ListCalls(self, request: pb.ListCallsRequest, context: _Context) -> pb.ListCallsResponse:
        """Read the calls of a method that are kept."""
        calls = await self._store.recorded(*_method(request))
        return pb.ListCallsResponse(calls=[call_to_wire(each) for each in calls])


def _method(request: _OfMethod) -> tuple[Namespace, ObjectId, Selector]:
    """Which method a request is of. Raises BadObjectId, BadArguments."""
    return parse_namespace(request.namespace), parse_object_id(request.holder), parse_selector(request.selector)
