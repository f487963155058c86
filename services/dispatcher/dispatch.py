"""The road of one message. Law: a reply is committed state, a failure had no effect, and a miss spans no transaction.

    send ──▶ mailbox ──▶ batch: with others, by what memory says ──▶ commit ──▶ reply
      ▲          └─────▶ alone: whatever needs a run of its own ──▶ commit ──▶ reply
      │                        │ not understood, by a fresh read
      └── wait for the method ◀┘

A hit runs on what the cache has, which may be old; the commit compares everything that was read, so that an old state
costs another run and never a wrong effect. After a conflict, and before a message counts as not understood, the run is
repeated on what the store has now. A miss abandons the run, waits for the method, and begins the road again.
"""

import asyncio
import secrets
import time
from collections.abc import AsyncGenerator, Collection
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from typing import Protocol

from activation.batch import Batches
from activation.run import Activator, Miss
from activation.run import Tracing as RunTracing
from chassis.metrics import Metrics
from dispatcher.alone import Alone
from dispatcher.batch import Batcher
from dispatcher.cache import Cache
from dispatcher.caches import Caches
from dispatcher.commits import Commits
from dispatcher.mailbox import Inputs, Letter, Mailbox, Mailboxes
from dispatcher.measures import Measures
from dispatcher.misses import Misses, Synthesizer, Waiting
from dispatcher.owners import Owners
from dispatcher.recorder import Recorder
from dispatcher.running import Running
from dispatcher.spans import Spans
from dispatcher.spans import Tracing as BatchTracing
from kernel.errors import KernelError, NotUnderstood, Overloaded
from kernel.messages import MAX_INTENT, Message, Reply
from kernel.objects import Namespace, ObjectId
from objectstore.store import Store

MAX_MISSES = 5
STOP_SECONDS = 5.0
HOLD_SECONDS = 0.5


class Tracing(RunTracing, BatchTracing, Protocol):
    """Where spans are made; `chassis.telemetry.Telemetry` is one."""

    @property
    def recording(self) -> bool:
        """Whether spans are recorded below the current one."""
        ...


