"""What proves a method, behind a channel. Law: as `client`; all changes here may be repeated, as the contract says."""

from collections.abc import Sequence

from batos.v1 import objectstore_pb2 as pb
from kernel.objects import Evidence, MethodRecord, Namespace, ObjectId, Selector
from kernel.transactions import Token, parse_token
from objectstore.asking import Asking
from objectstore.proving import KeptExample, RecordedCall
from objectstore.wire_examples import call_from_wire, call_to_wire, kept_from_wire, kept_to_wire
from wire.objects import evidence_to_wire, record_from_wire


class ExamplesClient(Asking):
    """The part of a Store that keeps proofs, examples and recorded calls."""

    async def prove(
        self, namespace: Namespace, holder: ObjectId, selector: Selector, number: int, evidence: Evidence
    ) -> tuple[MethodRecord, Token]:
        """See Store."""
        request = pb.ProveMethodRequest(
            namespace=namespace,
            holder=holder,
            selector=selector,
            number=number,
            evidence=evidence_to_wire(evidence),
        )
        done = await self._change(self._rpc.ProveMethod, request)
        return record_from_wire(done.method), parse_token(done.token)

    async def keep(
        self, namespace: Namespace, holder: ObjectId, selector: Selector, examples: Sequence[KeptExample]
    ) -> Token:
        """See Store."""
        request = pb.KeepExamplesRequest(
            namespace=namespace,
            holder=holder,
            selector=selector,
            examples=[kept_to_wire(each) for each in examples],
        )
        return parse_token((await self._change(self._rpc.KeepExamples, request)).token)

    async def withdraw(
        self, namespace: Namespace, holder: ObjectId, selector: Selector, digest: str, by: str
    ) -> tuple[KeptExample, Token]:
        """See Store."""
        request = pb.WithdrawExampleRequest(namespace=namespace, holder=holder, selector=selector, digest=digest, by=by)
        done = await self._change(self._rpc.WithdrawExample, request)
        return kept_from_wire(done.example), parse_token(done.token)

    async def kept(
        self, namespace: Namespace, holder: ObjectId, selector: Selector
    ) -> tuple[Sequence[KeptExample], Token]:
        """See Store."""
        request = pb.ListExamplesRequest(namespace=namespace, holder=holder, selector=selector)
        found = await self._read(self._rpc.ListExamples, request)
        return [kept_from_wire(each) for each in found.examples], parse_token(found.token)

    async def record(
        self, namespace: Namespace, holder: ObjectId, selector: Selector, calls: Sequence[RecordedCall]
    ) -> None:
        """See Store."""
        request = pb.RecordCallsRequest(
            namespace=namespace, holder=holder, selector=selector, calls=[call_to_wire(each) for each in calls]
        )
        await self._change(self._rpc.RecordCalls, request)

    async def recorded(self, namespace: Namespace, holder: ObjectId, selector: Selector) -> Sequence[RecordedCall]:
        """See Store."""
        request = pb.ListCallsRequest(namespace=namespace, holder=holder, selector=selector)
        found = await self._read(self._rpc.ListCalls, request)
        return [call_from_wire(each) for each in found.calls]
