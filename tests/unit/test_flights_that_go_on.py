"""What becomes of a flight when its object goes, its asker leaves, or an answer is late; and what is counted of it."""

import asyncio

import pytest
from opentelemetry.sdk.metrics.export import NumberDataPoint

from chassis.metrics import Metrics
from fakes.flying import NS, PUMP, Gate, asked, cluster, whole
from kernel.errors import (
    ObjectNotFound,
)
from kernel.synthesis import State, TurnStarted


async def test_a_flight_whose_object_is_gone_ends_with_a_reason_at_the_next_start() -> None:
    async with cluster() as it:
        await it.put()
        gate = Gate("BABS")
        one = await it.synthesizer(gate)
        first = asyncio.create_task(one.ask(asked()))
        await gate.reached.wait()
        one.stop.set()
        await asyncio.gather(first, return_exceptions=True)
        (record,) = (await it.shared.syntheses(NS, (), 10, "")).items
        await it.store.delete(NS, PUMP)
        two = await it.synthesizer()
        with pytest.raises(ObjectNotFound):
            [event async for event in two.flights.watch(NS, record.synthesis_id)]
        ended = await two.flights.get(NS, record.synthesis_id)
        assert ended.state is State.FAILED
        assert ended.failure is not None
        assert ended.failure.reason == "OBJECT_NOT_FOUND"


async def test_who_leaves_while_the_flight_is_boarded_leaves_a_flight_that_goes_on() -> None:
    async with cluster() as it:
        await it.put()
        one, two = await it.synthesizer(), await it.synthesizer()
        for pauses in range(12):
            asker = asyncio.create_task(one.ask(asked(intent=str(pauses))))
            for _ in range(pauses):
                await asyncio.sleep(0)
            asker.cancel()
            await asyncio.gather(asker, return_exceptions=True)
        async with asyncio.timeout(5):
            assert (await two.registered(asked())).record.active
        assert not (await it.shared.syntheses(NS, (State.RUNNING,), 10, "")).items


async def test_what_was_broken_off_and_arrives_late_is_read_and_not_told_twice() -> None:
    async with cluster() as it:
        await it.put()
        gate = Gate("BABS")
        one = await it.synthesizer(gate)
        waiting = asyncio.create_task(one.ask(asked()))
        await gate.reached.wait()
        await asyncio.sleep(0.05)
        (record,) = (await it.shared.syntheses(NS, (), 10, "")).items
        _, told = await it.shared.events(NS, record.synthesis_id, 0)
        flight = one.writer.orders[0].flight
        assert flight is not None
        await it.shared.tell(flight, [TurnStarted("ROBIN", "m")], len(told))
        gate.open.set()
        whole(await waiting)
        assert len(one.writer.orders) == 2
        assert one.writer.taken.count("BRICK") == 1


async def test_what_is_counted_tells_how_flights_came_and_how_they_ended() -> None:
    async with cluster() as it:
        await it.put()
        gate = Gate("ROBIN")
        one, two = await it.synthesizer(gate), await it.synthesizer()
        waiting = [asyncio.create_task(one.ask(asked())) for _ in range(3)]
        await gate.reached.wait()
        await asyncio.sleep(0.1)
        one.stop.set()
        await asyncio.gather(*waiting, return_exceptions=True)
        await two.registered(asked())
        assert _counted(one.metrics, "batos.flights") == {"begun": 1, "joined": 2}
        assert _counted(two.metrics, "batos.flights")["taken over"] == 1
        assert _counted(one.metrics, "batos.turn.tokens") == {"BRICK input": 10, "BRICK output": 5} | {
            "BABS input": 10,
            "BABS output": 5,
        }
        assert set(_counted(two.metrics, "batos.turn.tokens")) == {
            f"{persona} {kind}" for persona in ("ROBIN", "ALFRED") for kind in ("input", "output")
        }
        (spread,) = [each for each in two.metrics.read() if each.name == "batos.synthesis.duration"]
        assert len(spread.data.data_points) == 1


def _counted(metrics: Metrics, name: str) -> dict[str, float]:
    """The numbers of a metric, by the values of their attributes."""
    found = [point for each in metrics.read() if each.name == name for point in each.data.data_points]
    return {
        " ".join(map(str, (point.attributes or {}).values())): point.value
        for point in found
        if isinstance(point, NumberDataPoint)
    }
