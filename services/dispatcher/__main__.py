"""Starts a dispatcher. Law: here alone the environment is read and the parts are put together."""

import asyncio
import logging
import os
import sys
import uuid
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from importlib.metadata import version

from activation.batch import Batches
from activation.run import Activator
from batos.v1 import dispatcher_pb2 as pb
from batos.v1.dispatcher_pb2_grpc import add_DispatcherServicer_to_server
from chassis.client import channel
from chassis.server import ServerSpec, announce, run
from chassis.service import StartError, main
from chassis.telemetry import Telemetry
from dispatcher.cluster import member
from dispatcher.config import Config
from dispatcher.dispatch import Dispatch
from dispatcher.measures import Measures
from dispatcher.owners import Owners
from dispatcher.peers import Peers
from dispatcher.pipeline import PIPELINE_METHOD
from dispatcher.recorder import Recorder
from dispatcher.servicer import DispatcherServicer
from objectstore.client import MAX_MESSAGE_BYTES, STREAMS, StoreClient
from objectstore.membership import MembershipClient
from objectstore.store import FORMAT
from sandbox.errors import SandboxUnavailable
from sandbox.host import Sandbox
from sandbox.jail import WALLS, JailLevel
from synthesizer.client import SynthesizerClient
from wire.errors import status_of

log = logging.getLogger("dispatcher")

ABOUT = "The dispatcher delivers messages to objects: it is the service that clients talk to."


async def serve(config: Config, telemetry: Telemetry) -> None:
    """Serve until told to stop. Raises StartError, ListenError."""
    if config.workers > 1 and (config.peers.port or config.peers_address):
        raise StartError(
            "each worker is reached by the other dispatchers at a port of its own:"
            " with several, leave port 0 in BATOS_PEERS_LISTEN, and BATOS_PEERS_ADDRESS unset"
        )
    async with AsyncExitStack() as stack:
        to_store = channel(
            config.objectstore,
            telemetry=telemetry,
            untraced=STREAMS,
            max_message_bytes=MAX_MESSAGE_BYTES,
        )
        await stack.enter_async_context(to_store)
        store = StoreClient(to_store, telemetry=telemetry)
        synthesizer = SynthesizerClient(
            await stack.enter_async_context(channel(config.synthesizer, telemetry=telemetry))
        )
        sandbox = await stack.enter_async_context(_jailed(config))
        batches = Batches(sandbox)
        stack.push_async_callback(batches.close)
        peers = Peers(telemetry)
        stack.push_async_callback(peers.close)
        owners = Owners(uuid.uuid4().hex, peers)
        measures = Measures(telemetry.metrics)
        measures.sandbox(sandbox)
        activator = Activator(sandbox, telemetry)
        recorder = Recorder(store, enabled=config.record_calls)
        dispatch = Dispatch(
            store, activator, batches, synthesizer, telemetry, owners=owners, measures=measures, recorder=recorder
        )
        stack.push_async_callback(dispatch.stop)
        stop = asyncio.Event()
        servicer = DispatcherServicer(dispatch, _version(sandbox.jail), stop, telemetry)
        spec = ServerSpec(
            services={"batos.v1.Dispatcher": lambda server: add_DispatcherServicer_to_server(servicer, server)},
            listen=config.listen,
            status_of=status_of,
            telemetry=telemetry,
            ready=announce,
            allow_insecure_remote=config.insecure_remote,
            reuse_port=config.workers > 1,
            untraced=frozenset({PIPELINE_METHOD}),
        )
        joining = MembershipClient(to_store).joined
        await stack.enter_async_context(member(config, dispatch, owners, joining, stop, telemetry))
        hurrying = asyncio.create_task(_hurry(dispatch, stop))
        try:
            await run(spec, stop)
        finally:
            stop.set()
            await hurrying


async def _hurry(dispatch: Dispatch, stop: asyncio.Event) -> None:
    await stop.wait()
    dispatch.hurry()


@asynccontextmanager
async def _jailed(config: Config) -> AsyncGenerator[Sandbox]:
    require = frozenset(WALLS) if config.require_jail else frozenset[str]()
    try:
        async with Sandbox(roots=config.roots, require=require) as sandbox:
            log.info("methods run behind %s", sandbox.jail)
            yield sandbox
    except SandboxUnavailable as error:
        raise StartError(f"the sandbox does not start: {error}") from None


def _version(jail: JailLevel) -> pb.GetVersionResponse:
    walls = [pb.Wall(name=name, applied=name in jail.applied, reason=jail.missing.get(name, "")) for name in WALLS]
    level = "none" if not jail.applied else "partial" if jail.missing else "full"
    return pb.GetVersionResponse(version=version("batos-services"), jail=walls, jail_level=level, format=FORMAT)


if __name__ == "__main__":
    sys.exit(main("dispatcher", ABOUT, Config, serve, environ=os.environ))