class Dispatch:
    """Delivers messages, those of objects that others own through them; keeps only what a restart may forget."""

    def __init__(
        self,
        store: Store,
        activator: Activator,
        batches: Batches,
        synthesizer: Synthesizer,
        tracing: Tracing,
        *,
        owners: Owners | None = None,
        measures: Measures | None = None,
        recorder: Recorder | None = None,
    ) -> None:
        self._tracing, self._owners = tracing, owners
        self._measures = measures = measures or Measures(Metrics())
        self._misses, self._caches = Misses(synthesizer), Caches(store)
        self._commits = commits = Commits(store, measures=measures)
        self._mailboxes = Mailboxes(self._work)
        measures.queued(lambda: self.waiting)
        self._recorder = recorder = recorder or Recorder(store, enabled=False)
        self._alone = Alone(store, activator, commits, tracing, measures, recorder=recorder, hold=self._hold)
        running, spans = Running(batches), Spans(tracing)
        self._batcher = Batcher(
            running, commits, self._mailboxes, spans, measures, recorder=recorder, confirm=self._confirm
        )
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def waiting(self) -> int:
        """Messages whose work has not ended."""
        return self._mailboxes.waiting

    def hurry(self) -> None:
        """Let those who wait for a method come back later, so that a stop is not held up."""
        self._misses.hurry()

    async def stop(self, seconds: float = STOP_SECONDS) -> None:
        """End what runs beside the messages; what is under way has so many seconds to end, and is given up then."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._mailboxes.empty(), seconds)
        await self._commits.close()
        await self._recorder.stop()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._caches.stop()

    async def send(self, message: Message, waiting: Waiting | None = None) -> Reply:
        """Deliver a message and wait for the answer; what it fails with is told by the Send RPC."""
        began, waiting = time.perf_counter(), waiting or Waiting()
        try:
            try:
                reply = await self._deliver(message, waiting)
            except Miss as miss:
                reply = await self._missed(miss, message, waiting)
        except KernelError as error:
            self._measures.messages[error.reason].add(time.perf_counter() - began)
            raise
        self._measures.messages[""].add(time.perf_counter() - began)
        return reply

    async def _missed(self, miss: Miss, message: Message, waiting: Waiting) -> Reply:
        """The reply once the method is there, and those that are missed then."""
        for _ in range(MAX_MISSES):
            if message.dry_run:
                raise NotUnderstood(miss.receiver, miss.selector, miss.near) from None
            await self._misses.wait(_asked(miss, message), message, waiting)
            try:
                reply = await self._deliver(message, waiting)
            except Miss as another:
                miss = another
            else:
                return replace(reply, synthesized=True)
        raise NotUnderstood(message.receiver, message.selector, why=f"{MAX_MISSES} methods were written on the way")

    async def run_here(self, message: Message, size: int = 0) -> Reply:
        """Deliver a message that another dispatcher passed on, whoever owns its receiver. As send; a miss fails."""
        if self._owners is not None:
            await self._owners.belong()
        return await self._run(message, size)

    async def _deliver(self, message: Message, waiting: Waiting) -> Reply:
        """The reply of the dispatcher that owns the receiver, which mostly is this one. As send; raises Miss."""
        if self._owners is not None and not self._owners.alone:
            now = asyncio.get_running_loop().time()
            seconds = None if waiting.deadline is None else max(waiting.deadline - now, 0.0)
            if (reply := await self._owners.elsewhere(message, seconds)) is not None:
                return reply
        return await self._run(message, waiting.size)

    async def _run(self, message: Message, size: int) -> Reply:
        """Post a letter and wait. Cancelled, it is not run any more, or its reply goes nowhere."""
        reply: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        letter = Letter(message, reply, size, recorded=self._tracing.recording)
        self._mailboxes.post(letter)
        try:
            return await reply
        except asyncio.CancelledError:
            self._mailboxes.left(letter)
            raise

    def _work(self, mailbox: Mailbox) -> None:
        """Answer what stands in front of a mailbox, and give it back."""
        cache = self._caches.known(mailbox.namespace)
        if cache is not None and self._batcher.begin(mailbox, cache):
            return
        letter = next((letter for letter in mailbox.letters if not letter.reply.done()), None)
        if letter is None:
            self._mailboxes.done(mailbox)
            return
        if letter.held is not None:
            mailbox.letters.remove(letter)
            letter.held.set_result(mailbox)
            return
        known = cache is not None and cache.has(letter.message.receiver, letter.message.selector)
        alone = letter.alone or letter.fetched or known
        if not letter.fetched:
            (self._measures.known if known else self._measures.fetches).count += 1
        if alone:
            mailbox.letters.remove(letter)
        work = self._run_alone(letter, mailbox) if alone else self._fetch(letter, mailbox)
        task = asyncio.create_task(work, context=letter.context)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _fetch(self, letter: Letter, mailbox: Mailbox) -> None:
        """Bring into memory what the letter needs, so that it may run with others."""
        letter.fetched = True
        try:
            cache = await self._caches.of(letter.message)
            await cache.fetch(letter.message.receiver, letter.message.selector)
        except KernelError:
            letter.alone = True  # what is wrong is told there
        finally:
            self._mailboxes.done(mailbox)

    async def _run_alone(self, letter: Letter, mailbox: Mailbox) -> None:
        run = asyncio.create_task(self._delivered(letter))
        letter.reply.add_done_callback(lambda _: run.cancel())  # its sender has gone
        try:
            await asyncio.wait({run})
            _settle(letter, run)
        finally:
            run.cancel()
            self._mailboxes.done(mailbox)

    async def _delivered(self, letter: Letter) -> Reply:
        cache = await self._caches.of(letter.message)
        letter.inputs = inputs = letter.inputs or Inputs(time.time(), secrets.randbits(63))
        return await self._alone.deliver(letter.message, inputs, cache, letter.runs)

    @asynccontextmanager
    async def _hold(self, namespace: Namespace, objects: Collection[ObjectId]) -> AsyncGenerator[None]:
        """Have the mailboxes of these objects too, so that their own messages do not come between.

        Two roots may each have what the other wants: who does not get all in time goes on without, as commits allow.
        """
        held: list[Mailbox] = []
        try:
            with suppress(TimeoutError, Overloaded):
                async with asyncio.timeout(HOLD_SECONDS):
                    for object_id in sorted(objects):
                        held.append(await self._mailboxes.hold(namespace, object_id))  # noqa: PERF401 - one by one
            yield
        finally:
            for mailbox in held:
                self._mailboxes.done(mailbox)

    def _confirm(self, letter: Letter, reply: Reply, cache: Cache) -> None:
        """Answer a message that changed nothing, once it is known that it did not do so before."""

        async def confirm() -> None:
            asked = asyncio.create_task(self._alone.confirmed(letter, reply, cache))
            await asyncio.wait({asked})
            _settle(letter, asked)

        task = asyncio.create_task(confirm(), context=letter.context)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _settle(letter: Letter, done: asyncio.Task[Reply]) -> None:
    """Answer the letter with what came of its run."""
    if letter.reply.done():
        if not done.cancelled():
            done.exception()  # seen; nobody waits for it
    elif done.cancelled():
        letter.reply.cancel()
    elif (error := done.exception()) is not None:
        letter.reply.set_exception(error)
    else:
        letter.reply.set_result(done.result())


def _asked(miss: Miss, root: Message) -> Miss:
    """The miss to wait for: the root's own, or a nested one with the root's intent as its reason."""
    if miss.message is root or not root.intent:
        return miss
    why = f"needed by {root.receiver}.{root.selector}: {root.intent}"[:MAX_INTENT]
    return Miss(replace(miss.message, intent=why), miss.near, miss.path)
