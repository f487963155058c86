"""Endpoints that are ill for a while, over real HTTP: breaker, fallback, places, schemas, cancellation, TLS, names."""

import asyncio
import logging
import ssl
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from opentelemetry.sdk.metrics.export import Gauge, Sum

import vocabulary
from chassis.telemetry import Telemetry, in_memory
from fakes import endpoint as fake
from fakes.certificates import Authority
from fakes.children import until
from fakes.endpoint import Asked, Drop, Hang, Reply, Say, ScriptedEndpoint, Status, Trickle
from fakes.replies import NO_SCHEMA, TOO_LONG
from kernel.errors import EndpointUnavailable
from synthesizer.breaker import Rule
from synthesizer.endpoints import Answer, Endpoints, Patience, Sampling, Speaker

ALFRED = Speaker("ALFRED", "alfred", "alfred-lora", fallback="fallback")
SAMPLING = Sampling(max_tokens=64, temperature=0.5, seed=7)
SCHEMA = {"type": "object", "properties": {"signature": {"type": "string"}}, "required": ["signature"]}
MESSAGES = ({"role": "user", "content": "Signature: def m(self):"},)
ONCE = Patience(turn=1.0, attempts=1)


def always(reply: Reply) -> Callable[[Asked], Reply]:
    return lambda _: reply


@asynccontextmanager
async def reaching(
    *servers: ScriptedEndpoint,
    patience: Patience = ONCE,
    telemetry: Telemetry | None = None,
    models: Mapping[str, str] | None = None,
    places: int = 64,
) -> AsyncGenerator[Endpoints]:
    """The first server is `alfred` and `robin`, the second, if there is one, `fallback`."""
    urls: dict[str, str] = {"alfred": servers[0].url, "robin": servers[0].url}
    if len(servers) > 1:
        urls["fallback"] = servers[1].url
    telemetry = telemetry or Telemetry.off()
    async with Endpoints(urls, telemetry, patience=patience, models=models, places=places) as endpoints:
        yield endpoints


async def say(endpoints: Endpoints, speaker: Speaker = ALFRED, sampling: Sampling = SAMPLING) -> Answer:
    return await endpoints.chat(speaker, MESSAGES, sampling)


async def refused(endpoints: Endpoints, speaker: Speaker = ALFRED) -> EndpointUnavailable:
    with pytest.raises(EndpointUnavailable) as failed:
        await say(endpoints, speaker)
    return failed.value


# --- The breaker -----------------------------------------------------------------------------------------------------
async def test_an_endpoint_that_fails_on_is_left_alone_and_found_again_when_it_is_well() -> None:
    async with ScriptedEndpoint(always(Status(500))) as server, reaching(server) as endpoints:
        for _ in range(Rule().in_a_row):
            assert (await refused(endpoints)).fields["cause"] == "server_failed"
        told = await refused(endpoints)
        assert told.fields["cause"] == "breaker_open"
        assert "is left alone; it is tried again in" in told.text
        assert 0 < float(told.fields["retry_seconds"]) <= Rule().first_pause
        assert len(server.asked) == Rule().in_a_row
        server.script = always(Say("well"))
        await asyncio.sleep(float(told.fields["retry_seconds"]) + 0.01)
        assert (await say(endpoints)).text == "well"
        assert (await say(endpoints)).text == "well"


async def test_endpoints_with_one_address_are_one_server() -> None:
    async with ScriptedEndpoint(always(Drop())) as server, reaching(server) as endpoints:
        for _ in range(Rule().in_a_row):
            await refused(endpoints)
        robin = Speaker("ROBIN", "robin", "robin")
        assert (await refused(endpoints, robin)).fields["cause"] == "breaker_open"


@pytest.mark.parametrize("reply", [fake.BUSY, fake.INVALID, Status(401), Say("")], ids=["429", "422", "401", "empty"])
async def test_an_endpoint_that_answers_is_not_ill_whatever_it_says(reply: Reply) -> None:
    async with ScriptedEndpoint(always(reply)) as server, reaching(server) as endpoints:
        for _ in range(Rule().in_a_row + 1):
            assert (await refused(endpoints)).fields["cause"] != "breaker_open"


async def test_only_one_turn_probes_and_a_probe_that_nobody_waits_for_is_made_by_the_next() -> None:
    async with ScriptedEndpoint(always(Drop())) as server, reaching(server) as endpoints:
        for _ in range(Rule().in_a_row):
            await refused(endpoints)
        await asyncio.sleep(Rule().first_pause + 0.01)
        server.script = always(Hang())
        probe = asyncio.create_task(say(endpoints))
        assert await until(lambda: len(server.asked) == Rule().in_a_row + 1)
        next_ = asyncio.create_task(say(endpoints))
        await asyncio.sleep(0.05)
        assert len(server.asked) == Rule().in_a_row + 1
        server.script = always(Say("well"))
        probe.cancel()
        assert (await next_).text == "well"


