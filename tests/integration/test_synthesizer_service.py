"""The synthesizer's other calls over real gRPC, endpoint failures as senders see them, and its process."""

import asyncio
import os
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime

import grpc
import pytest

from batos.v1 import object_pb2
from batos.v1 import synthesizer_pb2 as pb
from batos.v1.synthesizer_pb2_grpc import SynthesizerStub
from chassis.address import Address
from chassis.client import channel
from fakes import endpoint as fake
from fakes.endpoint import Hang, ScriptedEndpoint, answering
from fakes.stores import serving
from fakes.synthesis import ALSO_HONEST, COUNTER, HONEST, NS, message, synthesizing
from kernel.errors import StoreUnavailable
from kernel.objects import SYSTEM_NAMESPACE, ObjectId
from kernel.synthesis import Registered, Started
from objectstore.ledger_members import LedgerMembers
from objectstore.ledger_store import LedgerStore
from objectstore.memory import MemoryLedger
from objectstore.store import NewObject
from sandbox.guest import Feed
from sandbox.host import Sandbox
from synthesizer.client import SynthesizerClient
from synthesizer.rules.constructs import MODULES
from synthesizer.rules.names import BUILTINS

pytestmark = pytest.mark.asyncio(loop_scope="module")


# --- Audit -----------------------------------------------------------------------------------------------------------
async def test_a_source_is_audited_without_being_run_or_kept(sandbox: Sandbox) -> None:
    async with synthesizing(sandbox, answering({})) as rig:
        refused = await rig.rpc.Audit(pb.AuditRequest(selector="m", source="def m(self):\n    import os\n"))
        assert [(each.rule, each.line) for each in refused.findings] == [("BAT201", 1), ("BAT301", 2)]
        assert {each.severity for each in refused.findings} == {object_pb2.SEVERITY_ERROR}
        assert not refused.passed
        assert (await rig.rpc.Audit(pb.AuditRequest(source=HONEST))).passed
        assert rig.endpoint.asked == []


@pytest.mark.parametrize(
    "request_", [pb.AuditRequest(selector="not a name", source="x"), pb.AuditRequest(source="x" * (64 * 1024 + 1))]
)
async def test_what_cannot_be_audited_is_refused(sandbox: Sandbox, request_: pb.AuditRequest) -> None:
    async with synthesizing(sandbox, answering({})) as rig:
        with pytest.raises(grpc.aio.AioRpcError) as failed:
            await rig.rpc.Audit(request_)
        assert failed.value.code() is grpc.StatusCode.INVALID_ARGUMENT


async def test_every_rule_is_told_with_an_example_that_it_refuses(sandbox: Sandbox) -> None:
    async with synthesizing(sandbox, answering({})) as rig:
        listed = (await rig.rpc.ListRules(pb.ListRulesRequest())).rules
        assert [rule.id for rule in listed] == sorted(rule.id for rule in listed)
        for rule in listed:
            assert rule.reason
            if rule.id.startswith("BAT5"):
                continue  # asked in a synthesis alone, where the sends are known that a source was written for
            answer = await rig.rpc.Audit(pb.AuditRequest(selector="example", source=rule.refused_example))
            assert rule.id in {each.rule for each in answer.findings}


async def test_every_name_and_module_that_the_audit_lets_through_is_in_the_guest(sandbox: Sandbox) -> None:
    """A method that the audit passes must not fail for a name that the guest lacks."""
    code = "".join(f"import {name}\n" for name in sorted(MODULES))
    code += "".join(f"_ = {name}\n" for name in sorted(BUILTINS)) + "'all there'\n"

    async def refuse(call: object) -> object:
        raise AssertionError(call)

    assert await sandbox.run(Feed(code, {}, frozenset(), datetime(2000, 1, 1, tzinfo=UTC), 1), refuse) == "all there"


# --- Endpoints that fail (test_endpoint_recovery has them all) -------------------------------------------------------
async def test_one_turn_that_fails_is_missed_by_nobody_where_another_draft_passes(sandbox: Sandbox) -> None:
    async with synthesizing(sandbox, answering({"increment": [fake.INVALID, HONEST, ALSO_HONEST]})) as rig:
        await rig.put()
        told = (await rig.written(message(by=5))).method.provenance
        assert (told.drafts, told.agreeing) == (2, 2)


# --- The process -----------------------------------------------------------------------------------------------------
@asynccontextmanager
async def process(store: Address, endpoint: ScriptedEndpoint) -> AsyncGenerator[tuple[asyncio.subprocess.Process, str]]:
    """A synthesizer, and where it listens; it is stopped at the end, and has to end well."""
    told = {"BATOS_LISTEN": "127.0.0.1:0", "BATOS_OBJECTSTORE": str(store), "BATOS_PERSONA_URL": endpoint.url}
    command = (sys.executable, "-m", "synthesizer")
    child = await asyncio.create_subprocess_exec(*command, env=os.environ | told, stdout=PIPE, stderr=PIPE)
    assert child.stdout is not None
    try:
        async with asyncio.timeout(30):
            address = (await child.stdout.readline()).decode().removeprefix("ready ").strip()
        yield child, address
    finally:
        if child.returncode is None:
            child.terminate()
        _, log = await child.communicate()
        assert child.returncode == 0, log.decode()


async def test_a_synthesis_in_the_middle_of_which_the_service_stops_goes_on_at_its_next_start() -> None:
    async with AsyncExitStack() as stack:
        ledger = MemoryLedger()
        kept = await LedgerStore.open(ledger)
        store = await stack.enter_async_context(serving(kept, members=LedgerMembers(ledger, kept.hub)))
        endpoint = await stack.enter_async_context(ScriptedEndpoint(lambda _: Hang()))
        await kept.create(NS, NewObject(COUNTER))
        async with process(store, endpoint) as (child, address), channel(address) as connected:
            personas = await kept.list(SYSTEM_NAMESPACE, "persona/", 10, "")
            assert [each.object_id for each in personas.items] == [
                ObjectId(f"persona/{name}") for name in ("alfred", "babs", "brick", "robin")
            ]
            assert (await SynthesizerStub(connected).ListRules(pb.ListRulesRequest())).rules
            events = SynthesizerClient(connected).synthesize(message(by=5))
            begun = await anext(events)
            assert isinstance(begun, Started)
            child.terminate()
            async with asyncio.timeout(10):
                with pytest.raises(StoreUnavailable, match="stopping; send the message again"):
                    async for _ in events:
                        pass
                await child.wait()  # a second signal, at its last breath, would kill it
        assert (await kept.get(NS, COUNTER)).definition.methods == {}
        endpoint.script = answering({"increment": [HONEST]})
        async with process(store, endpoint) as (_, address), channel(address) as connected:
            async with asyncio.timeout(20):
                told = [event async for event in SynthesizerClient(connected).watch(NS, begun.synthesis_id)]
            assert told[0] == begun
            assert isinstance(told[-1], Registered)
        assert (await kept.get(NS, COUNTER)).definition.active("increment") == 1


async def test_mistakes_in_the_environment_are_told_all_at_once() -> None:
    environ = {**os.environ, "BATOS_PERSONA_URL": "gpu-7", "BATOS_DRAFTS": "99", "BATOS_LISTEN": "here"}
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", "synthesizer", env=environ, stderr=PIPE)
    _, told = await process.communicate()
    assert process.returncode == 2
    for name in ("BATOS_PERSONA_URL", "BATOS_DRAFTS", "BATOS_LISTEN"):
        assert name in told.decode()
