"""The objectstore's RPCs. Law: translate, ask the store, translate; the chassis tells failures by their reason."""

# ruff: noqa: ARG002 - the context is in gRPC's signature, whether it is needed or not

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Coroutine
from contextlib import aclosing
from functools import partial
from typing import Any

import grpc.aio

from batos.v1 import objectstore_pb2 as pb
from chassis.telemetry import Telemetry
from kernel.errors import Conflict, StoreUnavailable
from kernel.objects import parse_namespace, parse_object_id, parse_selector
from kernel.transactions import parse_token
from objectstore.calls import Calls
from objectstore.commits import TOLD
from objectstore.examples_servicer import ExamplesServicer
from objectstore.exchange import served
from objectstore.joining import join
from objectstore.lately import Lately
from objectstore.members import Members
from objectstore.store import Changes, Store
from objectstore.wire import (
    changes_to_wire,
    draft_from_wire,
    expected_from_wire,
    new_from_wire,
    object_to_wire,
    preview_to_wire,
    update_from_wire,
)
from objectstore.wire_examples import examples_from_wire
from objectstore.wire_flights import landing_from_wire
from wire.objects import evidence_from_wire, pointer_to_wire, record_to_wire, resolution_to_wire, retirement_from_wire

Context = grpc.aio.ServicerContext[Any, Any]


