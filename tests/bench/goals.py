"""The goals of the hit path as ratios between rows of one run. Law: a ratio is of medians, and leaves nothing out."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from bench.drive import Figure

Rounds = Mapping[str, Sequence[Figure]]
"""The rounds of each row, by the row's name."""


@dataclass(frozen=True, slots=True)
class Goal:
    """One ratio: what it takes at least, and what is aimed at; where `least`, smaller is better."""

    name: str
    rows: tuple[str, ...]
    ratio: Callable[..., float]
    enough: float
    aim: float
    smaller: bool = False

    def of(self, rounds: Rounds) -> float | None:
        """The ratio of this run; None where a row of it has no answers."""
        given = [rounds.get(row, ()) for row in self.rows]
        if not all(each and any(figure.count for figure in each) for each in given):
            return None
        return self.ratio(*given)

    def verdict(self, value: float) -> str:
        """In two words."""
        reached = [value <= bound if self.smaller else value >= bound for bound in (self.enough, self.aim)]
        return "aim reached" if reached[1] else "at least reached" if reached[0] else "NOT REACHED"


def rate(figures: Sequence[Figure]) -> float:
    """The median of answers a second."""
    return median(figure.rate for figure in figures)


def p50(figures: Sequence[Figure]) -> float:
    """The median of the rounds' median latencies, in seconds."""
    return median(figure.p50 for figure in figures)


def p99(figures: Sequence[Figure]) -> float:
    """The median of the rounds' 99th percentiles, in seconds."""
    return median(figure.p99 for figure in figures)


def by_rate(over: Sequence[Figure], under: Sequence[Figure]) -> float:
    """How many times as many answers a second."""
    return rate(over) / rate(under)


def by_best(over: Sequence[Figure], *under: Sequence[Figure]) -> float:
    """The same against the fastest of several."""
    return rate(over) / max(rate(each) for each in under)


def one_at_a_time(send: Sequence[Figure], echo: Sequence[Figure], cas: Sequence[Figure]) -> float:
    """The median latency of a durable send over that of an echo and a CAS, one after the other."""
    return p50(send) / (p50(echo) + p50(cas))


def by_p99(over: Sequence[Figure], under: Sequence[Figure]) -> float:
    """How many times as long the slowest hundredth takes."""
    return p99(over) / p99(under)


def lost(traced: Sequence[Figure], untraced: Sequence[Figure]) -> float:
    """The share of answers a second that is lost, in percent: rounds are compared one by one, side by side in time."""
    pairs = zip(traced, untraced, strict=False)
    return median((1 - on.rate / off.rate) * 100 for on, off in pairs if off.rate)


GOALS = (
    Goal("read-only send, unary ÷ E", ("read-unary", "echo-unary"), by_rate, 0.8, 0.95),
    Goal("durable send, 64 objects, unary ÷ E", ("durable-unary-64", "echo-unary"), by_rate, 0.5, 0.75),
    Goal(
        "durable, batched stream, 64 objects ÷ D",
        ("durable-stream-64", "etcd-cas", "etcd-cas-3"),
        by_best,
        0.5,
        1.5,
    ),
    Goal("one hot object, unary ÷ E", ("hot-unary", "echo-unary"), by_rate, 0.5, 0.8),
    Goal("one hot object, batched ÷ contended CAS", ("hot-stream", "etcd-cas-contended"), by_rate, 20, 100),
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
    Goal("cost of tracing at 1 % sampling, %", ("traced-unary-64", "durable-unary-64"), lost, 5, 2, smaller=True),
)
