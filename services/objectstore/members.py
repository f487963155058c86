"""Who lives in a service. Law: the promises are here, in words; the ledger keeps them elsewhere.

- A member is living from its first gathering on, durably: whoever joins or is told later knows of it.
- It stays for as long as it gives signs of life in time: `ttl` seconds from any gathering on it is there in any case.
  Who breaks off (a crash, a cut) and joins again within them, by the same name, was never gone for the others; else
  it is gone soon after. A member that leaves is gone at once.
- A name has one place: who joins by a name that is taken displaces the other, whose `join` fails with Conflict.
- Gatherings are told in the order of the store's clock: each is the whole of the service at its revision.
- Membership is for speed. Two members may for a while disagree on who is there: nothing correct may depend on it.
"""

import re
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final, Protocol

from chassis.address import Address
from kernel.errors import BadArguments

_NAME: Final = re.compile(r"[A-Za-z0-9-]{1,64}")


@dataclass(frozen=True, slots=True)
class Member:
    """One living member; `address` is `host:port`, where the others reach it."""

    name: str
    address: str


@dataclass(frozen=True, slots=True)
class Gathering:
    """All members of a service by name at a revision; who joined belongs to them for at least `ttl` more seconds."""

    members: Sequence[Member]
    ttl: float
    revision: int


class Sign(Enum):
    """What a member says of itself."""

    LIVES = auto()
    LEAVES = auto()


class Members(Protocol):
    """The living members of every service."""

    def join(self, service: str, member: Member, signs: AsyncIterator[Sign]) -> AsyncGenerator[Gathering]:
        """The gatherings from the first that holds the member: at each change, and in answer to each sign of life.

        It ends when the member has left, or has broken off because the signs end; closed before, it breaks off.
        BadArguments where a name or the address is none; Conflict where another joined by the name; StoreUnavailable
        and StoreFull where the store does not take it, or no sign came in time: join again.
        """
        ...


def check_member(service: str, member: Member) -> None:
    """Raises BadArguments where a name is none, or the address."""
    for field, name in (("service", service), ("member", member.name)):
        if not _NAME.fullmatch(name):
            raise BadArguments(f"a {field} is named by at most 64 letters, digits and dashes", field=field)
    try:
        Address.parse(member.address)
    except ValueError as wrong:
        raise BadArguments(f"the address of a member: {wrong}", field="address") from None
