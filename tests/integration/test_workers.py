"""Several processes at one address: they share the load, one that dies comes back, and none is ever left behind."""

import asyncio
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import grpc.aio
import pytest

from batos.local.child import Child, Program, says_ready
from batos.local.errors import NotStarted
from chassis.client import channel
from fakes.children import gone, running, until
from fakes.tiny import send
from fakes.tiny_workers import Config
from objectstore.config import Config as StoreConfig

TESTS = str(Path(__file__).parent.parent)
CLEAN = {name: value for name, value in os.environ.items() if not name.startswith(("BATOS_", "OTEL_", "TINY_"))}


@asynccontextmanager
async def tiny(folder: Path, *arguments: str, **environment: str) -> AsyncGenerator[Child]:
    """The tiny service as a program."""
    command = (sys.executable, "-m", "fakes.tiny_workers", *arguments)
    child = await Child.start(Program("tiny", command, CLEAN | {"PYTHONPATH": TESTS} | environment), folder, says_ready)
    try:
        yield child
    finally:
        await child.stop()


def pids(child: Child) -> dict[int, int]:
    """The pid of each worker by its number, as the parent told them last."""
    return {int(number): int(pid) for number, pid in re.findall(r"worker (\d+) is ready, pid (\d+)", child.said())}


async def asked(address: str, times: int = 1) -> set[int]:
    """Who answered, each on a connection of its own."""

    async def ask(number: int) -> int:
        # gRPC shares a connection among channels that are alike.
        async with channel(address, max_message_bytes=1000 + number) as to:
            return int(await send(to, "Ask", timeout=10, wait_for_ready=True))

    return set(await asyncio.gather(*(ask(number) for number in range(times))))


async def test_connections_spread_over_all_workers_of_one_address(tmp_path: Path) -> None:
    async with tiny(tmp_path, "--workers", "3") as child:
        workers = set(pids(child).values())
        assert len(workers) == 3
        assert child.pid not in workers
        assert await asked(child.address, 40) == workers
        said = child.said()
        assert said.count("\nready ") + said.startswith("ready ") == 1
        for number in (1, 2, 3):
            assert f" WARNING fakes.tiny_workers[{number}] tiny: asked" in said


async def test_the_environment_may_say_how_many_and_the_arguments_win(tmp_path: Path) -> None:
    async with tiny(tmp_path, BATOS_WORKERS="2", BATOS_LOG="json") as child:
        assert len(pids(child)) == 2
        assert '"service": "fakes.tiny_workers", "worker": 2, ' in child.said()
    (tmp_path / "tiny.log").unlink()
    async with tiny(tmp_path, "--workers", "1", BATOS_WORKERS="2") as child:
        assert pids(child) == {}
        assert await asked(child.address) == {child.pid}


async def test_a_stop_drains_every_worker_and_ends_with_0(tmp_path: Path) -> None:
    async with tiny(tmp_path, "--workers", "2", TINY_SLOW="1") as child:
        answering = asyncio.create_task(asked(child.address, 8))
        assert await until(lambda: child.said().count("tiny: asked") == 8)
        os.kill(child.pid, signal.SIGTERM)
        assert await answering == set(pids(child).values())
        assert "exit status 0" in str(await child.ended())
        assert not any(running(pid) for pid in pids(child).values())


async def test_a_second_signal_does_not_wait_for_what_is_in_flight(tmp_path: Path) -> None:
    async with tiny(tmp_path, "--workers", "2", TINY_SLOW="30") as child:
        answering = asyncio.create_task(asked(child.address, 4))
        assert await until(lambda: child.said().count("tiny: asked") == 4)
        os.kill(child.pid, signal.SIGINT)
        assert await until(lambda: child.said().count("draining") == 2)
        os.kill(child.pid, signal.SIGINT)
        began = time.monotonic()
        with pytest.raises(grpc.aio.AioRpcError):
            await answering
        await child.ended()
        assert time.monotonic() - began < 2.5


async def test_a_killed_worker_comes_back_at_the_same_address(tmp_path: Path) -> None:
    async with tiny(tmp_path, "--workers", "2") as child:
        before = pids(child)
        os.kill(before[2], signal.SIGKILL)
        assert await until(lambda: pids(child)[2] != before[2])
        assert "worker 2 ended, killed by SIGKILL; it starts again in 0.25 s" in child.said()
        assert await asked(child.address, 40) == {before[1], pids(child)[2]}


