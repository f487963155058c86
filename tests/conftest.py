"""What every test may ask for. A server is started once, on first use; what it holds is a test's own."""

import random
from collections.abc import Generator

import pytest
from opentelemetry.exporter.otlp.proto.grpc import exporter

from fakes.etcd import Etcd


@pytest.fixture(scope="session", autouse=True)
def exporters_own_randomness() -> Generator[None]:
    """Where nobody listens, an exporter tries again in a thread that outlives its test, with jitter.

    Hypothesis would take what that thread draws from the one randomness of all for its own strategy's.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(exporter, "random", random.Random())
        yield


@pytest.fixture(scope="session")
def etcd_server(tmp_path_factory: pytest.TempPathFactory) -> Generator[Etcd]:
    """A running etcd that all tests share; one that stops or kills a server starts its own."""
    server = Etcd(tmp_path_factory.mktemp("etcd"))
    server.start()
    yield server
    server.kill()


@pytest.fixture
def etcd_endpoint(etcd_server: Etcd) -> str:
    """The host:port of an etcd that is empty when the test starts."""
    etcd_server.wipe()
    return etcd_server.endpoint


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show the end of etcd's log beside the failure of a test that used it."""
    report = yield
    server = item.funcargs.get("etcd_server") if isinstance(item, pytest.Function) else None
    if report.failed and isinstance(server, Etcd):
        report.sections.append(("etcd", server.tail()))
    return report
