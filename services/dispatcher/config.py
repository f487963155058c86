"""What a dispatcher is told by its environment."""

from collections.abc import Iterator
from dataclasses import dataclass

from chassis.address import Address
from chassis.config import address, between, boolean, integer, one_of, setting, unencrypted


@dataclass(frozen=True, slots=True)
class Config:
    """Where to listen, whom to ask, and how much to run at once."""

    listen: Address = setting(
        "BATOS_LISTEN",
        default=Address("127.0.0.1", 7001),
        parse=address,
        help="host:port to serve on; port 0: any",
    )
    objectstore: Address = setting(
        "BATOS_OBJECTSTORE", default=Address("127.0.0.1", 7003), parse=address, help="host:port of the objectstore"
    )
    synthesizer: Address = setting(
        "BATOS_SYNTHESIZER", default=Address("127.0.0.1", 7002), parse=address, help="host:port of the synthesizer"
    )
    peers: Address = setting(
        "BATOS_PEERS_LISTEN",
        default=Address("127.0.0.1", 0),
        parse=address,
        help="host:port on which other dispatchers pass messages on; port 0: any",
    )
    peers_address: Address | None = setting(
        "BATOS_PEERS_ADDRESS",
        default=None,
        parse=address,
        help="where the other dispatchers reach that; where it listens, unless said",
    )
    roots: int = setting(
        "BATOS_ROOTS", default=8, parse=integer, help="messages that run in the sandbox at once; others queue"
    )
    workers: int = setting(
        "BATOS_WORKERS",
        default=1,
        parse=between(integer, 1, 64),
        help="processes that serve the address together; --workers says the same",
    )
    insecure_remote: bool = setting(
        "BATOS_ALLOW_INSECURE_REMOTE",
        default=False,
        parse=boolean,
        help="true to serve other machines without TLS; only behind something that encrypts",
    )
    require_jail: bool = setting(
        "BATOS_REQUIRE_JAIL", default=False, parse=boolean, help="true to refuse to start unless every wall stands"
    )
    record_calls: bool = setting(
        "BATOS_RECORD_CALLS",
        default=True,
        parse=boolean,
        help="false to keep no calls, arguments and slots included, in the store for later versions",
    )
    log: str = setting("BATOS_LOG", default="text", parse=one_of("text", "json"), help="text or json lines on stderr")

    def mistakes(self) -> Iterator[str]:
        """What does not go together."""
        yield from unencrypted(self, "listen", "peers", allowed="insecure_remote")
