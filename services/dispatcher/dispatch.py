"""The road of one message. Law: a reply is committed state, a failure had no effect, and a miss spans no transaction.

    send ── deliver: mailbox ▶ kept reply? ▶ run on the cache ▶ examples ▶ commit ──▶ reply
      ▲                          │ not understood, by a fresh read
      └── wait for the synthesis ◀┘

A hit runs on what the cache has, which may be old; the commit compares everything that was read, so that an old state
costs another run and never a wrong effect. After a conflict, and before a message counts as not understood, the run is
repeated on what the store has now. A miss abandons the run, waits for the method, and begins the road again.
"""

import secrets
import time
from contextlib import suppress
from dataclasses import dataclass, replace

import vocabulary
from activation.examples import Tryout
from activation.run import Activator, Miss, Run, Tracing
from activation.snapshot import ReadDefinition, ReadSlots, Snapshot
from dispatcher.cache import Cache, Caches
from dispatcher.commits import Commits
from dispatcher.mailbox import Mailboxes
from dispatcher.misses import Misses, Synthesizer, Waiting
from kernel.errors import (
    Conflict,
    ExamplesDisagree,
    KernelError,
    NotUnderstood,
    ObjectNotFound,
    Overloaded,
    RequestIdReused,
    StaleToken,
    StoreUnavailable,
)
from kernel.messages import MAX_INTENT, Consistency, Message, Reply
from kernel.objects import MethodRecord, ObjectId, Selector
from kernel.request_ids import check_request_id
from kernel.transactions import MAX_READS, KeptReply, Key, Part, Transaction, parse_token
from objectstore.store import Store

MAX_RUNS = 5
MAX_MISSES = 5
MAX_VERDICTS = 10_000


@dataclass(frozen=True, slots=True)
class Inputs:
    """Clock (seconds since 1970) and randomness of a root send: the same in each of its runs."""

    now: float
    seed: int


