"""Counts and durations that cost their measurer nanoseconds. Law: who measures adds to plain numbers, and does no more.

The instruments of OpenTelemetry's SDK take microseconds for each measurement: attributes are sorted and hashed, a lock
is taken. Here each set of attributes has a Counter or a Histogram of its own, found by one look into a dict; once an
interval a thread reads them all and hands OTLP's own points, with totals since the start, to the exporter. What is
added while it reads may be in the count and not yet in the sum; the next export has both.

What an attribute may be is decided by few things, such as methods and reasons, and never by what senders write; beyond
MOST sets of attributes everything is counted in the first of them that came in excess.
"""

import logging
import threading
import time
from bisect import bisect_left
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Generic, Literal, Protocol, TypeVar, cast

from opentelemetry.sdk.metrics.export import (
    AggregationTemporality,
    DataT,
    Gauge,
    HistogramDataPoint,
    Metric,
    MetricsData,
    NumberDataPoint,
    ResourceMetrics,
    ScopeMetrics,
    Sum,
)
from opentelemetry.sdk.metrics.export import Histogram as HistogramData
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

MOST: Final = 500
SECONDS: Final = (
    *(0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1),
    *(0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0),
)
"""The upper bounds of a histogram of durations: of what memory answers as of what a model writes."""
SIZES: Final = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024)
"""The upper bounds of a histogram of how many things went together."""
_SCOPE = InstrumentationScope("chassis")
_CUMULATIVE = AggregationTemporality.CUMULATIVE

K = TypeVar("K", bound=Hashable)
M = TypeVar("M", "Counter", "Histogram")
Attributes = Mapping[str, str]
Kind = Literal["counter", "histogram", "gauge"]

log = logging.getLogger(__name__)


class Counter:
    """Add to `count`."""

    __slots__ = ("count",)

    def __init__(self) -> None:
        self.count: int | float = 0


class Histogram:
    """How often values fell between which bounds, and their sum."""

    __slots__ = ("bounds", "counts", "sum")

    def __init__(self, bounds: Sequence[float] = SECONDS) -> None:
        self.bounds, self.counts = bounds, [0] * (len(bounds) + 1)
        self.sum: float = 0

    def add(self, value: float) -> None:
        """Measured once."""
        self.counts[bisect_left(self.bounds, value)] += 1
        self.sum += value


class Family(dict[K, M], Generic[K, M]):
    """One measure for each key, made when it is first looked up."""

    def __init__(self, make: Callable[[], M]) -> None:
        super().__init__()
        self._make = make
        self._excess: M | None = None

    def __missing__(self, key: K) -> M:
        if self._excess is not None:
            return self._excess
        measure = self[key] = self._make()
        if len(self) > MOST:
            log.warning("more than %d sets of attributes: %r takes all further ones", MOST, key)
            self._excess = measure
        return measure


@dataclass(frozen=True, slots=True)
class _Measured:
    """What is exported under one name; `readers` are for numbers that are kept elsewhere."""

    kind: Kind
    name: str
    unit: str
    about: str
    family: Family[Any, Any]
    attributes: Callable[[Any], Attributes]
    readers: list[Callable[[], float]]


class Metrics:
    """All that a process measures. Asked twice for a name, it gives what it gave first."""

    def __init__(self) -> None:
        self._started = time.time_ns()
        self._measured: dict[str, _Measured] = {}

    def counter(self, name: str, unit: str, about: str) -> Counter:
        """A number that grows."""
        return self.counters(name, unit, about, _none)[None]

    def counters(self, name: str, unit: str, about: str, attributes: Callable[[K], Attributes]) -> Family[K, Counter]:
        """The same for each key."""
        return self._known("counter", name, unit, about, Counter, attributes).family

    def histogram(self, name: str, unit: str, about: str, bounds: Sequence[float] = SECONDS) -> Histogram:
        """How values are spread."""
        return self.histograms(name, unit, about, _none, bounds)[None]

    def histograms(
        self,
        name: str,
        unit: str,
        about: str,
        attributes: Callable[[K], Attributes],
        bounds: Sequence[float] = SECONDS,
    ) -> Family[K, Histogram]:
        """The same for each key."""
        return self._known("histogram", name, unit, about, lambda: Histogram(bounds), attributes).family

    def observe(self, name: str, unit: str, about: str, read: Callable[[], float], *, grows: bool = False) -> None:
        """A number that is kept elsewhere, read at each export, in a thread; of one name, the sum of what is read."""
        self._known("counter" if grows else "gauge", name, unit, about, Counter, _none).readers.append(read)

    def _known(  # noqa: PLR0917 - what a metric consists of
        self,
        kind: Kind,
        name: str,
        unit: str,
        about: str,
        make: Callable[[], Any],
        attributes: Callable[[Any], Attributes],
    ) -> _Measured:
        if name not in self._measured:
            self._measured[name] = _Measured(kind, name, unit, about, Family(make), attributes, [])
        return self._measured[name]

    def read(self) -> list[Metric]:
        """Everything that was measured until now."""
        now = time.time_ns()
        measured = self._measured.copy().values()
        found = (Metric(each.name, each.about, each.unit, self._read(each, now)) for each in measured)
        return [metric for metric in found if metric.data.data_points]

    def _read(self, of: _Measured, now: int) -> DataT:
        if of.kind == "histogram":
            points = [self._spread(of.attributes(key), each, now) for key, each in of.family.copy().items()]
            return HistogramData(points, _CUMULATIVE)
        numbers = {key: each.count for key, each in of.family.copy().items()}
        if of.readers:
            numbers[None] = sum(read() for read in of.readers)
        values = [NumberDataPoint(of.attributes(key), self._started, now, number) for key, number in numbers.items()]
        return Gauge(values) if of.kind == "gauge" else Sum(values, _CUMULATIVE, is_monotonic=True)

    def _spread(self, attributes: Attributes, histogram: Histogram, now: int) -> HistogramDataPoint:
        counts, total = histogram.counts.copy(), histogram.sum
        unknown = cast("float", None)  # the least and the greatest are optional in OTLP, which the SDK's types forget
        return HistogramDataPoint(
            attributes, self._started, now, sum(counts), total, counts, histogram.bounds, unknown, unknown
        )


class Exporter(Protocol):
    """Who takes what was measured; OTLPMetricExporter is one."""

    def export(self, metrics_data: MetricsData) -> object:
        """Hand it over; a failure is logged there."""
        ...

    def shutdown(self) -> object:
        """Nothing more comes."""
        ...


class Exporting:
    """Exports every `seconds`, and once more at the shutdown."""

    def __init__(self, metrics: Metrics, exporter: Exporter, resource: Resource, seconds: float) -> None:
        self._metrics, self._exporter, self._resource, self._seconds = metrics, exporter, resource, seconds
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="metrics", daemon=True)
        self._thread.start()

    def shutdown(self, seconds: float) -> None:
        """Export what is measured and end; the exporter is broken off after so many seconds."""
        self._stop.set()
        self._thread.join(seconds)
        self._exporter.shutdown()

    def _run(self) -> None:
        while not self._stop.wait(self._seconds):
            self._export()
        self._export()

    def _export(self) -> None:
        try:
            if read := self._metrics.read():
                scope = ScopeMetrics(_SCOPE, read, "")
                self._exporter.export(MetricsData([ResourceMetrics(self._resource, [scope], "")]))
        except Exception:  # the next one may do better
            log.exception("the metrics were not exported")


def _none(_: object) -> Attributes:
    return {}
