"""The local persona endpoint on the real small model: what personas need of it, over real HTTP."""

import asyncio
import json
import signal
import subprocess
import sys
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from http.client import HTTPConnection
from typing import Any

import pytest
from huggingface_hub import AsyncInferenceClient

MODEL = (sys.executable, "-m", "batos.local.model", "--model", "0.5b")
TERSE = [{"role": "system", "content": "You are terse."}, {"role": "user", "content": "Name three colours."}]


@dataclass
class Serving:
    """A running endpoint."""

    program: subprocess.Popen[str]
    address: str

    def get(self, path: str) -> Any:
        return self._ask("GET", path, None)

    def chat(self, **request: Any) -> Any:
        return self._ask("POST", "/v1/chat/completions", json.dumps({"messages": TERSE, "max_tokens": 20} | request))

    def _ask(self, verb: str, path: str, body: str | None) -> Any:
        connection = HTTPConnection(self.address, timeout=300)
        connection.request(verb, path, body, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        content = json.load(answer)
        connection.close()
        assert answer.status == 200, content
        return content


@pytest.fixture(scope="module")
def serving() -> Generator[Serving]:
    with subprocess.Popen(MODEL, stdout=subprocess.PIPE, text=True) as program:
        assert program.stdout
        word, _, address = program.stdout.readline().strip().partition(" ")
        assert word == "ready"
        yield Serving(program, address)
        program.send_signal(signal.SIGTERM)
        assert program.wait(30) == 0


def text(answer: Any) -> str:
    return answer["choices"][0]["message"]["content"]


def test_it_is_well_when_it_says_that_it_is_ready(serving: Serving) -> None:
    assert serving.get("/health") == {"status": "ok"}
    assert serving.get("/v1/models")["data"][0]["id"] == "qwen2.5-coder-0.5b-instruct-q4_k_m"


@pytest.mark.parametrize("model", ["brick", "batos/alfred", ""])
def test_all_personas_are_served_whatever_model_they_ask_for(serving: Serving, model: str) -> None:
    answer = serving.chat(model=model, temperature=0)
    assert "red" in text(answer).lower()
    assert answer["usage"]["prompt_tokens"] > 15
    assert answer["usage"]["completion_tokens"] > 3


def test_the_same_seed_draws_the_same_answer_and_another_seed_another(serving: Serving) -> None:
    drawn = [text(serving.chat(temperature=1.5, seed=seed)) for seed in (7, 7, 8, 9)]
    assert drawn[0] == drawn[1]
    assert len(set(drawn)) > 1


def test_an_answer_that_reaches_its_limit_says_so_and_a_stop_word_ends_one(serving: Serving) -> None:
    assert serving.chat(max_tokens=3)["choices"][0]["finish_reason"] == "length"
    stopped = serving.chat(temperature=0, stop=[","])
    assert stopped["choices"][0]["finish_reason"] == "stop"
    assert "," not in text(stopped)


def test_an_answer_can_be_held_to_a_schema(serving: Serving) -> None:
    colours = {"type": "array", "items": {"type": "string"}, "minItems": 3, "maxItems": 3}
    schema = {"type": "object", "properties": {"colours": colours}, "required": ["colours"]}
    held = {"type": "json_schema", "json_schema": {"name": "c", "schema": schema}}
    answer = serving.chat(response_format=held, temperature=0, max_tokens=100)
    assert len(json.loads(text(answer))["colours"]) == 3


async def test_the_client_of_the_personas_streams_from_it_with_usage_at_the_end(serving: Serving) -> None:
    hub: Any = AsyncInferenceClient(base_url=f"http://{serving.address}", api_key="none", timeout=300)
    async with hub as client:
        stream = await client.chat_completion(
            TERSE, model="robin", max_tokens=8, stream=True, stream_options={"include_usage": True}
        )
        chunks = [chunk async for chunk in stream]
    assert sum(bool(chunk.choices and chunk.choices[0].delta.content) for chunk in chunks) > 3
    assert chunks[-1].usage
    assert chunks[-1].usage.completion_tokens > 3


def test_what_personas_always_say_first_is_read_once_and_kept_while_others_speak(serving: Serving) -> None:
    def ask(persona: str, number: int) -> int:
        identity = f"You are {persona}. " + f"{persona} answers plainly, and says what a thing is for. " * 12
        spoken = [{"role": "system", "content": identity}, {"role": "user", "content": f"Case {number}."}]
        usage = serving.chat(messages=spoken, max_tokens=4)["usage"]
        return usage["prompt_tokens"] - usage["prompt_tokens_details"]["cached_tokens"]

    turns = ["BRICK", "BABS", "ROBIN", "ALFRED", "ALFRED", "ALFRED"]
    with ThreadPoolExecutor(len(turns)) as together:
        first = list(together.map(ask, turns, [1] * len(turns)))
        later = [list(together.map(ask, turns, [number] * len(turns))) for number in (2, 3)]
    assert min(first) > 100
    assert max(map(max, later)) < 30


async def test_an_answer_that_nobody_waits_for_stops(serving: Serving) -> None:
    host, port = serving.address.split(":")
    body = json.dumps({"messages": TERSE, "max_tokens": 4000, "ignore_eos": True}).encode()
    for _ in range(8):  # as many as there are slots
        _, writer = await asyncio.open_connection(host, int(port))
        writer.write(b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n")
        writer.write(b"Content-Length: %d\r\n\r\n" % len(body) + body)
        await writer.drain()
        await asyncio.sleep(0.1)
        writer.close()
    answer = await asyncio.wait_for(asyncio.to_thread(serving.chat, max_tokens=2), 60)
    assert answer["usage"]["completion_tokens"] == 2


def test_a_port_that_is_taken_is_told_in_one_line(serving: Serving) -> None:
    port = serving.address.partition(":")[2]
    second = subprocess.run([*MODEL, "--port", port], capture_output=True, text=True, check=False, timeout=60)
    assert (second.returncode, second.stdout) == (1, "")
    assert second.stderr.splitlines() == [
        f"error: cannot listen on 127.0.0.1:{port}: Address already in use",
        "hint: give another --port (0 takes any), or stop what listens there",
    ]
