"""What the contracts are held against."""

from collections.abc import AsyncGenerator

import pytest
import pytest_asyncio

from sandbox.host import Sandbox


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=["jailed", "unjailed"])
async def sandbox(request: pytest.FixtureRequest) -> AsyncGenerator[Sandbox]:
    async with Sandbox(jailed=request.param == "jailed") as sandbox:
        yield sandbox
