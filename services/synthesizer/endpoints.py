"""The endpoints that personas speak through. Law: one turn is one answer or one reason why there is none.

Any server of `POST /v1/chat/completions` will do: TGI, vLLM, SGLang, llama.cpp. An endpoint is known by its name; only
configuration knows its address. Every way in which a server can fail becomes EndpointUnavailable, which names the
persona, the endpoint, the cause and what to do. What may pass by itself (busy, failed, not up yet) is tried again with
jitter, within the turn's time; what will not (422, 401, garbage) is told at once.
"""

import asyncio
import json
import logging
import random
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any, Self, cast

import httpx2
from huggingface_hub import AsyncInferenceClient, set_async_client_factory
from huggingface_hub.errors import HfHubHTTPError
from opentelemetry.trace import Span, SpanKind, get_current_span

import vocabulary
from chassis.propagation import headers_of
from chassis.telemetry import Telemetry
from kernel.errors import EndpointUnavailable
from synthesizer.faults import Fault, broken_off, garbage, refused, timed_out, unreachable

ChatMessages = Sequence[Mapping[str, str]]
"""A conversation: `role` and `content` of each turn."""

_LONGEST_PAUSE = 4.0
_MOST_TOKENS = (1 << 63) - 1  # of int64, in which they are told
_HERE = ("all://127.0.0.1", "all://localhost", "all://[::1]")


@dataclass(frozen=True, slots=True)
class Speaker:
    """Who speaks: a persona, the name of its endpoint, and the model it asks for there."""

    persona: str
    endpoint: str
    model: str


@dataclass(frozen=True, slots=True)
class Sampling:
    """How an answer is drawn. The same seed on the same server draws the same answer, where the server can."""

    max_tokens: int
    temperature: float
    seed: int


