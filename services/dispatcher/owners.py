"""Which dispatcher runs an object's messages. Law: ownership is for speed alone; correct is what the commits compare.

Each object has one owner among the living dispatchers, by rendezvous hashing: everyone computes the same owner from the
same members, and when a member comes or goes only its own objects move. Messages to one object then meet in one mailbox
and share batches, instead of meeting as conflicts. While members disagree on who is there, two may run messages of one
object: their commits decide, as they do where there are no owners at all.

A dispatcher that is no member any more, as far as the others know, begins nothing: it waits to be one again.
"""

import asyncio
import hashlib
import logging
from collections.abc import Sequence
from typing import Final, Protocol

from kernel.errors import NotUnderstood, StoreUnavailable
from kernel.messages import Message, Reply
from kernel.objects import Namespace, ObjectId
from objectstore.members import Member

WAIT_SECONDS: Final = 5.0
MAX_KNOWN: Final = 100_000

log = logging.getLogger(__name__)


class Undelivered(Exception):
    """Nobody ran the message, or it does no harm to run it again."""


class Peers(Protocol):
    """Who passes messages on; `dispatcher.peers` does."""

    async def deliver(self, member: Member, message: Message, seconds: float | None) -> Reply:
        """The member's reply. Raises Undelivered, and what the message failed with there."""
        ...

    async def keep(self, members: Sequence[Member]) -> None:
        """Let go of all others."""
        ...


class Membership(Protocol):
    """What this dispatcher knows of its service; `objectstore.membership` keeps it."""

    changed: asyncio.Event

    @property
    def members(self) -> Sequence[Member] | None:
        """All members, this one among them; None while it is none."""
        ...


class Owners:
    """The owner of each object, by what the membership tells that `follow` follows; `me` is this dispatcher's name."""

    def __init__(self, me: str, peers: Peers) -> None:
        self.me, self._peers = me, peers
        self._members: Sequence[Member] | None = None
        self._known: dict[tuple[Namespace, ObjectId], Member | None] = {}
        self._belongs = asyncio.Event()
        self._leaving = False

    def leave(self) -> None:
        """Own nothing and pass nothing on from here on: what still comes is run here, and the others take over."""
        self._leaving = True
        self._belongs.set()

    async def follow(self, membership: Membership) -> None:
        """Follow a membership until cancelled."""
        while True:
            membership.changed.clear()
            self._members = membership.members
            self._known.clear()
            if self._members is None:
                self._belongs.clear()
                log.warning("%s is no member: messages wait until it is one", self.me)
            else:
                self._belongs.set()
                log.info("the members are %s; this is %s", ", ".join(each.name for each in self._members), self.me)
                await self._keep(self._members)
            await membership.changed.wait()

    @property
    def alone(self) -> bool:
        """Whether there is no other dispatcher, so that this one owns everything."""
        return self._members is not None and len(self._members) == 1

    async def elsewhere(self, message: Message, seconds: float | None) -> Reply | None:
        """The reply of the dispatcher that owns the receiver; None where the message is to be run here.

        Raises what the message failed with there, and StoreUnavailable while this dispatcher is out.
        """
        if (owner := await self._owner(message.namespace, message.receiver)) is None:
            return None
        try:
            return await self._peers.deliver(owner, message, seconds)
        except (Undelivered, NotUnderstood):
            return None  # what is not understood there is not understood here, and here its sender waits

    async def _owner(self, namespace: Namespace, object_id: ObjectId) -> Member | None:
        """Who runs the object's messages; None where this dispatcher does. Raises StoreUnavailable."""
        await self.belong()
        if self._leaving or len(self._members or ()) < 2:  # noqa: PLR2004 - there is nobody else
            return None
        key = (namespace, object_id)
        if key not in self._known:
            if len(self._known) >= MAX_KNOWN:
                self._known.clear()
            owner = rendezvous(self._members or (), namespace, object_id)
            self._known[key] = None if owner.name == self.me else owner
        return self._known[key]

    async def belong(self) -> None:
        """Return once this dispatcher is a member, or leaves. Raises StoreUnavailable while it is out."""
        if self._members is not None or self._leaving:
            return
        try:
            async with asyncio.timeout(WAIT_SECONDS):
                while self._members is None and not self._leaving:
                    await self._belongs.wait()
        except TimeoutError:
            raise StoreUnavailable(
                "this dispatcher has lost touch with the objectstore, and begins nothing until it is back: send again"
            ) from None

    async def _keep(self, members: Sequence[Member]) -> None:
        try:
            await self._peers.keep(members)
        except Exception:  # whatever it is, the membership is to be followed on
            log.exception("the streams to other dispatchers could not be let go")


def rendezvous(members: Sequence[Member], namespace: Namespace, object_id: ObjectId) -> Member:
    """The member that the object falls to (Thaler and Ravishankar, 1998)."""
    thing = f"{namespace}/{object_id}".encode()
    return max(
        members, key=lambda member: hashlib.blake2b(thing, key=member.name.encode()[:64], digest_size=8).digest()
    )
