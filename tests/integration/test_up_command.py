"""`batctl up` as a user runs it, with real etcd and tiny services: signals, deaths, exit codes, and no orphan."""

import asyncio
import os
import re
import signal
import sys
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from batos.addresses import Addresses
from batos.local.errors import NoServices
from batos.local.ports import free_port
from batos.local.suite import SERVICES, Programs, Suite
from fakes.children import gone, running, until

TINY = Path(__file__).parent.parent / "fakes" / "tiny_service.py"
ANY_PORTS = [option for name in SERVICES for option in (f"--{name}-port", "0")]
CHILD = re.compile(r"^(\w+) +(\S+:\d+) +pid (\d+)", re.MULTILINE)


@dataclass
class Up:
    """A running `batctl up`; what it wrote so far is in its files."""

    child: asyncio.subprocess.Process
    out: Path
    err: Path

    @property
    def said(self) -> str:
        return self.out.read_text()

    def pids(self) -> dict[str, int]:
        return {name: int(pid) for name, _, pid in CHILD.findall(self.said)}

    async def serving(self) -> dict[str, int]:
        assert await until(lambda: "Ctrl-C" in self.said or self.child.returncode is not None, 30)
        assert "Ctrl-C" in self.said, self.err.read_text()
        return self.pids()

    async def code(self) -> int:
        return await asyncio.wait_for(self.child.wait(), 30)


@asynccontextmanager
async def up(folder: Path, *arguments: str, environment: Mapping[str, str] | None = None) -> AsyncGenerator[Up, None]:
    """`batctl up` whose `python -m SERVICE` finds the tiny one."""
    modules = folder / "modules"
    modules.mkdir(parents=True)
    for name in SERVICES:
        script = f"import runpy, sys\nsys.argv = ['', {name!r}]\nrunpy.run_path({str(TINY)!r}, run_name='__main__')\n"
        (modules / f"{name}.py").write_text(script)
    out, err = folder / "out", folder / "err"
    given = {name: value for name, value in os.environ.items() if not name.startswith(("BATOS_", "OTEL_"))}
    given |= {"PYTHONPATH": str(modules), "BATOS_PERSONA_URL": "http://127.0.0.1:9", **(environment or {})}
    with out.open("wb") as to_out, err.open("wb") as to_err:
        child = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "batos.cli", "up", "--data", str(folder / "data"), *ANY_PORTS, *arguments),
            stdout=to_out,
            stderr=to_err,
            env=given,
            start_new_session=True,
        )
    running_up = Up(child, out, err)
    try:
        yield running_up
    finally:
        with suppress(ProcessLookupError):
            child.send_signal(signal.SIGTERM)
        await asyncio.wait_for(child.wait(), 30)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_a_signal_stops_everything_and_is_no_failure(tmp_path: Path, number: signal.Signals) -> None:
    async with up(tmp_path) as started:
        children = await started.serving()
        assert set(children) == {"etcd", *SERVICES}
        assert Addresses.read(tmp_path / "data").dispatcher in started.said
        started.child.send_signal(number)
        assert await started.code() == 0
    assert not any(running(pid) for pid in children.values())
    assert started.err.read_text() == ""
    assert Addresses.read(tmp_path / "data") == Addresses()


async def test_ctrl_c_of_the_terminal_reaches_no_child_first(tmp_path: Path) -> None:
    async with up(tmp_path) as started:
        children = await started.serving()
        assert os.getpgid(started.child.pid) not in {os.getpgid(pid) for pid in children.values()}


async def test_no_child_outlives_an_up_that_is_killed(tmp_path: Path) -> None:
    async with up(tmp_path) as started:
        children = await started.serving()
        started.child.kill()
        await started.code()
        assert await gone(list(children.values()))
    async with up(tmp_path / "again", "--data", str(tmp_path / "data")) as again:  # the lock went with it
        await again.serving()


async def test_a_second_signal_does_not_wait_for_what_does_not_want_to_end(tmp_path: Path) -> None:
    async with up(tmp_path, environment={"TINY_DISPATCHER": "stubborn"}) as started:
        children = await started.serving()
        started.child.send_signal(signal.SIGINT)
        assert await until(lambda: "stopping" in started.said)
        started.child.send_signal(signal.SIGINT)
        assert await asyncio.wait_for(started.child.wait(), 8) == 0
    assert not any(running(pid) for pid in children.values())


async def test_a_signal_during_the_start_leaves_nothing(tmp_path: Path) -> None:
    async with up(tmp_path, environment={"TINY_DISPATCHER": "silent"}) as started:
        assert await until(lambda: "synthesizer" in started.pids())
        started.child.send_signal(signal.SIGINT)
        assert await started.code() == 0
    assert not any(running(pid) for pid in started.pids().values())


