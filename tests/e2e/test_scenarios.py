"""Scenarios as data (`scenarios/*.json`), played against the whole suite as a client in another process sees it.

A step is one of: create, clone, delete, send, slots, methods, activate, restart; with `error` it fails for that reason.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from batos.client import Client
from batos.errors import BatosError
from batos.examples import examples_from_json
from batos.json_values import from_json, to_json
from batos.local.suite import Suite
from batos.replies import Reply
from batos.v1 import object_pb2 as pb
from batos.v1 import synthesizer_pb2 as synthesizer_pb
from batos.values import map_from_wire
from fakes.endpoint import ScriptedEndpoint, answering

pytestmark = pytest.mark.asyncio(loop_scope="session")

SCENARIOS = sorted((Path(__file__).parent / "scenarios").glob("*.json"))

Step = Mapping[str, Any]


@pytest.mark.parametrize("path", SCENARIOS, ids=lambda path: path.stem)
async def test_scenario(path: Path, suite: Suite, endpoint: ScriptedEndpoint, client: Client) -> None:
    scenario = json.loads(path.read_text())  # noqa: ASYNC240 - a small file
    endpoint.script = answering(scenario["answers"])
    for number, step in enumerate(scenario["steps"], 1):
        failed = await outcome(step, suite, client)
        assert failed == step.get("error", ""), f"step {number}: {step}"


async def outcome(step: Step, suite: Suite, client: Client) -> str:
    """Why the step failed: the reason, what was not as it should be, or nothing."""
    try:
        await play(step, suite, client)
    except BatosError as error:
        return error.reason if error.reason == step.get("error") else str(error)
    except AssertionError as error:
        return str(error)
    return ""


async def play(step: Step, suite: Suite, client: Client) -> None:
    kind = next(iter(step))
    match kind:
        case "create":
            policy = pb.Policy(synthesis=step["policy"]) if "policy" in step else None
            slots = {name: from_json(item) for name, item in step.get("slots", {}).items()}
            await client.objects.create(step["create"], parents=step.get("parents", ()), slots=slots, policy=policy)
        case "clone":
            await client.objects.clone(step["clone"], step["as"])
        case "delete":
            await client.objects.delete(step["delete"])
        case "send":
            await send(step, client)
        case "slots":
            stored = await client.objects.get(step["slots"])
            assert to_json(map_from_wire(stored.slots.values)) == step["are"]
        case "methods":
            found = await client.methods.list(step["methods"])
            assert [[each.selector, each.number, each.active] for each in found] == step["are"]
        case "activate":
            await client.methods.activate(step["activate"], step["selector"], step["number"])
        case "restart":
            await suite.restart()
        case _:
            raise ValueError(f"no such step: {kind}")


async def send(step: Step, client: Client) -> None:
    events: list[str] = []

    def tell(event: synthesizer_pb.SynthesizeResponse) -> None:
        if (name := str(event.WhichOneof("event"))) not in events:
            events.append(name)

    reply: Reply = await client.send(
        step["send"],
        step["selector"],
        *[from_json(item) for item in step.get("args", ())],
        keywords={name: from_json(item) for name, item in step.get("kw", {}).items()},
        intent=step.get("intent", ""),
        examples=examples_from_json(step.get("examples", [])),
        on_miss=step.get("on_miss", "wait"),
        install_at=step.get("install_at", ""),
        on_event=tell,
        timeout=60,
    )
    assert json.dumps(to_json(reply.result)) == json.dumps(step["result"])  # True, 1 and 1.0 differ
    assert reply.synthesized == step.get("synthesized", reply.synthesized)
    assert reply.method.evidence == step.get("evidence", reply.method.evidence)
    assert events == step.get("events", events)