class Dispatch:
    """Delivers messages; the only thing it keeps is what a restart may forget."""

    def __init__(self, store: Store, activator: Activator, synthesizer: Synthesizer, tracing: Tracing) -> None:
        self._store, self._activator, self._tracing = store, activator, tracing
        self._misses = Misses(synthesizer)
        self._caches, self._commits, self._mailboxes = Caches(store), Commits(store), Mailboxes()
        # Examples that passed, by the definitions that were gone through and the example's digest.
        self._passed: dict[tuple[frozenset[tuple[Key, int]], str], None] = {}

    def hurry(self) -> None:
        """Let those who wait for a method come back later, so that a stop is not held up."""
        self._misses.hurry()

    async def stop(self) -> None:
        """End what runs beside the messages; those under way must have ended."""
        await self._caches.stop()

    async def send(self, message: Message, waiting: Waiting | None = None) -> Reply:
        """Deliver a message and wait for the answer; what it fails with is told by the Send RPC."""
        inputs = Inputs(time.time(), secrets.randbits(63))
        synthesized = False
        for _ in range(MAX_MISSES):
            try:
                reply = await self._deliver(message, inputs)
            except Miss as miss:
                await self._misses.wait(_asked(miss, message), message, waiting or Waiting())
                synthesized = True
            else:
                return replace(reply, synthesized=synthesized)
        raise NotUnderstood(message.receiver, message.selector, why=f"{MAX_MISSES} methods were written on the way")

    async def _deliver(self, message: Message, inputs: Inputs) -> Reply:
        cache = await self._caches.of(message)
        async with self._mailboxes.open(message.namespace, message.receiver):
            for attempt in range(MAX_RUNS):
                if (earlier := await self._earlier(message, cache)) is not None:
                    return earlier
                reads: dict[Key, int] = {}
                try:
                    fresh = attempt > 0 or await self._wants_newer(message, cache)
                    run = await self._run(message, cache, inputs, reads, fresh=fresh)
                    await self._check_examples(message, run, cache)
                    return await self._settled(message, run, cache)
                except Conflict:
                    cache.forget(reads)
        raise Conflict(f"{message.receiver} kept changing: {MAX_RUNS} runs conflicted; send again")

    async def _run(self, message: Message, cache: Cache, inputs: Inputs, reads: dict[Key, int], *, fresh: bool) -> Run:
        """One run on what is known; where that says no, another on what the store has now.

        A failure is an answer too: it is told only of a state that was. Raises Conflict where the state was none.
        """
        if not fresh:
            # Absence is never decided from a cache.
            with suppress(Miss, ObjectNotFound):
                return await self._activated(message, cache, inputs, reads)
            reads.clear()
        return await self._activated(message, _Fresh(cache), inputs, reads)

    async def _activated(self, message: Message, snapshot: Snapshot, inputs: Inputs, reads: dict[Key, int]) -> Run:
        try:
            return await self._activator.run(message, snapshot, now=inputs.now, seed=inputs.seed, reads=reads)
        except (Conflict, StoreUnavailable, Overloaded):
            raise
        except KernelError:
            cache = await self._caches.of(message)
            if len(reads) <= MAX_READS and not cache.consistent(reads):
                await self._commits.commit(Transaction(message.namespace, reads), lambda _: None)
            raise

    async def _wants_newer(self, message: Message, cache: Cache) -> bool:
        """Whether the sender wants newer state than is known to be here. Raises StaleToken, BadArguments."""
        if message.consistency is not Consistency.AT_LEAST:
            return message.consistency is Consistency.FULL
        token, known = parse_token(message.token), cache.horizon
        if known is not None and known.epoch == token.epoch and token.revision <= known.revision:
            return False
        known = (await self._store.get(message.namespace, message.receiver)).token
        if token.epoch != known.epoch or token.revision > known.revision:
            raise StaleToken("the token is of another store, or of before a restore; read again without it")
        return True

    async def _check_examples(self, message: Message, run: Run, cache: Cache) -> None:
        """The version that answers must do what the sender's examples say, or nothing happens."""
        method = run.record.method
        # A verdict holds for the definitions that the run went through: another method on the way may change it.
        ran = frozenset((key, revision) for key, revision in run.reads.items() if key.part is Part.DEFINITION)
        unknown = [each for each in message.examples if (ran, each.digest()) not in self._passed]
        if not unknown:
            return
        tryout = Tryout(self._activator, cache, message.namespace)
        with self._tracing.span(vocabulary.SPAN_TRIAL, {vocabulary.EXAMPLE_COUNT: len(unknown)}):
            for example in unknown:
                verdict = await tryout.check(method, message.receiver, example)
                if not verdict.passed:
                    raise ExamplesDisagree(
                        f"{method.holder}.{method.selector} version {method.number} fails an example of this message: "
                        f"{verdict.failure}",
                        holder=method.holder,
                        selector=method.selector,
                        version=str(method.number),
                    )
                if len(self._passed) >= MAX_VERDICTS:
                    self._passed.clear()
                self._passed[ran, example.digest()] = None

    async def _settled(self, message: Message, run: Run, cache: Cache) -> Reply:
        """The reply, once what it rests on is durable. Raises Conflict."""
        horizon = cache.horizon
        newest = message.consistency is Consistency.FULL
        if not run.writes and not newest and cache.consistent(run.reads):
            return Reply(run.result, run.method, str(horizon))
        kept = _kept_reply(message, run)
        transaction = Transaction(message.namespace, run.reads, run.writes, kept)
        names = {vocabulary.COMMIT_READS: len(run.reads), vocabulary.COMMIT_WRITES: len(run.writes)}
        with self._tracing.span(vocabulary.SPAN_COMMIT, names):
            token = await self._commits.commit(transaction, lambda made: cache.committed(run.writes, made.revision))
        return Reply(run.result, run.method, str(token))

    async def _earlier(self, message: Message, cache: Cache) -> Reply | None:
        """The reply that was kept when the same request took effect. Raises RequestIdReused, BadArguments."""
        if not message.request_id:
            return None
        check_request_id(message.request_id, time.time())  # it may have waited
        definition = (await cache.definition(message.receiver)).definition
        if definition is None:
            return None
        receiver, incarnation = message.receiver, definition.incarnation
        kept = await self._store.kept_reply(
            message.namespace, receiver, incarnation, message.principal, message.request_id
        )
        if kept is None:
            return None
        if kept.message_digest != message.digest():
            raise RequestIdReused(message.request_id)
        now = await self._store.get(message.namespace, message.receiver)  # a token no older than the effects
        return Reply(kept.result, kept.method, str(now.token), replayed=True)


class _Fresh:
    """A snapshot by linearizable reads, each object once."""

    def __init__(self, cache: Cache) -> None:
        self._cache = cache
        self._read: dict[ObjectId, tuple[ReadDefinition, ReadSlots]] = {}

    async def definition(self, object_id: ObjectId) -> ReadDefinition:
        return (await self._load(object_id))[0]

    async def slots(self, object_id: ObjectId) -> ReadSlots:
        return (await self._load(object_id))[1]

    async def method(self, holder: ObjectId, incarnation: str, selector: Selector, number: int) -> MethodRecord:
        return await self._cache.method(holder, incarnation, selector, number)

    async def _load(self, object_id: ObjectId) -> tuple[ReadDefinition, ReadSlots]:
        if object_id not in self._read:
            self._read[object_id] = await self._cache.load(object_id)
        return self._read[object_id]


def _asked(miss: Miss, root: Message) -> Miss:
    """The miss to wait for: the root's own, or a nested one with the root's intent as its reason."""
    if miss.message is root or not root.intent:
        return miss
    why = f"needed by {root.receiver}.{root.selector}: {root.intent}"[:MAX_INTENT]
    return Miss(replace(miss.message, intent=why), miss.near, miss.path)


def _kept_reply(message: Message, run: Run) -> KeptReply | None:
    """What to keep with the effects, so that the same request id has them once; without effects nothing is kept."""
    if not message.request_id or not run.writes:
        return None
    return KeptReply(
        message.receiver,
        run.incarnation,
        message.principal,
        message.request_id,
        message.digest(),
        run.result,
        run.method,
    )
