"""What a dispatcher counts. Law: who works adds to a number here, for each batch rather than for each message."""

from collections.abc import Callable, Mapping

import vocabulary
from chassis.metrics import SIZES, Counter, Metrics
from sandbox.host import Sandbox


class Measures:
    """The numbers of one dispatcher, which `metrics` exports."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        count, spread = metrics.counter, metrics.histogram
        self.messages = metrics.histograms(
            vocabulary.METRIC_MESSAGE_DURATION, "s", "From a message to its answer, here or elsewhere.", _ended
        )
        activations = metrics.counters(vocabulary.METRIC_ACTIVATIONS, "{activation}", "Runs of methods.", _ran)
        self.together = activations[vocabulary.ACTIVATION_TOGETHER]
        self.alone = activations[vocabulary.ACTIVATION_ALONE]
        self.repeated = count(vocabulary.METRIC_REPEATED_RUNS, "{activation}", "Runs after a conflict.")
        self.batches = spread(vocabulary.METRIC_BATCH_MESSAGES, "{message}", "Messages of a batch.", SIZES)
        self.known = Counter()
        """Messages that memory knew all of, and that ran alone."""
        about = "Messages answered from memory, those that it was fetched for among them."
        metrics.observe(vocabulary.METRIC_CACHE_HITS, "{message}", about, self._hits, grows=True)
        self.fetches = count(vocabulary.METRIC_CACHE_FETCHES, "{message}", "Messages that the store was asked for.")
        self.units = spread(vocabulary.METRIC_COMMIT_UNITS, "{unit}", "Units of a commit.", SIZES)
        self.commits = spread(vocabulary.METRIC_COMMIT_DURATION, "s", "Until it was known what became of a commit.")
        self.conflicts = count(vocabulary.METRIC_COMMIT_CONFLICTS, "{unit}", "Units that met a conflict.")

    def queued(self, read: Callable[[], int]) -> None:
        """Where to read how many messages wait for an answer."""
        self._metrics.observe(vocabulary.METRIC_QUEUED_MESSAGES, "{message}", "Messages without an answer yet.", read)

    def _hits(self) -> float:
        return self.batches.sum + self.known.count

    def sandbox(self, sandbox: Sandbox) -> None:
        """Where to read how the sandbox is used."""
        observe = self._metrics.observe
        observe(vocabulary.METRIC_SANDBOX_WORKERS, "{worker}", "Workers in use.", lambda: sandbox.busy)
        observe(vocabulary.METRIC_SANDBOX_SECONDS, "s", "Time that feeds ran.", lambda: sandbox.seconds, grows=True)


def _ended(reason: str) -> Mapping[str, str]:
    """A message's attributes: the reason of its failure, nothing if it has none."""
    return {vocabulary.ERROR_TYPE: reason} if reason else {}


def _ran(kind: str) -> Mapping[str, str]:
    return {vocabulary.ACTIVATION_KIND: kind}
