"""The metrics of running services, as a collector gets them after known traffic."""

import asyncio
import re
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from batos.addresses import Addresses
from batos.client import Client
from batos.errors import BatosError
from fakes.children import until
from fakes.collector import Collector, collecting
from fakes.programs import COUNTERS, filled, started

EACH = 5
SENT = COUNTERS * EACH
MESSAGES = "batos.message.duration"


@pytest.fixture
async def collected(etcd_endpoint: str, tmp_path: Path) -> AsyncGenerator[Collector]:
    """What two dispatchers and two objectstores measured of 40 increments, a message to nobody and one too many."""
    async with collecting() as collector:
        store = await started(tmp_path, "objectstore", BATOS_ETCD_ENDPOINTS=etcd_endpoint, **collector.environment)
        try:
            await filled(store.address)
            given = collector.environment | {"BATOS_OBJECTSTORE": store.address}
            dispatcher = await started(tmp_path, "dispatcher", **given)
            try:
                assert await until(lambda: len(set(re.findall("the members are (\\w+, \\w+)", dispatcher.said()))) == 1)
                async with Client(Addresses(dispatcher=dispatcher.address)) as client:
                    await traffic(client)
                    assert await until(lambda: collector.count(MESSAGES) == SENT + 2)
                    # Each process tells when its time comes: what one told last may be of the middle of the traffic.
                    assert await until(lambda: collector.number("batos.message.queued") == 0)
                    assert await until(lambda: collector.number("batos.store.watchers") >= 2)
                    yield collector
            finally:
                await dispatcher.stop()
        finally:
            await store.stop()


async def traffic(client: Client) -> None:
    names = [f"counter/{number}" for number in range(COUNTERS) for _ in range(EACH)]
    await asyncio.gather(*(client.send(name, "increment") for name in names))
    with pytest.raises(BatosError):
        await client.send("nobody", "increment")
    with pytest.raises(BatosError):
        await client.send("counter/0", "increment", 1, 2, 3)


async def test_what_services_measure_is_what_happened(collected: Collector) -> None:
    count, number, total = collected.count, collected.number, collected.sum
    assert count(MESSAGES, error_type="") == SENT
    assert count(MESSAGES, error_type="OBJECT_NOT_FOUND") == count(MESSAGES, error_type="BAD_ARGUMENTS") == 1
    ran = [number("batos.activations", batos_activation_kind=kind) for kind in ("together", "alone")]
    assert sum(ran) >= SENT
    assert ran[0] >= total("batos.batch.messages") > 0
    assert count("batos.commit.duration") > 0
    assert total("batos.commit.units") >= COUNTERS
    assert 0 < number("batos.message.forwarded") < SENT
    assert number("batos.cache.hits") >= total("batos.batch.messages")
    assert COUNTERS <= number("batos.cache.fetches") < SENT
    assert number("batos.sandbox.time") > 0
    assert number("batos.sandbox.workers") >= 1
    assert count("db.client.operation.duration", db_operation_name="Txn", db_system_name="etcd") > COUNTERS
    assert total("batos.rpc.frame.requests") > SENT
    assert 0 <= number("batos.store.hub.lag") < 10
    assert count("rpc.server.call.duration", rpc_method="batos.v1.ObjectStore/CreateObject") == COUNTERS + 1


async def test_no_attribute_holds_what_senders_or_objects_are_called(collected: Collector) -> None:
    attributes = collected.attributes()
    assert set(attributes) == {
        *("error.type", "batos.activation.kind", "db.system.name", "db.operation.name"),
        *("rpc.system.name", "rpc.method", "rpc.response.status_code"),
    }
    assert not any("counter" in value or "increment" in value for values in attributes.values() for value in values)
    assert collected.services == {"dispatcher", "objectstore"}
