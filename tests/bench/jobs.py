"""What a generator is asked and what it answers: one line of JSON each. Law: values only.

Times are seconds of the machine's monotonic clock, which all programs on it share, so that several generators and the
meter of CPU mean the same window.
"""

from array import array
from collections.abc import Sequence

import msgspec

STAMP = "00000000-0000-7000-8000-000000000000"
"""Where a stamped request has this, each sending puts a request id of its own."""


class Job(msgspec.Struct, frozen=True):
    """One load: `in_flight` requests at once, each replaced when it is answered, until `end`.

    They take one connection to `target` and one to each of `beside`, as many on each. Requests are sent as they are, in
    turn; what they mean and what an answer means is the road's business. Only what
    ends from `begin` to `end` counts. With a `rate`, unary requests are not sent faster than that, a second.
    """

    road: str
    target: str
    method: str
    requests: tuple[bytes, ...]
    in_flight: int
    begin: float
    end: float
    stamped: bool = False
    rate: float = 0.0
    beside: tuple[str, ...] = ()


class Outcome(msgspec.Struct, frozen=True):
    """What came of a job. `latencies` are doubles, seconds, one for each answer; `failures` are by reason."""

    latencies: bytes
    failures: dict[str, int]

    def seconds(self) -> "array[float]":
        """The latencies, in the order in which the answers came."""
        return array("d", self.latencies)


def shares(whole: int, parts: int) -> Sequence[int]:
    """A number in parts as equal as can be, which sum to it."""
    return [whole // parts + (part < whole % parts) for part in range(parts)]