class StoreServicer(ExamplesServicer):
    """Serves a store; streams end when `stop` is set, for a server that stops waits for what is open."""

    def __init__(
        self,
        store: Store,
        stop: asyncio.Event,
        telemetry: Telemetry | None = None,
        members: Members | None = None,
    ) -> None:
        super().__init__(store)
        self._stop, self._members = stop, members
        self._calls = Calls(store)
        self._exchange = served(self._calls, stop, telemetry or Telemetry.off())
        # Every watcher of a namespace is told the same.
        self._frames = {form: Lately(partial(changes_to_wire, encoded=form)) for form in (False, True)}

    async def CreateObject(self, request: pb.CreateObjectRequest, context: Context) -> pb.CreateObjectResponse:
        """Make an object."""
        namespace = parse_namespace(request.namespace)
        made = await self._store.create(namespace, new_from_wire(request))
        return pb.CreateObjectResponse(object=object_to_wire(namespace, made), token=str(made.token))

    async def GetObject(self, request: pb.GetObjectRequest, context: Context) -> pb.GetObjectResponse:
        """Read one object."""
        return await self._calls.get(request)

    async def ListObjects(self, request: pb.ListObjectsRequest, context: Context) -> pb.ListObjectsResponse:
        """Read a page of objects."""
        namespace = parse_namespace(request.namespace)
        page = await self._store.list(namespace, request.prefix, request.page_size, request.page_token)
        return pb.ListObjectsResponse(
            objects=[object_to_wire(namespace, item) for item in page.items],
            next_page_token=page.next_page,
            token=str(page.token),
        )

    async def UpdateObject(self, request: pb.UpdateObjectRequest, context: Context) -> pb.UpdateObjectResponse:
        """Replace parents, policy or slots."""
        namespace = parse_namespace(request.namespace)
        after = await self._store.update(namespace, update_from_wire(request))
        return pb.UpdateObjectResponse(object=object_to_wire(namespace, after), token=str(after.token))

    async def DeleteObject(self, request: pb.DeleteObjectRequest, context: Context) -> pb.DeleteObjectResponse:
        """Remove an object."""
        token = await self._store.delete(parse_namespace(request.namespace), parse_object_id(request.id))
        return pb.DeleteObjectResponse(token=str(token))

    async def CloneObject(self, request: pb.CloneObjectRequest, context: Context) -> pb.CloneObjectResponse:
        """Clone an object."""
        namespace = parse_namespace(request.namespace)
        clone = await self._store.clone(namespace, parse_object_id(request.prototype), parse_object_id(request.id))
        return pb.CloneObjectResponse(object=object_to_wire(namespace, clone), token=str(clone.token))

    async def Commit(self, request: pb.CommitRequest, context: Context) -> pb.CommitResponse:
        """Apply a transaction."""
        try:
            return await self._calls.commit(request)
        except Conflict as conflict:  # the status of a call must stay small
            raise Conflict(conflict.text, conflict.changed[:TOLD]) from None

    async def SettleCommit(self, request: pb.SettleCommitRequest, context: Context) -> pb.SettleCommitResponse:
        """Decide a commit whose answer was lost."""
        return await self._calls.settle(request)

    async def Exchange(self, request_iterator: AsyncIterator[pb.ExchangeRequest], context: Context) -> None:  # pyright: ignore[reportIncompatibleMethodOverride] - it writes its answers itself
        """Commit, settle and read, many on one stream."""
        await self._exchange.run(request_iterator, context)

    def Join(
        self, request_iterator: AsyncIterator[pb.JoinRequest], context: Context
    ) -> AsyncGenerator[pb.JoinResponse]:
        """Be a member, and hear of the others."""
        return join(self._members, request_iterator, self._stop)

    async def GetReply(self, request: pb.GetReplyRequest, context: Context) -> pb.GetReplyResponse:
        """Read a kept reply."""
        return await self._calls.reply(request, encoded=False)

    async def Watch(self, request: pb.WatchRequest, context: Context) -> AsyncGenerator[pb.WatchResponse]:
        """Tell every change."""
        after = parse_token(request.token) if request.token else None
        stopping = asyncio.create_task(self._stop.wait())
        async with aclosing(self._store.watch(parse_namespace(request.namespace), after)) as frames:
            try:
                while (changes := await _unless(stopping, anext(frames))) is not None:
                    yield self._frames[request.encoded].of(changes)
            finally:
                stopping.cancel()
        raise StoreUnavailable("this server stops: watch again, from the last token")

    async def RegisterMethod(self, request: pb.RegisterMethodRequest, context: Context) -> pb.RegisterMethodResponse:
        """Append a method version."""
        record, token = await self._store.register(
            parse_namespace(request.namespace),
            draft_from_wire(request),
            activate=request.activate,
            expected=expected_from_wire(request),
            examples=examples_from_wire(request.examples),
            landing=landing_from_wire(request.landing) if request.HasField("landing") else None,
        )
        return pb.RegisterMethodResponse(method=record_to_wire(record), token=str(token))

    async def GetMethod(self, request: pb.GetMethodRequest, context: Context) -> pb.GetMethodResponse:
        """Read a method version."""
        return await self._calls.method(request)

    async def ListMethods(self, request: pb.ListMethodsRequest, context: Context) -> pb.ListMethodsResponse:
        """Read a page of method versions."""
        page = await self._store.methods(
            parse_namespace(request.namespace),
            parse_object_id(request.holder),
            parse_selector(request.selector) if request.selector else None,
            request.page_size,
            request.page_token,
        )
        return pb.ListMethodsResponse(
            methods=[record_to_wire(item) for item in page.items],
            next_page_token=page.next_page,
            token=str(page.token),
        )

    async def ActivateMethod(self, request: pb.ActivateMethodRequest, context: Context) -> pb.ActivateMethodResponse:
        """Move a selector's pointer."""
        after, before, token = await self._store.activate(
            parse_namespace(request.namespace),
            parse_object_id(request.holder),
            parse_selector(request.selector),
            request.number,
            expected_definition=_expected(request),
            evidence=evidence_from_wire(request.evidence) if request.HasField("evidence") else None,
        )
        return pb.ActivateMethodResponse(
            pointer=pointer_to_wire(after), before=pointer_to_wire(before), token=str(token)
        )

    async def PreviewActivation(
        self, request: pb.PreviewActivationRequest, context: Context
    ) -> AsyncGenerator[pb.PreviewActivationResponse]:
        """Tell what an activation would change."""
        parts = self._store.preview(
            parse_namespace(request.namespace),
            parse_object_id(request.holder),
            parse_selector(request.selector),
            request.number,
        )
        async with aclosing(parts):
            async for part in parts:
                yield preview_to_wire(part)

    async def PinMethod(self, request: pb.PinMethodRequest, context: Context) -> pb.PinMethodResponse:
        """Keep a selector on one version."""
        after, before, token = await self._store.pin(
            parse_namespace(request.namespace),
            parse_object_id(request.id),
            parse_selector(request.selector),
            request.number,
            holder=parse_object_id(request.holder) if request.holder else None,
            expected_definition=_expected(request),
        )
        return pb.PinMethodResponse(
            resolution=resolution_to_wire(after), before=resolution_to_wire(before), token=str(token)
        )

    async def RetireMethod(self, request: pb.RetireMethodRequest, context: Context) -> pb.RetireMethodResponse:
        """Retire a method version."""
        after, token = await self._store.retire(
            parse_namespace(request.namespace),
            parse_object_id(request.holder),
            parse_selector(request.selector),
            request.number,
            retirement=retirement_from_wire(request.retirement),
        )
        return pb.RetireMethodResponse(pointer=pointer_to_wire(after), token=str(token))


async def _unless(stopping: asyncio.Task[Any], coming: Coroutine[Any, Any, Changes]) -> Changes | None:
    """What comes next, or None where the server stops before."""
    task = asyncio.create_task(coming)
    try:
        await asyncio.wait({task, stopping}, return_when=asyncio.FIRST_COMPLETED)
        return await task if task.done() else None
    finally:
        if not task.done():
            task.cancel()
            # The stream below is closed only when nothing reads from it.
            await asyncio.gather(task, return_exceptions=True)


def _expected(request: pb.ActivateMethodRequest | pb.PinMethodRequest) -> int | None:
    given = request.HasField("expected_definition_revision")
    return request.expected_definition_revision if given else None
