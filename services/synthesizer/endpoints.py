"""The endpoints that personas speak through. Law: one turn is one answer or one reason why there is none.

An endpoint is known by its name; only configuration knows its address. What may pass by itself (busy, failed, not up
yet) is tried again with jitter, within the turn's time and the server's budget of retries; then the persona's fallback
is asked, if it has one. What will not pass (a request that is refused, credentials, a model that is unknown) is told at
once. Every way to fail becomes EndpointUnavailable, which names persona, endpoint, cause, and what to do.
"""

import asyncio
import json
import random
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from typing import Self

from opentelemetry.trace import Span, SpanKind

import vocabulary
from chassis.telemetry import Telemetry
from kernel.errors import EndpointUnavailable
from synthesizer.completions import ChatMessages, Completion, Sampling, client
from synthesizer.faults import Fault
from synthesizer.servers import Measured, Server

__all__ = ["Answer", "ChatMessages", "Endpoints", "Patience", "Sampling", "Speaker"]

PLACES = 64
"""Requests that one server gets at a time; TGI takes 128 and refuses the next."""

_LONGEST_PAUSE = 4.0


@dataclass(frozen=True, slots=True)
class Speaker:
    """Who speaks: a persona, the name of its endpoint, the model it asks for there; and whom to ask where that fails.

    A `fallback` that is not configured is none.
    """

    persona: str
    endpoint: str
    model: str
    fallback: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """What was said, and which endpoint answered. `cut` tells that it reached max_tokens.

    `seconds` is wall time, waiting included. Tokens that a server does not count are estimated.
    """

    text: str
    model: str
    input_tokens: int
    output_tokens: int
    seconds: float
    cut: bool
    endpoint: str = ""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a turn may take, and how often and how fast it is tried again. In seconds.

    Where there is a fallback, the first endpoint gets half of the turn.
    """

    turn: float = 120.0
    attempts: int = 5
    first_pause: float = 0.25


@dataclass(slots=True)
class _Turn:
    """A turn under way: until when it may be tried at one endpoint, and how often it was."""

    speaker: Speaker
    messages: ChatMessages
    sampling: Sampling
    end: float
    attempts: int = 0


class _Failed(Exception):
    """A turn failed at one endpoint: the fault, and how it is told."""

    def __init__(self, turn: _Turn, fault: Fault, note: str = "") -> None:
        tries = f" ({turn.attempts} attempts)" if turn.attempts > 1 else ""
        super().__init__(
            f"endpoint {turn.speaker.endpoint!r} (model {turn.speaker.model}) {fault}{tries}: {fault.rule.advice}{note}"
        )
        self.fault = fault


class Endpoints:
    """Every endpoint by its name, with a client that is kept open. Enter it once; then any number of turns at a time.

    `key` is sent as a bearer token to all. `models` is the model that an endpoint is asked for, whoever speaks; an
    endpoint that is not in it is asked for the speaker's own. `places` is how many requests one server gets at a time.
    """

    def __init__(  # noqa: PLR0917 - what a composition root hands over
        self,
        urls: Mapping[str, str],
        telemetry: Telemetry,
        key: str = "none",
        patience: Patience | None = None,
        models: Mapping[str, str] | None = None,
        places: int = PLACES,
    ) -> None:
        self._urls, self._telemetry, self._key = urls, telemetry, key
        self._patience, self._models, self._places = patience or Patience(), models or {}, places
        self._servers: dict[str, Server] = {}
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        measured = Measured(self._telemetry.metrics)
        by_url: dict[str, Server] = {}
        for name, url in self._urls.items():
            if url not in by_url:
                connected = await self._stack.enter_async_context(client(url, self._key))
                by_url[url] = Server(name, connected, self._places, measured)
            self._servers[name] = by_url[url]
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    async def chat(self, speaker: Speaker, messages: ChatMessages, sampling: Sampling) -> Answer:
        """One turn. Raises EndpointUnavailable, with the fields persona, endpoint, model and cause.

        `retry_seconds` is among them where it is known when the endpoint is asked again.
        """
        if speaker.endpoint not in self._servers:
            known = ", ".join(sorted(self._urls))
            raise EndpointUnavailable(
                f"{speaker.persona} speaks through the endpoint {speaker.endpoint!r}, which is not configured here; "
                f"set the persona's slot `endpoint` to one of {known}"
            )
        name = vocabulary.SPAN_CHAT.format(model=speaker.model)
        with self._telemetry.span(name, _attributes(speaker, sampling), SpanKind.CLIENT) as span:
            answer = await self._answered(speaker, messages, sampling, span)
            self._record(span, messages, answer)
            return answer

    async def _answered(self, speaker: Speaker, messages: ChatMessages, sampling: Sampling, span: Span) -> Answer:
        """The answer of the endpoint, else of the fallback."""
        clock = asyncio.get_running_loop().time
        begun = clock()
        end = begun + self._patience.turn
        places = [speaker.endpoint]
        if speaker.fallback in self._servers and self._servers[speaker.fallback] is not self._servers[speaker.endpoint]:
            places.append(speaker.fallback)
        failures: list[_Failed] = []
        for place in places:
            last = place == places[-1]
            asked = replace(speaker, endpoint=place, model=self._models.get(place, speaker.model))
            turn = _Turn(asked, messages, sampling, end if last else begun + self._patience.turn / 2)
            try:
                said = await self._patiently(turn)
            except _Failed as failed:
                failures.append(failed)
                span.set_attribute(vocabulary.ENDPOINT_OUTCOME, failed.fault.cause)
                if last or not failed.fault.rule.elsewhere:
                    break
            else:
                return _answer(said, place, clock() - begun)
            finally:
                span.set_attributes({vocabulary.ENDPOINT: place, vocabulary.ENDPOINT_ATTEMPTS: turn.attempts})
        raise _unavailable(speaker, failures) from None

    async def _patiently(self, turn: _Turn) -> Completion:
        """The answer of one endpoint, tried again as its faults allow. Raises _Failed."""
        server, clock = self._servers[turn.speaker.endpoint], asyncio.get_running_loop().time
        while True:
            turn.attempts += 1
            try:
                return await server.ask(turn.speaker.model, turn.messages, turn.sampling, turn.end)
            except Fault as fault:
                pause = fault.after + self._pause(turn.attempts)
                late = clock() + pause >= turn.end
                if not fault.rule.again or turn.attempts >= self._patience.attempts or late:
                    raise _Failed(turn, fault) from None
                if not server.retries.take():
                    note = "; it was not tried again, since one in five requests to it is a retry already"
                    raise _Failed(turn, fault, note) from None
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


def _answer(said: Completion, endpoint: str, seconds: float) -> Answer:
    return Answer(said.text, said.model, said.input_tokens, said.output_tokens, seconds, said.cut, endpoint)


def _unavailable(speaker: Speaker, failures: list[_Failed]) -> EndpointUnavailable:
    """The first endpoint's cause, and in words what its fallback says."""
    first, *others = failures
    fields = {"cause": first.fault.cause.value}
    if waits := [each.fault.after for each in failures if each.fault.after]:
        fields["retry_seconds"] = f"{min(waits):.3f}"
    if others:
        fields["fallback_cause"] = others[0].fault.cause.value
    return EndpointUnavailable(
        "; its fallback, ".join(map(str, (f"{speaker.persona}'s {first}", *others))),
        persona=speaker.persona,
        endpoint=speaker.endpoint,
        model=speaker.model,
        **fields,
    )