@dataclass(frozen=True, slots=True)
class Answer:
    """What was said. `cut` tells that it reached max_tokens; `seconds` is wall time, waiting included."""

    text: str
    model: str
    input_tokens: int
    output_tokens: int
    seconds: float
    cut: bool


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a turn may take, and how often and how fast it is tried again. In seconds."""

    turn: float = 120.0
    attempts: int = 5
    first_pause: float = 0.25


class Endpoints:
    """Every endpoint by its name, with a client that is kept open. Enter it once; then any number of turns at a time.

    `key` is sent as a bearer token; the Hub's own token, which its client would send by itself, never is.
    """

    def __init__(
        self, urls: Mapping[str, str], telemetry: Telemetry, key: str = "none", patience: Patience | None = None
    ) -> None:
        self._urls, self._telemetry, self._key = urls, telemetry, key
        self._patience = patience or Patience()
        self._clients: dict[str, AsyncInferenceClient] = {}
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        # The Hub's client makes its connections through one factory for the whole process, and only so can a header
        # be different for each request.
        set_async_client_factory(_traced_client)
        # It would log the URL of every request, with the password that may be in it.
        logging.getLogger("httpx2").setLevel(logging.WARNING)
        for name, url in self._urls.items():
            client = AsyncInferenceClient(base_url=url, api_key=self._key, timeout=self._patience.turn)
            self._clients[name] = await self._stack.enter_async_context(client)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    async def chat(self, speaker: Speaker, messages: ChatMessages, sampling: Sampling) -> Answer:
        """One turn. Raises EndpointUnavailable."""
        if (client := self._clients.get(speaker.endpoint)) is None:
            known = ", ".join(sorted(self._urls))
            raise EndpointUnavailable(
                f"{speaker.persona} speaks through the endpoint {speaker.endpoint!r}, which is not configured here; "
                f"set the persona's slot `endpoint` to one of {known}"
            )
        name = vocabulary.SPAN_CHAT.format(model=speaker.model)
        with self._telemetry.span(name, _attributes(speaker, sampling), SpanKind.CLIENT) as span:
            answer = await self._patiently(client, speaker, messages, sampling)
            self._record(span, messages, answer)
            return answer

    async def _patiently(
        self, client: AsyncInferenceClient, speaker: Speaker, messages: ChatMessages, sampling: Sampling
    ) -> Answer:
        clock = asyncio.get_running_loop().time
        begun, attempt = clock(), 0
        while True:
            attempt += 1
            try:
                async with asyncio.timeout_at(begun + self._patience.turn):
                    output = await _attempt(client, speaker, messages, sampling)
                return _answer(output, speaker, clock() - begun)
            except TimeoutError:
                fault = timed_out(self._patience.turn)
            except Fault as failed:
                fault = failed
            pause = max(fault.after, self._pause(attempt))
            late = clock() + pause >= begun + self._patience.turn
            if not fault.again or attempt >= self._patience.attempts or late:
                raise _unavailable(speaker, fault, attempt) from None
            await asyncio.sleep(pause)

    def _pause(self, attempt: int) -> float:
        longest = min(self._patience.first_pause * 2 ** (attempt - 1), _LONGEST_PAUSE)
        return random.uniform(longest / 2, longest)  # noqa: S311 - keeps those that were refused from coming back at once

    def _record(self, span: Span, messages: ChatMessages, answer: Answer) -> None:
        if not span.is_recording():
            return
        span.set_attributes(
            {
                vocabulary.GEN_AI_RESPONSE_MODEL: answer.model,
                vocabulary.GEN_AI_RESPONSE_FINISH_REASONS: ("length" if answer.cut else "stop",),
                vocabulary.GEN_AI_USAGE_INPUT_TOKENS: answer.input_tokens,
                vocabulary.GEN_AI_USAGE_OUTPUT_TOKENS: answer.output_tokens,
            }
        )
        if self._telemetry.content:
            span.set_attribute(vocabulary.GEN_AI_INPUT_MESSAGES, json.dumps([dict(item) for item in messages]))
            said = [{"role": "assistant", "content": answer.text}]
            span.set_attribute(vocabulary.GEN_AI_OUTPUT_MESSAGES, json.dumps(said))


def _traced_client() -> httpx2.AsyncClient:
    """A connection pool whose requests carry the ids of the span they are made in."""

    async def inject(request: httpx2.Request) -> None:
        request.headers.update(headers_of(get_current_span()))

    # A proxy that the environment names is for the way out; a server on this machine is not reached through it.
    direct: dict[str, httpx2.AsyncBaseTransport | None] = dict.fromkeys(_HERE)
    return httpx2.AsyncClient(event_hooks={"request": [inject]}, mounts=direct, follow_redirects=True, timeout=None)


async def _attempt(
    client: AsyncInferenceClient, speaker: Speaker, messages: ChatMessages, sampling: Sampling
) -> object:
    try:
        # The Hub's client leaves its messages' type open.
        complete = cast("Callable[..., Awaitable[object]]", client.chat_completion)  # pyright: ignore[reportUnknownMemberType]
        return await complete(
            [dict(message) for message in messages],
            model=speaker.model,
            max_tokens=sampling.max_tokens,
            temperature=sampling.temperature,
            seed=sampling.seed,
        )
    except HfHubHTTPError as error:
        raise refused(error.response) from None
    except (httpx2.ConnectError, httpx2.ConnectTimeout):
        raise unreachable() from None
    except TimeoutError:
        raise
    except httpx2.HTTPError as error:
        raise broken_off(type(error).__name__) from None
    except ValueError as error:
        raise garbage(getattr(error, "doc", "") or str(error)) from None
    except RecursionError:
        raise garbage("it is nested too deeply to read") from None


def _attributes(speaker: Speaker, sampling: Sampling) -> dict[str, str | int | float]:
    return {
        vocabulary.GEN_AI_OPERATION_NAME: vocabulary.GEN_AI_OPERATION_CHAT,
        vocabulary.GEN_AI_PROVIDER_NAME: vocabulary.GEN_AI_PROVIDER_OPEN,
        vocabulary.GEN_AI_REQUEST_MODEL: speaker.model,
        vocabulary.GEN_AI_REQUEST_MAX_TOKENS: sampling.max_tokens,
        vocabulary.GEN_AI_REQUEST_TEMPERATURE: sampling.temperature,
        vocabulary.GEN_AI_REQUEST_SEED: sampling.seed,
        vocabulary.GEN_AI_AGENT_NAME: speaker.persona,
        vocabulary.PERSONA: speaker.persona,
    }


def _unavailable(speaker: Speaker, fault: Fault, attempts: int) -> EndpointUnavailable:
    tries = f" ({attempts} attempts)" if attempts > 1 else ""
    return EndpointUnavailable(
        f"{speaker.persona}'s endpoint {speaker.endpoint!r} (model {speaker.model}) {fault.cause}{tries}: "
        f"{fault.advice}",
        persona=speaker.persona,
        endpoint=speaker.endpoint,
        model=speaker.model,
    )


def _answer(output: Any, speaker: Speaker, seconds: float) -> Answer:
    """The answer in a chat completion, whatever of it a server left out. Raises Fault where there is none."""
    if told := output.get("error"):
        raise garbage(json.dumps({"error": told}, default=str))
    try:
        choice = output.choices[0]
        text, reason = choice.message.content, choice.finish_reason
    except (TypeError, IndexError, AttributeError, KeyError):
        raise garbage("there is no choice in it") from None
    if not isinstance(text, str | None) or not _is_text(text or ""):
        raise garbage("its content is no text")
    usage, model = output.usage, str(output.model or speaker.model)
    if not _is_text(model):
        raise garbage("its model is no text")
    return Answer(
        text=text or "",
        model=model,
        input_tokens=_count(usage, "prompt_tokens"),
        output_tokens=_count(usage, "completion_tokens"),
        seconds=seconds,
        cut=reason == "length",
    )


def _count(usage: object, name: str) -> int:
    count = getattr(usage, name, 0)
    if not isinstance(count, int):
        return 0
    if not 0 <= count <= _MOST_TOKENS:
        raise garbage(f"its {name} are out of range")
    return count


def _is_text(text: str) -> bool:
    """Whether it can be encoded: JSON can spell half of a pair."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
