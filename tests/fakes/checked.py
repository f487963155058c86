"""What a check tells of a store, and definitions changed as nobody who keeps the rules would."""

from fakes.filled import NS, put
from kernel.objects import Definition, ObjectId
from objectstore import records
from objectstore.check import check
from objectstore.keys import (
    DefinitionKey,
    StoredKey,
)
from objectstore.ledger_store import LedgerStore
from objectstore.problems import Problem


async def problems_of(store: LedgerStore) -> list[Problem]:
    reports = [report async for report in check(store.ledger)]
    assert [report.done for report in reports].index(True) == len(reports) - 1
    return [problem for report in reports for problem in report.problems]


async def found(store: LedgerStore) -> list[tuple[str, str]]:
    return [(problem.kind, problem.key) for problem in await problems_of(store)]


def at(key: StoredKey) -> str:
    return key.encode().decode()


async def definition_of(store: LedgerStore, item: ObjectId) -> Definition:
    return (await store.get(NS, item)).definition


async def redefine(store: LedgerStore, item: ObjectId, definition: Definition) -> None:
    await put(store.ledger, DefinitionKey(NS, item).encode(), records.encode_definition(definition))
