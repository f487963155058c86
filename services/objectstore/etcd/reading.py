"""Spans read together. Law: all at one revision, also while etcd has no space left.

etcd 3.4 and 3.5 ask their quota before every transaction, one that only reads too. So while the store is full each span
is a request of its own, which etcd answers: the first tells the newest revision, and the others read at that one.
"""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import grpc
from grpc.aio import AioRpcError

from objectstore.etcd import failures, requests
from objectstore.etcd.connection import Connection
from objectstore.keys import META
from objectstore.ledger import Span

ALONE_SECONDS: Final = 5.0  # after a refusal, in which no transaction is tried


@dataclass(frozen=True, slots=True)
class Ranges:
    """etcd's RangeResponse for each span, and the revision that all were read at."""

    responses: Sequence[Any]
    revision: int


class JointReads:
    """Reads of several spans at one revision: the newest, or one that went by. Fails with grpc.aio.AioRpcError."""

    def __init__(self, connection: Connection, *, alone_seconds: float = ALONE_SECONDS) -> None:
        self._connection = connection
        self._alone_seconds = alone_seconds
        self._alone_until = 0.0

    async def read(self, spans: Sequence[Span], revision: int = 0) -> Ranges:
        """The spans, in one transaction where etcd takes it."""
        if time.monotonic() >= self._alone_until:
            try:
                return await self._in_one(spans, revision)
            except AioRpcError as error:
                if not failures.is_full(error):
                    raise
            self._alone_until = time.monotonic() + self._alone_seconds
        if revision:
            return Ranges(await self._at(spans, revision), revision)
        return await self._newest(spans)

    async def _in_one(self, spans: Sequence[Span], revision: int) -> Ranges:
        response = await self._connection.txn(requests.read_request(spans, revision))
        return Ranges([each.response_range for each in response.responses], response.header.revision)

    async def _newest(self, spans: Sequence[Span]) -> Ranges:
        first, *others = spans or [Span.key(META, values=False)]
        while True:
            response = await self._connection.range(requests.range_request(first))
            newest = response.header.revision
            try:
                responses = [response, *await self._at(others, newest)]
            except AioRpcError as error:
                if error.code() is not grpc.StatusCode.OUT_OF_RANGE:
                    raise
                continue  # compacted away meanwhile
            return Ranges(responses[: len(spans)], newest)

    async def _at(self, spans: Sequence[Span], revision: int) -> list[Any]:
        # Linearizable, though the revision is given: a member that has not come so far waits, and does not refuse.
        sent = (self._connection.range(requests.range_request(span, revision)) for span in spans)
        return await asyncio.gather(*sent)
