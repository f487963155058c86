"""A watch that loses nothing. Law: it goes on after what it told last, whatever becomes of the connection.

The next revision is one after the last event's, or after a progress notice's; never that of the answer that a watch was
created, which tells nothing about the events before it. What comes below it again is dropped.
"""

import asyncio
import time
from collections.abc import AsyncGenerator
from typing import Any, Final

import grpc.aio
from grpc.aio import AioRpcError

from kernel.errors import StaleToken, StoreUnavailable
from objectstore.etcd.connection import Connection, etcd
from objectstore.ledger import Event, Events, Span

_FIRST_PAUSE: Final = 0.05
_LONGEST_PAUSE: Final = 1.0
_RESUME_SECONDS: Final = 30.0
_STEADY_SECONDS: Final = 5.0  # a stream that stayed for as long was one, though there was nothing to tell


async def watch(
    connection: Connection, span: Span, after: int, *, resume_seconds: float = _RESUME_SECONDS
) -> AsyncGenerator[Events]:
    """Every change in the span after a revision, without end.

    StaleToken where etcd has compacted it away, StoreUnavailable where it does not come back within `resume_seconds`.
    """
    pause = _FIRST_PAUSE
    lost: float | None = None
    while lost is None or time.monotonic() - lost < resume_seconds:
        created = float("inf")
        try:
            async with connection.watching() as stream:
                await stream.write(_request(span, after + 1))
                while (response := await stream.read()) is not grpc.aio.EOF:
                    # That it was created proves nothing yet: it may be ended at once, again and again.
                    created = min(created, time.monotonic())
                    events = _events(response, after)
                    if events is not None:
                        after, pause, lost = events.revision, _FIRST_PAUSE, None
                        yield events
                    if response.canceled:
                        await connection.distrust()
                        break
        except (AioRpcError, asyncio.InvalidStateError):  # the latter where the stream ended before the write
            pass
        if time.monotonic() - created > _STEADY_SECONDS:
            lost, pause = None, _FIRST_PAUSE
        lost = lost or time.monotonic()
        await asyncio.sleep(pause)
        pause = min(pause * 2, _LONGEST_PAUSE)
    raise StoreUnavailable(f"etcd does not come back; watch again after revision {after}")


def _request(span: Span, first: int) -> Any:
    request = etcd.WatchCreateRequest(key=span.begin, range_end=span.end, start_revision=first, progress_notify=True)
    return etcd.WatchRequest(create_request=request)


def _events(response: Any, after: int) -> Events | None:
    if response.compact_revision:
        raise StaleToken(f"the changes after revision {after} are no longer kept: list again and watch from there")
    if response.created or response.canceled:
        return None
    if not response.events:
        return Events((), response.header.revision) if response.header.revision > after else None
    events = [_event(each) for each in response.events if each.kv.mod_revision > after]
    return Events(events, events[-1].revision) if events else None


def _event(event: Any) -> Event:
    deleted = event.type == etcd.Event.DELETE
    return Event(event.kv.key, None if deleted else event.kv.value, event.kv.mod_revision)
