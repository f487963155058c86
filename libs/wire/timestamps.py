"""Times between the kernel and the contract. Law: a time that is taken in can be told again, to the microsecond."""

from google.protobuf import timestamp_pb2

from kernel.errors import BadArguments

_FIRST = -62_135_596_800  # the year 1, in seconds since 1970
_LAST = 253_402_300_798  # a second before the year 9999 ends: what a double rounds up to is still in it


def timestamp(seconds: float) -> timestamp_pb2.Timestamp:
    """The timestamp of seconds since 1970, to the microsecond."""
    stamp = timestamp_pb2.Timestamp()
    stamp.FromMicroseconds(round(seconds * 1e6))
    return stamp


def seconds_of(stamp: timestamp_pb2.Timestamp, field: str) -> float:
    """Seconds since 1970, to the microsecond. Raises BadArguments outside the years 1 to 9999."""
    if not (_FIRST <= stamp.seconds < _LAST and 0 <= stamp.nanos < 10**9):
        raise BadArguments(f"{field} is no time of the years 1 to 9999", field=field)
    return (stamp.seconds * 10**6 + stamp.nanos // 1000) / 1e6
