"""What every sandbox promises about entering, cancelling and leaving. The walls are tried in tests/security."""

import asyncio
import os
import shutil
import signal
import time
from pathlib import Path

import pytest

from fakes.guests import children, feed, no_call
from sandbox.errors import SandboxUnavailable
from sandbox.guest import Call
from sandbox.host import Sandbox
from sandbox.jail import WALLS, find_worker
from sandbox.limits import Limits

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_cancelling_kills_a_guest_that_runs(sandbox: Sandbox) -> None:
    run = asyncio.create_task(sandbox.run(feed("while True: pass", limits=Limits(feed_seconds=60)), no_call))
    await asyncio.sleep(0.1)
    workers = children()
    run.cancel()
    began = time.monotonic()
    with pytest.raises(asyncio.CancelledError):
        await run
    while workers.keys() <= children().keys():
        assert time.monotonic() - began < 1, "the worker lives on"
        await asyncio.sleep(0.01)


async def test_leaving_ends_every_guest() -> None:
    suspended = asyncio.Event()

    async def on_call(call: Call) -> object:
        suspended.set()
        await asyncio.sleep(0.2)
        return 1

    long = Limits(feed_seconds=60, deadline_seconds=60)
    async with Sandbox() as sandbox:
        before = children()
        runs = [
            asyncio.create_task(sandbox.run(feed("while True: pass", limits=long), no_call)),
            asyncio.create_task(sandbox.run(feed("f()", "f", limits=long), on_call)),
        ]
        await suspended.wait()
        await asyncio.sleep(0.05)
        assert len(children()) >= len(before)
    assert [type(error) for error in await asyncio.gather(*runs, return_exceptions=True)] == [SandboxUnavailable] * 2
    with pytest.raises(SandboxUnavailable):
        await sandbox.run(feed("1"), no_call)


async def test_a_root_that_queued_while_the_sandbox_closed_does_not_run() -> None:
    async with Sandbox(roots=1) as sandbox:
        long = Limits(feed_seconds=60, deadline_seconds=60)
        runs = [asyncio.create_task(sandbox.run(feed("while True: pass", limits=long), no_call)) for _ in range(3)]
        await asyncio.sleep(0.1)
    assert [type(error) for error in await asyncio.gather(*runs, return_exceptions=True)] == [SandboxUnavailable] * 3


async def test_leaving_leaves_no_worker_and_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    before = children().keys()
    async with Sandbox(warm=3) as sandbox:
        await sandbox.run(feed("1"), no_call)
        assert len(children().keys() - before) >= 3
        assert os.listdir(tmp_path)  # noqa: PTH208 - pathlib's is refused in async code
    began = time.monotonic()
    while children().keys() - before:
        assert time.monotonic() - began < 1, "a worker lives on"
        await asyncio.sleep(0.01)
    assert os.listdir(tmp_path) == []  # noqa: PTH208


async def test_a_sandbox_that_was_not_entered_runs_nothing() -> None:
    sandbox = Sandbox()
    with pytest.raises(SandboxUnavailable):
        await sandbox.run(feed("1"), no_call)
    with pytest.raises(SandboxUnavailable):
        _ = sandbox.jail


async def test_a_worker_that_died_idle_is_replaced() -> None:
    before = children().keys()
    async with Sandbox(warm=2) as sandbox:
        await asyncio.gather(*[sandbox.run(feed("1"), no_call) for _ in range(4)])
        for pid in children().keys() - before:
            os.kill(pid, signal.SIGKILL)
        assert await asyncio.gather(*[sandbox.run(feed("1"), no_call) for _ in range(4)]) == [1] * 4


# The jail's report


async def test_the_level_names_every_wall_once(sandbox: Sandbox) -> None:
    level = sandbox.jail
    assert level.applied | level.missing.keys() == WALLS.keys()
    assert not level.applied & level.missing.keys()
    assert all(level.missing.values())
    for name in WALLS:
        assert name in str(level)


async def test_a_required_wall_that_does_not_stand_stops_the_sandbox() -> None:
    with pytest.raises(SandboxUnavailable, match="seccomp"):
        await Sandbox(jailed=False, require=frozenset({"seccomp"})).__aenter__()
    with pytest.raises(ValueError, match="moat"):
        await Sandbox(require=frozenset({"moat"})).__aenter__()


async def test_all_that_stands_may_be_required(sandbox: Sandbox) -> None:
    level = sandbox.jail
    async with Sandbox(jailed=bool(level.applied), require=level.applied) as other:
        assert other.jail.applied == level.applied


@pytest.fixture
def private_worker(tmp_path: Path) -> Path:
    tmp_path.chmod(0o700)
    return Path(shutil.copy(find_worker(), tmp_path / "monty"))


async def test_a_worker_in_a_private_folder_starts(private_worker: Path) -> None:
    async with Sandbox(binary=private_worker) as sandbox:
        assert await sandbox.run(feed("1"), no_call) == 1


@pytest.mark.parametrize("program", ["/bin/false", "/nonexistent"])
@pytest.mark.parametrize("jailed", [True, False])
async def test_a_program_that_is_no_worker_is_unavailable(program: str, *, jailed: bool) -> None:
    with pytest.raises(SandboxUnavailable):
        await Sandbox(jailed=jailed, binary=Path(program)).__aenter__()
