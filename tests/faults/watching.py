"""Watchers over the raw Watch call. Law: a watcher goes on after the last token it got, as a client of ours must."""

import asyncio
from collections.abc import Callable
from typing import Any

from grpc.aio import AioRpcError

from batos.errors import StaleToken
from batos.failures import from_rpc
from batos.v1 import object_pb2 as object_pb
from batos.v1 import objectstore_pb2 as pb
from batos.v1.objectstore_pb2_grpc import ObjectStoreStub
from batos.values import from_wire
from fakes.children import until
from fakes.history import revision_of
from fakes.promises import Change, Seen

PAUSE_S = 0.1


class Watcher:
    """Keeps what one objectstore tells of everything after a token, while it comes and goes."""

    def __init__(self, name: str, store: Callable[[], ObjectStoreStub], token: str) -> None:
        self._store, self._token = store, token
        self.seen = Seen(name, revision_of(token), revision_of(token))
        self.resumed = 0
        self.broken: list[str] = []
        self._task = asyncio.create_task(self._follow(), name=name)

    async def reached(self, revision: int, seconds: float) -> bool:
        """Whether it gets to a revision in this time."""
        return await until(lambda: self.seen.upto >= revision, seconds)

    async def stop(self) -> None:
        """End it. What it failed with, where it was no failure of gRPC's, is raised here."""
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        if not self._task.cancelled() and (error := self._task.exception()) is not None:
            raise error

    async def _follow(self) -> None:
        while True:
            call = self._store().Watch(pb.WatchRequest(token=self._token))
            try:
                async for frame in call:
                    self._take(frame)
            except AioRpcError as error:
                if isinstance(from_rpc(error, service="objectstore", address=""), StaleToken):
                    self._token = ""  # from now on; what came before is known to be lost
            finally:
                call.cancel()
            self.resumed += 1
            await asyncio.sleep(PAUSE_S)

    def _take(self, frame: Any) -> None:
        if not self._token:
            self.seen.gaps.append((self.seen.upto, frame.revision))
        elif frame.revision < self.seen.upto:
            self.broken.append(f"{self.seen.name} went back from {self.seen.upto} to {frame.revision}")
        self.broken += [
            f"{self.seen.name} was told revision {change.revision} in a frame that ends at {frame.revision}"
            for change in frame.changes
            if change.revision > frame.revision
        ]
        self.seen.changes += [_change(change) for change in frame.changes]
        self.seen.upto, self._token = frame.revision, frame.token


def _change(change: pb.Change) -> Change:
    slots = None
    if change.part == pb.PART_SLOTS and not change.deleted:
        slots = _plain(change.slots)
    return Change(change.revision, change.id, change.part, slots)


def _plain(slots: object_pb.Slots) -> dict[str, object]:
    return {name: from_wire(value) for name, value in slots.values.items()}
