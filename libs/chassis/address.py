"""Where a server listens and where a client connects: `host:port`.

Law: an address is parsed once, at the edge; behind it nobody splits strings.
"""

import ipaddress
import re
from dataclasses import dataclass
from typing import Self

_SHAPE = re.compile(r"(?:\[(?P<v6>[0-9a-fA-F:.]+)\]|(?P<host>[A-Za-z0-9._-]+)):(?P<port>[0-9]{1,5})")
_LARGEST_PORT = 65_535


@dataclass(frozen=True, slots=True)
class Address:
    """A host (name, IPv4, or IPv6 without its brackets) and a TCP port, 0 meaning "any free one"."""

    host: str
    port: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """`host:port`, `1.2.3.4:port` or `[::1]:port`. Raises ValueError, which says what is expected."""
        found = _SHAPE.fullmatch(text.strip())
        if found is not None and int(found["port"]) <= _LARGEST_PORT:
            parsed = cls(found["v6"] or found["host"], int(found["port"]))
            if not found["v6"] or parsed.is_numeric:
                return parsed
        raise ValueError("expected host:port, such as 127.0.0.1:7001")

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def is_numeric(self) -> bool:
        """Whether the host is an IP address rather than a name that a resolver must find."""
        return self._ip() is not None

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine can reach it. A name other than `localhost` may mean anything, so it does not."""
        ip = self._ip()
        return self.host == "localhost" if ip is None else ip.is_loopback

    def _ip(self) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
        try:
            return ipaddress.ip_address(self.host)
        except ValueError:
            return None
