"""A collector of metrics in the test's own process: it takes OTLP over gRPC as a real one does."""

from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import grpc
import grpc.aio
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
    ExportMetricsServiceResponse,
)
from opentelemetry.proto.metrics.v1.metrics_pb2 import Metric

from chassis.address import Address
from chassis.server import Server, ServerSpec
from fakes.tiny import ServicerContext, status_of

_SERVICE = "opentelemetry.proto.collector.metrics.v1.MetricsService"


@dataclass
class Collector:
    """What was exported to `address`, the last of each process and metric."""

    address: str = ""
    exports: int = 0
    _latest: dict[tuple[str, str], Metric] = field(default_factory=dict[tuple[str, str], Metric])
    services: set[str] = field(default_factory=set[str])

    @property
    def environment(self) -> dict[str, str]:
        """What a service is told, to export its metrics here alone."""
        return {"OTEL_EXPORTER_OTLP_METRICS_ENDPOINT": f"http://{self.address}", "OTEL_METRIC_EXPORT_INTERVAL": "100"}

    def number(self, name: str, **attributes: str) -> float:
        """A counter or gauge: the sum over processes, of the points that have these attributes (`.` as `_`)."""
        points = [point for metric in self._of(name) for point in (*metric.sum.data_points, *metric.gauge.data_points)]
        return sum(point.as_double + point.as_int for point in points if _has(point, attributes))

    def count(self, name: str, **attributes: str) -> int:
        """How often a histogram was added to."""
        return sum(point.count for point in self._spread(name, attributes))

    def sum(self, name: str, **attributes: str) -> float:
        """The sum of what a histogram was given."""
        return sum(point.sum for point in self._spread(name, attributes))

    def names(self) -> set[str]:
        """All metrics that were exported."""
        return {name for _, name in self._latest}

    def attributes(self) -> dict[str, set[str]]:
        """The values that each attribute of any metric has had."""
        found: dict[str, set[str]] = {}
        for metric in self._latest.values():
            for point in (*metric.sum.data_points, *metric.gauge.data_points, *metric.histogram.data_points):
                for pair in point.attributes:
                    found.setdefault(pair.key, set()).add(pair.value.string_value)
        return found

    def _spread(self, name: str, attributes: Mapping[str, str]) -> list[Any]:
        points = [point for metric in self._of(name) for point in metric.histogram.data_points]
        return [point for point in points if _has(point, attributes)]

    def _of(self, name: str) -> list[Metric]:
        return [metric for (_, each), metric in self._latest.items() if each == name]

    async def export(
        self, request: ExportMetricsServiceRequest, context: ServicerContext
    ) -> ExportMetricsServiceResponse:
        """What the exporter calls."""
        self.exports += 1
        for resource in request.resource_metrics:
            who = {pair.key: pair.value.string_value for pair in resource.resource.attributes}
            self.services.add(who["service.name"])
            for scope in resource.scope_metrics:
                self._latest.update({(who["service.instance.id"], each.name): each for each in scope.metrics})
        return ExportMetricsServiceResponse()


@asynccontextmanager
async def collecting() -> AsyncGenerator[Collector]:
    """A collector that runs."""
    collector = Collector()

    def register(server: grpc.aio.Server) -> None:
        method = grpc.unary_unary_rpc_method_handler(
            collector.export,
            request_deserializer=ExportMetricsServiceRequest.FromString,
            response_serializer=ExportMetricsServiceResponse.SerializeToString,
        )
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(_SERVICE, {"Export": method}),))

    spec = ServerSpec({_SERVICE: register}, Address("127.0.0.1", 0), status_of, reflection=False)
    async with Server(spec) as server:
        collector.address = str(server.address)
        yield collector


def _has(point: Any, attributes: Mapping[str, str]) -> bool:
    has = {pair.key.replace(".", "_"): pair.value.string_value for pair in point.attributes}
    return all(has.get(name, "") == value for name, value in attributes.items())
