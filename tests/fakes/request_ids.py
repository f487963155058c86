"""Request ids as a client makes them."""

import secrets
import time
from uuid import UUID


def request_id(age: float = 0.0) -> str:
    """A UUIDv7 made `age` seconds ago."""
    milliseconds = int((time.time() - age) * 1000)
    bits = milliseconds << 80 | 7 << 76 | secrets.randbits(12) << 64 | 2 << 62 | secrets.randbits(62)
    return str(UUID(int=bits))
