"""What ran when a backup was made. Law: it ended with it, and is restored as ended: nobody would ever end it else."""

from dataclasses import replace
from typing import Final

from kernel.errors import SynthesisCancelled
from kernel.synthesis import Ended, State
from objectstore import flight_records, records
from objectstore.backups import Pair
from objectstore.commits import REPLY_SECONDS
from objectstore.flight_keys import AgeKey, SynthesisKey
from objectstore.keys import parse
from objectstore.landings import RECORD_SECONDS
from objectstore.places import place

_LASTS: Final = {b"r": REPLY_SECONDS, b"s": RECORD_SECONDS, b"t": RECORD_SECONDS}


def seconds_of(key: bytes) -> int:
    """For how many seconds from its restore a key lasts; 0 where it stays."""
    return _LASTS.get(place(key)[1], 0)


def interrupted(pair: Pair, now: float) -> Pair:
    """The pair as it is restored at a time, in seconds since 1970."""
    if place(pair.key)[1] not in {b"s", b"t"}:
        return pair
    try:
        key = parse(pair.key)
    except ValueError:
        return pair  # a check tells of it
    if isinstance(key, AgeKey) and flight_records.state(pair.value) is State.RUNNING:
        return replace(pair, value=records.encode(State.CANCELLED))
    if not isinstance(key, SynthesisKey):
        return pair
    synthesis = flight_records.synthesis(pair.value)
    if synthesis.state is not State.RUNNING:
        return pair
    why = SynthesisCancelled(
        "the store was restored from a backup that was made while the method was being written: send the message again",
        synthesis=synthesis.synthesis_id,
    )
    ended = replace(synthesis, state=State.CANCELLED, ended=now, failure=Ended.of(why))
    return replace(pair, value=flight_records.encode_synthesis(ended))
