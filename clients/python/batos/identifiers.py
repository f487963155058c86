"""Ids that the client makes: request ids and traces. Law: from the system's randomness, never from a clock alone."""

import secrets
import time
from dataclasses import dataclass
from typing import Self
from uuid import UUID


def new_request_id() -> str:
    """A UUIDv7 (RFC 9562): 48 bits of milliseconds since 1970, then 74 random bits.

    The time in it is what bounds for how long the dispatcher promises that the message takes effect at most once.
    """
    milliseconds = time.time_ns() // 1_000_000
    bits = (milliseconds & (1 << 48) - 1) << 80 | secrets.randbits(80)
    bits = bits & ~(0xF << 76) | 0x7 << 76
    bits = bits & ~(0x3 << 62) | 0x2 << 62
    return str(UUID(int=bits))


@dataclass(frozen=True, slots=True)
class TraceParent:
    """The W3C `traceparent` of a message: which trace it belongs to, and that it is to be recorded."""

    trace_id: str
    span_id: str

    @classmethod
    def new(cls) -> Self:
        """The beginning of a new trace."""
        return cls(secrets.token_hex(16), secrets.token_hex(8))

    def header(self) -> str:
        """The header's value."""
        return f"00-{self.trace_id}-{self.span_id}-01"
