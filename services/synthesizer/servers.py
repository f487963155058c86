"""One server, whatever names lead to it. Law: how many ask it at once, and whether at all, is decided here.

Endpoints with one URL are one server: its breaker, its budget of retries and its places are shared by all of them. A
request takes a place (in the order they came), enters the breaker, and tells it what came of it.
"""

import asyncio
import json
import logging
from collections.abc import Mapping
from dataclasses import replace
from hashlib import sha256

from huggingface_hub import AsyncInferenceClient

import vocabulary
from chassis.metrics import Metrics
from synthesizer.breaker import Breaker, Entry, Open, State
from synthesizer.completions import Arrival, ChatMessages, Completion, Sampling, complete
from synthesizer.faults import RULES, Cause, Fault, refuses_schema, timed_out
from synthesizer.retries import RetryBudget

log = logging.getLogger("synthesizer.endpoints")

_ANSWERED = "answered"
_LEFT = "left"  # whoever asked did not wait
_PROBE_SECONDS = 5.0  # how long the others wait for a probe
_SCHEMA_SECONDS = 600.0  # how long a server that took no schema is not asked to take it


class Measured:
    """What is measured of all servers, by the first of each one's names."""

    def __init__(self, metrics: Metrics) -> None:
        self.requests = metrics.counters(
            vocabulary.METRIC_ENDPOINT_REQUESTS, "{request}", "Requests to persona endpoints.", _outcome
        )
        self.seconds = metrics.histograms(
            vocabulary.METRIC_ENDPOINT_DURATION, "s", "How long requests to persona endpoints took.", _name
        )
        self.tokens = metrics.counters(
            vocabulary.METRIC_ENDPOINT_TOKENS, "{token}", "Tokens that persona endpoints read and wrote.", _kind
        )
        self.breaker = metrics.counters(
            vocabulary.METRIC_ENDPOINT_BREAKER, "{change}", "How often a breaker came into a state.", _state
        )
        self._metrics = metrics

    def watch(self, breaker: Breaker) -> None:
        """From now on it is counted whether this one is closed."""
        self._metrics.observe(
            vocabulary.METRIC_ENDPOINTS_LEFT_ALONE,
            "{endpoint}",
            "Persona endpoints whose breaker is not closed.",
            lambda: float(breaker.state is not State.CLOSED),
        )


