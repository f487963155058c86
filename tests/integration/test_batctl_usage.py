"""`batctl` where the command line is wrong, services are away, or only asks: one clear line and the right exit code."""

import asyncio
import json
import os
import shlex
import sys
from typing import IO, Any

import grpc
import pytest

from batos.addresses import Addresses
from batos.client import Client
from batos.errors import WrongService
from batos.v1 import dispatcher_pb2 as dispatcher_pb
from batos.v1 import object_pb2 as pb
from batos.v1 import synthesizer_pb2 as synthesizer_pb
from batos.values import to_wire
from fakes.batctl import batctl
from fakes.scripted_services import (
    Answer,
    Scripted,
    ScriptedDispatcher,
    not_found,
    panel,
    scripted_suite,
)


def replying(result: object, *, learned: bool = False) -> ScriptedDispatcher:
    method = pb.MethodRef(holder="counter/main", selector="increment", number=1, evidence=pb.EVIDENCE_LEVEL_EXAMPLES)
    reply = dispatcher_pb.Reply(result=to_wire(result), method=method, token="t1", synthesized=learned)
    return ScriptedDispatcher({"increment": [Answer(reply, panel() if learned else ())]})


async def test_a_service_that_nobody_started_says_how_to_start_it() -> None:
    async with scripted_suite() as suite:
        gone = suite.addresses
    for option, command in (
        ("--address", ["send", "a", "b"]),
        ("--objectstore", ["object", "get", "a"]),
        ("--objectstore", ["method", "list", "a"]),
        ("--synthesizer", ["audit", "--rules"]),
        ("--address", ["version"]),
    ):
        ran = await batctl(*command, addresses=gone)
        assert (ran.code, ran.reason) == (9, "UNREACHABLE"), command
        assert gone.dispatcher in ran.stderr
        assert f"`batctl up`, or say where they are with {option} HOST:PORT" in ran.stderr


async def test_another_service_at_an_address_is_told_with_the_option_that_names_the_right_one() -> None:
    server = grpc.aio.server()
    address = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    await server.start()
    wrong = Addresses(address, address, address)
    for option, command in (("--address", ["send", "a", "b"]), ("--objectstore", ["object", "get", "a"])):
        ran = await batctl(*command, addresses=wrong)
        assert (ran.code, ran.reason) == (9, "WRONG_SERVICE")
        assert f"is with {option} HOST:PORT" in ran.stderr
    async with Client(wrong) as client:
        with pytest.raises(WrongService, match=f"listens as the dispatcher at {address}"):
            await client.send("a", "b")
    await server.stop(None)


async def test_what_asks_of_the_whole_store_has_no_options_that_do_nothing() -> None:
    for command in ("backup", "restore", "check"):
        text = (await batctl(command, "--help")).stdout
        assert "--objectstore" in text
        assert not [name for name in ("--namespace", "--address", "--synthesizer") if name in text]


def auditor(*findings: pb.Finding) -> Scripted:
    rule = synthesizer_pb.Rule(
        id="BAT102", severity=pb.SEVERITY_ERROR, reason="a method imports nothing", refused_example="import os"
    )
    return Scripted(
        Audit=lambda _: synthesizer_pb.AuditResponse(findings=findings, passed=not findings),
        ListRules=lambda _: synthesizer_pb.ListRulesResponse(rules=[rule]),
    )


async def test_an_audit_reads_like_a_linter_and_fails_like_one(tmp_path: Any) -> None:
    source = tmp_path / "bad.py"
    source.write_text("import os\n")
    finding = pb.Finding(rule="BAT102", severity=pb.SEVERITY_ERROR, line=1, reason="a method imports nothing")
    async with scripted_suite(synthesizer=auditor(finding)) as suite:
        ran = await batctl("audit", str(source), addresses=suite.addresses)
    assert (ran.code, ran.stderr) == (5, "")
    assert ran.stdout == f"{source}:1: BAT102 error: a method imports nothing\n"


async def test_an_audit_reads_stdin_and_lists_its_rules() -> None:
    synthesizer = auditor()
    async with scripted_suite(synthesizer=synthesizer) as suite:
        passed = await batctl("audit", "-", stdin="def f(self): pass\n", addresses=suite.addresses)
        rules = await batctl("audit", "--rules", addresses=suite.addresses)
    assert (passed.code, passed.stdout) == (0, "")
    assert synthesizer.seen[0].source == "def f(self): pass\n"
    assert rules.stdout == "BAT102  a method imports nothing\n    import os\n"


async def test_the_version_tells_the_jail_wall_by_wall() -> None:
    async with scripted_suite() as suite:
        people = await batctl("version", addresses=suite.addresses)
        programs = await batctl("version", "-o", "json", addresses=suite.addresses)
    assert "jail      partial" in people.stdout
    assert "  + seccomp\n  - landlock  the kernel has none\n" in people.stdout
    assert json.loads(programs.stdout)["jail_level"] == "partial"


async def test_the_addresses_that_up_keeps_are_found_without_any_option(tmp_path: Any) -> None:
    data = tmp_path / "batos"
    data.mkdir()
    async with scripted_suite(replying(7), objectstore=Scripted(GetObject=lambda r: not_found(r.id))) as suite:
        suite.addresses.write(data)
        home = {"XDG_DATA_HOME": str(tmp_path)}
        assert (await batctl("send", "counter/main", "increment", environment=home)).stdout == "7\n"
        assert (await batctl("object", "get", "x", environment=home)).code == 4
        elsewhere = await batctl("send", "a", "b", "--address", "127.0.0.1:1", environment=home)
    assert elsewhere.code == 9


async def ended(stdout: int | IO[bytes], *, closed: bool = False) -> tuple[int, str]:
    """The exit code and stderr of `batctl --help` with this stdout."""
    command = (sys.executable, "-m", "batos.cli", "--help")
    if closed:
        command = ("sh", "-c", f"exec {shlex.join(command)} >&-")
    child = await asyncio.create_subprocess_exec(*command, stdout=stdout, stderr=asyncio.subprocess.PIPE)
    _, stderr = await child.communicate()
    assert child.returncode is not None
    return child.returncode, stderr.decode()


async def test_a_reader_that_has_read_enough_is_no_failure() -> None:
    read, write = os.pipe()
    os.close(read)
    try:
        assert await ended(write) == (0, "")
    finally:
        os.close(write)


async def test_a_stdout_that_takes_nothing_is_one_line_and_no_bug() -> None:
    with open("/dev/full", "wb") as full:  # noqa: ASYNC230, PTH123 - a device, which only refuses
        code, said = await ended(full)
    assert (code, said.splitlines()[0]) == (7, "error: NOT_WRITTEN: cannot write the result: No space left on device")
    assert len(said.splitlines()) == 2
    code, said = await ended(asyncio.subprocess.DEVNULL, closed=True)
    assert (code, said.splitlines()[0]) == (7, "error: NOT_WRITTEN: stdout is closed")


async def test_addresses_in_a_broken_file_are_not_trusted(tmp_path: Any) -> None:
    (tmp_path / "addresses.json").write_text('{"dispatcher": 3')
    assert Addresses.read(tmp_path) == Addresses()
    (tmp_path / "addresses.json").write_text('{"dispatcher": 3, "objectstore": "h:1"}')
    assert Addresses.read(tmp_path) == Addresses(objectstore="h:1")
