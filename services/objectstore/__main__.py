"""Starts an objectstore. Law: here alone the environment is read and the parts are put together."""

import asyncio
import logging
import os
import sys
from importlib.metadata import version

# Of each handshake that fails gRPC writes lines of its own, many a second; we say why nothing came of it. It looks at
# its setting when it is imported.
os.environ.setdefault("GRPC_VERBOSITY", "NONE")

import vocabulary
from batos.v1.admin_pb2_grpc import add_AdministrationServicer_to_server
from batos.v1.flights_pb2_grpc import add_FlightsServicer_to_server
from batos.v1.objectstore_pb2_grpc import add_ObjectStoreServicer_to_server
from chassis.server import ServerSpec, announce, run
from chassis.service import StartError, main
from chassis.telemetry import Telemetry
from kernel.errors import StoreFull, StoreUnavailable
from objectstore.administration import AdministrationServicer
from objectstore.client import MAX_MESSAGE_BYTES, STREAMS
from objectstore.config import Config
from objectstore.etcd.access import Access
from objectstore.etcd.failures import NotLetIn, NotTrusted
from objectstore.etcd.ledger import EtcdLedger
from objectstore.flights_servicer import FlightsServicer
from objectstore.hub import Hub
from objectstore.ledger_flights import LedgerFlights
from objectstore.ledger_members import LedgerMembers
from objectstore.ledger_store import LedgerStore
from objectstore.membership import JOIN_METHOD
from objectstore.servicer import StoreServicer
from wire.errors import status_of

log = logging.getLogger("objectstore")

ABOUT = "The objectstore keeps objects, method versions and commits in etcd, for the other services."


async def serve(config: Config, telemetry: Telemetry) -> None:
    """Serve until told to stop. Raises StartError, ListenError."""
    where = ",".join(str(endpoint) for endpoint in config.etcd)
    log.info("waiting for etcd at %s", where)
    try:
        ledger = await EtcdLedger.open(config.etcd, telemetry, access=_access(config), ready_seconds=config.etcd_wait)
    except NotTrusted as error:
        raise StartError(f"{error.text}: see BATOS_ETCD_CA, BATOS_ETCD_CERT and BATOS_ETCD_KEY") from None
    except NotLetIn as error:
        raise StartError(f"{error.text}: see BATOS_ETCD_USER and BATOS_ETCD_PASSWORD") from None
    except StoreUnavailable as error:
        raise StartError(f"{error.text}: start one there, or say in BATOS_ETCD_ENDPOINTS where it is") from None
    try:
        store = await LedgerStore.open(ledger)
        log.info("the store is open", extra={"epoch": store.epoch})
        administration = AdministrationServicer(store, version("batos-services"))
        _measured(store.hub, telemetry)
        stop = asyncio.Event()
        servicer = StoreServicer(store, stop, telemetry, LedgerMembers(ledger, store.hub))
        flights = FlightsServicer(LedgerFlights(store.core))
        spec = ServerSpec(
            services={
                "batos.v1.ObjectStore": lambda server: add_ObjectStoreServicer_to_server(servicer, server),
                "batos.v1.Flights": lambda server: add_FlightsServicer_to_server(flights, server),
                "batos.v1.Administration": lambda server: add_AdministrationServicer_to_server(administration, server),
            },
            listen=config.listen,
            status_of=status_of,
            telemetry=telemetry,
            ready=announce,
            allow_insecure_remote=config.insecure_remote,
            reuse_port=config.workers > 1,
            untraced=STREAMS | {JOIN_METHOD},
            max_receive_bytes=MAX_MESSAGE_BYTES,
            max_send_bytes=MAX_MESSAGE_BYTES,
        )
        await run(spec, stop)
    except (StoreUnavailable, StoreFull) as error:
        raise StartError(error.text) from None
    finally:
        await ledger.close()


def _measured(hub: Hub, telemetry: Telemetry) -> None:
    observe = telemetry.metrics.observe
    observe(vocabulary.METRIC_WATCHERS, "{watcher}", "Who follows the store's changes.", lambda: hub.watchers)
    observe(vocabulary.METRIC_HUB_LAG, "s", "Since etcd's watch was last heard of.", lambda: hub.lag)


def _access(config: Config) -> Access:
    """How etcd lets us in."""
    password = config.etcd_password or config.etcd_password_file
    return Access(config.etcd_ca, config.etcd_cert, config.etcd_key, config.etcd_user, password)


if __name__ == "__main__":
    sys.exit(main("objectstore", ABOUT, Config, serve, environ=os.environ))