class Server:
    """A server of chat completions. `places` is how many requests it gets at a time."""

    def __init__(self, name: str, client: AsyncInferenceClient, places: int, measured: Measured) -> None:
        self.name, self._client, self._measured = name, client, measured
        self._clock = asyncio.get_running_loop().time
        self._places = asyncio.Semaphore(places)
        self.breaker = Breaker(self._clock)
        self.retries = RetryBudget(self._clock)
        self._probed = asyncio.Event()
        self._schemas_refused: dict[str, float] = {}
        self._echoes: set[str] = set()
        measured.watch(self.breaker)

    async def ask(self, model: str, messages: ChatMessages, sampling: Sampling, end: float) -> Completion:
        """One answer by `end`, on the loop's clock. Raises Fault."""
        if self._refuses(sampling.schema):
            sampling = replace(sampling, schema=None)
        try:
            return await self._placed(model, messages, sampling, end)
        except Fault as fault:
            if sampling.schema is None or not refuses_schema(fault):
                raise
            log.info("endpoint %s takes no such schema and is asked without: %s", self.name, fault)
            self._schemas_refused[_digest(sampling.schema)] = self._clock() + _SCHEMA_SECONDS
        return await self._placed(model, messages, replace(sampling, schema=None), end)

    async def _placed(self, model: str, messages: ChatMessages, sampling: Sampling, end: float) -> Completion:
        if self.breaker.state is State.OPEN and (seconds := self.breaker.seconds):
            raise self._left_alone(seconds)
        begun = self._clock()
        try:
            async with asyncio.timeout_at(end):
                await self._places.acquire()
        except TimeoutError:
            raise Fault(Cause.CROWDED, f" for {self._clock() - begun:.3g} s") from None
        try:
            return await self._entered(model, messages, sampling, end)
        finally:
            self._places.release()

    async def _entered(self, model: str, messages: ChatMessages, sampling: Sampling, end: float) -> Completion:
        entry = await self._enter(end)
        begun, probes, outcome = self._clock(), self.breaker.state is State.HALF_OPEN, _LEFT
        self.retries.asked()
        if probes:
            self._probed.clear()
        try:
            said = await self._timed(model, messages, sampling, end)
            outcome = _ANSWERED
        except Fault as fault:
            outcome = fault.cause
            raise
        finally:
            self._tell(entry, outcome)
            if probes:
                self._probed.set()
            self._measured.requests[self.name, outcome].count += 1
            self._measured.seconds[self.name].add(self._clock() - begun)
        self._note(model, said)
        return said

    async def _enter(self, end: float) -> Entry:
        """Leave to ask. Whoever comes during a probe waits for what comes of it: a panel speaks three at a time."""
        try:
            async with asyncio.timeout_at(min(end, self._clock() + _PROBE_SECONDS)):
                while self.breaker.state is State.HALF_OPEN:
                    await self._probed.wait()
        except TimeoutError:
            raise self._left_alone(self.breaker.seconds) from None
        try:
            return self.breaker.enter()
        except Open as open_:
            raise self._left_alone(open_.seconds) from None

    async def _timed(self, model: str, messages: ChatMessages, sampling: Sampling, end: float) -> Completion:
        begun, arrival = self._clock(), Arrival()
        try:
            async with asyncio.timeout_at(end):
                return await complete(self._client, model, messages, sampling, arrival)
        except TimeoutError:
            raise timed_out(round(self._clock() - begun, 1), arrival.received) from None

    def _tell(self, entry: Entry, outcome: str) -> None:
        """The breaker learns what came of it, and the log what became of the breaker."""
        before = self.breaker.state
        if outcome == _LEFT:
            return self.breaker.left(entry)
        if outcome != _ANSWERED and RULES[Cause(outcome)].sick:
            self.breaker.failed(entry)
        else:
            self.breaker.answered(entry)
        if (now := self.breaker.state) is before:
            return None
        self._measured.breaker[self.name, now.value].count += 1
        if now is State.OPEN:
            log.warning("endpoint %s is left alone for %g s: %s", self.name, self.breaker.seconds, outcome)
        else:
            log.warning("endpoint %s answers again", self.name)
        return None

    def _left_alone(self, seconds: float) -> Fault:
        return Fault(Cause.OPEN, f"; it is tried again in {seconds:.2g} s", seconds)

    def _refuses(self, schema: Mapping[str, object] | None) -> bool:
        return schema is not None and self._schemas_refused.get(_digest(schema), 0.0) > self._clock()

    def _note(self, model: str, said: Completion) -> None:
        self._measured.tokens[self.name, vocabulary.SPENT_INPUT].count += said.input_tokens
        self._measured.tokens[self.name, vocabulary.SPENT_OUTPUT].count += said.output_tokens
        if said.model != model and said.model not in self._echoes:
            self._echoes.add(said.model)
            log.warning(
                "endpoint %s was asked for the model %s and says that %s answered: if %s is a LoRA adapter, see that "
                "the server has it (TGI takes its first one where it does not know the name)",
                *(self.name, model, said.model, model),
            )


def _digest(schema: Mapping[str, object]) -> str:
    return sha256(json.dumps(schema, sort_keys=True).encode()).hexdigest()


def _outcome(key: tuple[str, str]) -> Mapping[str, str]:
    return {vocabulary.ENDPOINT: key[0], vocabulary.ENDPOINT_OUTCOME: key[1]}


def _name(key: str) -> Mapping[str, str]:
    return {vocabulary.ENDPOINT: key}


def _kind(key: tuple[str, str]) -> Mapping[str, str]:
    return {vocabulary.ENDPOINT: key[0], vocabulary.SPENT_KIND: key[1]}


def _state(key: tuple[str, str]) -> Mapping[str, str]:
    return {vocabulary.ENDPOINT: key[0], vocabulary.ENDPOINT_BREAKER: key[1]}
