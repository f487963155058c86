"""A store with something of every kind in it, for tests of what is done to a store as a whole."""

from dataclasses import replace

from kernel.messages import Example, MethodRef
from kernel.objects import (
    DEFAULT_NAMESPACE,
    Evidence,
    Level,
    Namespace,
    ObjectId,
    Pin,
    Policy,
    Selector,
    Synthesis,
)
from kernel.transactions import KeptReply
from kernel.values import Reference
from objectstore import records
from objectstore.keys import DefinitionKey, ReplyKey
from objectstore.ledger import Ledger, Span, Step
from objectstore.ledger_store import LedgerStore
from objectstore.proving import KeptExample, RecordedCall
from objectstore.store import Draft, NewObject

NS = DEFAULT_NAMESPACE
OTHER = Namespace("acme")
COUNTER, PUMP, LEAF = ObjectId("counter"), ObjectId("pump/17"), ObjectId("pump/17/leaf")
INCREMENT, READ = Selector("increment"), Selector("read")
SOURCE = "def increment(self, by={by}):\n    self.count += by\n    self._p_changed = True\n    return self.count\n"
SECONDS = 900


async def put(ledger: Ledger, key: bytes, value: bytes, *, seconds: int = 0) -> None:
    """Put a key as nobody who keeps the rules would; for some seconds only, where asked."""
    puts, passing = ({}, {key: value}) if seconds else ({key: value}, {})
    assert await ledger.transact(Step(puts=puts, passing=passing, seconds=seconds)) is not None


async def delete(ledger: Ledger, key: bytes) -> None:
    """Delete a key that is there."""
    assert (await ledger.read(Span.key(key))).only(0)
    assert await ledger.transact(Step(deletes=[Span.key(key)])) is not None


def reply_of(receiver: ObjectId, incarnation: str, request_id: str = "r1") -> tuple[bytes, bytes]:
    """The key and the value of a kept reply."""
    method = MethodRef(receiver, INCREMENT, 1, "00ff", Level.EXAMPLES)
    kept = KeptReply(receiver, incarnation, "local", request_id, "d1", [1, None], method)
    key = ReplyKey(NS, receiver, incarnation, "local", request_id)
    return key.encode(), records.encode_reply(kept)


async def fill(store: LedgerStore) -> None:
    """Objects of two namespaces with parents, references, a pin, a reply; methods with all that can lie beside one."""
    proof = Evidence(Level.APPROVED, "ann", 12.5, "checked")
    await store.create(NS, NewObject(COUNTER, policy=Policy(Synthesis.AUTO, Level.EXAMPLES)))
    for by in range(1, 4):
        draft = Draft(COUNTER, INCREMENT, SOURCE.format(by=by), evidence=[proof, Evidence(Level.AUDITED, "audit", 1.5)])
        await store.register(NS, draft, activate=True)
    await store.retire(NS, COUNTER, INCREMENT, 2)
    example = Example(3, {"count": 1}, keywords={"by": 2}, after={"count": 3})
    await store.keep(NS, COUNTER, INCREMENT, [KeptExample(example, "ann", 12.5)])
    await store.record(NS, COUNTER, INCREMENT, [RecordedCall(example, 3, 13.5)])
    await store.create(NS, NewObject(PUMP, [COUNTER], slots={"count": 4, "raw": b"\0\xff", "to": Reference(COUNTER)}))
    await store.create(NS, NewObject(LEAF, [PUMP], slots={"list": [1, 2.5, None, {"deep": Reference(PUMP)}]}))
    await store.create(OTHER, NewObject(ObjectId("counter"), slots={"text": "ä" * 1000}))
    held = await store.get(NS, COUNTER)
    pumped = await store.get(NS, PUMP)
    pinned = replace(pumped.definition, pins={INCREMENT: Pin(COUNTER, held.definition.incarnation, 1)})
    await put(store.ledger, DefinitionKey(NS, PUMP).encode(), records.encode_definition(pinned))
    await put(store.ledger, *reply_of(PUMP, pinned.incarnation), seconds=SECONDS)
