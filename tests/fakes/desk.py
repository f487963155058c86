"""A control before the real store and flights, over a ledger in memory and at a clock of the test."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import vocabulary
from chassis.metrics import Metrics
from kernel.errors import SynthesisFailed
from kernel.messages import Message
from kernel.objects import DEFAULT_NAMESPACE, SYSTEM_NAMESPACE, ObjectId, Policy, Selector
from kernel.values import Value
from objectstore.ledger_flights import LedgerFlights
from objectstore.ledger_store import LedgerStore
from objectstore.memory import MemoryLedger
from objectstore.store import Draft, NewObject, Update
from objectstore.switch import SLOT, SWITCH
from synthesizer import freeze, personas
from synthesizer.admission import admit
from synthesizer.control import Control, Permit

NS = DEFAULT_NAMESPACE
BASE, MAIN = ObjectId("counter"), ObjectId("counter/main")
INCREMENT = "def increment(self, by=1):\n    self._p_changed = True\n    return by\n"
FAILED = SynthesisFailed("no draft passed", object=MAIN)
PLENTY = 1_000_000


@dataclass
class Clock:
    """Seconds since 1970, at the beginning of an hour."""

    now: float = 1_800_000.0


@dataclass
class Desk:
    """A control over a store with counter/main, whose prototype counter answers increment."""

    store: LedgerStore
    flights: LedgerFlights
    metrics: Metrics
    clock: Clock

    def control(self, flights: Any = None, **more: Any) -> Control:
        return Control(flights or self.flights, self.store, lambda: self.clock.now, self.metrics, **more)

    async def permit(
        self, asked: Message, control: Control | None = None, *, evolves: int = 0, name: str = ""
    ) -> Permit:
        admission = await admit(self.store, asked, evolves=bool(evolves))
        return await (control or self.control()).permit(asked, admission, evolves=evolves, synthesis_id=name)

    async def policy(self, object_id: ObjectId, **policy: Any) -> None:
        await self.store.update(NS, Update(object_id, policy=Policy(**policy)))

    async def freeze(self, held: Value = True) -> None:
        await self.store.update(SYSTEM_NAMESPACE, Update(SWITCH, slots={SLOT: held}))

    def refused(self, cause: str) -> float:
        (metric,) = [each for each in self.metrics.read() if each.name == vocabulary.METRIC_SYNTHESES_REFUSED]
        points: Sequence[Any] = metric.data.data_points
        return sum(each.value for each in points if each.attributes == {vocabulary.REFUSAL_CAUSE: cause})


async def desk_with_a_counter() -> Desk:
    """A desk in whose store counter/main inherits increment from counter."""
    clock = Clock()
    store = await LedgerStore.open(MemoryLedger(), clock=lambda: clock.now)
    desk = Desk(store, LedgerFlights(store.core), Metrics(), clock)
    await personas.bootstrap(store)
    await freeze.bootstrap(store)
    await store.create(NS, NewObject(BASE))
    await store.create(NS, NewObject(MAIN, (BASE,)))
    await store.register(NS, Draft(BASE, Selector("increment"), INCREMENT), activate=True)
    return desk


def message(selector: str = "reset", *arguments: Value, **more: Any) -> Message:
    """A message to counter/main."""
    return Message(MAIN, Selector(selector), arguments, **more)
