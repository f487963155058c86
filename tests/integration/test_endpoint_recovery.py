"""Every fault of an endpoint on the whole road: the right reason, nothing registered, and no restart to be well again.

The fault is injected by the scripted endpoint over real HTTP, at one persona, beneath a synthesizer over real gRPC.
"""

import asyncio
from collections.abc import Callable

import pytest

from fakes import endpoint as fake
from fakes.children import until
from fakes.endpoint import Asked, Drop, Hang, Reply, Say, Status, Trickle, small_talk
from fakes.replies import REFUSED_BY_VLLM, TOLD, TOO_LONG, UNKNOWN_MODEL, Raw
from fakes.synthesis import ALSO_HONEST, HONEST, Rig, message, synthesizing
from kernel.errors import EndpointUnavailable
from kernel.objects import Level
from sandbox.host import Sandbox
from synthesizer.endpoints import Patience

pytestmark = pytest.mark.asyncio(loop_scope="module")

PATIENCE = Patience(turn=0.5, attempts=2, first_pause=0.01)
FAULTS = {
    "busy": (fake.BUSY, "busy"),
    "busy for long": (Status(429, headers={"retry-after": "60"}), "busy"),
    "422": (Status(422, "`temperature` must be strictly positive"), "request_refused"),
    "424": (fake.FAILED, "generation_failed"),
    **{f"too long for {server}": (reply, "context_too_long") for server, reply in TOO_LONG.items()},
    "401": (Status(401), "credentials"),
    "403": (Status(403), "credentials"),
    "404": (Status(404, "Not Found"), "path_unknown"),
    "no such model": (UNKNOWN_MODEL, "model_unknown"),
    "500": (Status(500), "server_failed"),
    "503": (Status(503), "server_failed"),
    "dropped": (Drop(), "broken_off"),
    "hung": (Hang(), "hung"),
    "slow": (Trickle(), "too_slow"),
    "truncated": (fake.TRUNCATED, "broken_off"),
    "garbage": (Raw(b"\xff\xfe"), "garbage"),
    "a web page": (fake.GARBAGE, "web_page"),
    "an error under 200": (TOLD, "error_in_answer"),
    "another's error under 200": (REFUSED_BY_VLLM, "error_in_answer"),
    "an error in a stream": (fake.STREAM_ERROR, "error_in_stream"),
    "empty": (Say(""), "empty_answer"),
    "all of it thought": (Say(None, finish="length"), "empty_answer"),
    "withheld": (Say("x", finish="content_filter"), "answer_withheld"),
    "aborted": (Say("def", finish="abort"), "broken_off"),
}


def honest(asked: Asked) -> Reply:
    return Say(f"```python\n{HONEST}```" if asked.persona == "alfred" else small_talk(asked))


def failing(persona: str, reply: Reply) -> Callable[[Asked], Reply]:
    return lambda asked: reply if asked.persona == persona else honest(asked)


async def failure(rig: Rig, told: str | None = None) -> EndpointUnavailable:
    with pytest.raises(EndpointUnavailable, match=told) as failed:
        await rig.synthesize(message(by=5))
    assert await rig.versions() == []
    return failed.value


async def recovers(rig: Rig) -> None:
    """The next synthesis works: that of another object at once, since a breaker needs more than this to open."""
    rig.endpoint.script = honest
    await rig.put("counter/other")
    assert (await rig.written(message(by=5, to="counter/other"))).level is Level.EXAMPLES


@pytest.mark.parametrize("name", FAULTS)
async def test_each_fault_has_its_reason_and_leaves_nothing_and_passes(sandbox: Sandbox, name: str) -> None:
    reply, cause = FAULTS[name]
    async with synthesizing(sandbox, failing("alfred", reply), drafts=1, patience=PATIENCE) as rig:
        await rig.put()
        told = await failure(rig, "ALFRED's endpoint 'alfred'")
        assert (told.fields["persona"], told.fields["endpoint"], told.fields["cause"]) == ("ALFRED", "alfred", cause)
        await recovers(rig)


@pytest.mark.parametrize("persona", ["brick", "babs", "robin"])
async def test_a_panel_without_one_of_its_personas_writes_nothing(sandbox: Sandbox, persona: str) -> None:
    async with synthesizing(sandbox, failing(persona, Status(422)), patience=PATIENCE) as rig:
        await rig.put()
        assert (await failure(rig)).fields["persona"] == persona.upper()
        assert rig.endpoint.by("alfred") == []
        await recovers(rig)


@pytest.mark.parametrize("persona", ["brick", "babs", "robin"])
async def test_a_persona_that_has_nothing_to_say_hinders_nobody(sandbox: Sandbox, persona: str) -> None:
    async with synthesizing(sandbox, failing(persona, Say("")), patience=PATIENCE) as rig:
        await rig.put()
        told = (await rig.written(message(by=5))).method.provenance
        assert persona.upper() not in {turn.persona for turn in told.turns}


async def test_a_server_that_is_away_is_found_when_it_is_back(sandbox: Sandbox) -> None:
    async with synthesizing(sandbox, honest, patience=PATIENCE) as rig:
        await rig.put()
        await rig.put("counter/other")
        await rig.endpoint.stop()
        assert (await failure(rig, "cannot be reached")).fields["cause"] == "connection_refused"
        with pytest.raises(EndpointUnavailable, match="left alone; it is tried again in") as refused:
            await rig.synthesize(message(by=5, to="counter/other"))
        assert refused.value.fields["cause"] == "breaker_open"
        later = await failure(rig)
        await rig.endpoint.start()
        await asyncio.sleep(float(later.fields["retry_seconds"]) + 0.01)
        assert (await rig.written(message(by=5))).level is Level.EXAMPLES


async def test_a_draft_that_is_no_longer_needed_is_cancelled_at_the_server(sandbox: Sandbox) -> None:
    def script(asked: Asked) -> Reply:
        if asked.persona == "alfred" and asked.number == 1:
            return Say(f"```python\n{ALSO_HONEST}```")
        if asked.persona == "alfred" and asked.number == 2:
            return Hang()
        return honest(asked)

    async with synthesizing(sandbox, script, patience=Patience(turn=30.0)) as rig:
        await rig.put()
        assert (await rig.written(message(by=5))).level is Level.EXAMPLES
        assert await until(lambda: len(rig.endpoint.left) == 1)
        assert rig.endpoint.left[0].persona == "alfred"
