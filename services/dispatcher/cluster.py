"""A dispatcher among others. Law: it is reached before it is a member, and no member before it is reached no more.

It serves the other dispatchers on an address of its own, since clients may reach several dispatchers by one address.
Told to stop, it leaves first, so that the others take over its objects, and goes on to run what still comes.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from batos.v1.dispatcher_pb2_grpc import add_DispatcherPeerServicer_to_server
from chassis.server import Server, ServerSpec
from chassis.telemetry import Telemetry
from dispatcher.config import Config
from dispatcher.dispatch import Dispatch
from dispatcher.owners import Membership, Owners
from dispatcher.peer_servicer import PeerServicer
from dispatcher.peers import FORWARD_METHOD
from wire.errors import status_of

SERVICE = "dispatcher"

Joined = Callable[[str, str, str], AbstractAsyncContextManager[Membership]]
"""Joins a service by a name, reached at an address, for as long as the block lasts."""


@asynccontextmanager
async def member(  # noqa: PLR0917 - what a dispatcher consists of
    config: Config, dispatch: Dispatch, owners: Owners, joined: Joined, stop: asyncio.Event, telemetry: Telemetry
) -> AsyncGenerator[None]:
    """Serve the other dispatchers during the block, and be one of them until `stop` is set. Raises ListenError."""
    servicer = PeerServicer(dispatch, stop, telemetry)
    spec = ServerSpec(
        services={"batos.v1.DispatcherPeer": lambda server: add_DispatcherPeerServicer_to_server(servicer, server)},
        listen=config.peers,
        status_of=status_of,
        telemetry=telemetry,
        reflection=False,
        allow_insecure_remote=config.insecure_remote,
        untraced=frozenset({FORWARD_METHOD}),
    )
    async with Server(spec) as served:
        address = str(config.peers_address or served.address)
        belonging = asyncio.create_task(_belong(owners, joined(SERVICE, owners.me, address), stop))
        try:
            yield
        finally:
            stop.set()
            await belonging


async def _belong(owners: Owners, joined: AbstractAsyncContextManager[Membership], stop: asyncio.Event) -> None:
    async with joined as membership:
        following = asyncio.create_task(owners.follow(membership))
        await stop.wait()
        owners.leave()
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)
