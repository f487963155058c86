"""What retrieval finds in a store, without a model: near methods for BABS, and versions worth adopting as they are."""

from collections.abc import AsyncGenerator

import pytest
import pytest_asyncio

from kernel.messages import Example, Message
from kernel.objects import DEFAULT_NAMESPACE, Evidence, Level, ObjectId, Provenance, Selector
from kernel.values import SlotValues, Value
from objectstore.ledger_store import LedgerStore
from objectstore.memory import MemoryLedger
from objectstore.proving import KeptExample
from objectstore.store import Draft, NewObject
from synthesizer.admission import admit
from synthesizer.retrieval import MOST_ADOPTABLE, adoptable, mission, shelf

NS = DEFAULT_NAMESPACE
ACME, GLOBEX, FEED = ObjectId("feed/acme"), ObjectId("feed/globex"), ObjectId("feed")
TOTAL = Selector("total")


def total(body: str = "sum(self.rows)") -> str:
    return f"def total(self):\n    self._p_changed = True\n    return {body}\n"


class Shop:
    """A store with a prototype, two feeds, and whatever a test registers."""

    def __init__(self, store: LedgerStore) -> None:
        self.store = store

    async def put(self, name: str, *parents: str, slots: SlotValues | None = None) -> None:
        await self.store.create(
            NS, NewObject(ObjectId(name), tuple(ObjectId(each) for each in parents), slots=slots or {})
        )

    async def learn(
        self, holder: str, source: str, level: Level = Level.AUDITED, intent: str = "", *, active: bool = True
    ) -> int:
        selector = Selector(source.split("def ", 1)[1].split("(", 1)[0])
        evidence = [Evidence(level, "test", 0.0, "")]
        draft = Draft(ObjectId(holder), selector, source, Provenance(intent=intent), (), evidence)
        record, _ = await self.store.register(NS, draft, activate=active)
        return record.method.number

    def ask(self, selector: str = TOTAL, intent: str = "", *arguments: Value) -> Message:
        return Message(ACME, Selector(selector), arguments, namespace=NS, intent=intent)

    async def found(self, message: Message) -> list[tuple[str, str]]:
        read = await shelf(self.store, message, await admit(self.store, message))
        return [(each.holder, each.selector) for each in read]

    async def adopted(self, message: Message) -> list[tuple[str, int]]:
        read = await adoptable(self.store, message, await admit(self.store, message))
        return [(each.holder, each.number) for each in read]


@pytest_asyncio.fixture
async def shop() -> AsyncGenerator[Shop]:
    shop = Shop(await LedgerStore.open(MemoryLedger()))
    await shop.put(FEED)
    await shop.put(ACME, FEED)
    await shop.put(GLOBEX, FEED)
    yield shop


async def test_methods_of_the_path_and_of_siblings_are_found_the_nearest_first(shop: Shop) -> None:
    await shop.learn(FEED, "def names(self):\n    return [row['name'] for row in self.rows]\n")
    await shop.learn(GLOBEX, "def totals(self):\n    return [sum(row) for row in self.rows]\n")
    await shop.learn(GLOBEX, "def drop(self):\n    self.n = 0\n")
    assert await shop.found(shop.ask(intent="Sum the rows up.")) == [
        (GLOBEX, "totals"),
        (FEED, "names"),
        (GLOBEX, "drop"),
    ]


async def test_siblings_share_a_parent_and_the_first_segment(shop: Shop) -> None:
    await shop.put("price", FEED)
    await shop.put("price/list", FEED)
    await shop.put("feed/stranger", "price")
    await shop.put("feeds/acme", FEED)
    for name in ("price", "price/list", "feed/stranger", "feeds/acme"):
        await shop.learn(name, total(f"'{name}'"))
    assert await shop.adopted(shop.ask()) == []
    await shop.learn(GLOBEX, total())
    assert await shop.adopted(shop.ask()) == [(GLOBEX, 1)]


