"""A fallback answers where a persona's own endpoint does not, over real HTTP."""

import asyncio
from dataclasses import replace

import pytest

import vocabulary
from chassis.telemetry import in_memory
from fakes import endpoint as fake
from fakes.endpoint import Drop, Hang, Reply, Say, ScriptedEndpoint, Status
from fakes.replies import TOO_LONG
from fakes.speaking import ALFRED, always, reaching, refused, say
from synthesizer.breaker import Rule


@pytest.mark.parametrize(
    "reply",
    [fake.BUSY, fake.FAILED, Status(503), Drop(), fake.GARBAGE, fake.STREAM_ERROR, Say(""), Hang()],
    ids=["429", "424", "503", "dropped", "page", "stream", "empty", "hung"],
)
async def test_the_fallback_answers_where_the_endpoint_does_not(reply: Reply) -> None:
    telemetry, spans = in_memory()
    async with (
        ScriptedEndpoint(always(reply)) as first,
        ScriptedEndpoint(always(Say("instead", model="small"))) as second,
        reaching(first, second, telemetry=telemetry, models={"fallback": "small"}) as endpoints,
    ):
        answer = await say(endpoints)
    assert (answer.text, answer.model, answer.endpoint) == ("instead", "small", "fallback")
    assert second.asked[0].body["model"] == "small"
    (span,) = spans.get_finished_spans()
    told = span.attributes or {}
    assert (told[vocabulary.ENDPOINT], told[vocabulary.GEN_AI_RESPONSE_MODEL]) == ("fallback", "small")


@pytest.mark.parametrize(
    "reply",
    [Status(422, "bad"), TOO_LONG["vLLM"], Status(401), Status(404, "no such model")],
    ids=["422", "too long", "401", "404"],
)
async def test_what_is_wrong_with_the_request_or_the_configuration_is_told_at_once(reply: Reply) -> None:
    async with (
        ScriptedEndpoint(always(reply)) as first,
        ScriptedEndpoint(always(Say("instead"))) as second,
        reaching(first, second) as endpoints,
    ):
        await refused(endpoints)
        assert (len(first.asked), len(second.asked)) == (1, 0)


async def test_while_the_breaker_is_open_the_fallback_is_asked_at_once() -> None:
    async with (
        ScriptedEndpoint(always(Drop())) as first,
        ScriptedEndpoint(always(Say("instead"))) as second,
        reaching(first, second) as endpoints,
    ):
        for _ in range(Rule().in_a_row + 3):
            assert (await say(endpoints)).endpoint == "fallback"
        assert len(first.asked) == Rule().in_a_row
        first.script = always(Say("well"))
        await asyncio.sleep(Rule().first_pause + 0.01)
        assert (await say(endpoints)).endpoint == "alfred"


async def test_where_both_fail_both_are_told() -> None:
    async with (
        ScriptedEndpoint(always(Drop())) as first,
        ScriptedEndpoint(always(Status(503))) as second,
        reaching(first, second) as endpoints,
    ):
        told = await refused(endpoints)
    assert (told.fields["cause"], told.fields["fallback_cause"]) == ("broken_off", "server_failed")
    assert told.fields["endpoint"] == "alfred"
    assert "ALFRED's endpoint 'alfred'" in told.text
    assert "; its fallback, endpoint 'fallback'" in told.text


async def test_a_fallback_that_is_not_configured_or_is_the_same_server_is_none() -> None:
    async with ScriptedEndpoint(always(Drop())) as server, reaching(server) as endpoints:
        await refused(endpoints)
        await refused(endpoints, replace(ALFRED, fallback="robin"))
        assert len(server.asked) == 2
