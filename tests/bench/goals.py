"""The goals of the hit path as ratios between rows. Law: a ratio is of one round; what is told is their median.

Rows of one round were measured one after the other, so that a mood of the machine is in both sides of a ratio.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from bench.drive import Figure

Rounds = Mapping[str, Sequence[Figure]]
"""The rounds of each row, by the row's name."""


@dataclass(frozen=True, slots=True)
class Goal:
    """One ratio: what it takes at least, and what is aimed at; where `smaller`, at most."""

    name: str
    rows: tuple[str, ...]
    ratio: Callable[..., float]
    enough: float
    aim: float
    smaller: bool = False

    def of(self, rounds: Rounds) -> list[float]:
        """The ratio in each round in which all its rows had answers."""
        together = zip(*(rounds.get(row, ()) for row in self.rows), strict=False)
        return [self.ratio(*figures) for figures in together if all(each.count for each in figures)]

    def verdict(self, ratio: float) -> str:
        """In two words."""
        reached = [ratio <= bound if self.smaller else ratio >= bound for bound in (self.enough, self.aim)]
        return "aim reached" if reached[1] else "at least reached" if reached[0] else "NOT REACHED"


def rate(figures: Sequence[Figure]) -> float:
    """The median of answers a second."""
    return median(figure.rate for figure in figures)


def by_rate(over: Figure, *under: Figure) -> float:
    """How many times as many answers a second, against the fastest of `under`."""
    return over.rate / max(each.rate for each in under)


def one_at_a_time(send: Figure, echo: Figure, cas: Figure) -> float:
    """The median latency of a durable send over that of an echo and a CAS, one after the other."""
    return send.p50 / (echo.p50 + cas.p50)


def by_p99(over: Figure, under: Figure) -> float:
    """How many times as long the slowest hundredth takes."""
    return over.p99 / under.p99


def lost(traced: Figure, untraced: Figure) -> float:
    """The share of answers a second that is lost, in percent."""
    return (1 - traced.rate / untraced.rate) * 100


def lost_cpu(traced: Figure, untraced: Figure) -> float:
    """How much more CPU an operation costs the services, in percent: steadier than the rate on a busy machine."""
    before = _services_cpu(untraced)  # none, where a window was too short for the clock of /proc
    return (_services_cpu(traced) / before - 1) * 100 if before else 0.0


def _services_cpu(figure: Figure) -> float:
    return sum(figure.cpu.get(name, 0.0) for name in ("dispatcher", "objectstore"))


GOALS = (
    Goal("read-only send, unary ÷ E", ("read-unary", "echo-unary"), by_rate, 0.8, 0.95),
    Goal("durable send, 64 objects, unary ÷ E", ("durable-unary-64", "echo-unary"), by_rate, 0.5, 0.75),
    Goal(
        "durable, batched stream, 64 objects ÷ D",
        ("durable-stream-64", "etcd-cas", "etcd-cas-3"),
        by_rate,
        0.5,
        1.5,
    ),
    Goal("one hot object, unary ÷ E", ("hot-unary", "echo-unary"), by_rate, 0.5, 0.8),
    Goal("one hot object, batched ÷ contended CAS", ("hot-stream", "etcd-cas-contended"), by_rate, 20, 100),
    Goal("one hot object, batched, three dispatchers ÷ one", ("hot-stream-3", "hot-stream-one-of-3"), by_rate, 1, 1),
    Goal("one hot object, unary, three dispatchers ÷ one", ("hot-unary-3", "hot-unary-one-of-3"), by_rate, 1, 1),
    Goal(
        "durable p50, 1 in flight ÷ (echo p50 + CAS p50)",
        ("durable-unary-1", "echo-unary-1", "etcd-cas-1"),
        one_at_a_time,
        2,
        1.4,
        smaller=True,
    ),
    Goal("durable unary p99 ÷ echo p99", ("durable-unary-64", "echo-unary"), by_p99, 3, 1.5, smaller=True),
    Goal("durable unary ÷ Restate", ("durable-unary-64", "restate-64"), by_rate, 2.5, 3.5),
    Goal("durable batched ÷ Restate", ("durable-stream-64", "restate-64"), by_rate, 10, 20),
    Goal("durable unary ÷ Temporal with a file", ("durable-unary-64", "temporal-64"), by_rate, 20, 30),
    Goal("cost of tracing at 1 %, % of the rate", ("traced-unary-64", "durable-unary-64"), lost, 5, 2, smaller=True),
    Goal("cost of tracing at 1 %, % of CPU", ("traced-unary-64", "durable-unary-64"), lost_cpu, 5, 2, smaller=True),
)
