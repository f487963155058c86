"""What every test may ask for. A server is started once, on first use; what it holds is a test's own."""

from collections.abc import Generator

import pytest

from fakes.etcd import Etcd


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
