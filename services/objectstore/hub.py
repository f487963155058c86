"""One watch of the ledger for all who watch. Law: however many read, and however slowly, the ledger has a few watches.

One feeds the flow. At most eight more are of readers whose token is older than it, while they catch up. The watch is of
all that the store keeps, so that every commit moves it. Where the ledger's clock moves otherwise, the hub moves it in
the store, so that readers always hear within a second or two that there was nothing for them. The same finds a watch
that hangs, and a ledger that went back.
"""

import asyncio
import logging
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing, asynccontextmanager, suppress
from typing import Final

from kernel.errors import KernelError, StaleToken, StoreUnavailable
from kernel.objects import SYSTEM_NAMESPACE
from objectstore import records
from objectstore.flow import KEEP_BYTES, TOO_SLOW, Flow
from objectstore.keys import EVERYTHING, META, LaneKey
from objectstore.ledger import Events, Ledger, Span, Step, Unclear
from objectstore.records import LaneRecord
from objectstore.steady import WentBack

_CATCHING_UP: Final = 8  # readers at once
_AHEAD: Final = 4  # batches that one of them has not read yet
_READ_SECONDS: Final = 10.0
_MOMENT_SECONDS: Final = 0.1  # for which a watch is kept; to begin it anew costs about as much
_IDLE_SECONDS: Final = 0.5
_HANGS_SECONDS: Final = 2.0
_GATHER_SECONDS: Final = 0.004  # between two batches: under load each reader gets some hundred a second
_TICKED: Final = "hub.tick"  # no committer can name its lane so: see check_lane
_TICK: Final = Step(puts={LaneKey(SYSTEM_NAMESPACE, _TICKED).encode(): records.encode(LaneRecord(0, committed=False))})

log = logging.getLogger(__name__)


class _Hangs(Exception):
    """The watch tells nothing, though there is something to tell."""


class Hub:
    """Watches of definitions, slots and members, as a ledger's; nothing runs while nobody watches."""

    def __init__(self, ledger: Ledger, *, keep_bytes: int = KEEP_BYTES) -> None:
        self._ledger = ledger
        self._keep_bytes = keep_bytes
        self._source: _Source | None = None
        self._catching_up = asyncio.Semaphore(_CATCHING_UP)

    @property
    def watchers(self) -> int:
        """Who reads now."""
        return self._source.readers if self._source else 0

    @property
    def lag(self) -> float:
        """Seconds since the ledger was last heard of; 0 while nobody watches. More than a second or two is a fault."""
        source = self._source
        return time.monotonic() - source.heard if source and source.readers else 0.0

    async def watch(self, span: Span, after: int) -> AsyncGenerator[Events]:
        """See Ledger; of one namespace. A reader that is too slow is told StoreUnavailable, and may watch again."""
        async with self._reading() as source:
            flow = await source.flow()
            if after > flow.revision and after > (await self._ledger.read(Span.key(META))).revision:
                raise StaleToken(f"revision {after} is yet to come: list again and watch from there")
            while after < flow.floor:
                async with aclosing(self._older(source, flow, span, after)) as older:
                    async for events in older:
                        yield events
                        after = events.revision
            async with aclosing(flow.read(span, after)) as told:
                async for events in told:
                    yield events

    async def _older(self, source: "_Source", flow: Flow, span: Span, after: int) -> AsyncGenerator[Events]:
        """What is older than the flow, from watches of its own."""
        ahead = _Ahead()
        fetching = asyncio.create_task(self._fetch(source, flow, span, after, ahead))
        try:
            while (events := await ahead.get()) is not None:
                yield events
        finally:
            fetching.cancel()
            await asyncio.gather(fetching, return_exceptions=True)

    async def _fetch(self, source: "_Source", flow: Flow, span: Span, after: int, ahead: "_Ahead") -> None:
        """Read until the flow goes on. While its reader takes its time, it has no watch, and its place is another's."""
        try:
            while after < flow.floor:
                await ahead.room(_READ_SECONDS)
                after = await self._fetch_some(source, flow, span, after, ahead)
            ahead.end(None)
        except KernelError as error:
            ahead.end(error)
        except Exception as error:  # whatever it is, it is told to who waits for it
            log.exception("a watch of what is older broke")
            ahead.end(_broke(error))

    async def _fetch_some(self, source: "_Source", flow: Flow, span: Span, after: int, ahead: "_Ahead") -> int:
        """Read until the flow goes on or the reader makes no room; up to which revision."""
        async with self._catching_up, source.wanted(), aclosing(self._ledger.watch(EVERYTHING, after)) as own:
            async for events in own:
                found = [event for event in events.events if span.begin <= event.key < span.end]
                ahead.put(Events(found, events.revision))
                after = events.revision
                if after >= flow.floor or not await ahead.soon():
                    break
        return after

    @asynccontextmanager
    async def _reading(self) -> AsyncGenerator["_Source"]:
        if self._source is None or self._source.ended:
            self._source = _Source(self._ledger, self._keep_bytes)
        source = self._source
        source.readers += 1
        try:
            yield source
        finally:
            source.readers -= 1
            if not source.readers:
                await source.stop()


