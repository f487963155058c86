"""The real sandbox, with every wall that this machine offers, and no audit before it."""

from collections.abc import AsyncGenerator, Generator
from pathlib import Path

import pytest
import pytest_asyncio

from fakes.system_calls import NativeWorker, write_program
from fakes.taken import WORKER_BYTES, only
from sandbox.host import Sandbox
from sandbox.jail import JailLevel, probe


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def sandbox() -> AsyncGenerator[Sandbox]:
    async with Sandbox() as sandbox:
        yield sandbox


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_program(tmp_path_factory.mktemp("worker") / "program")


@pytest.fixture(scope="module")
def level(program: Path) -> JailLevel:
    return probe(program, [], WORKER_BYTES)


@pytest.fixture(scope="module")
def free(program: Path) -> Generator[NativeWorker]:
    with NativeWorker([str(program)]) as worker:
        yield worker


@pytest.fixture(scope="module")
def walled(program: Path, level: JailLevel) -> Generator[NativeWorker]:
    with only(program, level) as worker:
        yield worker
