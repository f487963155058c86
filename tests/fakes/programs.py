"""Services as programs of two workers, and counters to send to."""

import os
import sys
from pathlib import Path

from batos.addresses import Addresses
from batos.client import Client
from batos.local.child import Child, Program, says_ready
from batos.v1 import objectstore_pb2 as pb
from batos.v1.objectstore_pb2_grpc import ObjectStoreStub
from chassis.client import channel
from fakes.rig import INCREMENT

COUNTERS = 8
CLEAN = {name: value for name, value in os.environ.items() if not name.startswith(("BATOS_", "OTEL_"))}


async def started(folder: Path, name: str, **environment: str) -> Child:
    """The service, ready; its log is in the folder."""
    command = (sys.executable, "-m", name, "--workers", "2")
    given = {"BATOS_LISTEN": "127.0.0.1:0", "BATOS_ROOTS": "2"}
    return await Child.start(Program(name, command, CLEAN | given | environment), folder, says_ready)


async def filled(store: str) -> None:
    """Make `counter`, which can be incremented, and its children `counter/0`, `counter/1` and so on."""
    async with Client(Addresses(objectstore=store)) as client, channel(store) as to:
        await client.objects.create("counter")
        request = pb.RegisterMethodRequest(holder="counter", selector="increment", source=INCREMENT, activate=True)
        await ObjectStoreStub(to).RegisterMethod(request)
        for number in range(COUNTERS):
            await client.objects.create(f"counter/{number}", parents=["counter"], slots={"count": 0})
