"""A store as a whole, asked of the objectstore. Law: thin; what the contract says is what one gets.

Every coroutine raises BatosError. Timeouts are in seconds, of the whole request.
"""

from collections.abc import AsyncGenerator, AsyncIterable
from dataclasses import dataclass

from batos.channel import Service
from batos.v1 import admin_pb2 as pb
from batos.v1.admin_pb2_grpc import AdministrationStub

TIMEOUT = 600.0


@dataclass(frozen=True, slots=True)
class Administration:
    """Saves, restores and checks the store behind one objectstore, all namespaces of it."""

    service: Service

    @property
    def _stub(self) -> AdministrationStub:
        return AdministrationStub(self.service.channel)

    async def export(self, *, timeout: float = TIMEOUT) -> AsyncGenerator[pb.ExportResponse]:  # noqa: ASYNC109 - the RPC's own
        """A backup in parts: a header, entries, a footer. Without the footer it is none. Raises StoreUnavailable."""
        async with self.service.failures():
            call = self._stub.Export(pb.ExportRequest(), timeout=timeout)
            try:
                async for part in call:
                    yield part
            finally:
                call.cancel()

    async def restore(self, parts: AsyncIterable[pb.ExportResponse], *, timeout: float = TIMEOUT) -> pb.ImportResponse:  # noqa: ASYNC109 - the RPC's own
        """Fill an empty store from the parts of a backup. Raises BadArguments, StoreUnavailable, Conflict."""
        # gRPC may still wait for the next part when the answer is there, so it is gRPC's to close.
        return await self.service.ask(self._stub.Import(_requests(parts), timeout=timeout))

    async def check(self, *, timeout: float = TIMEOUT) -> AsyncGenerator[pb.CheckResponse]:  # noqa: ASYNC109 - the RPC's own
        """What is wrong in the store, in parts; the last says that it is done. Raises StoreUnavailable."""
        async with self.service.failures():
            call = self._stub.Check(pb.CheckRequest(), timeout=timeout)
            try:
                async for part in call:
                    yield part
            finally:
                call.cancel()


async def _requests(parts: AsyncIterable[pb.ExportResponse]) -> AsyncGenerator[pb.ImportRequest]:
    async for part in parts:
        yield pb.ImportRequest(part=part)
