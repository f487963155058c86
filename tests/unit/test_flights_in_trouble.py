"""Whatever goes wrong beside a flight, it ends, it is told to all who wait, and what was not spent goes back."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace

import pytest

from chassis.metrics import Metrics
from fakes.flying import NS, PUMP, Cluster, Gate, asked, cluster, whole
from kernel.errors import NotUnderstood, StoreUnavailable, SynthesisFailed
from kernel.messages import Example
from kernel.objects import MethodRecord, Namespace, ObjectId, Policy, Selector
from kernel.synthesis import Registered, State, SynthesisRecord
from kernel.transactions import Token
from objectstore import records
from objectstore.flight_keys import FlightKey
from objectstore.flight_records import Holding
from objectstore.flights import Flight, Reservation
from objectstore.ledger import Step
from objectstore.ledger_flights import LedgerFlights
from objectstore.ledger_store import LedgerStore
from objectstore.members import Member
from objectstore.store import Draft, KeptExample, Landing
from synthesizer.cluster import Belonging
from synthesizer.control import Control
from synthesizer.following import follow
from synthesizer.holding import MOST_TAKEOVERS, Ground
from synthesizer.measures import Measures
from synthesizer.stories import Stories
from synthesizer.story import Story

PAID = Policy(tokens_per_hour=1_000_000)
TURN = 15  # tokens of a scripted turn


async def _soon_spent(it: Cluster, spent: tuple[int, int]) -> None:
    """Return when so much is spent."""
    for _ in range(250):
        if (await it.shared.spent(NS, [PUMP]))[PUMP] == spent:
            return
        await asyncio.sleep(0.02)
    assert (await it.shared.spent(NS, [PUMP]))[PUMP] == spent


async def test_a_flight_that_is_the_end_of_each_who_holds_it_ends_with_a_reason() -> None:
    async with cluster() as it:
        await it.put(policy=PAID)
        writers = 0
        for _ in range(1 + MOST_TAKEOVERS):
            gate = Gate("BABS")
            one = await it.synthesizer(gate)
            waiting = asyncio.create_task(one.ask(asked()))
            async with asyncio.timeout(5):
                await gate.reached.wait()
            one.stop.set()
            await asyncio.gather(waiting, return_exceptions=True)
            await asyncio.sleep(0.05)
            writers += len(one.writer.orders)
        (record,) = (await it.shared.syntheses(NS, (), 10, "")).items
        last = await it.synthesizer()
        with pytest.raises(SynthesisFailed, match="6 synthesizers were gone before"):
            [event async for event in last.flights.watch(NS, record.synthesis_id)]
        assert writers == 1 + MOST_TAKEOVERS
        assert not last.writer.orders
        assert (await last.flights.get(NS, record.synthesis_id)).state is State.FAILED
        await _soon_spent(it, (TURN, 1))
        with pytest.raises(SynthesisFailed, match="is tried again in"):  # and not at once, by whoever asks the same
            await last.ask(asked())


class Unanswered(LedgerStore):
    """A store that registers, and whose answer never comes."""

    async def register(
        self,
        namespace: Namespace,
        draft: Draft,
        *,
        activate: bool,
        expected: Mapping[ObjectId, int] | None = None,
        examples: Sequence[KeptExample] = (),
        landing: Landing | None = None,
    ) -> tuple[MethodRecord, Token]:
        await super().register(
            namespace, draft, activate=activate, expected=expected, examples=examples, landing=landing
        )
        return await asyncio.Event().wait()  # type: ignore[return-value] # it does not return


async def test_what_landed_without_an_answer_is_told_and_gives_back_what_was_not_spent() -> None:
    async with cluster() as it:
        it.store = Unanswered(it.store.core)
        await it.put(policy=PAID)
        one = await it.synthesizer()
        async with asyncio.timeout(10):
            whole(await one.ask(asked()))
        await _soon_spent(it, (4 * TURN, 1))


class Hanging(LedgerFlights):
    """Flights of which it takes long to hear that nobody can tell whether they were cancelled."""

    hangs = False

    async def cancelled(self, flight: Flight) -> str:
        if self.hangs:
            await asyncio.sleep(2)
            raise StoreUnavailable("the store is away")
        return await super().cancelled(flight)


async def test_one_that_is_out_pays_nothing_on_while_its_store_does_not_answer() -> None:
    async with cluster() as it:
        it.shared = shared = Hanging(it.store.core)
        await it.put()
        gate = Gate("BABS")
        one = await it.synthesizer(gate)
        waiting = asyncio.create_task(one.ask(asked()))
        await gate.reached.wait()
        shared.hangs = True
        await asyncio.sleep(0.7)  # it looks
        members, one.seat.members = one.seat.members, None
        one.seat.changed.set()
        await asyncio.sleep(0.1)
        gate.open.set()
        await asyncio.sleep(0.2)
        assert one.writer.taken == ["BRICK"]
        shared.hangs = False
        one.seat.members = members
        one.seat.changed.set()
        whole(await waiting)


class SlowToJoin(LedgerFlights):
    """Flights that take examples when the test lets them."""

    def __init__(self, cluster: Cluster) -> None:
        super().__init__(cluster.store.core)
        self.asked, self.open = asyncio.Event(), asyncio.Event()

    async def join(self, namespace: Namespace, synthesis_id: str, examples: Sequence[Example]) -> bool:
        self.asked.set()
        await self.open.wait()
        return await super().join(namespace, synthesis_id, examples)


async def test_who_leaves_does_not_end_the_story_of_one_who_is_about_to_hear_it() -> None:
    async with cluster() as it:
        it.shared = shared = SlowToJoin(it)
        await it.put()
        gate = Gate("ROBIN")
        one, two = await it.synthesizer(gate), await it.synthesizer()
        begun = asyncio.create_task(one.ask(asked()))
        await gate.reached.wait()
        leaves = asyncio.create_task(two.ask(asked()))
        await asyncio.sleep(0.1)
        stays = asyncio.create_task(two.ask(asked(Example(1))))
        await shared.asked.wait()
        leaves.cancel()
        await asyncio.gather(leaves, return_exceptions=True)
        shared.open.set()
        await asyncio.sleep(0.1)
        gate.open.set()
        assert isinstance((await stays)[-1], Registered)
        await begun


async def test_a_story_that_nobody_waits_for_is_not_followed_for_ever() -> None:
    async with cluster() as it:
        await it.put()
        gate = Gate("BRICK")
        one = await it.synthesizer(gate)
        begun = asyncio.create_task(one.ask(asked()))
        await gate.reached.wait()
        (record,) = (await it.shared.syntheses(NS, (), 10, "")).items
        async with asyncio.timeout(5):
            await follow(it.shared, it.store, Story(record), idle_seconds=0.1)
        begun.cancel()
        await asyncio.gather(begun, return_exceptions=True)


async def test_what_one_is_refused_is_not_told_to_another_who_asks_otherwise() -> None:
    async with cluster() as it:
        await it.put()
        near = Draft(PUMP, Selector("normalize"), "def normalize(self):\n    return 1\n")
        await it.store.register(NS, near, activate=True)
        one = await it.synthesizer()
        one.writer.source = "def normalise(self):\n    return 1\n"
        asks = [replace(asked(intent=words), selector=Selector("normalise")) for words in ("", "in British English")]
        refused, written = await asyncio.gather(*map(one.ask, asks), return_exceptions=True)
        assert isinstance(refused, NotUnderstood)
        assert isinstance(written, list)
        whole(written)


async def test_a_flight_that_comes_back_before_its_loss_is_noticed_goes_on() -> None:
    """Its holder was no member for a moment; another took it over and was gone, and this one takes it over again."""
    async with cluster() as it:
        await it.put()
        gate = Gate("BABS")
        one = await it.synthesizer(gate)
        writer, belonging, metrics = one.writer, Belonging("s-1"), Metrics()
        belonging.tell([Member("s-1", "127.0.0.1:7002")])
        ground = Ground(it.shared, it.store, writer, belonging, Measures(metrics))
        stories = Stories(ground, Control(it.shared, it.store, ground.clock, metrics))
        record = SynthesisRecord("s", asked(), "ada", ground.clock())
        flight = (await it.shared.board(record, "s-1")).flight
        assert flight is not None
        living = stories.begin(Story(record), flight)
        await gate.reached.wait()

        key = FlightKey(NS, PUMP, Selector("read")).encode()
        value = records.encode(Holding("s", "s-1", "s", takeovers=2))
        fence = (await it.store.core.lanes.take(Step({key: flight.fence}, puts={key: value}))).revision
        assert fence is not None
        assert stories.begin(Story(record), replace(flight, fence=fence, takeovers=2)) is living
        gate.open.set()
        async with asyncio.timeout(10):
            with stories.awaited(living) as story:
                whole([event async for event in story.read()])
        await stories.close()


class SlowToSettle(LedgerFlights):
    """Flights that take more than a second to settle."""

    async def settle(self, reservation: Reservation, tokens: int, *, begun: bool = True) -> None:
        await asyncio.sleep(1.3)
        await super().settle(reservation, tokens, begun=begun)


async def test_a_success_waits_little_for_its_books_and_a_stop_waits_for_them() -> None:
    async with cluster() as it:
        it.shared = SlowToSettle(it.store.core)
        await it.put(policy=PAID)
        one = await it.synthesizer()
        async with asyncio.timeout(1.1):
            whole(await one.ask(asked()))
        await one.flights.close()
        assert (await it.shared.spent(NS, [PUMP]))[PUMP] == (4 * TURN, 1)
