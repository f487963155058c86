"""Turns of a persona through real HTTP: ALFRED, who has a fallback, and scripted servers."""

from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager

import pytest

from chassis.telemetry import Telemetry
from fakes.endpoint import Reply, Script, ScriptedEndpoint
from kernel.errors import EndpointUnavailable
from synthesizer.endpoints import Answer, Endpoints, Patience, Sampling, Speaker

ALFRED = Speaker("ALFRED", "alfred", "alfred-lora", fallback="fallback")
SAMPLING = Sampling(max_tokens=64, temperature=0.5, seed=7)
MESSAGES = ({"role": "user", "content": "Signature: def m(self):"},)
ONCE = Patience(turn=1.0, attempts=1)


def always(reply: Reply) -> Script:
    """Whatever is asked."""
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
    """One turn."""
    return await endpoints.chat(speaker, MESSAGES, sampling)


async def refused(endpoints: Endpoints, speaker: Speaker = ALFRED) -> EndpointUnavailable:
    """Why one turn got no answer."""
    with pytest.raises(EndpointUnavailable) as failed:
        await say(endpoints, speaker)
    return failed.value
