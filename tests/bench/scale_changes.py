"""What lists, changes and previews cost in a store of so many objects. Law: one thing at a time, asked as anyone would.

Each figure is the median of its rounds; CPU is that of the program and of what it started, as /proc counts it.
"""

import asyncio
import re
import sys
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from statistics import median

from batos.v1 import dispatcher_pb2 as pb
from batos.v1 import object_pb2 as obj
from batos.v1 import objectstore_pb2 as store_pb
from batos.v1.objectstore_pb2_grpc import ObjectStoreStub
from bench import meter
from bench.scale_content import PUMP, name
from bench.scale_store import Store

ROUNDS = 40
PAGE = 100
NEW = """def tell_3(self):
    return [self.count, "new"]
"""


@dataclass(frozen=True, slots=True)
class Cost:
    """Milliseconds of one request, and milliseconds of CPU that it took by program."""

    ms: float
    cpu: Mapping[str, float]


async def cost(store: Store, request: Callable[[int], Awaitable[object]], rounds: int = ROUNDS) -> Cost:
    """Of one request, made again and again."""
    before = meter.cpu_seconds(store.pids)
    seconds: list[float] = []
    for number in range(rounds):
        began = time.monotonic()
        await request(number)
        seconds.append(time.monotonic() - began)
    after = meter.cpu_seconds(store.pids)
    used = {each: (after[each] - before.get(each, 0.0)) / rounds * 1000 for each in after}
    return Cost(median(seconds) * 1000, used)


async def lists(store: Store) -> dict[str, Cost]:
    """Pages of 100 objects at the begin, in the middle and at the end; by a prefix; and all pages, one by one."""
    async with store.store() as stub:

        async def page(token: str = "", prefix: str = "", size: int = PAGE) -> store_pb.ListObjectsResponse:
            return await stub.ListObjects(store_pb.ListObjectsRequest(page_size=size, page_token=token, prefix=prefix))

        tokens = [""]

        async def walked(_: int) -> None:
            if tokens[-1] or len(tokens) == 1:
                tokens.append((await page(tokens[-1])).next_page_token)

        pages = store.objects // PAGE
        found = {"walk": await cost(store, walked, pages)}
        for where, at in (("begin", 0), ("middle", pages // 2), ("end", pages - 1)):
            found[where] = await cost(store, lambda _, token=tokens[at]: page(token))
        found["prefix"] = await cost(store, lambda _: page(prefix=name(store.objects // 2)[:-1]))
        return found


async def changes(store: Store) -> dict[str, Cost]:
    """Making, cloning and deleting one object more."""
    async with store.store() as stub:
        made = await cost(store, lambda number: _create(stub, f"scale/o/new-{number}"))
        cloned = await cost(store, lambda number: _clone(stub, f"scale/o/clone-{number}"))
        deleted = await cost(store, lambda number: _delete(stub, f"scale/o/new-{number}"))
        await cost(store, lambda number: _delete(stub, f"scale/o/clone-{number}"))
    return {"create": made, "clone": cloned, "delete": deleted}


async def _create(stub: ObjectStoreStub, item: str) -> None:
    await stub.CreateObject(store_pb.CreateObjectRequest(id=item, parents=[PUMP]))


async def _clone(stub: ObjectStoreStub, item: str) -> None:
    await stub.CloneObject(store_pb.CloneObjectRequest(prototype=name(0), id=item))


async def _delete(stub: ObjectStoreStub, item: str) -> None:
    await stub.DeleteObject(store_pb.DeleteObjectRequest(id=item))


@dataclass(frozen=True, slots=True)
class Activation:
    """A new version of a prototype's method, while every object is in the dispatcher's memory.

    Seconds from the answer of the objectstore until the dispatcher answers by it, and microseconds of the dispatcher's
    CPU for a message to each object: before, and right after, with what it had to resolve and read anew.
    """

    seen_s: float
    before_us: float
    after_us: float
    old: int
    """How many of the messages right after it were answered by the version before."""


async def activation(store: Store) -> Activation:
    """Activate a new version of `tell_3` and send it to every object."""
    everyone = range(store.objects)
    await store.touch("tell_3", everyone)
    before, _ = await _touched(store)
    async with store.store() as stub, store.sending() as sending:
        request = store_pb.RegisterMethodRequest(holder=PUMP, selector="tell_3", source=NEW, activate=True)
        await stub.RegisterMethod(request)
        began = time.monotonic()
        message = pb.SendRequest(message=obj.Message(receiver=name(0), selector="tell_3"))
        while (await sending.Send(message)).reply.method.number != 2:
            pass  # as fast as the dispatcher answers
        seen = time.monotonic() - began
    after, versions = await _touched(store)
    return Activation(seen, before, after, versions.get(1, 0))


async def _touched(store: Store) -> tuple[float, dict[int, int]]:
    began = meter.cpu_seconds(store.pids)["dispatcher"]
    versions = await store.touch("tell_3", range(store.objects))
    return (meter.cpu_seconds(store.pids)["dispatcher"] - began) / store.objects * 1e6, versions


@dataclass(frozen=True, slots=True)
class PreviewCost:
    """What `batctl method preview` told, the seconds that it took, and those of CPU by program."""

    told: str
    seconds: float
    cpu: Mapping[str, float]


async def preview(store: Store) -> PreviewCost:
    """Preview version 1 of `tell_3` below the prototype, from the command line."""
    before, began = meter.cpu_seconds(store.pids), time.monotonic()
    words = ("method", "preview", PUMP, "tell_3", "1", "--objectstore", store.objectstore)
    asking = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "batos.cli", *words),
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    _, told = await asking.communicate()
    seconds, after = time.monotonic() - began, meter.cpu_seconds(store.pids)
    return PreviewCost(
        re.sub(r"\s+", " ", told.decode()).strip(),
        seconds,
        {each: after[each] - before.get(each, 0.0) for each in after},
    )
