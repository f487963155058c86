"""One message by itself. Law: it runs on what memory has, which may be old, and the commit decides whether that held.

    run on the cache ▶ examples ▶ commit ──▶ reply, or the kept one where this request had its effect before
         │ not understood, not there, or after a conflict: again on what the store has now

Only there, where what is absent is absent, the receiver's own does_not_understand answers what is not understood.
So goes every message that a batch cannot take: those that send to other objects, that come with examples, that raise,
whose method is not isolated or not there. A miss abandons the run and leaves here; whoever waits for the method sends
the message again.
"""

import asyncio
import random
import time
from collections.abc import Callable, Collection, Mapping
from contextlib import AbstractAsyncContextManager, suppress
from dataclasses import replace
from types import MappingProxyType
from typing import TypeAlias

import vocabulary
from activation.examples import Tryout
from activation.run import Activator, Run, Tracing, to_does_not_understand
from activation.snapshot import ReadDefinition, ReadSlots, Snapshot
from dispatcher.cache import Cache
from dispatcher.commits import MAX_RUNS, Commits
from dispatcher.mailbox import Inputs, Letter
from dispatcher.measures import Measures
from dispatcher.recorder import Recorder
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
from kernel.messages import Consistency, Example, Message, MethodRef, Reply
from kernel.objects import MethodRecord, Namespace, ObjectId, Selector
from kernel.request_ids import check_request_id
from kernel.transactions import MAX_READS, KeptReply, Key, Part, Token, parse_token
from kernel.values import SlotValues, pack
from objectstore.store import Store

PAUSE_SECONDS = 0.002
HOLDING = 2  # runs after which what it sends to is kept from others, who would come between each time
MAX_VERDICTS = 10_000
_NOTHING: Mapping[ObjectId, SlotValues] = MappingProxyType({})


Hold: TypeAlias = Callable[[Namespace, Collection[ObjectId]], AbstractAsyncContextManager[None]]
"""Keeps the messages of some objects waiting during the block, if that can be had in time."""


