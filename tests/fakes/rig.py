"""A dispatcher over the store in memory, with the real sandbox and a synthesizer that a test scripts."""

from collections.abc import Sequence
from typing import Any

from activation.batch import Batches
from activation.run import Activator
from chassis.telemetry import Telemetry
from dispatcher.dispatch import Dispatch
from dispatcher.owners import Owners
from dispatcher.recorder import Recorder
from fakes.synthesizer import ScriptedSynthesizer
from kernel.messages import Message, Reply
from kernel.objects import DEFAULT_NAMESPACE, ObjectId, Selector
from kernel.values import Value
from objectstore.ledger_store import LedgerStore
from objectstore.store import Draft, NewObject
from sandbox.host import Sandbox

NS = DEFAULT_NAMESPACE
PUMP = ObjectId("pump/17")

INCREMENT = """def increment(self, by=1):
    self.count = getattr(self, "count", 0) + by
    self._p_changed = True
    return self.count
"""
READ = """def read(self):
    self._p_changed = True
    return self.count
"""


class Rig:
    """A store, a synthesizer that knows its sources, and a dispatcher over both."""

    def __init__(self, store: LedgerStore, sandbox: Sandbox) -> None:
        self.store = store
        self.synthesizer = ScriptedSynthesizer(store)
        self.sandbox = sandbox
        self.dispatch = self.another()

    def another(
        self,
        store: Any = None,
        owners: Owners | None = None,
        recorder: Recorder | None = None,
        tracing: Any = None,
    ) -> Dispatch:
        """A further dispatcher over the same store."""
        telemetry = tracing or Telemetry.off()
        activator, batches = Activator(self.sandbox, telemetry), Batches(self.sandbox)
        return Dispatch(
            store or self.store, activator, batches, self.synthesizer, telemetry, owners=owners, recorder=recorder
        )

    async def put(self, name: str, *sources: str, parents: Sequence[str] = (), **slots: Value) -> None:
        """An object with methods, active."""
        object_id = ObjectId(name)
        await self.store.create(NS, NewObject(object_id, [ObjectId(parent) for parent in parents], slots=slots))
        for source in sources:
            selector = Selector(source.split("def ", 1)[1].split("(", 1)[0])
            await self.store.register(NS, Draft(object_id, selector, source), activate=True)

    async def slots(self, name: str) -> object:
        """What the store has."""
        return (await self.store.get(NS, ObjectId(name))).slots

    async def send(self, selector: str, *arguments: Value, to: str = PUMP, **message: Any) -> Reply:
        """Send through the first dispatcher."""
        return await self.dispatch.send(Message(ObjectId(to), Selector(selector), arguments, **message))
