"""Flights and real memberships: who breaks off keeps its flight for as long as the others take it for a member."""

import asyncio

from fakes.boarded import NS, Boarded, begun
from fakes.joined import TTL, joined
from objectstore.hub import Hub
from objectstore.ledger_members import LedgerMembers
from objectstore.members import Member

ONE, TWO = Member("m-1", "127.0.0.1:7002"), Member("m-2", "127.0.0.1:7003")


async def test_a_flight_changes_hands_when_the_membership_has_lapsed_and_not_before(boarded: Boarded) -> None:
    members = LedgerMembers(boarded.ledger, Hub(boarded.ledger), seconds=TTL)
    async with joined(members, TWO, "synthesizer") as two:
        async with joined(members, ONE, "synthesizer") as one:
            await one.next()
            boarding = await boarded.flights.board(begun("s-1"), "m-1")
            assert boarding.flight is not None
            last = one.seen[-1]
        until = asyncio.get_running_loop().time() + last.ttl
        await two.until(ONE, TWO)
        assert (await boarded.flights.board(begun("s-2"), "m-2")).flight is None
        assert await boarded.flights.orphans() == []
        await two.until(TWO)
        assert asyncio.get_running_loop().time() >= until - 0.1
        (orphan,) = await boarded.flights.orphans()
        taken = await boarded.flights.board(orphan, "m-2")
        assert taken.flight is not None
        assert taken.flight.fence > boarding.flight.fence
        assert (await boarded.flights.synthesis(NS, "s-1")) == begun("s-1")
