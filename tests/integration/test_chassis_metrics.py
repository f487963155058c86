"""Metrics as a collector gets them: right values, soon, at the stop too, and none where nobody asked for them."""

import asyncio
import threading
import time
from collections.abc import Callable

import grpc.aio
import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import Histogram as HistogramData
from opentelemetry.sdk.metrics.export import InMemoryMetricReader

from chassis.address import Address
from chassis.client import channel
from chassis.metrics import MOST, Metrics
from chassis.server import ServerSpec, run
from chassis.telemetry import Telemetry, setup
from fakes.children import until
from fakes.collector import collecting
from fakes.tiny import NAME, Known, ServicerContext, Tiny, send, status_of

RPC = "rpc.server.call.duration"


class Answers:
    """A body that does what the test says."""

    def __init__(self) -> None:
        self.next: BaseException | None = None
        self.seconds = 0.0

    async def __call__(self, context: ServicerContext) -> bytes:
        await asyncio.sleep(self.seconds)
        if self.next is not None:
            raise self.next
        return b"done"


class Served:
    """The tiny service with the telemetry that the collector's environment asks for."""

    def __init__(self, telemetry: Telemetry, body: Answers) -> None:
        self._ready: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._stop = asyncio.Event()
        here = Address("127.0.0.1", 0)
        spec = ServerSpec({NAME: Tiny(body).register}, here, status_of, telemetry, self._ready.set_result)
        self._running = asyncio.create_task(run(spec, self._stop))

    async def address(self) -> str:
        return await self._ready

    async def stop(self) -> None:
        self._stop.set()
        await asyncio.wait_for(self._running, 10)


async def test_every_unary_call_is_counted_by_method_and_code_with_its_duration() -> None:
    async with collecting() as collector:
        body, telemetry = Answers(), setup("tiny", collector.environment)
        served = Served(telemetry, body)
        async with channel(await served.address()) as to:
            body.seconds = 0.03
            for _ in range(3):
                await send(to, "Ask")
            body.seconds, body.next = 0.0, Known("asked to")
            with pytest.raises(grpc.aio.AioRpcError):
                await send(to, "Ask")
            body.next, body.seconds = None, 5.0
            with pytest.raises(grpc.aio.AioRpcError):
                await send(to, "Ask", timeout=0.1)
            body.seconds = 0.0
            await send(to, "Talk")
            assert await until(lambda: collector.count(RPC) == 5)
        await served.stop()
    method = f"{NAME}/Ask"
    assert collector.services == {"tiny"}
    assert collector.count(RPC, rpc_method=method, rpc_response_status_code="OK", error_type="") == 3
    assert 0.09 <= collector.sum(RPC, rpc_response_status_code="OK") < 2
    assert collector.count(RPC, rpc_response_status_code="FAILED_PRECONDITION", error_type="FAILED_PRECONDITION") == 1
    assert collector.count(RPC, rpc_response_status_code="DEADLINE_EXCEEDED") == 1
    assert collector.count(RPC) == 5
    assert collector.attributes()["rpc.method"] == {method}


async def test_what_was_measured_since_the_last_export_is_told_at_the_stop() -> None:
    async with collecting() as collector:
        environment = collector.environment | {"OTEL_METRIC_EXPORT_INTERVAL": "3600000"}
        served = Served(setup("tiny", environment), Answers())
        async with channel(await served.address()) as to:
            await send(to, "Ask")
        assert collector.exports == 0
        await served.stop()
    assert collector.exports == 1
    assert collector.count(RPC) == 1


@pytest.mark.parametrize(
    "given", [{}, {"OTEL_METRICS_EXPORTER": "none"}, {"OTEL_SDK_DISABLED": "true"}], ids=["unset", "none", "disabled"]
)
async def test_nothing_is_exported_and_no_thread_waits_where_nobody_asks(given: dict[str, str]) -> None:
    async with collecting() as collector:
        telemetry = setup("tiny", collector.environment | given if given else {})
        served = Served(telemetry, Answers())
        async with channel(await served.address()) as to:
            await send(to, "Ask")
        assert telemetry.exporting is None
        assert "metrics" not in {thread.name for thread in threading.enumerate()}
        await served.stop()
    assert collector.exports == 0


async def test_a_collector_that_is_away_holds_no_stop_up() -> None:
    telemetry = setup("tiny", {"OTEL_EXPORTER_OTLP_METRICS_ENDPOINT": "http://127.0.0.1:9"})
    telemetry.metrics.counter("a", "1", "").count += 1
    began = time.monotonic()
    await asyncio.to_thread(telemetry.shutdown, 0.2)
    assert time.monotonic() - began < 2


def keyed(key: str) -> dict[str, str]:
    return {"key": key}


def points(metrics: Metrics) -> dict[str, list[float]]:
    return {each.name: [getattr(point, "value", 0) for point in each.data.data_points] for each in metrics.read()}


def test_a_name_asked_for_twice_is_one_measure() -> None:
    metrics = Metrics()
    metrics.counter("a", "1", "").count += 1
    metrics.counter("a", "1", "").count += 2
    metrics.observe("b", "1", "", lambda: 3)
    metrics.observe("b", "1", "", lambda: 4)
    assert points(metrics) == {"a": [3], "b": [7]}


def test_values_fall_into_the_bucket_whose_bound_they_do_not_exceed() -> None:
    metrics = Metrics()
    histogram = metrics.histogram("a", "1", "", (1, 2))
    for value in (0, 1, 1.5, 2, 3):
        histogram.add(value)
    (metric,) = metrics.read()
    assert isinstance(metric.data, HistogramData)
    (point,) = metric.data.data_points
    assert (point.bucket_counts, point.count, point.sum) == ([2, 2, 1], 5, 7.5)


def test_attributes_without_end_are_one_from_some_number_on() -> None:
    metrics = Metrics()
    family = metrics.counters("a", "1", "", keyed)
    for key in range(3 * MOST):
        family[str(key)].count += 1
    (values,) = points(metrics).values()
    assert len(values) == MOST + 1
    assert sum(values) == 3 * MOST


def test_a_measurement_costs_a_part_of_what_the_sdks_own_does() -> None:
    histograms = Metrics().histograms("a", "s", "", keyed)
    provider = MeterProvider(metric_readers=[InMemoryMetricReader()], shutdown_on_exit=False)
    its = provider.get_meter("test").create_histogram("a")
    ours = seconds(lambda: histograms["x"].add(0.5))
    assert ours < 0.2 * seconds(lambda: its.record(0.5, {"key": "x"}))
    provider.shutdown()


def seconds(work: Callable[[], None]) -> float:
    """The least that a thousand of them took; the machine may be busy."""
    took: list[float] = []
    for _ in range(10):
        began = time.process_time()
        for _ in range(1000):
            work()
        took.append(time.process_time() - began)
    return min(took)
