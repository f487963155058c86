"""`batctl method register`: a method of one's own, audited, without evidence, through a real store."""

import asyncio
import json
from collections.abc import AsyncGenerator

import pytest

from batos import blocking
from batos.addresses import Addresses
from batos.v1 import object_pb2 as pb
from batos.v1 import synthesizer_pb2 as synthesizer_pb
from fakes.batctl import batctl
from fakes.scripted_services import Scripted, scripted_suite
from fakes.stores import in_memory, serving
from kernel.objects import DEFAULT_NAMESPACE, ObjectId
from objectstore.store import NewObject, Store

SOURCE = "def add(self):\n    return 1\n"
WARNING = pb.Finding(rule="BAT901", severity=pb.SEVERITY_WARNING, line=2, reason="it is short")
ERROR = pb.Finding(rule="BAT102", severity=pb.SEVERITY_ERROR, line=1, reason="a method imports nothing")


def audit(request: synthesizer_pb.AuditRequest) -> synthesizer_pb.AuditResponse:
    finding = ERROR if "import" in request.source else WARNING
    return synthesizer_pb.AuditResponse(findings=[finding], passed=finding is WARNING)


@pytest.fixture
async def store() -> AsyncGenerator[Store]:
    async with in_memory() as kept:
        await kept.store.create(DEFAULT_NAMESPACE, NewObject(ObjectId("counter")))
        yield kept.store


@pytest.fixture
async def addresses(store: Store) -> AsyncGenerator[Addresses]:
    async with serving(store) as address, scripted_suite(synthesizer=Scripted(Audit=audit)) as suite:
        yield suite.addresses.changed({"objectstore": str(address)})


async def test_a_source_becomes_the_next_version_with_its_findings_and_no_evidence(addresses: Addresses) -> None:
    command = ("method", "register", "counter", "add", "-")
    first = await batctl(*command, stdin=SOURCE, addresses=addresses)
    assert (first.code, first.stdout) == (0, "")
    assert first.stderr.splitlines() == [
        "-:2: BAT901 warning: it is short",
        "registered counter.add version 1, not active: batctl method activate counter add 1",
    ]
    second = await batctl(*command, "--activate", "--intent", "mine", "-o", "json", stdin=SOURCE, addresses=addresses)
    document = json.loads(second.stdout)
    assert (document["number"], document["active"], document["source"]) == (2, True, SOURCE)
    assert (document["evidence"], [each["rule"] for each in document["findings"]]) == ([], ["BAT901"])
    assert (document["provenance"]["asked_by"], document["provenance"]["intent"]) == ("local", "mine")


async def test_what_the_audit_refuses_is_not_registered(addresses: Addresses) -> None:
    ran = await batctl("method", "register", "counter", "add", "-", stdin="import os\n", addresses=addresses)
    assert (ran.code, ran.reason) == (5, "AUDIT_REJECTED")
    assert ran.stderr.splitlines()[0] == "-:1: BAT102 error: a method imports nothing"
    history = await batctl("method", "history", "counter", "add", addresses=addresses)
    assert history.stdout == ""


async def test_a_file_that_cannot_be_read_is_told_before_anyone_is_asked() -> None:
    ran = await batctl("method", "register", "counter", "add", "/nonexistent.py")
    assert (ran.code, ran.reason) == (2, "USAGE")


async def test_a_program_registers_without_asyncio_too(addresses: Addresses) -> None:
    def register() -> int:
        with blocking.connect(objectstore=addresses.objectstore) as client:
            return client.methods.register("counter", "add", SOURCE, activate=True).method.number

    assert await asyncio.to_thread(register) == 1
