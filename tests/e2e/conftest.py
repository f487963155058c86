"""The whole suite, as `batctl up` starts it, over a scripted endpoint; one for all end-to-end tests."""

from collections.abc import AsyncGenerator
from pathlib import Path

import pytest
import pytest_asyncio

from batos.client import Client
from batos.local.suite import Suite
from fakes.endpoint import ScriptedEndpoint, answering


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def endpoint() -> AsyncGenerator[ScriptedEndpoint]:
    """The personas' endpoint; a test replaces its script."""
    async with ScriptedEndpoint(answering({})) as endpoint:
        yield endpoint


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def suite(endpoint: ScriptedEndpoint, tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Suite]:
    """etcd, the three services and the receiver of traces, as processes."""
    data: Path = tmp_path_factory.mktemp("suite")
    async with Suite(data=data, persona_url=endpoint.url) as suite:
        yield suite


@pytest_asyncio.fixture(loop_scope="session")
async def client(suite: Suite) -> AsyncGenerator[Client]:
    """A client of the suite."""
    async with Client(suite.addresses) as client:
        yield client
