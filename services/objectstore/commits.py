"""Commits, kept replies and the watch. Law: what a commit read is compared whole, absences too; what it wrote is told.

A commit brings the lane of its committer. Without anything to write it only reads, and leaves the lane alone.
"""

import re
from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence
from contextlib import aclosing
from typing import Final

from kernel.errors import BadArguments, Conflict, StaleToken
from kernel.objects import Namespace, ObjectId
from kernel.transactions import KeptReply, Key, Lane, Part, Token, Transaction
from kernel.values import check_packed
from objectstore import records
from objectstore.core import Core
from objectstore.keys import DefinitionKey, ReplyKey, RestoredKey, SlotsKey, parse, watched
from objectstore.lanes import check_lane
from objectstore.lately import Lately
from objectstore.ledger import Event, Events, Span, Step, differing
from objectstore.store import Change, Changes

REPLY_SECONDS: Final = 15 * 60  # 10 minutes are promised; the rest is for clocks that differ
TOLD: Final = 8  # of what changed, where a status must stay small
_FRAME_BYTES: Final = 1 << 20
_INCARNATION: Final = re.compile(r"[0-9a-f]{16}")  # see Objects, which makes them
_MOST_PRINCIPAL: Final = 256
_MOST_REQUEST_ID: Final = 64


class Commits:
    """The part of the store that applies transactions and tells of them; see Store for what each method promises."""

    _core: Core
    _told: Lately[Events, Sequence[Changes]]  # every watcher of a namespace is told the same

    async def commit(self, transaction: Transaction, lane: Lane) -> Token:
        """See Store."""
        _check(transaction)
        check_lane(lane)
        namespace = transaction.namespace
        same = {_key(namespace, key): revision for key, revision in transaction.reads.items()}
        names = {_key(namespace, key): key.name for key in transaction.reads}
        passing: dict[bytes, bytes] = {}
        for reply in transaction.replies:
            key = _reply_key(namespace, reply)
            same[key], names[key], passing[key] = 0, reply.name, records.encode_reply(reply)
        puts = {
            SlotsKey(namespace, object_id).encode(): records.encode_slots(check_packed(packed))
            for object_id, packed in transaction.writes.items()
        }
        if not puts and not passing:
            return self._core.token(await self._validate(same, names))
        step = Step(same, puts=puts, passing=passing, seconds=REPLY_SECONDS)
        outcome = await self._core.lanes.take_in(namespace, lane, step)
        if outcome.revision is None:
            raise _conflict([names[key] for key in outcome.found])
        return self._core.token(outcome.revision)

    async def settle(self, namespace: Namespace, lane: Lane) -> Token | None:
        """See Store."""
        revision = await self._core.lanes.settle(namespace, lane)
        return None if revision is None else self._core.token(revision)

    async def kept_reply(
        self, namespace: Namespace, receiver: ObjectId, incarnation: str, principal: str, request_id: str
    ) -> tuple[KeptReply | None, Token]:
        """See Store."""
        key = ReplyKey(namespace, receiver, incarnation, principal, request_id).encode()
        reading = await self._core.ledger.read(Span.key(key))
        entry = reading.only(0)
        reply = records.reply(entry.value, receiver, incarnation, principal, request_id) if entry else None
        return reply, self._core.token(reading.revision)

    async def watch(self, namespace: Namespace, after: Token | None) -> AsyncGenerator[Changes]:
        """See Store."""
        if after is None:
            after = self._core.token((await self._core.ledger.read()).revision)
        elif after.epoch != self._core.epoch:
            await self._core.ledger.read()  # of a restore that another server did, this one may not know yet
            if after.epoch != self._core.epoch:
                raise _restored()
        yield Changes((), after)
        async with aclosing(self._core.hub.watch(watched(namespace), after.revision)) as batches:
            async for batch in batches:
                for changes in self._told.of(batch):
                    if changes.token.epoch != after.epoch:
                        raise _restored()
                    yield changes

    def changes_of(self, batch: Events) -> Sequence[Changes]:
        """What a batch of a namespace's events tells, in parts that fit a frame. StaleToken of a restore."""
        frames: list[Changes] = []
        for revision, events in _frames(batch):
            changes = [change for event in events if (change := _change(event)) is not None]
            frames.append(Changes(changes, self._core.token(revision)))
        return frames

    async def _validate(self, same: Mapping[bytes, int], names: Mapping[bytes, str]) -> int:
        changed, revision = await differing(self._core.ledger, same)
        if changed:
            raise _conflict([names[key] for key in changed])
        return revision


def _check(transaction: Transaction) -> None:
    transaction.check()
    for object_id in transaction.writes:
        for part in (Part.DEFINITION, Part.SLOTS):
            if not transaction.reads.get(Key(object_id, part)):
                raise BadArguments(f"{object_id} is written, so its definition and slots must be read, and be there")
    for reply in transaction.replies:
        if not transaction.reads.get(Key(reply.receiver, Part.DEFINITION)):
            raise BadArguments(f"a reply of {reply.receiver} is kept, so its definition must be read, and be there")
        _check_reply(reply)
    if len({reply.name for reply in transaction.replies}) < len(transaction.replies):
        raise BadArguments("two replies are kept for one request", field="replies")


def _check_reply(reply: KeptReply) -> None:
    """Raises BadArguments where its key would be none, or one that is too long."""
    named = 0 < len(reply.principal) <= _MOST_PRINCIPAL and 0 < len(reply.request_id) <= _MOST_REQUEST_ID
    if not (named and _INCARNATION.fullmatch(reply.incarnation)):
        raise BadArguments(
            "a kept reply names the incarnation that its receiver has, a principal of at most"
            f" {_MOST_PRINCIPAL} characters and a request id of at most {_MOST_REQUEST_ID}",
            field="replies",
        )


def _key(namespace: Namespace, key: Key) -> bytes:
    kind = DefinitionKey if key.part is Part.DEFINITION else SlotsKey
    return kind(namespace, key.object_id).encode()


def _reply_key(namespace: Namespace, reply: KeptReply) -> bytes:
    return ReplyKey(namespace, reply.receiver, reply.incarnation, reply.principal, reply.request_id).encode()


def _conflict(changed: Sequence[str]) -> Conflict:
    told = ", ".join(changed[:TOLD]) + (f" and {len(changed) - TOLD} more" if len(changed) > TOLD else "")
    return Conflict(f"changed since it was read: {told or 'something'}; run again", changed)


def _restored() -> StaleToken:
    return StaleToken("the token is of another epoch of the store: list again and watch from there")


def _frames(batch: Events) -> Iterator[tuple[int, Sequence[Event]]]:
    """A batch in parts that each fit a frame: whole revisions, each part with its last one."""
    frame: list[Event] = []
    size = 0
    for event in batch.events:
        if size > _FRAME_BYTES and event.revision > frame[-1].revision:
            yield frame[-1].revision, frame
            frame, size = [], 0
        frame.append(event)
        size += len(event.value or b"")
    yield batch.revision, frame


def _change(event: Event) -> Change | None:
    """What an event of the watched range tells; None for what lies there beside definitions and slots."""
    key = parse(event.key)
    value = event.value
    if isinstance(key, DefinitionKey):
        definition = None if value is None else records.definition(value)
        return Change(Key(key.object_id, Part.DEFINITION), event.revision, definition)
    if isinstance(key, SlotsKey):
        packed = None if value is None else records.packed(value)
        return Change(Key(key.object_id, Part.SLOTS), event.revision, None, packed)
    if isinstance(key, RestoredKey) and value is not None:
        raise _restored()
    return None
