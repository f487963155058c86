"""What membership promises, over memory and over etcd."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AsyncExitStack, aclosing

import pytest

from chassis.address import Address
from fakes.joined import ONE, PATIENCE, TTL, TWO, joined
from fakes.stores import LosingLedger
from kernel.errors import BadArguments, Conflict, StoreUnavailable
from objectstore.etcd.ledger import EtcdLedger
from objectstore.hub import Hub
from objectstore.leases import LeaseEnded, LeasingLedger
from objectstore.ledger import Events, Reading, Span, Step, Unclear
from objectstore.ledger_members import LedgerMembers
from objectstore.members import Member, Members, Sign
from objectstore.memory import MemoryLedger


@pytest.fixture(params=["memory", "etcd"])
async def ledger(request: pytest.FixtureRequest) -> AsyncGenerator[LeasingLedger]:
    if request.param == "memory":
        yield MemoryLedger()
        return
    address = Address.parse(request.getfixturevalue("etcd_endpoint"))
    ledger = await EtcdLedger.open([address])
    yield ledger
    await ledger.close()


@pytest.fixture
def members(ledger: LeasingLedger) -> Members:
    return LedgerMembers(ledger, Hub(ledger), seconds=TTL)


class LosingLeases(LosingLedger):
    """A ledger with leases that loses the answers of the next `lose_posts` posts, which were made."""

    def __init__(self, ledger: LeasingLedger) -> None:
        super().__init__(ledger)
        self._leasing = ledger
        self.lose_posts = 0
        self.revoked = 0

    async def grant(self, seconds: int) -> int:
        return await self._leasing.grant(seconds)

    async def renew(self, lease: int) -> bool:
        return await self._leasing.renew(lease)

    async def revoke(self, lease: int) -> None:
        self.revoked += 1
        await self._leasing.revoke(lease)

    async def post(self, lease: int, key: bytes, value: bytes) -> int:
        revision = await self._leasing.post(lease, key, value)
        if self.lose_posts:
            self.lose_posts -= 1
            raise Unclear("lost by the test")
        return revision


def now() -> float:
    return asyncio.get_running_loop().time()


async def test_the_first_gathering_holds_the_member_and_those_before_it(members: Members) -> None:
    async with joined(members, ONE) as one:
        first = await one.next()
        assert list(first.members) == [ONE]
        assert TTL - 1 < first.ttl <= TTL
        async with joined(members, TWO) as two:
            both = await two.next()
            assert list(both.members) == [ONE, TWO]
            await one.until(ONE, TWO)
            assert first.revision < one.seen[-1].revision <= both.revision


async def test_signs_of_life_are_answered_and_let_the_membership_last(members: Members) -> None:
    async with joined(members, ONE) as one:
        await one.until(ONE)
        await asyncio.sleep(TTL * 2)
        assert len(one.seen) > TTL * 2
        assert all(each.ttl > TTL - 1 and list(each.members) == [ONE] for each in one.seen)


async def test_a_member_that_leaves_is_gone_at_once(members: Members) -> None:
    async with joined(members, ONE) as one, joined(members, TWO) as two:
        await one.until(ONE, TWO)
        started = now()
        two.say(Sign.LEAVES)
        await two.ended()
        await one.until(ONE)
        assert now() - started < TTL / 2


async def test_a_member_that_breaks_off_is_gone_after_its_ttl_and_not_before(members: Members) -> None:
    async with joined(members, ONE) as one:
        async with joined(members, TWO) as two:
            last = await two.next()
            until = now() + last.ttl
            await one.until(ONE, TWO)
        await one.until(ONE)
        assert now() >= until - 0.1


async def test_signs_that_end_without_leaving_break_off(members: Members) -> None:
    async with joined(members, ONE) as one, joined(members, TWO) as two:
        await one.until(ONE, TWO)
        started = now()
        two.say(None)
        await two.ended()
        await one.until(ONE)
        assert now() - started > TTL / 4


async def test_who_joins_again_in_time_was_never_gone(members: Members) -> None:
    async with joined(members, ONE) as one:
        for _ in range(4):
            async with joined(members, TWO) as two:
                await two.next()
                await one.until(ONE, TWO)
            await asyncio.sleep(TTL / 3)
        told = [list(each.members) for each in one.seen]
        assert all(each == [ONE, TWO] for each in told[told.index([ONE, TWO]) :])


async def test_without_signs_of_life_the_membership_ends(members: Members) -> None:
    async with joined(members, ONE) as one:
        await one.next()
        one.alive = False
        with pytest.raises(StoreUnavailable):
            await one.ended()


async def test_who_joins_by_a_name_that_is_taken_displaces_the_other(members: Members) -> None:
    elsewhere = Member(ONE.name, "127.0.0.1:9999")
    async with joined(members, ONE) as one, joined(members, TWO) as two:
        await two.until(ONE, TWO)
        async with joined(members, elsewhere) as other:
            await other.next()
            with pytest.raises(Conflict):
                await one.ended()
            await two.until(elsewhere, TWO)
            seen = len(two.seen)
            await asyncio.sleep(TTL * 1.5)  # the displaced one's lease ends, and takes nothing with it
            assert all(list(each.members) == [elsewhere, TWO] for each in two.seen[seen:])


class Held(MemoryLedger):
    """A ledger whose reads wait while they are held."""

    def __init__(self) -> None:
        super().__init__()
        self.let = asyncio.Event()

    async def read(self, *spans: Span) -> Reading:
        await self.let.wait()
        return await super().read(*spans)


async def test_who_is_displaced_before_it_has_read_who_is_there_is_told() -> None:
    ledger, elsewhere = Held(), Member(ONE.name, "127.0.0.1:9999")
    members = LedgerMembers(ledger, Hub(ledger), seconds=TTL)
    async with joined(members, ONE) as one:
        await asyncio.sleep(0.05)
        async with joined(members, elsewhere) as other:
            await asyncio.sleep(0.05)
            ledger.let.set()
            with pytest.raises(Conflict):
                await one.ended()
            await other.until(elsewhere)


async def test_whose_lease_ended_before_it_has_read_who_is_there_is_told() -> None:
    ledger = Held()
    async with joined(LedgerMembers(ledger, Hub(ledger), seconds=TTL), ONE) as one:
        await asyncio.sleep(0.05)
        await ledger.revoke(1)
        ledger.let.set()
        with pytest.raises(StoreUnavailable, match="join again"):
            await one.ended()


async def test_who_leaves_in_the_moment_in_which_the_watch_fails_has_left() -> None:
    ledger, now_ = MemoryLedger(), asyncio.Event()

    class Failing(Hub):
        async def watch(self, span: Span, after: int) -> AsyncGenerator[Events]:
            await now_.wait()
            if span.begin:
                raise StoreUnavailable("so says the test")
            yield Events((), after)

    async def leaves() -> AsyncIterator[Sign]:
        await now_.wait()
        yield Sign.LEAVES

    members = LedgerMembers(ledger, Failing(ledger), seconds=60)
    async with aclosing(members.join("dispatcher", ONE, leaves())) as told:
        assert list((await anext(told)).members) == [ONE]
        rest = asyncio.ensure_future(anext(told, None))
        await asyncio.sleep(0.05)
        now_.set()
        assert await rest is None
    assert not (await ledger.read(Span.prefix(b"/batos/"))).spans[0]


async def test_services_do_not_see_each_other(members: Members) -> None:
    async with joined(members, ONE) as one, joined(members, TWO, "synthesizer") as two:
        await two.until(TWO)
        await one.until(ONE)
        assert list((await one.next()).members) == [ONE]


@pytest.mark.parametrize(
    ("service", "member"),
    [("", ONE), ("a/b", ONE), ("dispatcher", Member("", "a:1")), ("dispatcher", Member("x" * 65, "a:1"))],
)
async def test_what_is_no_name_is_refused(members: Members, service: str, member: Member) -> None:
    async with joined(members, member, service) as one:
        with pytest.raises(BadArguments):
            await one.ended()


async def test_an_address_without_a_port_is_refused(members: Members) -> None:
    async with joined(members, Member("d-1", "somewhere")) as one:
        with pytest.raises(BadArguments, match="host:port"):
            await one.ended()


async def test_a_lost_answer_leaves_no_second_place(ledger: LeasingLedger) -> None:
    losing = LosingLeases(ledger)
    losing.lose_posts = 2
    async with joined(LedgerMembers(losing, Hub(losing), seconds=TTL), ONE) as one:
        await one.until(ONE)
    assert losing.revoked == 2


async def test_a_lease_takes_with_it_what_is_still_posted_under_it(ledger: LeasingLedger) -> None:
    lease, other = await ledger.grant(TTL), await ledger.grant(60)
    keys = [b"/batos/x/w/a/1//", b"/batos/x/w/a/2//", b"/batos/x/w/a/3//"]
    for key in keys:
        await ledger.post(lease, key, b"1")
    await ledger.transact(Step(puts={keys[1]: b"2"}))
    last = await ledger.post(other, keys[2], b"3")
    assert await ledger.renew(lease)
    async with asyncio.timeout(PATIENCE), AsyncExitStack() as stack:
        watch = await stack.enter_async_context(aclosing(ledger.watch(Span.prefix(b"/batos/x/"), last)))
        while not (events := await anext(watch)).events:
            pass
    assert [(event.key, event.value) for event in events.events] == [(keys[0], None)]
    assert [entry.value for entry in (await ledger.read(Span.prefix(b"/batos/x/"))).spans[0]] == [b"2", b"3"]
    assert not await ledger.renew(lease)
    with pytest.raises(LeaseEnded):
        await ledger.post(lease, keys[0], b"4")
    await ledger.revoke(lease)
    await ledger.revoke(other)
    assert [entry.key for entry in (await ledger.read(Span.prefix(b"/batos/x/"))).spans[0]] == [keys[1]]
