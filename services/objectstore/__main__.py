"""Starts an objectstore. Law: here alone the environment is read and the parts are put together."""

import asyncio
import logging
import os
import sys
from importlib.metadata import version

from batos.v1.admin_pb2_grpc import add_AdministrationServicer_to_server
from batos.v1.objectstore_pb2_grpc import add_ObjectStoreServicer_to_server
from chassis.server import ServerSpec, announce, run
from chassis.service import StartError, main
from chassis.telemetry import Telemetry
from kernel.errors import StoreUnavailable
from objectstore.administration import AdministrationServicer
from objectstore.client import MAX_MESSAGE_BYTES, WATCH_METHOD
from objectstore.config import Config
from objectstore.etcd.ledger import EtcdLedger
from objectstore.ledger_store import LedgerStore
from objectstore.servicer import StoreServicer
from wire.errors import status_of

log = logging.getLogger("objectstore")

ABOUT = "The objectstore keeps objects, method versions and commits in etcd, for the other services."


async def serve(config: Config, telemetry: Telemetry) -> None:
    """Serve until told to stop. Raises StartError, ListenError."""
    where = ",".join(str(endpoint) for endpoint in config.etcd)
    log.info("waiting for etcd at %s", where)
    try:
        ledger = await EtcdLedger.open(config.etcd, telemetry, ready_seconds=config.etcd_wait)
    except StoreUnavailable as error:
        raise StartError(f"{error.text}: start one there, or say in BATOS_ETCD_ENDPOINTS where it is") from None
    try:
        store = await LedgerStore.open(ledger)
        log.info("the store is open", extra={"epoch": store.epoch})
        administration = AdministrationServicer(store, version("batos-services"))
        stop = asyncio.Event()
        servicer = StoreServicer(store, stop)
        spec = ServerSpec(
            services={
                "batos.v1.ObjectStore": lambda server: add_ObjectStoreServicer_to_server(servicer, server),
                "batos.v1.Administration": lambda server: add_AdministrationServicer_to_server(administration, server),
            },
            listen=config.listen,
            status_of=status_of,
            telemetry=telemetry,
            ready=announce,
            allow_insecure_remote=config.insecure_remote,
            untraced=frozenset({WATCH_METHOD}),
            max_receive_bytes=MAX_MESSAGE_BYTES,
            max_send_bytes=MAX_MESSAGE_BYTES,
        )
        await run(spec, stop)
    except StoreUnavailable as error:
        raise StartError(error.text) from None
    finally:
        await ledger.close()


if __name__ == "__main__":
    sys.exit(main("objectstore", ABOUT, Config, serve, environ=os.environ))