class Alone:
    """Delivers one message at a time to an object whose mailbox the caller holds."""

    def __init__(
        self,
        store: Store,
        activator: Activator,
        commits: Commits,
        tracing: Tracing,
        measures: Measures,
        *,
        recorder: Recorder,
        hold: Hold,
    ) -> None:
        self._store, self._activator, self._commits, self._tracing = store, activator, commits, tracing
        self._measures, self._recorder, self._hold = measures, recorder, hold
        # What the examples that passed went through: the definitions, with the revisions that they had.
        self._passed: dict[tuple[Namespace, ObjectId, MethodRef, str], Mapping[Key, int]] = {}

    async def deliver(self, message: Message, inputs: Inputs, cache: Cache, runs: int = 0) -> Reply:
        """The reply. Raises Miss, and what the Send RPC fails with. `runs` tells how many conflicts came before."""
        if message.request_id:
            check_request_id(message.request_id, time.time())  # it may have waited
        others: frozenset[ObjectId] = frozenset()
        for attempt in range(runs, MAX_RUNS):
            if attempt and (earlier := await self._earlier(message, cache)) is not None:
                return earlier
            reads: dict[Key, int] = {}
            try:
                fresh = attempt > 0 or await self._wants_newer(message, cache)
                async with self._hold(message.namespace, others):
                    run = await self._run(message, cache, inputs, reads, fresh=fresh)
                    run = await self._check_examples(message, run, cache)
                    return self._recorded(message, run, inputs, await self._settled(message, run, cache))
            except Conflict as conflict:
                others = _sent_to(reads, message) if attempt + 1 >= HOLDING else others
                self._measures.repeated.count += attempt + 1 < MAX_RUNS
                cache.forget(reads, conflict.changed)
                # What it met was another commit, perhaps of a busy object: not to meet the next one too.
                await asyncio.sleep(random.uniform(0, PAUSE_SECONDS * 2**attempt))  # noqa: S311
            except (StoreUnavailable, Overloaded):
                raise
            except KernelError:
                # It fails now: perhaps because it had its effect before.
                if (earlier := await self._earlier(message, cache)) is not None:
                    return earlier
                raise
        raise Conflict(f"{message.receiver} kept changing: {MAX_RUNS} runs conflicted; send again")

    async def confirmed(self, letter: Letter, reply: Reply, cache: Cache) -> Reply:
        """The reply to a message that changed nothing: the kept one, where it did change something before."""
        return await self._earlier(letter.message, cache) or reply

    async def _run(self, message: Message, cache: Cache, inputs: Inputs, reads: dict[Key, int], *, fresh: bool) -> Run:
        """One run on what is known; where that says no, another on what the store has now.

        A failure is an answer too: it is told only of a state that was. Raises Conflict where the state was none.
        """
        if not fresh:
            # Absence is never decided from a cache.
            with suppress(NotUnderstood, ObjectNotFound):
                return await self._activated(message, cache, cache, inputs, reads)
            reads.clear()
        return await self._activated(message, _Fresh(cache), cache, inputs, reads)

    async def _activated(
        self, message: Message, snapshot: Snapshot, cache: Cache, inputs: Inputs, reads: dict[Key, int]
    ) -> Run:
        self._measures.alone.count += 1
        decided = snapshot is not cache
        try:
            return await self._activator.run(
                message, snapshot, now=inputs.now, seed=inputs.seed, reads=reads, decided=decided
            )
        except (Conflict, StoreUnavailable, Overloaded):
            raise
        except KernelError:
            if len(reads) <= MAX_READS and not cache.consistent(reads):
                await self._commits.commit(message.namespace, reads, {})
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

    async def _check_examples(self, message: Message, run: Run, cache: Cache) -> Run:
        """The version that answers must do what the sender's examples say, or nothing happens.

        What they went through counts as read by the run: another method on the way could have changed the verdict.
        """
        reads = dict(run.reads)
        for each in message.examples:
            example = _as_answered(each, message, run)
            key = message.namespace, message.receiver, run.method, example.digest()
            passed = self._passed.get(key)
            if passed is None or not cache.holds(passed):
                passed = await self._try(message, run, example, cache)
                if len(self._passed) >= MAX_VERDICTS:
                    self._passed.clear()
                self._passed[key] = passed
            reads.update(passed)
        return replace(run, reads=reads)

    async def _try(self, message: Message, run: Run, example: Example, cache: Cache) -> Mapping[Key, int]:
        """The definitions that a passing example went through. Raises ExamplesDisagree, of a state that was."""
        method, reads = run.record.method, dict[Key, int]()
        tryout = Tryout(self._activator, cache, message.namespace)
        with self._tracing.span(vocabulary.SPAN_TRIAL, {vocabulary.EXAMPLE_COUNT: 1}):
            verdict = await tryout.check(method, message.receiver, example, reads)
        through = {key: revision for key, revision in reads.items() if key.part is Part.DEFINITION}
        if verdict.passed:
            return through
        if not cache.consistent(everything := {**run.reads, **through}):
            await self._commits.commit(message.namespace, everything, {})
        raise ExamplesDisagree(
            f"{method.holder}.{method.selector} version {method.number} fails an example of this message: "
            f"{verdict.failure}",
            holder=method.holder,
            selector=method.selector,
            version=str(method.number),
        )

    async def _settled(self, message: Message, run: Run, cache: Cache) -> Reply:
        """The reply, once what it rests on is durable. Raises Conflict."""
        newest = message.consistency is Consistency.FULL
        written = _NOTHING if message.dry_run else run.writes
        reply = Reply(run.result, run.method, writes=run.writes if message.dry_run else _NOTHING)
        if not written and not newest and cache.consistent(run.reads):
            token = cache.token(run.reads)
        else:
            token = await self._committed(message, run, written, cache)
        reply = replace(reply, token=str(token))
        return reply if written else await self._earlier(message, cache) or reply

    async def _committed(
        self, message: Message, run: Run, written: Mapping[ObjectId, SlotValues], cache: Cache
    ) -> Token:
        writes = {object_id: pack(slots) for object_id, slots in written.items()}
        kept = _kept_reply(message, run) if writes else ()
        names = {vocabulary.COMMIT_READS: len(run.reads), vocabulary.COMMIT_WRITES: len(writes)}
        with self._tracing.span(vocabulary.SPAN_COMMIT, names):
            return await self._commits.commit(
                message.namespace,
                run.reads,
                writes,
                kept,
                made=lambda token: cache.committed(run.reads, written, token.revision),
            )

    def _recorded(self, message: Message, run: Run, inputs: Inputs, reply: Reply) -> Reply:
        if not message.dry_run and not reply.replayed:
            self._recorder.ran(message, run, inputs)
        return reply

    async def _earlier(self, message: Message, cache: Cache) -> Reply | None:
        """The reply that was kept when the same request took effect. Raises RequestIdReused, BadArguments."""
        if not message.request_id:
            return None
        definition = (await cache.definition(message.receiver)).definition
        if definition is None:
            return None
        receiver, incarnation = message.receiver, definition.incarnation
        kept, token = await self._store.kept_reply(
            message.namespace, receiver, incarnation, message.principal, message.request_id
        )
        if kept is None:
            return None
        if kept.message_digest != message.digest():
            raise RequestIdReused(message.request_id)
        return Reply(kept.result, kept.method, str(token), replayed=True)


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


def _sent_to(reads: Mapping[Key, int], message: Message) -> frozenset[ObjectId]:
    """The objects beside the receiver whose slots a run read."""
    return frozenset(key.object_id for key in reads if key.part is Part.SLOTS) - {message.receiver}


def _as_answered(example: Example, message: Message, run: Run) -> Example:
    """The example as an example of the method that answers: of a does_not_understand, it is one of an argument."""
    if run.method.selector == message.selector:
        return example
    sent = to_does_not_understand(replace(message, arguments=example.arguments, keywords=example.keywords))
    return replace(example, arguments=sent.arguments, keywords=sent.keywords)


def _kept_reply(message: Message, run: Run) -> tuple[KeptReply, ...]:
    """What to keep with the effects, so that the same request id has them once; without effects nothing is kept."""
    return (KeptReply.to(message, run.incarnation, run.result, run.method),) if message.request_id else ()
