"""A store of very many objects, as the parts of a backup. Law: the store itself wrote each kind of record, once.

Two prototypes hold ten methods, five each, the second a child of the first; all other objects are alike and have the
second as their parent. So the records of one object are those of all, under other keys.
"""

import re
from collections.abc import AsyncGenerator, Iterator, Sequence
from typing import Final

from batos.v1 import admin_pb2 as pb
from kernel.objects import DEFAULT_NAMESPACE, ObjectId, Selector
from objectstore.backups import Pair, Tally
from objectstore.keys import EVERYTHING, META, DefinitionKey, EdgeKey, SlotsKey, parse
from objectstore.ledger_store import LedgerStore
from objectstore.memory import MemoryLedger
from objectstore.places import is_ephemeral
from objectstore.store import FORMAT, Draft, NewObject

MACHINE, PUMP, ONE = ObjectId("scale/a/machine"), ObjectId("scale/a/pump"), ObjectId("scale/o/0")
_PART: Final = 500

_COUNTS = """def {name}(self, by=1):
    self._p_changed = True
    self.count = getattr(self, "count", 0) + by
    return self.count
"""
_TELLS = """def {name}(self):
    return self.count
"""


def name(number: int) -> ObjectId:
    """The id of an object."""
    return ObjectId(f"scale/o/{number:06}")


def sources() -> dict[ObjectId, dict[str, str]]:
    """The methods of both prototypes: `increment` and `read` stand on the farther one."""
    counts = {f"count_{number}": _COUNTS.format(name=f"count_{number}") for number in range(4)}
    tells = {f"tell_{number}": _TELLS.format(name=f"tell_{number}") for number in range(4)}
    read, increment = _TELLS.format(name="read"), _COUNTS.format(name="increment")
    machine = {"read": read, "increment": increment} | dict([*counts.items()][:2]) | dict([*tells.items()][:1])
    pump = dict([*counts.items()][2:]) | dict([*tells.items()][1:])
    return {MACHINE: machine, PUMP: pump}


async def write_prototypes(store: LedgerStore) -> None:
    """Make both prototypes in the default namespace, and one object of the second."""
    for holder, methods in sources().items():
        await store.create(DEFAULT_NAMESPACE, NewObject(holder, [MACHINE] if holder == PUMP else []))
        for selector, source in methods.items():
            await store.register(DEFAULT_NAMESPACE, Draft(holder, Selector(selector), source), activate=True)
    await store.create(DEFAULT_NAMESPACE, NewObject(ONE, [PUMP], slots={"count": 0}))


async def pairs_of(count: int) -> Sequence[Pair]:
    """All that a store of the prototypes and `count` objects keeps, in order."""
    ledger = MemoryLedger()
    await write_prototypes(await LedgerStore.open(ledger))
    entries = (await ledger.read(EVERYTHING)).spans[0]
    kept = [Pair(each.key, each.value) for each in entries if each.key != META and not is_ephemeral(each.key)]
    return sorted(_multiplied(kept, count), key=lambda pair: pair.key)


async def backup(count: int) -> AsyncGenerator[pb.ExportResponse]:
    """A backup of that store."""
    for part in parts_of(await pairs_of(count)):
        yield part


def parts_of(pairs: Sequence[Pair]) -> Iterator[pb.ExportResponse]:
    """The parts of a backup of these pairs, which are in order."""
    yield pb.ExportResponse(header=pb.ExportHeader(format=FORMAT, epoch="scale", revision=1, version="0"))
    tally = Tally()
    for begin in range(0, len(pairs), _PART):
        part = pairs[begin : begin + _PART]
        for pair in part:
            tally.add(pair)
        entries = [pb.ExportEntry(key=pair.key, value=pair.value) for pair in part]
        yield pb.ExportResponse(entries=pb.ExportEntries(entries=entries))
    footer = tally.footer()
    yield pb.ExportResponse(footer=pb.ExportFooter(entries=footer.entries, digest=footer.digest))


def _multiplied(pairs: Sequence[Pair], count: int) -> Iterator[Pair]:
    for pair in pairs:
        match parse(pair.key):
            case DefinitionKey(_, item) | SlotsKey(_, item) | EdgeKey(_, _, item) if item == ONE:
                for number in range(count):
                    other = name(number).encode()
                    yield Pair(re.sub(rf"{ONE}//$".encode(), other + b"//", pair.key), pair.value)
            case _:
                yield pair
