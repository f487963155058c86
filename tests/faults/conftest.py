"""What fault tests are told on the command line, and their clusters. Law: what could not run is said last, aloud."""

import shutil
from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
import pytest_asyncio

from faults.cluster import Cluster, Shape
from faults.members import survives_kill, version
from faults.schedule import schedule

BUILD = Path(__file__).parents[2] / "build" / "faults"
SCHEDULES = 30
NOT_RUN = "NOT RUN"
TALLY = pytest.StashKey[Counter[str]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("faults")
    group.addoption("--schedules", type=int, default=SCHEDULES, help="how many schedules to run")
    group.addoption("--seed", type=int, default=1, help="what the schedules follow from")
    group.addoption("--schedule", type=int, default=None, help="the one schedule to run")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "one_schedule" in metafunc.fixturenames:
        config = metafunc.config
        seed, only = int(config.getoption("seed", 1) or 0), config.getoption("schedule", None)
        numbers = range(int(config.getoption("schedules", SCHEDULES) or 0)) if only is None else [only]
        found = sorted(
            (schedule(seed, number) for number in numbers),
            key=lambda each: (each.shape.members, each.shape.guarded, each.number),
        )
        metafunc.parametrize("one_schedule", found, ids=[each.name for each in found])


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("schedule", None) is not None:
        items[:] = [item for item in items if "one_schedule" in getattr(item, "fixturenames", ())]


class Clusters:
    """The cluster of the moment; it is used again as long as it is whole."""

    def __init__(self, folder: Path) -> None:
        self.tally: Counter[str] = Counter()
        self._folder = folder
        self._count = 0
        self._stack = AsyncExitStack()
        self._cluster: Cluster | None = None

    async def of(self, shape: Shape) -> Cluster:
        """One of that shape."""
        if self._cluster is None or self._cluster.shape != shape:
            await self.drop()
            self._count += 1
            cluster = Cluster(self._folder / str(self._count), BUILD / "logs" / str(self._count), shape)
            self._cluster = await self._stack.enter_async_context(cluster)
        return self._cluster

    async def drop(self) -> None:
        """End it: it is not to be trusted any more, or not needed."""
        self._cluster = None
        await self._stack.aclose()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def clusters(tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config) -> AsyncGenerator[Clusters]:
    """Clusters for the session; what the last one left in build/faults is removed."""
    shutil.rmtree(BUILD, ignore_errors=True)
    clusters = Clusters(tmp_path_factory.mktemp("faults"))
    pytestconfig.stash[TALLY] = clusters.tally
    yield clusters
    await clusters.drop()


@pytest.fixture
def sound_etcd() -> None:
    """Ends the test as NOT RUN where etcd may lose data when it is killed."""
    require_sound_etcd()


def require_sound_etcd() -> None:
    """Where etcd may lose what it acknowledged when it is killed, a test of that would prove nothing: it is NOT RUN."""
    if not survives_kill():
        text = ".".join(map(str, version()))
        pytest.skip(
            f"{NOT_RUN}: etcd {text} may lose data when it is killed; put Debian's, or 3.5.22 or later, on PATH"
        )


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    tally = terminalreporter.config.stash.get(TALLY, Counter[str]())
    counts = ", ".join(f"{name} {count}" for name, count in sorted(tally.items()))
    terminalreporter.line(f"attempts by how they ended: {counts or 'none'}")
    skipped = terminalreporter.stats.get("skipped", [])
    left_out = [each for each in skipped if NOT_RUN in str(each.longrepr)]
    if left_out:
        terminalreporter.section(NOT_RUN, sep="!", red=True, bold=True)
        terminalreporter.line(
            f"{len(left_out)} crash tests were {NOT_RUN}: what a crash of etcd does is not known.", red=True
        )
        terminalreporter.line(str(left_out[0].longrepr[2]), red=True)