async def test_a_probe_that_hangs_holds_the_others_up_no_longer_than_their_time() -> None:
    async with (
        ScriptedEndpoint(always(Drop())) as first,
        ScriptedEndpoint(always(Say("instead"))) as second,
        reaching(first, second) as endpoints,
    ):
        for _ in range(Rule().in_a_row):
            await say(endpoints)
        await asyncio.sleep(Rule().first_pause + 0.01)
        first.script = always(Hang())
        probe = asyncio.create_task(say(endpoints, replace(ALFRED, fallback="")))
        assert await until(lambda: len(first.asked) == Rule().in_a_row + 1)
        assert (await say(endpoints)).endpoint == "fallback"
        assert not probe.done()
        probe.cancel()


async def test_those_who_come_during_a_probe_wait_for_what_comes_of_it() -> None:
    async with ScriptedEndpoint(always(Drop())) as server, reaching(server) as endpoints:
        for _ in range(Rule().in_a_row):
            await refused(endpoints)
        await asyncio.sleep(Rule().first_pause + 0.01)
        server.script = always(Say("well", seconds=0.1))
        server.most = 0
        said = await asyncio.gather(*(say(endpoints) for _ in range(3)))
        assert [each.text for each in said] == ["well"] * 3
        assert server.most == 2  # the probe alone, then the two others


async def test_what_ends_late_is_not_told_as_a_change(caplog: pytest.LogCaptureFixture) -> None:
    async with ScriptedEndpoint(always(Say("late", seconds=0.3))) as server, reaching(server) as endpoints:
        late = asyncio.create_task(say(endpoints))
        assert await until(lambda: len(server.asked) == 1)
        server.script = always(Drop())
        for _ in range(Rule().in_a_row):
            await refused(endpoints)
        caplog.clear()
        assert (await late).text == "late"
        assert "answers again" not in caplog.text
        assert "left alone" not in caplog.text


async def test_an_outage_is_not_multiplied_by_retries() -> None:
    patience = Patience(turn=5.0, attempts=3, first_pause=0.001)
    async with ScriptedEndpoint(always(fake.BUSY)) as server, reaching(server, patience=patience) as endpoints:
        told = [await refused(endpoints) for _ in range(30)]
        assert len(server.asked) == 30 + 10
    assert "it was not tried again" in told[-1].text


# --- The fallback ----------------------------------------------------------------------------------------------------
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


# --- Time, places, cancellation --------------------------------------------------------------------------------------
async def test_an_answer_that_never_ends_is_told_apart_from_none() -> None:
    async with (
        ScriptedEndpoint(always(Trickle())) as server,
        reaching(server, patience=Patience(turn=0.3)) as endpoints,
    ):
        slow = await refused(endpoints)
        server.script = always(Hang())
        hung = await refused(endpoints)
    assert slow.fields["cause"] == "too_slow"
    assert "bytes came" in slow.text
    assert hung.fields["cause"] == "hung"


async def test_a_turn_that_is_cancelled_is_cancelled_at_the_server() -> None:
    async with ScriptedEndpoint(always(Hang())) as server, reaching(server) as endpoints:
        asking = asyncio.create_task(say(endpoints))
        assert await until(lambda: len(server.asked) == 1)
        asking.cancel()
        assert await until(lambda: len(server.left) == 1)
        with pytest.raises(asyncio.CancelledError):
            await asking


async def test_a_turn_whose_time_is_over_is_cancelled_at_the_server() -> None:
    async with ScriptedEndpoint(always(Hang())) as server, reaching(server, patience=Patience(turn=0.2)) as endpoints:
        await refused(endpoints)
        assert await until(lambda: len(server.left) == 1)


async def test_a_server_gets_no_more_turns_at_a_time_than_it_may_and_the_first_to_come_are_the_first() -> None:
    async with (
        ScriptedEndpoint(always(Say("x", seconds=0.02))) as server,
        reaching(server, places=3, patience=Patience(turn=10.0)) as endpoints,
    ):
        await asyncio.gather(*(say(endpoints, sampling=replace(SAMPLING, seed=seed)) for seed in range(12)))
        assert server.most == 3
        asked = [each.body["seed"] for each in server.asked]
        assert all(abs(seed - place) < 3 for place, seed in enumerate(asked))


async def test_a_turn_that_gets_no_place_in_its_time_says_so() -> None:
    async with (
        ScriptedEndpoint(always(Hang())) as first,
        ScriptedEndpoint(always(Status(422))) as second,
        reaching(first, second, places=1) as endpoints,
    ):
        holding = asyncio.create_task(say(endpoints, replace(ALFRED, fallback="")))
        assert await until(lambda: len(first.asked) == 1)
        told = await refused(endpoints)  # after half of its time, for it has a fallback
        holding.cancel()
    assert (told.fields["cause"], told.fields["fallback_cause"]) == ("crowded", "request_refused")
    assert "BATOS_ENDPOINT_TURNS" in told.text