async def test_a_child_that_dies_is_told_and_the_rest_is_stopped(tmp_path: Path) -> None:
    async with up(tmp_path, environment={"TINY_SYNTHESIZER": "dies"}) as started:
        assert await started.code() == 9
    said = started.err.read_text().splitlines()
    assert "synthesizer says its last words" in said
    assert said[-2].startswith("error: SERVICE_ENDED: synthesizer (pid ")
    assert said[-1] == f"hint: its whole log is {tmp_path / 'data' / 'logs' / 'synthesizer.log'}"
    assert not any(running(pid) for pid in started.pids().values())


async def test_a_port_in_use_is_one_clear_line(tmp_path: Path) -> None:
    port = free_port()
    async with up(tmp_path / "a", "--dispatcher-port", str(port)) as first:
        await first.serving()
        async with up(tmp_path / "b", "--dispatcher-port", str(port)) as second:
            assert await second.code() == 2
    said = second.err.read_text().splitlines()
    assert said[0] == f"error: PORT_IN_USE: port {port}, asked for the dispatcher, is in use"
    assert said[1].startswith("hint: ")
    assert (second.said, (tmp_path / "b" / "data").exists()) == ("", False)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (
            ["--persona-url", "foo"],
            "USAGE: Invalid value for '--persona-url' (env var: 'BATOS_PERSONA_URL'): 'foo' ",
        ),
        (["--persona-url", "http://"], "USAGE: Invalid value for '--persona-url'"),
        (["--dispatcher-port", "{port}", "--etcd-port", "{port}"], "PORT_IN_USE: port {port}, asked for the etcd, is "),
    ],
)
async def test_what_cannot_be_started_is_refused_before_anything_is(
    tmp_path: Path, options: list[str], says: str
) -> None:
    port = free_port()
    async with up(tmp_path, *(option.format(port=port) for option in options)) as refused:
        assert await refused.code() == 2
    assert refused.err.read_text().startswith("error: " + says.format(port=port))
    assert (refused.said, (tmp_path / "data").exists()) == ("", False)


async def test_services_that_are_not_installed_are_told_before_anything_is_made(tmp_path: Path) -> None:
    services: dict[str, tuple[str, ...]] = dict.fromkeys(SERVICES, (sys.executable, "-m", "batos_not_here"))
    suite = Suite(data=tmp_path / "data", persona_url="http://x", programs=Programs(services=services))
    with pytest.raises(NoServices, match="batos_not_here"):
        await suite.start()
    assert os.listdir(tmp_path) == []  # noqa: PTH208 - a path must not be asked in a coroutine


async def test_a_second_up_with_the_same_data_is_one_clear_line(tmp_path: Path) -> None:
    async with up(tmp_path / "a") as first:
        await first.serving()
        async with up(tmp_path / "b", "--data", str(tmp_path / "a" / "data")) as second:
            assert await second.code() == 7
    said = second.err.read_text().splitlines()
    assert said[0].startswith("error: DATA_IN_USE: ")
    assert f"pid {first.child.pid}" in said[0]


async def test_what_is_no_etcd_is_one_clear_line(tmp_path: Path) -> None:
    false = tmp_path / "bin"
    false.mkdir()
    (false / "etcd").write_text("#!/bin/sh\necho hello\n")
    (false / "etcd").chmod(0o755)
    path = f"{false}{os.pathsep}{os.environ['PATH']}"
    async with up(tmp_path / "a", environment={"PATH": path}) as started:
        assert await started.code() == 9
    assert not (tmp_path / "a" / "data").exists()
    assert "no etcd of 3.4 or later" in started.err.read_text()


async def test_a_model_that_is_not_there_is_one_clear_line(tmp_path: Path) -> None:
    async with up(tmp_path, "--model", "/nonexistent.gguf", environment={"BATOS_PERSONA_URL": ""}) as started:
        assert await started.code() == 9
    said = started.err.read_text().splitlines()
    assert said[0] == "error: NO_MODEL: no model /nonexistent.gguf: No such file or directory"
    assert said[1].startswith("hint: BATOS_MODEL is one of ")
    assert started.pids() == {}
    assert not (tmp_path / "data").exists()


def command_of(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/cmdline").read_text().split("\0")


async def test_the_dispatcher_alone_is_told_how_many_processes_it_is(tmp_path: Path) -> None:
    async with up(tmp_path, "--workers", "3") as started:
        children = await started.serving()
        commands = {name: command_of(pid) for name, pid in children.items()}
        assert {name for name, command in commands.items() if "--workers" in command} == {"dispatcher"}
        assert commands["dispatcher"][-3:] == ["--workers", "3", ""]
