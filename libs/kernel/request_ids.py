"""Request ids. Law: an id tells its own time, so that how long its reply is kept is a promise that can be enforced.

An id is a UUIDv7 (RFC 9562): its first 48 bits are milliseconds since 1970. Replies are kept for longer than ids are
taken, so a taken id whose reply is not kept was never used.
"""

import re
from uuid import UUID

from kernel.errors import BadArguments

MAX_AGE_SECONDS = 600.0
MAX_AHEAD_SECONDS = 60.0  # clocks differ
_UUID7 = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")


def check_request_id(text: str, now: float) -> None:
    """Raises BadArguments where the id is no UUIDv7, or of another time than the last 10 minutes. `now` in seconds."""
    if not _UUID7.fullmatch(text):
        raise BadArguments(
            "a request id is a UUIDv7 in lower case, such as 0199f3a1-7c00-7000-8000-0123456789ab",
            field="message.request_id",
        )
    age = now - (UUID(text).int >> 80) / 1000
    if not -MAX_AHEAD_SECONDS <= age <= MAX_AGE_SECONDS:
        when = f"is {age:.0f} s old" if age > 0 else f"is of a time {-age:.0f} s ahead"
        raise BadArguments(
            f"the request id {when}; ids are taken for {MAX_AGE_SECONDS:.0f} s: make a new one",
            field="message.request_id",
        )
