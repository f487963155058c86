"""How much one feed may use.

Law: numbers only. Seconds are wall seconds, bytes are bytes; every limit that strikes ends the feed with LimitExceeded.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """The budget of one feed.

    ``feed_seconds`` counts while guest code executes; it stands still while the host answers a call. A guest that
    cannot be stopped softly (one long multiplication) is killed ``grace_seconds`` later. ``deadline_seconds`` runs
    over everything from the moment the feed is admitted, host answers included. ``memory_bytes`` is the guest's heap,
    its inputs included; ``recursion`` its frames and the nesting of what it compares or prints. ``suspensions`` counts
    calls of the host, look-ups of unknown names, and refused imports and files. ``printed_bytes`` is what it prints,
    which is thrown away. ``output_bytes`` and ``output_depth`` bound the outcome and, each time, the arguments of one
    call; a value counts 8 bytes and its text, and a shared value counts wherever it is seen.
    """

    feed_seconds: float = 0.5
    grace_seconds: float = 0.2
    deadline_seconds: float = 10.0
    memory_bytes: int = 32 * 1024 * 1024
    recursion: int = 200
    suspensions: int = 128
    printed_bytes: int = 64 * 1024
    output_bytes: int = 1024 * 1024
    output_depth: int = 64