async def test_a_hundred_siblings_are_looked_at_and_no_more(shop: Shop) -> None:
    for number in range(120):
        await shop.put(f"feed/n{number:03}", FEED)
    await shop.learn("feed/n119", total("119"))
    assert await shop.adopted(shop.ask()) == []
    await shop.learn("feed/n090", total("90"))
    assert await shop.adopted(shop.ask()) == [("feed/n090", 1)]


async def test_versions_of_siblings_and_earlier_ones_come_by_how_well_they_are_proved(shop: Shop) -> None:
    await shop.put("feed/initech", FEED)
    await shop.learn(GLOBEX, total("1"), Level.AGREED)
    await shop.learn(GLOBEX, total("2"), Level.AUDITED)  # active; the one before is not what it answers with
    await shop.learn("feed/initech", total("3"), Level.APPROVED)
    first = await shop.learn(ACME, total("4"), Level.EXAMPLES)
    second = await shop.learn(ACME, total("5"))
    retired = await shop.learn(ACME, total("6"), Level.APPROVED)
    await shop.store.retire(NS, ACME, TOTAL, retired)
    assert await shop.adopted(shop.ask()) == [("feed/initech", 1), (ACME, first), (ACME, second), (GLOBEX, 2)]


async def test_what_does_not_take_the_message_or_answers_already_is_not_worth_a_trial(shop: Shop) -> None:
    await shop.learn(GLOBEX, "def total(self, currency):\n    return 1\n")
    assert await shop.adopted(shop.ask()) == []
    assert await shop.adopted(shop.ask(TOTAL, "", "EUR")) == [(GLOBEX, 1)]
    await shop.learn(ACME, total("1"))
    number = await shop.learn(ACME, total("2"))
    assert number == 2
    assert await shop.adopted(shop.ask()) == [(ACME, 1)]


async def test_the_same_source_is_worth_one_trial_and_five_are_enough(shop: Shop) -> None:
    for number in range(8):
        await shop.put(f"feed/n{number}", FEED)
        await shop.learn(f"feed/n{number}", total("1" if number < 2 else str(number)))
    found = await shop.adopted(shop.ask())
    assert len(found) == MOST_ADOPTABLE
    assert found[:2] == [("feed/n0", 1), ("feed/n2", 1)]


async def test_kept_examples_of_the_messages_shape_bring_a_method_forward(shop: Shop) -> None:
    for name in ("add_a", "add_b"):
        await shop.learn(GLOBEX, f"def {name}(self, row):\n    return 1\n")
    kept = [KeptExample(Example(3, {}, ({"sku": "x"},)), "ada", 0.0)]
    await shop.store.keep(NS, GLOBEX, Selector("add_b"), kept)
    message = Message(ACME, Selector("add_c"), ({"sku": "y"},), examples=(Example(1, {}, ({"sku": "z"},)),))
    assert (await shop.found(message))[0] == (GLOBEX, "add_b")
    await shop.store.withdraw(NS, GLOBEX, Selector("add_b"), kept[0].digest, "ada")
    assert (await shop.found(message))[0] == (GLOBEX, "add_a")


async def test_a_mission_holds_what_may_be_shown_along_the_path(shop: Shop) -> None:
    await shop.put("shop", slots={"disclosed_slots": ["title", "isbn"]})
    await shop.put("shop/emma", "shop", slots={"title": "Emma", "disclosed_slots": ["title", "price"]})
    message = Message(ObjectId("shop/emma"), TOTAL)
    made = await mission(shop.store, message, await admit(shop.store, message))
    assert made.disclosed == {"title"}
    assert made.slots["title"] == "Emma"


@pytest.mark.parametrize("rounds", [2])
async def test_the_same_store_gives_the_same_shelf(shop: Shop, rounds: int) -> None:
    for name in ("alpha", "beta", "gamma"):
        await shop.put(f"feed/{name}", FEED)
        await shop.learn(f"feed/{name}", f"def total_{name}(self):\n    return 1\n", intent=name)
    shelves = [await shop.found(shop.ask()) for _ in range(rounds)]
    assert shelves[0] == shelves[1]
    assert len(shelves[0]) == 3
