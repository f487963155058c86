"""The real sandbox, with every wall that this machine offers, and no audit before it."""

from collections.abc import AsyncGenerator

import pytest_asyncio

from sandbox.host import Sandbox


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def sandbox() -> AsyncGenerator[Sandbox]:
    async with Sandbox() as sandbox:
        yield sandbox
