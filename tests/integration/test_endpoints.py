"""A persona's turn over real HTTP: answers, and every way in which a server can fail to give one."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest

import vocabulary
from chassis.telemetry import Telemetry, in_memory
from fakes import endpoint as fake
from fakes import replies
from fakes.endpoint import Drop, Hang, Raw, Reply, Say, ScriptedEndpoint, Status
from kernel.errors import EndpointUnavailable
from synthesizer.endpoints import Answer, Endpoints, Patience, Sampling, Speaker

ALFRED = Speaker("ALFRED", "alfred", "alfred-lora")
SAMPLING = Sampling(max_tokens=64, temperature=0.5, seed=7)
MESSAGES = ({"role": "system", "content": "You are ALFRED."}, {"role": "user", "content": "Signature: def m(self):"})
QUICK = Patience(turn=1.0, attempts=3, first_pause=0.01)


def saying(*said: Reply) -> Callable[[fake.Asked], Reply]:
    """One reply after the other, the last one for ever."""
    return lambda asked: said[min(asked.number, len(said) - 1)]


async def turn(
    said: Sequence[Reply], patience: Patience = QUICK, telemetry: Telemetry | None = None
) -> tuple[Answer, ScriptedEndpoint]:
    async with ScriptedEndpoint(saying(*said)) as server:
        return await ask(server.url, patience, telemetry), server


async def ask(url: str, patience: Patience = QUICK, telemetry: Telemetry | None = None) -> Answer:
    async with Endpoints({"alfred": url}, telemetry or Telemetry.off(), patience=patience) as endpoints:
        return await endpoints.chat(ALFRED, MESSAGES, SAMPLING)


async def refusal(said: Sequence[Reply], patience: Patience = QUICK) -> str:
    with pytest.raises(EndpointUnavailable) as failed:
        await turn(said, patience)
    return failed.value.text


async def test_an_answer_tells_what_it_cost_and_the_request_what_was_asked() -> None:
    answer, server = await turn([Say("def m(self): ...", finish="stop")])
    assert (answer.text, answer.model, answer.cut) == ("def m(self): ...", "scripted-alfred-lora", False)
    assert (answer.input_tokens, answer.output_tokens) == (6, 3)
    assert answer.seconds > 0
    body = server.asked[0].body
    assert {name: body[name] for name in ("model", "max_tokens", "temperature", "seed", "stream")} == {
        "model": "alfred-lora",
        "max_tokens": 64,
        "temperature": 0.5,
        "seed": 7,
        "stream": False,
    }


async def test_an_answer_that_reached_its_limit_says_so() -> None:
    answer, _ = await turn([Say("def m(", finish="length")])
    assert answer.cut


async def test_what_a_server_leaves_out_is_filled_in_and_uncounted_tokens_are_estimated() -> None:
    answer, _ = await turn([Raw(b'{"choices": [{"message": {"content": "def m(): ..."}}]}')])
    assert (answer.text, answer.model, answer.cut) == ("def m(): ...", "alfred-lora", False)
    assert (answer.input_tokens, answer.output_tokens) == (10, 3)
    answer, _ = await turn([Say("def m(): ...", usage=False)])
    assert (answer.input_tokens, answer.output_tokens) == (10, 3)


@pytest.mark.parametrize("reason", ["stop", "eos_token", "stop_sequence", "tool_calls", ""])
async def test_whatever_a_server_calls_its_end_an_answer_is_whole(reason: str) -> None:
    answer, _ = await turn([Say("x", finish=reason)])
    assert not answer.cut


async def test_the_hubs_own_token_is_never_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_secret_of_this_machine")
    _, server = await turn([Say("x")])
    assert server.asked[0].headers["authorization"] == "Bearer none"


async def test_a_server_on_this_machine_is_not_reached_through_a_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    answer, _ = await turn([Say("x")])
    assert answer.text == "x"


@pytest.mark.parametrize(
    ("passing", "attempts"),
    [
        (fake.BUSY, 2),
        (fake.FAILED, 2),
        (Status(503, "starting"), 2),
        (Status(500), 2),
        (Drop(), 2),
        (fake.TRUNCATED, 2),
        (fake.STREAM_ERROR, 2),
        (replies.TOLD, 2),
        (Say("def", finish="abort"), 2),
    ],
    ids=["429", "424", "503", "500", "dropped", "truncated", "in a stream", "under 200", "aborted"],
)
async def test_what_may_pass_is_tried_again(passing: Reply, attempts: int) -> None:
    answer, server = await turn([passing, Say("x")])
    assert (answer.text, len(server.asked)) == ("x", attempts)


@pytest.mark.parametrize(
    ("reply", "cause", "advice", "attempts"),
    [
        (fake.BUSY, "is busy (429: Model is overloaded)", "add servers", 3),
        (fake.FAILED, "failed while it generated (424", "server's log", 3),
        (Status(503), "failed (503", "server's log", 3),
        (Drop(), "broke off its answer", "server's log", 3),
        (fake.TRUNCATED, "broke off its answer", "server's log", 3),
        (fake.INVALID, "is asked more than its context holds (422: Input validation error", "shorten the intent", 1),
        (Status(422, "`temperature` must be positive"), "does not take the request (422: `temp", "look at what", 1),
        (Status(401), "wants other credentials (401", "BATOS_PERSONA_KEY", 1),
        (Status(404, "no such model"), "knows no such model (404: no such model)", "BATOS_PERSONA_MODEL", 1),
        (Status(404, "Not Found"), "knows no such path (404: Not Found)", "BATOS_PERSONA_URL", 1),
        (replies.UNKNOWN_MODEL, "knows no such model (404: The model", "BATOS_PERSONA_MODEL", 1),
        (replies.UNKNOWN_ADAPTER, "knows no such model (400: LoRA adapter", "slot `model_id`", 1),
        (Status(418), "gave no answer (418", "BATOS_PERSONA_URL", 1),
        (fake.GARBAGE, "gave a web page and no chat completion: <html>", "BATOS_PERSONA_URL", 1),
        (fake.STREAM_ERROR, "told of an error inside a stream: Request failed during generation", "log", 3),
        (replies.TOLD, "told of an error under status 200: no slot", "log", 3),
        (replies.REFUSED_BY_VLLM, "told of an error under status 200: engine is dead", "log", 3),
        (Say("", finish="length"), "gave an empty answer (all of 64 tokens used)", "", 1),
        (Say(None), "gave an empty answer: serve", "", 1),
        (Say("x", finish="content_filter"), "withheld its answer", "", 1),
        (Raw(b'"' + b"x" * (5 << 20) + b'"'), "it is longer than 4 MiB", "", 1),
        (Raw(b'{"error": ["a", "b"]}'), "told of an error under status 200", "", 3),
        (Raw(b'{"error": {"message": "no slot"}}', status=500), "failed (500: no slot)", "", 3),
        (Raw(b""), "gave no chat completion", "", 1),
        (Raw(b"[]"), "gave no chat completion", "", 1),
        (Raw(b"null"), "gave no chat completion", "", 1),
        (Raw(b"\xff\xfe"), "gave no chat completion", "", 1),
        (Raw(b'{"choices": []}'), "gave no chat completion", "", 1),
        (Raw(b'{"choices": [1]}'), "gave no chat completion", "", 1),
        (Raw(b'{"choices": {"a": 1}}'), "gave no chat completion", "", 1),
        (Raw(b'{"choices": [{"message": "x"}]}'), "gave no chat completion", "", 1),
        (Raw(b'{"choices": [{"message": {"content": [1]}}]}'), "gave no chat completion", "", 1),
        (Raw(b'{"choices": [{"message": {"content": "\\ud800"}}]}'), "its content is no text", "", 1),
        (Raw(b'{"model": "\\ud800", "choices": [{"message": {"content": "x"}}]}'), "its model is no text", "", 1),
        (Raw(b'{"usage": {"prompt_tokens": -1}, "choices": [{"message": {}}]}'), "prompt_tokens are out of", "", 1),
        (Raw(b'{"usage": {"prompt_tokens": %d}, "choices": [{"message": {}}]}' % 2**63), "are out of range", "", 1),
        (Raw(b'{"usage": {"prompt_tokens": 1%s}, "choices": [{"message": {}}]}' % (b"0" * 999)), "out of range", "", 1),
        (Raw(b'{"error": "\\ud800"}'), "told of an error under status 200: ?", "", 3),
        (Raw(b"[" * 100_000), "nested too deeply", "", 1),
        (Raw(b"[" * 100_000, status=418), "nested too deeply", "", 1),
    ],
)
async def test_every_failure_names_persona_endpoint_cause_and_what_to_do(
    reply: Reply, cause: str, advice: str, attempts: int
) -> None:
    async with ScriptedEndpoint(saying(reply)) as server:
        with pytest.raises(EndpointUnavailable) as failed:
            await ask(server.url)
    assert failed.value.text.startswith("ALFRED's endpoint 'alfred' (model alfred-lora) ")
    assert cause in failed.value.text
    assert advice in failed.value.text
    assert "\n" not in failed.value.text
    assert failed.value.fields["persona"] == "ALFRED"
    assert len(server.asked) == attempts


async def test_a_password_in_a_url_is_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    async with ScriptedEndpoint(saying(Say("hello"))) as server:
        assert (await ask(f"http://ada:s3cret@127.0.0.1:{server.port}")).text == "hello"
    assert "s3cret" not in caplog.text


async def test_a_server_that_hangs_is_left_after_the_turns_time() -> None:
    begun = asyncio.get_running_loop().time()
    text = await refusal([Hang()], replace(QUICK, turn=0.2))
    assert "did not answer within 0.2 s" in text
    assert "BATOS_TURN_SECONDS" in text
    assert asyncio.get_running_loop().time() - begun < 2


async def test_a_server_that_is_slow_is_waited_for() -> None:
    answer, _ = await turn([Say("late", seconds=0.3)])
    assert answer.text == "late"
    assert answer.seconds >= 0.3


async def test_a_server_that_is_not_there_is_told_so() -> None:
    async with ScriptedEndpoint(saying(Say("x"))) as server:
        url = server.url
    with pytest.raises(EndpointUnavailable, match=r"cannot be reached \(3 attempts\): start it, or set BATOS_PERSONA"):
        await ask(url)


async def test_a_server_that_comes_up_meanwhile_is_found() -> None:
    async with ScriptedEndpoint(saying(Say("x"))) as before:
        port, url = before.port, before.url
    asking = asyncio.create_task(ask(url, Patience(turn=5.0, attempts=8, first_pause=0.05)))
    await asyncio.sleep(0.1)
    async with ScriptedEndpoint(saying(Say("up")), port):
        assert (await asking).text == "up"


async def test_a_busy_server_that_says_when_to_come_back_is_obeyed_within_the_turn() -> None:
    text = await refusal([Status(429, headers={"retry-after": "60"})])
    assert "(429" in text
    assert "attempts" not in text


async def test_an_endpoint_that_is_not_configured_is_named() -> None:
    async with Endpoints({"brick": "http://127.0.0.1:1"}, Telemetry.off(), patience=QUICK) as endpoints:
        with pytest.raises(EndpointUnavailable, match=r"'gpu-7', which is not configured here; .* one of brick"):
            await endpoints.chat(replace(ALFRED, endpoint="gpu-7"), MESSAGES, SAMPLING)


async def test_a_turn_is_one_span_whose_trace_the_server_joins() -> None:
    telemetry, spans = in_memory()
    _, server = await turn([fake.BUSY, Say("x")], telemetry=telemetry)
    (span,) = spans.get_finished_spans()
    assert span.name == "chat alfred-lora"
    told = dict(span.attributes or {})
    assert told[vocabulary.GEN_AI_REQUEST_MODEL] == "alfred-lora"
    assert told[vocabulary.GEN_AI_RESPONSE_MODEL] == "scripted-alfred-lora"
    assert told[vocabulary.GEN_AI_USAGE_OUTPUT_TOKENS] == 1
    assert told[vocabulary.PERSONA] == "ALFRED"
    assert vocabulary.GEN_AI_INPUT_MESSAGES not in told
    context = span.get_span_context()
    assert context is not None
    for asked in server.asked:
        assert asked.headers["traceparent"].startswith(f"00-{context.trace_id:032x}-{context.span_id:016x}-")


async def test_what_was_said_is_in_the_span_only_where_content_is_switched_on() -> None:
    telemetry, spans = in_memory(content=True)
    await turn([Say("secret")], telemetry=telemetry)
    (span,) = spans.get_finished_spans()
    assert "secret" in str((span.attributes or {})[vocabulary.GEN_AI_OUTPUT_MESSAGES])
