"""The synthesizer's other calls over real gRPC, endpoint failures as senders see them, and its process."""

import asyncio
import os
import sys
from asyncio.subprocess import PIPE
from datetime import UTC, datetime

import grpc
import pytest

from batos.v1 import object_pb2
from batos.v1 import synthesizer_pb2 as pb
from batos.v1.synthesizer_pb2_grpc import SynthesizerStub
from chassis.client import channel
from fakes import endpoint as fake
from fakes.endpoint import Hang, ScriptedEndpoint, answering
from fakes.stores import in_memory, serving
from fakes.synthesis import COUNTER, HONEST, NS, message, synthesizing
from kernel.errors import StoreUnavailable
from kernel.objects import SYSTEM_NAMESPACE, ObjectId
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
    async with synthesizing(sandbox, answering({"increment": [fake.INVALID, HONEST, HONEST]})) as rig:
        await rig.put()
        told = (await rig.written(message(by=5))).method.provenance
        assert (told.drafts, told.agreeing) == (2, 2)


# --- The process -----------------------------------------------------------------------------------------------------
async def test_the_service_starts_makes_the_personas_and_stops_in_the_middle_of_a_synthesis() -> None:
    async with in_memory() as kept, serving(kept.store) as store, ScriptedEndpoint(lambda _: Hang()) as endpoint:
        await kept.store.create(NS, NewObject(COUNTER))
        environ = {
            **os.environ,
            "BATOS_LISTEN": "127.0.0.1:0",
            "BATOS_OBJECTSTORE": str(store),
            "BATOS_PERSONA_URL": endpoint.url,
        }
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "synthesizer", env=environ, stdout=PIPE, stderr=PIPE
        )
        assert process.stdout is not None
        async with asyncio.timeout(30):
            address = (await process.stdout.readline()).decode().removeprefix("ready ").strip()
        personas = await kept.store.list(SYSTEM_NAMESPACE, "persona/", 10, "")
        assert [each.object_id for each in personas.items] == [
            ObjectId(f"persona/{name}") for name in ("alfred", "babs", "brick", "robin")
        ]
        async with channel(address) as connected:
            assert (await SynthesizerStub(connected).ListRules(pb.ListRulesRequest())).rules
            events = SynthesizerClient(connected).synthesize(message(by=5))
            await anext(events)
            process.terminate()
            async with asyncio.timeout(10):
                with pytest.raises(StoreUnavailable, match="stopping; send the message again"):
                    async for _ in events:
                        pass
        _, log = await process.communicate()
        assert process.returncode == 0, log.decode()
        assert (await kept.store.get(NS, COUNTER)).definition.methods == {}


async def test_mistakes_in_the_environment_are_told_all_at_once() -> None:
    environ = {**os.environ, "BATOS_PERSONA_URL": "gpu-7", "BATOS_DRAFTS": "99", "BATOS_LISTEN": "here"}
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", "synthesizer", env=environ, stderr=PIPE)
    _, told = await process.communicate()
    assert process.returncode == 2
    for name in ("BATOS_PERSONA_URL", "BATOS_DRAFTS", "BATOS_LISTEN"):
        assert name in told.decode()
