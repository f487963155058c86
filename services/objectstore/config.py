"""What an objectstore is told by its environment. Law: files are read at the start: a wrong one is told then."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from chassis.address import Address
from chassis.config import address, between, boolean, integer, listed, one_of, seconds, setting, text, unencrypted
from objectstore.etcd.tls import mistake_of_authority, mistake_of_pair


def pem(value: str) -> bytes:
    """What is in a file of certificates or of a key, in PEM."""
    content = _content(value)
    if b"-----BEGIN " not in content:
        raise ValueError("expected a file in PEM, with -----BEGIN in it")
    return content


def secret(value: str) -> str:
    """The one line of a file, without its end."""
    return _content(value).decode().rstrip("\r\n")


def _content(value: str) -> bytes:
    try:
        return Path(text(value)).read_bytes()
    except OSError as error:
        raise ValueError(f"the file cannot be read: {error.strerror}") from None


@dataclass(frozen=True, slots=True)
class Config:
    """Where to listen, where etcd is, and how it lets us in."""

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
    etcd_ca: bytes | None = setting(
        "BATOS_ETCD_CA", default=None, parse=pem, help="file of the authority that etcd's certificates are of; so: TLS"
    )
    etcd_cert: bytes | None = setting(
        "BATOS_ETCD_CERT", default=None, parse=pem, help="file of our own certificate, where etcd asks for one"
    )
    etcd_key: bytes | None = setting("BATOS_ETCD_KEY", default=None, parse=pem, help="file of its key")
    etcd_user: str = setting("BATOS_ETCD_USER", default="", help="user of etcd, where it asks for one")
    etcd_password: str = setting("BATOS_ETCD_PASSWORD", default="", help="the user's password")
    etcd_password_file: str = setting(
        "BATOS_ETCD_PASSWORD_FILE", default="", parse=secret, help="or the file that holds it"
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
    log: str = setting("BATOS_LOG", default="text", parse=one_of("text", "json"), help="text or json lines on stderr")

    def mistakes(self) -> Iterator[str]:
        """What does not go together."""
        yield from unencrypted(self, "listen", allowed="insecure_remote")
        if (self.etcd_cert is None) != (self.etcd_key is None):
            yield "BATOS_ETCD_CERT: it goes with BATOS_ETCD_KEY: set both, or none"
        elif self.etcd_cert is not None and self.etcd_ca is None:
            yield "BATOS_ETCD_CERT: it needs TLS: name the authority of etcd's certificates in BATOS_ETCD_CA"
        if self.etcd_ca is not None and (wrong := mistake_of_authority(self.etcd_ca)):
            yield f"BATOS_ETCD_CA: {wrong}"
        cert, key = self.etcd_cert, self.etcd_key
        if cert is not None and key is not None and (wrong := mistake_of_pair(cert, key)):
            yield f"BATOS_ETCD_CERT: with BATOS_ETCD_KEY, {wrong}"
        if self.etcd_password and self.etcd_password_file:
            yield "BATOS_ETCD_PASSWORD: BATOS_ETCD_PASSWORD_FILE names a password too: set one"
        if bool(self.etcd_user) != bool(self.etcd_password or self.etcd_password_file):
            yield "BATOS_ETCD_USER: it goes with BATOS_ETCD_PASSWORD, or BATOS_ETCD_PASSWORD_FILE: set both, or none"
