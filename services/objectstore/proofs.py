"""What is appended beside a version. Law: a proof is one key, in the order of time; given twice it is one."""

import hashlib
from collections.abc import Sequence
from dataclasses import replace

from kernel.errors import BadArguments
from kernel.objects import Evidence, Level
from objectstore import records
from objectstore.keys import END_OF_TIMES, EvidenceKey, VersionKey


def checked_proof(evidence: Evidence, now: float) -> Evidence:
    """The proof; of `now` (seconds since 1970) where it names no time. Raises BadArguments."""
    if evidence.level is Level.UNSET:
        raise BadArguments("evidence has a level, from AUDITED to APPROVED", field="evidence")
    return replace(evidence, at=checked_time(evidence.at, now, "evidence"))


def checked_time(at: float, now: float, what: str) -> float:
    """The time in seconds since 1970, `now` where it is 0. Raises BadArguments for one that no key holds."""
    if not 0 <= at < END_OF_TIMES:
        raise BadArguments(f"{what} is of a time from 1970 to 2286; without one it is of now", field=f"{what}.at")
    return at or now


def proof_puts(key: VersionKey, evidence: Sequence[Evidence]) -> dict[bytes, bytes]:
    """The keys of some proofs, with their values."""
    puts: dict[bytes, bytes] = {}
    for proof in evidence:
        data = records.encode(proof)
        # The digest makes the same proof given twice one key, and two proofs of one moment two.
        digest = hashlib.sha256(data).hexdigest()[:16]
        puts[EvidenceKey(key, round(proof.at * 1e6), digest).encode()] = data
    return puts