class _Ahead:
    """A few batches between who fetches them and who reads them."""

    def __init__(self) -> None:
        self._batches: asyncio.Queue[Events | KernelError | None] = asyncio.Queue()
        self._room = asyncio.Event()
        self._room.set()

    async def room(self, seconds: float) -> None:
        """Wait for room. StoreUnavailable where the reader makes none in time."""
        try:
            async with asyncio.timeout(seconds):  # wait_for would pass over that its task is cancelled
                await self._room.wait()
        except TimeoutError:
            raise StoreUnavailable(TOO_SLOW) from None

    async def soon(self) -> bool:
        """Whether there is room, or will be in a moment."""
        with suppress(StoreUnavailable):
            await self.room(_MOMENT_SECONDS)
        return self._room.is_set()

    def put(self, events: Events) -> None:
        """One more, for which there is room."""
        self._batches.put_nowait(events)
        if self._batches.qsize() >= _AHEAD:
            self._room.clear()

    def end(self, failure: KernelError | None) -> None:
        """Nothing more comes."""
        self._batches.put_nowait(failure)

    async def get(self) -> Events | None:
        """The next; None at the end. Raises what it failed with."""
        batch = await self._batches.get()
        if isinstance(batch, KernelError):
            raise batch
        self._room.set()
        return batch


class _Source:
    """The watch of the ledger, and the flow that it feeds while someone reads."""

    def __init__(self, ledger: Ledger, keep_bytes: int) -> None:
        self._ledger = ledger
        self._keep_bytes = keep_bytes
        self._flow: asyncio.Future[Flow] = asyncio.get_running_loop().create_future()
        self._gathered: list[Events] = []
        self._told_at = 0.0
        self._telling: asyncio.TimerHandle | None = None
        self._wanted = 0
        self.readers = 0
        self.ended = False
        self.heard = time.monotonic()
        self._running = asyncio.create_task(self._run())

    async def flow(self) -> Flow:
        """The flow, once it has begun. StoreUnavailable."""
        return await asyncio.shield(self._flow)

    @asynccontextmanager
    async def wanted(self) -> AsyncGenerator[None]:
        """Have the store's clock moved while it stands still: someone waits for it."""
        self._wanted += 1
        try:
            yield
        finally:
            self._wanted -= 1

    async def stop(self) -> None:
        """Watch no longer."""
        self.ended = True
        self._running.cancel()
        await asyncio.gather(self._running, return_exceptions=True)
        if self._telling is not None:
            self._telling.cancel()
        if self._flow.done():
            self._flow.exception()  # whoever was to read it is gone
        self._flow.cancel()

    async def _run(self) -> None:
        try:
            flow = Flow((await self._ledger.read(Span.key(META))).revision, self._keep_bytes)
            self._flow.set_result(flow)
            while True:
                with suppress(_Hangs):
                    await self._feed(flow)
        except Exception as error:  # whatever it is, it is told to all who wait for it
            if not isinstance(error, KernelError):
                log.exception("the watch of the store broke")
            self.ended = True
            self._fail(_broke(error))

    def _fail(self, failure: StoreUnavailable) -> None:
        if self._flow.done():
            self._flow.result().fail(failure)
        else:
            self._flow.set_exception(failure)

    async def _feed(self, flow: Flow) -> None:
        """Tell what one watch tells, until it hangs."""
        told = self._gathered[-1].revision if self._gathered else flow.revision
        async with aclosing(self._ledger.watch(EVERYTHING, told)) as watch:
            coming = asyncio.ensure_future(_next(watch))
            owed = _Owed(told)
            try:
                while True:
                    await asyncio.wait({coming}, timeout=_IDLE_SECONDS)
                    if coming.done():
                        events = coming.result()
                        coming = asyncio.ensure_future(_next(watch))
                        owed.told(events.revision)
                        self._tell(flow, events)
                    else:
                        await self._idle(flow, owed)
            finally:
                coming.cancel()
                await asyncio.gather(coming, return_exceptions=True)

    def _tell(self, flow: Flow, events: Events) -> None:
        """At once, or with what comes in the next few milliseconds."""
        self._gathered.append(events)
        if self._telling is None:
            loop = asyncio.get_running_loop()
            self._telling = loop.call_at(max(loop.time(), self._told_at + _GATHER_SECONDS), self._add, flow)

    def _add(self, flow: Flow) -> None:
        gathered, self._gathered, self._telling = self._gathered, [], None
        self._told_at = asyncio.get_running_loop().time()
        self.heard = time.monotonic()
        flow.add(gathered)

    async def _idle(self, flow: Flow, owed: "_Owed") -> None:
        try:
            owed.now((await self._ledger.read(Span.key(META))).revision)
            if owed.late or self._wanted:
                owed.now(await self._ledger.transact(_TICK) or 0)
        except WentBack:
            raise  # all that was told is of another past
        except (KernelError, Unclear):
            return  # the watch itself tells, in time, that the ledger stays away
        if not owed.late:
            self.heard = time.monotonic()
        flow.beat()


class _Owed:
    """What a watch has still to tell, and since when. Raises _Hangs where that is too long ago."""

    def __init__(self, revision: int) -> None:
        self._told = self._known = revision
        self._since: float | None = None
        self.late = False

    def told(self, revision: int) -> None:
        self._told = revision
        self._since, self.late = None, False

    def now(self, revision: int) -> None:
        """The ledger's clock is at the revision. It is late where it was ahead of the watch already the last time."""
        self.late = self._since is not None and self._told < self._known
        self._known = max(self._known, revision)
        if self._told < self._known:
            self._since = self._since or time.monotonic()
            if time.monotonic() - self._since > _HANGS_SECONDS:
                raise _Hangs


def _broke(why: object) -> StoreUnavailable:
    return StoreUnavailable(f"the watch of the store broke ({why}): watch again, from the last token")


async def _next(watch: AsyncGenerator[Events]) -> Events:
    return await anext(watch)
