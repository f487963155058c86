"""What an objectstore is told by its environment."""

from dataclasses import dataclass

from chassis.address import Address
from chassis.config import address, boolean, listed, one_of, seconds, setting


@dataclass(frozen=True, slots=True)
class Config:
    """Where to listen, and where etcd is."""

    listen: Address = setting(
        "BATOS_LISTEN",
        default=Address("127.0.0.1", 7003),
        parse=address,
        help="host:port to serve on; port 0: any",
    )
    etcd: tuple[Address, ...] = setting(
        "BATOS_ETCD_ENDPOINTS",
        default=(Address("127.0.0.1", 2379),),
        parse=listed(address),
        help="host:port of each member of etcd, separated by commas",
    )
    etcd_wait: float = setting(
        "BATOS_ETCD_WAIT", default=10.0, parse=seconds, help="how long to wait for etcd at the start"
    )
    insecure_remote: bool = setting(
        "BATOS_ALLOW_INSECURE_REMOTE",
        default=False,
        parse=boolean,
        help="true to serve other machines without TLS; only behind something that encrypts",
    )
    log: str = setting("BATOS_LOG", default="text", parse=one_of("text", "json"), help="text or json lines on stderr")
