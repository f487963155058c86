"""Filling a store from a backup. Law: no step of a restore is taken after what follows it was begun.

Until all is there, META says that the store is being restored, with a name for the restore. Every server compares META
in each step and reads it with everything else (see `epochs`), so none serves or changes anything meanwhile; watchers
are told to list again before the first key changes. At the end META gets a new epoch.

Each step of a restore compares META's revision. A step whose answer was lost may still arrive. So META is put anew
before it is sent again, and between emptying and filling: then it no longer holds.

A restore that fails empties the store again. One that was killed leaves a store that says it is being restored: the
next restore begins anew, and whatever of the first is still under way no longer holds. So it is with two at a time:
the later one wins.
"""

import asyncio
import logging
import time
from collections.abc import AsyncIterable, Sequence
from contextlib import suppress
from dataclasses import replace
from itertools import groupby
from typing import Final

from kernel.errors import BadArguments, Conflict, KernelError, StoreFull, StoreUnavailable
from kernel.objects import ROOT, SYSTEM_NAMESPACE, Namespace
from kernel.transactions import Token
from objectstore import records
from objectstore.backups import BackupPart, Pair, header_of, pairs_of
from objectstore.commits import REPLY_SECONDS
from objectstore.epochs import Held, new_name
from objectstore.interrupted import interrupted, seconds_of
from objectstore.keys import EVERYTHING, META, DefinitionKey, EdgeKey, RestoredKey, SlotsKey, StoredKey, parse
from objectstore.ledger import Ledger, Span, Step, Unclear
from objectstore.ledger_store import LedgerStore
from objectstore.pages import pages
from objectstore.places import is_ephemeral, outlasts_restore, place
from objectstore.records import Meta

_ATTEMPTS: Final = 12
_LOST_SECONDS: Final = 30.0  # for which a ledger that went away is waited for
_PAUSE: Final = 0.2
_STEP_KEYS: Final = 100
_STEP_BYTES: Final = 512 << 10
_PAGE: Final = 10_000
_PERSONA: Final = "persona/"
_SWITCH: Final = "synthesis"
_ANOTHER: Final = "another restore has begun: let that one end"

log = logging.getLogger(__name__)


async def restore(store: LedgerStore, parts: AsyncIterable[BackupPart]) -> tuple[int, Token]:
    """How many entries were restored, and the store's clock in its new epoch.

    BadArguments where the store is not empty or the parts are no whole backup; Conflict where another restore began;
    StoreUnavailable, StoreFull. The store is empty then, unless another restore goes on.
    """
    iterator = aiter(parts)
    await header_of(iterator)
    restoring = _Restoring(store.ledger.beneath)
    try:
        await restoring.begin()
        await restoring.empty()
        await restoring.fence()
        count = await restoring.fill(pairs_of(iterator))
        token = await restoring.end()
    except BaseException:  # whoever goes away in the middle leaves an empty store too, not a half one
        if await restoring.abandon():
            await _bootstrap(store)
        raise
    await _bootstrap(store)
    return count, token