async def test_a_worker_may_print_a_line_of_any_length(tmp_path: Path) -> None:
    async with tiny(tmp_path, "--workers", "2", TINY_PRINTS="300001") as child:
        async with asyncio.timeout(10):
            assert await asked(child.address, 4) <= set(pids(child).values())
        # Other lines may stand between its parts, so one character is its end.
        assert await until(lambda: child.said().count("§") == 4)
        assert child.said().count("é") == 4 * 300_001


async def test_a_worker_that_cannot_start_again_is_tried_after_growing_pauses(tmp_path: Path) -> None:
    fails = tmp_path / "fails"
    fails.touch()
    async with tiny(tmp_path, "--workers", "2", TINY_FAILS=str(fails)) as child:
        before = pids(child)
        fails.write_text("1")
        os.kill(before[1], signal.SIGKILL)
        assert await until(lambda: "starts again in 1 s" in child.said())
        assert "exit status 1; it starts again in 0.5 s" in child.said()
        assert await asked(child.address, 4) == {before[2]}
        fails.write_text("")
        assert await until(lambda: pids(child)[1] != before[1])


@pytest.mark.parametrize("numbers", ["1 2 3", "3"])
async def test_what_cannot_start_says_so_once_and_leaves_nothing(tmp_path: Path, numbers: str) -> None:
    fails = tmp_path / "fails"
    fails.write_text(numbers)
    with pytest.raises(NotStarted, match="exit status 1"):
        async with tiny(tmp_path, "--workers", "3", TINY_FAILS=str(fails)):
            pass
    said = (tmp_path / "tiny.log").read_text()
    assert said.count("cannot start: the test says so") == 1
    assert await gone([int(pid) for pid in re.findall(r"is ready, pid (\d+)", said)])


@pytest.mark.parametrize("shares", [False, True])
async def test_a_port_in_use_is_told_once_even_if_its_server_would_share_it(tmp_path: Path, shares: bool) -> None:
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, shares)
        other.bind(("127.0.0.1", 0))
        other.listen()
        address = f"127.0.0.1:{other.getsockname()[1]}"
        with pytest.raises(NotStarted, match="exit status 1"):
            async with tiny(tmp_path, "--workers", "2", BATOS_LISTEN=address):
                pass
    said = (tmp_path / "tiny.log").read_text()
    assert said.splitlines() == [
        f"fakes.tiny_workers: {address} is in use: stop the server that listens there, or choose another port (0: any)"
    ]


@pytest.mark.parametrize("wrong", ["0", "many", "1000"])
async def test_a_number_that_does_not_fit_is_a_mistake_in_the_configuration(tmp_path: Path, wrong: str) -> None:
    with pytest.raises(NotStarted, match="exit status 2"):
        async with tiny(tmp_path, "--workers", wrong):
            pass
    assert f"BATOS_WORKERS: '{wrong}' does not fit: expected" in (tmp_path / "tiny.log").read_text()


async def test_workers_end_with_a_parent_that_is_killed(tmp_path: Path) -> None:
    async with tiny(tmp_path, "--workers", "2", TINY_SLOW="1") as child:
        answering = asyncio.create_task(asked(child.address, 4))
        assert await until(lambda: child.said().count("tiny: asked") == 4)
        os.kill(child.pid, signal.SIGKILL)
        assert len(await answering) > 0  # and still drain
        assert await gone(list(pids(child).values()))


def test_a_worker_that_does_not_heed_its_parents_death_ends_all_the_same() -> None:
    program = (
        "import signal, time; from chassis.workers import tie_to_parent\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN); tie_to_parent(0.3); time.sleep(60)"
    )
    began = time.monotonic()
    ended = subprocess.run([sys.executable, "-c", program], stdin=subprocess.DEVNULL, check=False, timeout=30)
    assert ended.returncode == 1
    assert time.monotonic() - began < 20


def test_a_synthesizer_refuses_to_be_several() -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "synthesizer", "--workers", "2"],
        env=CLEAN | {"BATOS_PERSONA_URL": "http://127.0.0.1:1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 2
    assert "BATOS_WORKERS: '2' does not fit: expected 1: start further synthesizers" in ended.stderr


def test_one_process_is_the_default() -> None:
    assert Config().workers == StoreConfig().workers == 1
