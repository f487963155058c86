"""Several synthesizers over one ledger, each with a writer that a test scripts, and ways to end them.

They are members by the ledger's own leases and use the same flights; what they do not have is a sandbox or an endpoint.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field

from chassis.metrics import Metrics
from chassis.telemetry import Telemetry
from fakes.joined import Joined
from kernel.messages import Example, Message
from kernel.objects import DEFAULT_NAMESPACE, Evidence, Level, ObjectId, PersonaTurn, Policy, Selector
from kernel.synthesis import Event, Registered, Started, TurnFinished, TurnStarted
from objectstore.flights import SERVICE
from objectstore.ledger_flights import LedgerFlights
from objectstore.ledger_members import LedgerMembers
from objectstore.ledger_store import LedgerStore
from objectstore.members import Gathering, Member, Sign
from objectstore.memory import MemoryLedger
from objectstore.store import Draft, NewObject
from synthesizer.cluster import Belonging, member
from synthesizer.control import Control
from synthesizer.flight import Flights
from synthesizer.holding import Ground
from synthesizer.measures import Measures
from synthesizer.order import Order
from synthesizer.registration import install

NS = DEFAULT_NAMESPACE
PUMP, READ = ObjectId("pump/17"), Selector("read")
SOURCE = "def read(self):\n    return 1\n"
PROVED = (Evidence(Level.EXAMPLES, "test", 1.0),)
EXAMPLE = Example(1)
TTL = 2
PERSONAS = ("BRICK", "BABS", "ROBIN")


def asked(*examples: Example, **more: object) -> Message:
    """A message that nothing understands."""
    return Message(PUMP, READ, examples=tuple(examples), principal="ada", **more)  # type: ignore[arg-type] # as given


@dataclass
class ScriptedWriter:
    """Writes as a synthesis does: three turns, the examples that were left, a draft, the registration.

    Turns that were told are not taken again. `before` is awaited before each turn, by its name; it may never return.
    """

    store: LedgerStore
    before: Callable[[str], Awaitable[None]]
    taken: list[str] = field(default_factory=list[str])
    orders: list[Order] = field(default_factory=list[Order])
    drafted: list[Sequence[Example]] = field(default_factory=list[Sequence[Example]])
    failure: Exception | None = None
    source: str = SOURCE

    async def write(self, order: Order, tell: Callable[[Event], None]) -> None:
        self.orders.append(order)
        tell(Started(order.synthesis_id, order.message.target))
        for persona in PERSONAS:
            await self._turn(order, persona, tell)
        self.drafted.append((await order.begin_drafting()).examples)
        await self._turn(order, "ALFRED", tell, 1)
        if self.failure is not None:
            raise self.failure
        draft = Draft(order.message.target, order.message.selector, self.source, evidence=PROVED)
        await self.before("install")
        tell(await install(self.store, order, draft))

    async def _turn(self, order: Order, persona: str, tell: Callable[[Event], None], draft: int = 0) -> None:
        told = [each for each in order.told if isinstance(each, TurnFinished) and each.turn.persona == persona]
        if told:
            order.spent.append(told[0].turn)
            return
        tell(TurnStarted(persona, "m", draft))
        await self.before(persona)
        self.taken.append(persona)
        turn = PersonaTurn(persona, "m", f"digest {persona}", 10, 5, 0.5)
        order.spent.append(turn)
        tell(TurnFinished(turn, f"{persona} speaks", draft))


class Gate:
    """Holds a writer before one turn until it is opened."""

    def __init__(self, at: str) -> None:
        self.at, self.reached, self.open = at, asyncio.Event(), asyncio.Event()

    async def __call__(self, turn: str) -> None:
        if turn == self.at:
            self.reached.set()
            await self.open.wait()


def whole(events: list[Event]) -> None:
    """Each event once, from Started to Registered."""
    assert isinstance(events[0], Started)
    assert isinstance(events[-1], Registered)
    begun = [each.persona for each in events if isinstance(each, TurnStarted)]
    ended = [each.turn.persona for each in events if isinstance(each, TurnFinished)]
    assert begun == ended == ["BRICK", "BABS", "ROBIN", "ALFRED"]
    assert len(events) == 10


class Seat:
    """A membership as its holder knows it, by what the ledger tells."""

    def __init__(self) -> None:
        self.changed = asyncio.Event()
        self.members: Sequence[Member] | None = None

    def tell(self, gathering: Gathering | None) -> None:
        self.members = gathering.members if gathering else None
        self.changed.set()


@dataclass
class Synthesizer:
    """One of them. Killed, it does nothing more and says nothing; its lease runs out."""

    flights: Flights
    writer: ScriptedWriter
    seat: Seat
    stop: asyncio.Event
    metrics: Metrics
    kill: Callable[[], Awaitable[None]]

    async def ask(self, message: Message) -> list[Event]:
        """All events of the synthesis for a message."""
        return [event async for event in self.flights.join(message, message.principal)]

    async def registered(self, message: Message) -> Registered:
        """What came of it."""
        last = (await self.ask(message))[-1]
        assert isinstance(last, Registered)
        return last


class Cluster:
    """A store in memory, and the synthesizers over it."""

    def __init__(self, store: LedgerStore, ledger: MemoryLedger, stack: AsyncExitStack) -> None:
        self.store, self.stack = store, stack
        self.shared = LedgerFlights(store.core)
        self.members = LedgerMembers(ledger, store.hub, seconds=TTL)
        self._count = 0

    async def put(self, name: str = PUMP, policy: Policy | None = None) -> None:
        await self.store.create(NS, NewObject(ObjectId(name), policy=policy or Policy()))

    async def synthesizer(self, before: Callable[[str], Awaitable[None]] | None = None) -> Synthesizer:
        """A further one, once it is a member."""
        self._count += 1
        name = f"s-{self._count}"
        writer = ScriptedWriter(self.store, before or _at_once)
        seat, stop, belonging, metrics = Seat(), asyncio.Event(), Belonging(name), Metrics()
        ground = Ground(self.shared, self.store, writer, belonging, Measures(metrics))
        control = Control(self.shared, self.store, ground.clock, metrics)
        flights = Flights(ground, control, Telemetry.off())

        life = AsyncExitStack()
        joined = Seated(self.members, Member(name, "127.0.0.1:7002"), seat)
        await life.enter_async_context(member(belonging, flights, joined, stop))
        self.stack.push_async_callback(life.aclose)

        async def kill() -> None:
            belonging.back = _never  # type: ignore[method-assign] # the dead look for nothing
            await flights.close()
            seat.members = None
            joined.killed = True
            joined.member.alive = False

        await belonging.back()
        return Synthesizer(flights, writer, seat, stop, metrics, kill)


async def _at_once(_: str) -> None:
    await asyncio.sleep(0)


async def _never() -> None:
    await asyncio.Event().wait()


class Seated:
    """A membership that lasts as long as the block; it leaves at its end, unless it was killed."""

    def __init__(self, members: LedgerMembers, member: Member, seat: Seat | None = None) -> None:
        self._members, self._who, self._seat = members, member, seat or Seat()
        self.killed = False

    async def __aenter__(self) -> Seat:
        self.member = Joined(self._members, SERVICE, self._who)
        self._following = asyncio.create_task(self._follow())
        return self._seat

    async def _follow(self) -> None:
        while True:
            gathering = await self.member.next()
            if not self.killed:
                self._seat.tell(gathering)

    async def __aexit__(self, *_: object) -> None:
        self._following.cancel()
        if not self.killed:
            self.member.say(Sign.LEAVES)
            await asyncio.wait({self.member.reading}, timeout=2)
        self.member.reading.cancel()
        await asyncio.gather(self._following, self.member.reading, return_exceptions=True)


@asynccontextmanager
async def cluster() -> AsyncGenerator[Cluster]:
    """A store in memory, without synthesizers yet."""
    async with AsyncExitStack() as stack:
        ledger = MemoryLedger()
        store = await LedgerStore.open(ledger)
        yield Cluster(store, ledger, stack)
