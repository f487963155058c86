"""What the benchmark's objects are and which messages they get. Law: registered as methods are, by the store's RPC.

Prototypes hold the methods, so that a send pays for delegation; `bench/c<n>` are counters, `bench/m<n>` take the mix.
"""

import asyncio
from collections.abc import Iterator

import grpc
import grpc.aio

from batos.v1 import dispatcher_pb2 as pb
from batos.v1 import object_pb2 as obj
from batos.v1 import objectstore_pb2 as store
from batos.v1.dispatcher_pb2_grpc import DispatcherStub
from batos.v1.objectstore_pb2_grpc import ObjectStoreStub
from bench.jobs import STAMP
from bench.rows import Row

COUNTERS = 256
MIXED = 64
COUNTER, MIX = "bench/counter", "bench/mix"
INCREMENT = """def increment(self, by=1):
    self._p_changed = True
    self.count = getattr(self, "count", 0) + by
    return self.count
"""
READ = """def read(self):
    return self.count
"""
NESTED = """def {name}(self, by=1):
    self._p_changed = True
    self.count = getattr(self, "count", 0) + by
    return self.send(self.neighbour, "increment", by)
"""
NOTE = """def {name}(self, word="seen"):
    self._p_changed = True
    notes = getattr(self, "notes", [])
    notes.append(word)
    self.notes = notes[-8:]
    return len(self.notes)
"""
TOTAL = """def {name}(self, rows=None):
    return sum(row["price"] * row["count"] for row in rows or [])
"""


def mixed_sources() -> dict[str, str]:
    """The 20 selectors of the mix and their sources: 8 that count, 4 that note, 4 that only compute, 4 nested."""
    sources = {f"count_{number}": INCREMENT.replace("increment", f"count_{number}") for number in range(8)}
    sources |= {f"note_{number}": NOTE.format(name=f"note_{number}") for number in range(4)}
    sources |= {f"total_{number}": TOTAL.format(name=f"total_{number}") for number in range(4)}
    return sources | {f"nested_{number}": NESTED.format(name=f"nested_{number}") for number in range(4)}


async def write_content(objectstore: str) -> None:
    """Make the objects and register their methods, active."""
    async with grpc.aio.insecure_channel(objectstore, options=(("grpc.enable_http_proxy", 0),)) as channel:
        stub = ObjectStoreStub(channel)
        await _prototype(stub, COUNTER, {"increment": INCREMENT, "read": READ})
        await _prototype(stub, MIX, mixed_sources() | {"increment": INCREMENT})
        count = {"count": obj.Value(int64_value=0)}
        for number in range(COUNTERS):
            slots = obj.Slots(values=count)
            await stub.CreateObject(store.CreateObjectRequest(id=counter(number), parents=[COUNTER], slots=slots))
        for number in range(MIXED):
            neighbour = obj.Value(reference_value=obj.Reference(id=mixed((number + 1) % MIXED)))
            slots = obj.Slots(values=count | {"neighbour": neighbour})
            await stub.CreateObject(store.CreateObjectRequest(id=mixed(number), parents=[MIX], slots=slots))


async def send_once(dispatcher: str) -> None:
    """Every counter gets its first message, and every selector of the mix: what only the first one pays is paid."""
    first = {message.selector: message for message in _mixed_messages("")}
    counts = [obj.Message(receiver=counter(number), selector="increment") for number in range(COUNTERS)]
    async with grpc.aio.insecure_channel(dispatcher, options=(("grpc.enable_http_proxy", 0),)) as channel:
        stub = DispatcherStub(channel)
        for begin in range(0, COUNTERS, 16):
            await asyncio.gather(*(stub.Send(pb.SendRequest(message=each)) for each in counts[begin : begin + 16]))
        for message in first.values():
            await stub.Send(pb.SendRequest(message=message))


async def _prototype(stub: ObjectStoreStub, name: str, sources: dict[str, str]) -> None:
    await stub.CreateObject(store.CreateObjectRequest(id=name))
    for selector, source in sources.items():
        request = store.RegisterMethodRequest(holder=name, selector=selector, source=source, activate=True)
        await stub.RegisterMethod(request)


def counter(number: int) -> str:
    """The id of a counter."""
    return f"bench/c{number}"


def mixed(number: int) -> str:
    """The id of an object that takes the mix."""
    return f"bench/m{number}"


def messages(row: Row) -> tuple[obj.Message, ...]:
    """What a row sends, in turn."""
    request_id = STAMP if row.stamped else ""
    if not row.selector:
        return tuple(_mixed_messages(request_id))
    keywords = {"by": obj.Value(int64_value=1)} if row.selector == "increment" else {}
    return tuple(
        obj.Message(receiver=counter(number), selector=row.selector, keywords=keywords, request_id=request_id)
        for number in range(row.objects)
    )


def _mixed_messages(request_id: str) -> Iterator[obj.Message]:
    """Every selector to every object, neighbours in time to different objects."""
    prices = {"price": obj.Value(int64_value=3), "count": obj.Value(int64_value=2)}
    priced = obj.Value(map_value=obj.ValueMap(values=prices))
    of_total = {"rows": obj.Value(list_value=obj.ValueList(values=[priced] * 4))}
    for selector in mixed_sources():
        for number in range(MIXED):
            keywords = of_total if selector.startswith("total") else {}
            receiver = mixed(number * 7 % MIXED)
            yield obj.Message(receiver=receiver, selector=selector, keywords=keywords, request_id=request_id)


def requests(row: Row) -> tuple[bytes, ...]:
    """The same as the road of the row takes it: a message on the stream, a SendRequest for a unary call."""
    if row.road == "stream":
        return tuple(message.SerializeToString() for message in messages(row))
    return tuple(pb.SendRequest(message=message).SerializeToString() for message in messages(row))


def typical_reply() -> bytes:
    """A reply as `increment` gets it: what an echo of the same size answers with."""
    method = obj.MethodRef(holder=COUNTER, selector="increment", number=1, digest="0" * 64)
    reply = pb.Reply(result=obj.Value(int64_value=100_000), method=method, token="0" * 22)
    return pb.SendResponse(reply=reply).SerializeToString()
