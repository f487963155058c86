"""What a dispatcher counts where senders are in each other's way."""

from opentelemetry.sdk.metrics.export import Histogram, Sum

from chassis.metrics import Metrics
from dispatcher.commits import Commits, Unit
from dispatcher.measures import Measures
from fakes.children import until
from fakes.committing import ScriptedStore
from kernel.errors import Conflict, KernelError
from kernel.objects import DEFAULT_NAMESPACE, ObjectId
from kernel.transactions import Key, Part, Token, Transaction
from kernel.values import pack


def read(metrics: Metrics) -> dict[str, list[float]]:
    """Each counter's value; each histogram's count and sum."""
    found: dict[str, list[float]] = {}
    for metric in metrics.read():
        if isinstance(metric.data, Histogram):
            found[metric.name] = [figure for point in metric.data.data_points for figure in (point.count, point.sum)]
        elif isinstance(metric.data, Sum):
            found[metric.name] = [point.value for point in metric.data.data_points]
    return found


async def test_units_that_lose_are_counted_and_those_that_go_again_are_of_another_commit() -> None:
    store, metrics, told = ScriptedStore(), Metrics(), list[Token | KernelError]()

    def fail(transaction: Transaction) -> KernelError | None:
        stale = Key(ObjectId("b"), Part.SLOTS)
        return Conflict("changed", [stale.name]) if stale in transaction.reads else None

    store.fail = fail
    commits = Commits(store, 1, Measures(metrics))  # pyright: ignore[reportArgumentType] - the part of a store that commits need
    for name in "abc":
        own = ObjectId(name)
        unit = Unit(DEFAULT_NAMESPACE, {Key(own, Part.SLOTS): 1}, {own: pack({"count": 1})}, told.append)
        commits.add(unit)
    assert await until(lambda: len(told) == 3)
    figures = read(metrics)
    assert figures["batos.commit.conflicts"] == [1]
    assert figures["batos.commit.units"] == [2, 5]  # all three, then the two that did not lose
    assert figures["batos.commit.duration"][0] == 2