class _Restoring:
    """A restore under way, which has a name in META."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._name, self._epoch = new_name(), new_name()
        self._held: Held | None = None  # META as the last step compares it; None while none can be under way
        self._told: set[bytes] = set()

    async def begin(self) -> None:
        """Have the store say that it is being restored. BadArguments where it is not empty, Conflict."""
        for _ in range(_ATTEMPTS):
            reading = await self._ledger.read(Span.key(META))
            held = Held.of(reading.only(0))
            if held.meta.restoring == self._name:
                self._held = held
                return
            if not held.meta.restoring:  # else it was empty, and nobody has changed anything since
                await _refuse_full(self._ledger, reading.revision)
            quiet = () if held.meta.restoring else [(EVERYTHING, reading.revision)]
            puts = {META: records.encode_meta(replace(held.meta, restoring=self._name))}
            self._held = held
            try:
                await self._ledger.transact(Step({META: held.revision}, quiet, puts))
            except Unclear:
                await asyncio.sleep(_PAUSE)  # the next read tells
        raise Conflict(f"the store changed during each of {_ATTEMPTS} attempts to begin: stop what uses it, try again")

    async def fence(self) -> None:
        """Put META anew, so that nothing that was sent before holds any more, should it still arrive.

        Conflict where another restore has begun; StoreUnavailable, StoreFull.
        """
        before = self._compared()
        step = Step({META: before.revision}, puts={META: before.value})
        end = time.monotonic() + _LOST_SECONDS
        while True:
            try:
                revision = await self._ledger.transact(step)
                entry = None if revision else (await self._ledger.read(Span.key(META))).only(0)
                break
            except (Unclear, StoreUnavailable):  # of two that compare the same revision, one holds
                await _pause(end)
        self._held = replace(before, revision=revision) if revision else Held.of(entry)
        if revision is None and self._held.meta.restoring != self._name:
            raise Conflict(_ANOTHER)

    async def empty(self) -> None:
        """Delete all that a backup could hold, and flights, whose syntheses go with it."""
        begin = EVERYTHING.begin
        while True:
            reading = await self._ledger.read(Span(begin, EVERYTHING.end, _PAGE, values=False))
            keys = [entry.key for entry in reading.spans[0]]
            # A span goes over one kind of one namespace alone, so that no lane that comes meanwhile lies in it.
            for (namespace, _), alike in groupby(keys, place):
                run = list(alike)
                if run[0] != META and not outlasts_restore(run[0]):
                    await self._take(Step(deletes=[Span(run[0], run[-1] + b"\0")]), [namespace])
            if len(keys) < _PAGE:
                return
            begin = keys[-1] + b"\0"

    async def fill(self, pairs: AsyncIterable[Pair]) -> int:
        """Put all pairs, in steps of bounded size; how many there were."""
        count = size = 0
        taken: list[Pair] = []
        async for pair in pairs:
            weight = len(pair.key) + len(pair.value)
            if taken and (len(taken) >= _STEP_KEYS or size + weight > _STEP_BYTES):
                await self._put(taken)
                taken, size = [], 0
            taken.append(interrupted(pair, time.time()))
            count, size = count + 1, size + weight
        await self._put(taken)
        return count

    async def end(self) -> Token:
        """Have the store say that it is there, in a new epoch."""
        try:
            revision = await self._take(Step(puts={META: records.encode_meta(Meta(self._epoch))}))
        except Conflict:
            held = Held.of((await self._ledger.read(Span.key(META))).only(0))
            if held.meta.epoch != self._epoch:
                raise
            revision = held.revision  # the answer was lost
        self._held = None
        return Token(self._epoch, revision)

    async def abandon(self) -> bool:
        """Leave an empty store; whether it is one. Where that fails it goes on saying that it is being restored."""
        if self._held is None:
            return False
        try:
            with suppress(StoreFull):  # emptying makes room, and what arrives late finds none either
                await self.fence()
            if self._compared().meta.restoring != self._name:
                return False  # it had not begun, and now never will
            await self.empty()
            await self.end()
        except Conflict:
            return False  # another restore goes on, or the end of this one arrived
        except KernelError as error:
            log.warning("a restore broke off, and the store may be left as it is: restore again: %s", error.text)
            return False
        return True

    async def _put(self, pairs: Sequence[Pair]) -> None:
        # Namespaces are few and lie together; a step in which they were many is parted, since each takes a key.
        if len({place(pair.key)[0] for pair in pairs}) > 1 and len(pairs) > _STEP_KEYS // 2:
            middle = len(pairs) // 2
            await self._put(pairs[:middle])
            await self._put(pairs[middle:])
            return
        for seconds, alike in groupby(pairs, lambda pair: seconds_of(pair.key)):
            given = {pair.key: pair.value for pair in alike}
            step = Step(passing=given, seconds=seconds) if seconds else Step(puts=given)
            await self._take(step, [place(key)[0] for key in given])

    async def _take(self, step: Step, namespaces: Sequence[bytes] = ()) -> int:
        """The revision of a step that also makes the watchers of these namespaces list again, unless they were told.

        Conflict, StoreUnavailable, StoreFull.
        """
        new = set(namespaces) - self._told
        told = {RestoredKey(Namespace(each.decode(errors="replace"))).encode(): records.mark() for each in new}
        whole = replace(step, passing={**step.passing, **told}, seconds=step.seconds or REPLY_SECONDS)
        end = time.monotonic() + _LOST_SECONDS
        while True:
            try:
                revision = await self._ledger.transact(replace(whole, same={META: self._compared().revision}))
            except StoreUnavailable:
                await _pause(end)
            except Unclear:
                await _pause(end)
                await self.fence()
            else:
                if revision is None:
                    raise Conflict(_ANOTHER)
                self._told |= new
                return revision

    def _compared(self) -> Held:
        assert self._held is not None, "a restore begins before it takes steps"
        return self._held


async def _pause(end: float) -> None:
    if time.monotonic() > end:
        raise StoreUnavailable("etcd stays away: restore again when it is back")
    await asyncio.sleep(_PAUSE)


async def _bootstrap(store: LedgerStore) -> None:
    """What was done is done, whatever comes of this: whoever opens the store or creates an object makes roots too."""
    try:
        await store.bootstrap()
    except KernelError as error:
        log.warning("the store is there, and its root objects are made later: %s", error.text)


async def _refuse_full(ledger: Ledger, revision: int) -> None:
    async for page in pages(ledger, revision, replace(EVERYTHING, values=False)):
        for entry in page:
            if entry.key != META and not is_ephemeral(entry.key) and not _begins(entry.key):
                text = entry.key.decode(errors="replace")
                raise BadArguments(
                    f"a backup is restored into an empty store, and this one holds {text}: use a new one"
                )


def _begins(key: bytes) -> bool:
    """Whether every store begins with it: roots, and the personas and the switch that the synthesizer makes."""
    try:
        found: StoredKey = parse(key)
    except ValueError:
        return False
    match found:
        case DefinitionKey(namespace, item) | SlotsKey(namespace, item):
            return item == ROOT or _is_made(namespace, item)
        case EdgeKey(namespace, parent, child):
            return parent == ROOT and _is_made(namespace, child)
        case _:
            return False


def _is_made(namespace: Namespace, item: str) -> bool:
    return namespace == SYSTEM_NAMESPACE and (item.startswith(_PERSONA) or item == _SWITCH)
