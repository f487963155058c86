"""Starts a synthesizer. Law: here alone the environment is read and the parts are put together."""

import asyncio
import logging
import os
import sys
import time
import uuid
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager

from activation.run import Activator
from batos.v1.synthesizer_pb2_grpc import add_SynthesizerServicer_to_server
from chassis.client import channel
from chassis.server import ServerSpec, announce, run
from chassis.service import StartError, main
from chassis.telemetry import Telemetry
from kernel.errors import StoreUnavailable
from objectstore.client import MAX_MESSAGE_BYTES, STREAMS, StoreClient
from objectstore.flights import SERVICE
from objectstore.flights_client import FlightsClient
from objectstore.membership import MembershipClient
from objectstore.store import Store
from sandbox.errors import SandboxUnavailable
from sandbox.host import Sandbox
from sandbox.jail import WALLS
from synthesizer import freeze, personas
from synthesizer.cluster import Belonging, member
from synthesizer.config import Config
from synthesizer.control import Control, Hourly
from synthesizer.endpoints import Endpoints, Patience
from synthesizer.flight import Flights
from synthesizer.holding import Ground
from synthesizer.measures import Measures
from synthesizer.servicer import SynthesizerServicer
from synthesizer.synthesis import Synthesis
from synthesizer.turns import Turns
from wire.errors import status_of

ABOUT = (
    "The synthesizer writes a method for a message that nothing understands: four personas, each through its own "
    "endpoint, then audit, trial and registration."
)
_STORE_SECONDS = 30.0

log = logging.getLogger("synthesizer")


async def serve(config: Config, telemetry: Telemetry) -> None:
    """Serve until told to stop. Raises StartError, ListenError."""
    async with AsyncExitStack() as stack:
        to_store = channel(
            config.objectstore, telemetry=telemetry, untraced=STREAMS, max_message_bytes=MAX_MESSAGE_BYTES
        )
        store = StoreClient(await stack.enter_async_context(to_store), telemetry=telemetry)
        await _bootstrapped(store, config)
        sandbox = await stack.enter_async_context(_jailed(config))
        patience = Patience(config.turn_seconds)
        endpoints = await stack.enter_async_context(
            Endpoints(
                config.urls,
                telemetry,
                config.persona_key,
                patience,
                config.fallback_models,
                config.endpoint_turns,
            )
        )
        synthesis = Synthesis(
            store, Turns(endpoints, config.models), Activator(sandbox, telemetry), telemetry, config.drafts
        )
        shared, belonging = FlightsClient(to_store), Belonging(uuid.uuid4().hex)
        ground = Ground(shared, store, synthesis, belonging, Measures(telemetry.metrics))
        hourly = Hourly(config.tokens_per_hour, config.syntheses_per_hour)
        control = Control(shared, store, ground.clock, telemetry.metrics, drafts=config.drafts, hourly=hourly)
        flights = Flights(ground, control, telemetry)
        servicer = SynthesizerServicer(flights)
        spec = ServerSpec(
            services={"batos.v1.Synthesizer": lambda server: add_SynthesizerServicer_to_server(servicer, server)},
            listen=config.listen,
            status_of=status_of,
            telemetry=telemetry,
            ready=announce,
            allow_insecure_remote=config.insecure_remote,
        )
        stop = asyncio.Event()
        joined = MembershipClient(to_store).joined(SERVICE, belonging.me, str(config.listen))
        await stack.enter_async_context(member(belonging, flights, joined, stop))
        await run(spec, stop)


async def _bootstrapped(store: Store, config: Config) -> None:
    """Make the personas and the kill switch, once the objectstore is there. Raises StartError where it stays away."""
    end = time.monotonic() + _STORE_SECONDS
    while True:
        try:
            await personas.bootstrap(store)
            return await freeze.bootstrap(store)
        except StoreUnavailable as error:
            if time.monotonic() > end:
                advice = f"start an objectstore at {config.objectstore}, or say in BATOS_OBJECTSTORE where it is"
                raise StartError(f"{error.text}: {advice}") from None
            log.info("waiting for the objectstore at %s", config.objectstore)
            await asyncio.sleep(0.5)


@asynccontextmanager
async def _jailed(config: Config) -> AsyncGenerator[Sandbox]:
    require = frozenset(WALLS) if config.require_jail else frozenset[str]()
    try:
        async with Sandbox(roots=config.roots, require=require) as sandbox:
            log.info("drafts are tried behind %s", sandbox.jail)
            yield sandbox
    except SandboxUnavailable as error:
        raise StartError(f"the sandbox does not start: {error}") from None


if __name__ == "__main__":
    sys.exit(main("synthesizer", ABOUT, Config, serve, environ=os.environ))
