"""Backups in parts, whole and on their way, for tests of what is done with them."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing

from fakes.filled import NS, fill
from kernel.objects import ObjectId
from objectstore.backups import BackupPart, Entries, Footer, Pair, Tally
from objectstore.export import export
from objectstore.ledger_store import LedgerStore
from objectstore.memory import MemoryLedger
from objectstore.store import Changes, NewObject


async def exported(store: LedgerStore) -> list[BackupPart]:
    return [part async for part in export(store.ledger, "1.2.3")]


async def given(parts: Sequence[BackupPart]) -> AsyncGenerator[BackupPart]:
    for part in parts:
        await asyncio.sleep(0)
        yield part


def pairs(parts: Sequence[BackupPart]) -> dict[bytes, bytes]:
    return {pair.key: pair.value for part in parts if isinstance(part, Entries) for pair in part.pairs}


def resealed(parts: Sequence[BackupPart]) -> list[BackupPart]:
    """The parts with the footer that is right for them."""
    tally = Tally()
    for part in parts:
        for pair in part.pairs if isinstance(part, Entries) else ():
            tally.add(pair)
    return [*(part for part in parts if not isinstance(part, Footer)), tally.footer()]


class Held:
    """Parts that come only when they are let: the first few, then the rest."""

    def __init__(self, parts: Sequence[BackupPart], first: int) -> None:
        self.parts, self.first = parts, first
        self.reached, self.go_on = asyncio.Event(), asyncio.Event()

    async def __aiter__(self) -> AsyncIterator[BackupPart]:
        for number, part in enumerate(self.parts):
            if number == self.first:
                self.reached.set()
                await self.go_on.wait()
            yield part


def in_small_parts(parts: Sequence[BackupPart]) -> list[BackupPart]:
    """One entry a part, many more of them than a step takes."""
    header, footer = parts[0], parts[-1]
    return [header, *(Entries([Pair(*pair)]) for pair in pairs(parts).items()), footer]


async def large() -> LedgerStore:
    store = await LedgerStore.open(MemoryLedger())
    await fill(store)
    for number in range(60):
        await store.create(NS, NewObject(ObjectId(f"many/{number}"), slots={"n": number}))
    return store


async def rest(watch: AsyncGenerator[Changes]) -> None:
    """Follow a watch that has nothing more to tell."""
    async with aclosing(watch):
        async for changes in watch:
            assert not changes.items
