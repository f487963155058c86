"""Kept examples, asked of the objectstore. Law: thin; each names who gave it, and none is ever changed.

Every later version of a method must pass those that are kept for it and not withdrawn. Every coroutine raises
BatosError; all may be repeated.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from batos.channel import SHORT, Service
from batos.examples import Example
from batos.methods import PRINCIPAL
from batos.v1 import objectstore_pb2 as store_pb
from batos.v1.objectstore_pb2_grpc import ObjectStoreStub


@dataclass(frozen=True, slots=True)
class KeptExamples:
    """The examples that are kept for methods of one namespace."""

    service: Service
    namespace: str

    @property
    def _stub(self) -> ObjectStoreStub:
        return ObjectStoreStub(self.service.channel)

    async def add(self, holder: str, selector: str, examples: Iterable[Example], *, by: str = PRINCIPAL) -> str:
        """Keep examples, each once; the store's token. Raises ObjectNotFound, BadExample, LimitExceeded (over 100)."""
        request = store_pb.KeepExamplesRequest(
            namespace=self.namespace,
            holder=holder,
            selector=selector,
            examples=[store_pb.KeptExample(example=each.to_wire(), by=by) for each in examples],
        )
        return (await self.service.ask(self._stub.KeepExamples(request, timeout=SHORT))).token

    async def list(self, holder: str, selector: str) -> list[store_pb.KeptExample]:
        """All of a method, the oldest first, withdrawn ones too. Raises ObjectNotFound."""
        request = store_pb.ListExamplesRequest(namespace=self.namespace, holder=holder, selector=selector)
        return list((await self.service.ask(self._stub.ListExamples(request, timeout=SHORT))).examples)

    async def withdraw(self, holder: str, selector: str, digest: str, *, by: str = PRINCIPAL) -> store_pb.KeptExample:
        """Take one back: it gates nothing any more. Raises ObjectNotFound, BadArguments (no such example)."""
        request = store_pb.WithdrawExampleRequest(
            namespace=self.namespace, holder=holder, selector=selector, digest=digest, by=by
        )
        return (await self.service.ask(self._stub.WithdrawExample(request, timeout=SHORT))).example
