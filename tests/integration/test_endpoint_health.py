"""What a turn may take, over real HTTP: time, a place, a schema, a certificate, a name; and what is measured of it."""

import asyncio
import logging
import ssl
from dataclasses import replace
from pathlib import Path

import pytest
from opentelemetry.sdk.metrics.export import Gauge, Sum

import vocabulary
from chassis.telemetry import Telemetry
from fakes.certificates import Authority
from fakes.children import until
from fakes.endpoint import Asked, Drop, Hang, Reply, Say, ScriptedEndpoint, Status, Trickle
from fakes.replies import NO_SCHEMA
from fakes.speaking import ALFRED, ONCE, SAMPLING, always, reaching, refused, say
from synthesizer.breaker import Rule
from synthesizer.endpoints import Endpoints, Patience

SCHEMA = {"type": "object", "properties": {"signature": {"type": "string"}}, "required": ["signature"]}


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
