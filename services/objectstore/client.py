"""The store behind a channel. Law: it keeps the store's promises over a connection that may break at any moment.

Failures come back as the kernel's, by their reason. A read whose answer is lost is repeated. A commit whose answer is
lost is settled by its lane. Any other change whose answer is lost is CommitUnclear: look, then decide. Commits, and
reads of single objects, replies and methods, travel in frames of one stream; what surely was not sent is sent again.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, Mapping, Sequence
from typing import Final

import grpc.aio
from grpc.aio import AioRpcError

from batos.v1 import objectstore_pb2 as pb
from chassis.telemetry import Telemetry
from kernel.errors import CommitUnclear, StoreUnavailable
from kernel.lookup import Answer
from kernel.objects import Evidence, MethodPointer, MethodRecord, Namespace, ObjectId, Retirement, Selector
from kernel.transactions import KeptReply, Lane, Token, Transaction, parse_token
from objectstore.asking import is_unclear
from objectstore.examples_client import ExamplesClient
from objectstore.exchange import EXCHANGE_METHOD, FIRST_PAUSE, LONGEST_PAUSE, Exchange, failure_of
from objectstore.proving import KeptExample
from objectstore.store import Changes, Draft, Landing, NewObject, Page, Preview, StoredObject, Update
from objectstore.wire import (
    changes_from_wire,
    draft_to_wire,
    found_from_wire,
    new_to_wire,
    object_from_wire,
    preview_from_wire,
    update_to_wire,
)
from objectstore.wire_examples import kept_to_wire
from objectstore.wire_flights import landing_to_wire
from wire.objects import (
    evidence_to_wire,
    pointer_from_wire,
    record_from_wire,
    resolution_from_wire,
    retirement_to_wire,
)
from wire.transactions import commit_to_wire, kept_reply_from_wire, settle_to_wire

STREAMS: Final = frozenset({"/batos.v1.ObjectStore/Watch", EXCHANGE_METHOD})
"""The streams whose frames belong to many traces."""
MAX_MESSAGE_BYTES: Final = 32 << 20  # what fits a transaction has up to some ten times the bytes in the contract's form
CALL_SECONDS: Final = 5.0
SETTLE_SECONDS: Final = 15.0
RESUME_SECONDS: Final = 30.0
PREVIEW_SECONDS: Final = 60.0


class StoreClient(ExamplesClient):
    """A Store. One call takes at most `call_seconds`; a read that gets no answer is repeated for as long again."""

    def __init__(
        self,
        channel: grpc.aio.Channel,
        *,
        call_seconds: float = CALL_SECONDS,
        settle_seconds: float = SETTLE_SECONDS,
        resume_seconds: float = RESUME_SECONDS,
        telemetry: Telemetry | None = None,
    ) -> None:
        super().__init__(channel, call_seconds)
        self._exchange = Exchange(self._rpc, call_seconds, telemetry or Telemetry.off())
        self._settle_seconds = settle_seconds
        self._resume_seconds = resume_seconds

    async def create(self, namespace: Namespace, new: NewObject) -> StoredObject:
        """See Store."""
        made = await self._change(self._rpc.CreateObject, new_to_wire(namespace, new))
        return object_from_wire(made.object, made.token)

    async def get(self, namespace: Namespace, object_id: ObjectId) -> StoredObject:
        """See Store."""
        answer = await self._exchange.read(get=pb.GetObjectRequest(namespace=namespace, id=object_id, encoded=True))
        return found_from_wire(answer.get)

    async def list(self, namespace: Namespace, prefix: str, size: int, page: str) -> Page[StoredObject]:
        """See Store."""
        request = pb.ListObjectsRequest(namespace=namespace, prefix=prefix, page_size=size, page_token=page)
        found = await self._read(self._rpc.ListObjects, request)
        items = [object_from_wire(item, found.token) for item in found.objects]
        return Page(items, found.next_page_token, parse_token(found.token))

    async def update(self, namespace: Namespace, update: Update) -> StoredObject:
        """See Store."""
        after = await self._change(self._rpc.UpdateObject, update_to_wire(namespace, update))
        return object_from_wire(after.object, after.token)

    async def delete(self, namespace: Namespace, object_id: ObjectId) -> Token:
        """See Store."""
        request = pb.DeleteObjectRequest(namespace=namespace, id=object_id)
        return parse_token((await self._change(self._rpc.DeleteObject, request)).token)

    async def clone(self, namespace: Namespace, prototype: ObjectId, object_id: ObjectId) -> StoredObject:
        """See Store."""
        request = pb.CloneObjectRequest(namespace=namespace, prototype=prototype, id=object_id)
        clone = await self._change(self._rpc.CloneObject, request)
        return object_from_wire(clone.object, clone.token)

    async def commit(self, transaction: Transaction, lane: Lane) -> Token:
        """See Store."""
        transaction.check()
        try:
            made = (await self._exchange.once(commit=commit_to_wire(transaction, lane))).commit
        except StoreUnavailable as failure:
            if not is_unclear(failure):
                raise
            if not transaction.writes and not transaction.replies:
                raise StoreUnavailable("the objectstore does not answer: the reads are not validated") from None
            if (token := await self.settle(transaction.namespace, lane)) is None:
                raise StoreUnavailable("the objectstore did not answer, and nothing was changed: try again") from None
            return token
        return parse_token(made.token)

    async def settle(self, namespace: Namespace, lane: Lane) -> Token | None:
        """See Store."""
        end = time.monotonic() + self._settle_seconds
        request = settle_to_wire(namespace, lane)
        try:
            answer = (await self._exchange.until(end, settle=request)).settle
            return parse_token(answer.token) if answer.committed else None
        except StoreUnavailable as error:
            raise CommitUnclear(error.text, unclear=lane.name) from None

    async def kept_reply(
        self, namespace: Namespace, receiver: ObjectId, incarnation: str, principal: str, request_id: str
    ) -> tuple[KeptReply | None, Token]:
        """See Store."""
        request = pb.GetReplyRequest(
            namespace=namespace,
            receiver=receiver,
            incarnation=incarnation,
            principal=principal,
            request_id=request_id,
        )
        answer = (await self._exchange.read(reply=request)).reply
        reply = kept_reply_from_wire(answer.reply, trusted=True) if answer.HasField("reply") else None
        return reply, parse_token(answer.token)

    async def watch(self, namespace: Namespace, after: Token | None) -> AsyncGenerator[Changes]:
        """See Store."""
        begun, pause = False, FIRST_PAUSE
        lost: float | None = None
        while True:
            request = pb.WatchRequest(namespace=namespace, token=str(after) if after else "", encoded=True)
            call, heard = self._rpc.Watch(request), False
            try:
                async for frame in call:
                    changes = changes_from_wire(frame)
                    # On going on, the first frame only repeats where that is, whether or not the store is there.
                    goes_on = not begun or bool(changes.items) or changes.token != after
                    if goes_on:
                        yield changes
                    if goes_on or heard:
                        lost, pause = None, FIRST_PAUSE
                    begun, heard, after = True, True, changes.token
            except AioRpcError as error:
                failure, lost = failure_of(error), lost or time.monotonic()
                if not isinstance(failure, StoreUnavailable) or time.monotonic() - lost > self._resume_seconds:
                    raise failure from None
            finally:
                call.cancel()
            await asyncio.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE)

    async def register(
        self,
        namespace: Namespace,
        draft: Draft,
        *,
        activate: bool,
        expected: Mapping[ObjectId, int] | None = None,
        examples: Sequence[KeptExample] = (),
        landing: Landing | None = None,
    ) -> tuple[MethodRecord, Token]:
        """See Store."""
        request = draft_to_wire(namespace, draft, expected or {}, activate=activate)
        request.examples.extend(kept_to_wire(each) for each in examples)
        if landing is not None:
            request.landing.CopyFrom(landing_to_wire(landing))
        made = await self._change(self._rpc.RegisterMethod, request)
        return record_from_wire(made.method), parse_token(made.token)

    async def method(
        self, namespace: Namespace, holder: ObjectId, selector: Selector, number: int
    ) -> tuple[MethodRecord, Token]:
        """See Store."""
        request = pb.GetMethodRequest(namespace=namespace, holder=holder, selector=selector, number=number)
        answer = (await self._exchange.read(method=request)).method
        return record_from_wire(answer.method), parse_token(answer.token)

    async def methods(
        self, namespace: Namespace, holder: ObjectId, selector: Selector | None, size: int, page: str
    ) -> Page[MethodRecord]:
        """See Store."""
        request = pb.ListMethodsRequest(
            namespace=namespace, holder=holder, selector=selector or "", page_size=size, page_token=page
        )
        found = await self._read(self._rpc.ListMethods, request)
        items = [record_from_wire(item) for item in found.methods]
        return Page(items, found.next_page_token, parse_token(found.token))

    async def activate(
        self,
        namespace: Namespace,
        holder: ObjectId,
        selector: Selector,
        number: int,
        *,
        expected_definition: int | None = None,
        evidence: Evidence | None = None,
    ) -> tuple[MethodPointer, MethodPointer, Token]:
        """See Store."""
        request = pb.ActivateMethodRequest(
            namespace=namespace,
            holder=holder,
            selector=selector,
            number=number,
            expected_definition_revision=expected_definition,
            evidence=None if evidence is None else evidence_to_wire(evidence),
        )
        done = await self._change(self._rpc.ActivateMethod, request)
        return pointer_from_wire(done.pointer), pointer_from_wire(done.before), parse_token(done.token)

    async def preview(
        self, namespace: Namespace, holder: ObjectId, selector: Selector, number: int
    ) -> AsyncGenerator[Preview]:
        """See Store. Begin again where it breaks off."""
        request = pb.PreviewActivationRequest(namespace=namespace, holder=holder, selector=selector, number=number)
        call = self._rpc.PreviewActivation(request, timeout=PREVIEW_SECONDS, wait_for_ready=True)
        try:
            async for part in call:
                yield preview_from_wire(part)
        except AioRpcError as error:
            raise failure_of(error) from None
        finally:
            call.cancel()

    async def pin(
        self,
        namespace: Namespace,
        object_id: ObjectId,
        selector: Selector,
        number: int,
        *,
        holder: ObjectId | None = None,
        expected_definition: int | None = None,
    ) -> tuple[Answer | None, Answer | None, Token]:
        """See Store."""
        request = pb.PinMethodRequest(
            namespace=namespace,
            id=object_id,
            selector=selector,
            holder=holder or "",
            number=number,
            expected_definition_revision=expected_definition,
        )
        done = await self._change(self._rpc.PinMethod, request)
        return resolution_from_wire(done.resolution), resolution_from_wire(done.before), parse_token(done.token)

    async def retire(
        self,
        namespace: Namespace,
        holder: ObjectId,
        selector: Selector,
        number: int,
        *,
        retirement: Retirement | None = None,
    ) -> tuple[MethodPointer, Token]:
        """See Store."""
        request = pb.RetireMethodRequest(
            namespace=namespace,
            holder=holder,
            selector=selector,
            number=number,
            retirement=None if retirement is None else retirement_to_wire(retirement),
        )
        done = await self._change(self._rpc.RetireMethod, request)
        return pointer_from_wire(done.pointer), parse_token(done.token)
