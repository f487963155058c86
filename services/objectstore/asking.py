"""How the store behind a channel is asked. Law: a read is repeated while there is time, a change never.

A change whose answer is lost is CommitUnclear: look, then decide.
"""

import asyncio
import time
from collections.abc import Awaitable
from typing import TypeVar

import grpc.aio
from grpc.aio import AioRpcError

from batos.v1.objectstore_pb2_grpc import ObjectStoreStub
from kernel.errors import CommitUnclear, KernelError, StoreUnavailable
from objectstore.exchange import FIRST_PAUSE, LONGEST_PAUSE, Lost, failure_of

_Q = TypeVar("_Q")
_A = TypeVar("_A")


class Asking:
    """One store, asked by unary calls of at most `call_seconds` each."""

    def __init__(self, channel: grpc.aio.Channel, call_seconds: float) -> None:
        self._rpc = ObjectStoreStub(channel)
        self._call_seconds = call_seconds

    async def _change(self, rpc: grpc.aio.UnaryUnaryMultiCallable[_Q, _A], request: _Q) -> _A:
        """One call, never repeated. CommitUnclear where no answer came."""
        try:
            return await self._sent(rpc, request)
        except AioRpcError as error:
            failure = failure_of(error)
        if is_unclear(failure):
            raise CommitUnclear(failure.text, **failure.fields)
        raise failure

    def _sent(self, rpc: grpc.aio.UnaryUnaryMultiCallable[_Q, _A], request: _Q) -> Awaitable[_A]:
        # A server that starts again a moment later is worth waiting for.
        return rpc(request, timeout=self._call_seconds, wait_for_ready=True)

    async def _read(self, rpc: grpc.aio.UnaryUnaryMultiCallable[_Q, _A], request: _Q) -> _A:
        """The answer to what may be repeated. StoreUnavailable where none came in time."""
        end, pause = time.monotonic() + self._call_seconds, FIRST_PAUSE
        while True:
            try:
                return await self._sent(rpc, request)
            except AioRpcError as error:
                failure = failure_of(error)
            if not isinstance(failure, StoreUnavailable) or time.monotonic() + pause > end:
                raise failure
            await asyncio.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE)


def is_unclear(failure: KernelError) -> bool:
    """Whether a change that ended so may have been made."""
    return isinstance(failure, Lost) or "unclear" in failure.fields