async def test_a_busy_server_is_asked_again_when_it_said() -> None:
    said = [Status(429, headers={"retry-after": "1"}), Say("x")]
    patience = Patience(turn=5.0, attempts=2, first_pause=0.01)
    begun = asyncio.get_running_loop().time()
    async with (
        ScriptedEndpoint(lambda asked: said[asked.number]) as server,
        reaching(server, patience=patience) as endpoints,
    ):
        assert (await say(endpoints)).text == "x"
    assert asyncio.get_running_loop().time() - begun >= 1.0


# --- The form of an answer -------------------------------------------------------------------------------------------
async def test_a_schema_reaches_the_server_in_the_form_that_each_one_reads() -> None:
    async with ScriptedEndpoint(always(Say("{}"))) as server, reaching(server) as endpoints:
        await say(endpoints, sampling=replace(SAMPLING, schema=SCHEMA))
        await say(endpoints)
    told = server.asked[0].body["response_format"]
    assert (told["type"], told["json_schema"]["schema"], told["value"]["schema"]) == ("json_schema", SCHEMA, SCHEMA)
    assert server.asked[1].body.get("response_format") is None


@pytest.mark.parametrize("kind", NO_SCHEMA)
async def test_a_server_that_takes_no_schema_is_asked_without_and_remembered(kind: str) -> None:
    def script(asked: Asked) -> Reply:
        return NO_SCHEMA[kind] if asked.body.get("response_format") else Say("{}")

    async with ScriptedEndpoint(script) as server, reaching(server) as endpoints:
        for _ in range(3):
            assert (await say(endpoints, sampling=replace(SAMPLING, schema=SCHEMA))).text == "{}"
        formed = [bool(each.body.get("response_format")) for each in server.asked]
        assert formed == [True, False, False, False]
        await say(endpoints, sampling=replace(SAMPLING, schema={"type": "object"}))
        assert server.asked[4].body["response_format"]["value"]["schema"] == {"type": "object"}


# --- Models, names, trust --------------------------------------------------------------------------------------------
async def test_a_model_that_was_not_asked_for_is_warned_of_once(caplog: pytest.LogCaptureFixture) -> None:
    async with ScriptedEndpoint(always(Say("x", model="base"))) as server, reaching(server) as endpoints:
        for _ in range(3):
            assert (await say(endpoints)).model == "base"
    (told,) = [each.getMessage() for each in caplog.records if each.levelno == logging.WARNING]
    assert "asked for the model alfred-lora and says that base answered" in told


async def test_a_name_that_nobody_knows_is_told_so() -> None:
    async with Endpoints({"alfred": "http://nobody.invalid:1"}, Telemetry.off(), patience=ONCE) as endpoints:
        told = await refused(endpoints)
    assert told.fields["cause"] == "host_unknown"


async def test_a_server_that_is_not_trusted_is_told_so_and_one_that_is_answers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority = Authority(tmp_path)
    signed = authority.sign("server")
    served = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    served.load_cert_chain(signed.certificate, signed.key)
    async with ScriptedEndpoint(always(Say("x")), tls=served) as server:
        async with reaching(server) as endpoints:
            told = await refused(endpoints)
        assert told.fields["cause"] == "tls_failed"
        assert "(unable to get local issuer certificate)" in told.text
        monkeypatch.setenv("SSL_CERT_FILE", str(authority.ca))
        async with reaching(server) as endpoints:
            assert (await say(endpoints)).text == "x"


async def test_a_server_without_tls_that_is_asked_with_it_is_told_so() -> None:
    async def plain(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(plain, "127.0.0.1", 0)
    url = f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with server, Endpoints({"alfred": url}, Telemetry.off(), patience=ONCE) as endpoints:
        told = await refused(endpoints)
    assert told.fields["cause"] == "tls_failed"


# --- Measures --------------------------------------------------------------------------------------------------------
async def test_what_an_endpoint_is_asked_and_costs_is_measured() -> None:
    telemetry = Telemetry.off()
    async with (
        ScriptedEndpoint(lambda asked: Say("a b") if asked.number == 0 else Drop()) as server,
        reaching(server, telemetry=telemetry) as endpoints,
    ):
        await say(endpoints)
        for _ in range(Rule().in_a_row):
            await refused(endpoints)
        told = {metric.name: metric.data for metric in telemetry.metrics.read()}
    assert points(told[vocabulary.METRIC_ENDPOINT_REQUESTS]) == {
        ("alfred", "answered"): 1,
        ("alfred", "broken_off"): Rule().in_a_row,
    }
    assert points(told[vocabulary.METRIC_ENDPOINT_TOKENS]) == {("alfred", "input"): 3, ("alfred", "output"): 2}
    assert points(told[vocabulary.METRIC_ENDPOINT_BREAKER]) == {("alfred", "open"): 1}
    assert points(told[vocabulary.METRIC_ENDPOINTS_LEFT_ALONE]) == {(): 1}


def points(data: object) -> dict[tuple[object, ...], float]:
    assert isinstance(data, Sum | Gauge)
    return {tuple((each.attributes or {}).values()): each.value for each in data.data_points}
