"""Senders that work on a few objects. Law: each attempt is recorded, and sent again only with its request id."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Final

from batos.errors import BatosError
from batos.identifiers import new_request_id
from fakes.history import Attempt, Ending, Outcome, Recorder, operations
from faults.cluster import DISPATCHERS, Cluster

ATTEMPT_S: Final = 4.0
PATIENCE_S: Final = 6.0
GONE_S: Final = 0.3
SETTLE_S: Final = 20.0
# Those of gRPC itself, which tell nothing about an effect. A reason of the suite's own says that there was none, unless
# its fields say that this is unknown.
UNCLEAR: Final = frozenset({"UNREACHABLE", "DEADLINE_EXCEEDED", "CANCELLED"})
# What a sender must expect while things fail. Anything else is a breach.
EXPECTED: Final = UNCLEAR | {"CONFLICT", "OVERLOADED", "STORE_UNAVAILABLE", "LIMIT_EXCEEDED"}


@dataclass(frozen=True, slots=True)
class Objects:
    """The objects of one schedule; `prefix` keeps them apart from those of others."""

    prefix: str
    counters: list[str] = field(init=False)
    registers: list[str] = field(init=False)
    pair: list[str] = field(init=False)
    guards: list[str] = field(init=False)

    def __post_init__(self) -> None:
        for name, count in (("counters", 5), ("registers", 2), ("pair", 2), ("guards", 2)):
            object.__setattr__(self, name, [f"{self.prefix}/{name}-{number}" for number in range(count)])

    async def make(self, cluster: Cluster) -> None:
        """All of them, new."""
        await cluster.make((each, "fault/counter", {"count": 0}) for each in self.counters)
        await cluster.make((each, "fault/register", {"value": 0}) for each in self.registers)
        await cluster.make((each, "fault/pair", {"count": 0}) for each in self.pair[:1])
        await cluster.make((each, "fault/counter", {"count": 0}) for each in self.pair[1:])
        await cluster.make((each, "fault/guard", {"on": True}) for each in self.guards)


class Sender:
    """Sends one message after the other until told to stop."""

    def __init__(
        self, name: str, cluster: Cluster, recorder: Recorder, objects: Objects, choice: random.Random
    ) -> None:
        self.name, self._objects, self._choice = name, objects, choice
        self._cluster, self._recorder = cluster, recorder
        self._written = 0
        self._gone: dict[str, float] = {}
        self._token = ""

    async def run(self, stop: asyncio.Event, pause: float) -> None:
        """Work, with pauses of `pause` seconds on average."""
        while not stop.is_set():
            await self._work()
            await asyncio.sleep(self._choice.uniform(0, 2 * pause))

    async def _work(self) -> None:
        choice, objects = self._choice, self._objects
        counter = choice.choice([*objects.counters, objects.counters[0]])
        register = choice.choice(objects.registers)
        left, right = objects.pair
        one, other = choice.sample(objects.guards, 2)
        self._written += 1
        value = f"{self.name}-{self._written}"
        works: list[tuple[int, Callable[[], Awaitable[object]]]] = [
            (30, partial(self.effect, counter, "increment")),
            (14, partial(self.read, counter, "read", consistency="full")),
            (12, partial(self.read, counter, "read")),
            (8, partial(self.read, counter, "read", consistency="at_least")),
            (10, partial(self.effect, register, "write", value)),
            (8, partial(self.read, register, "read", consistency="full")),
            (6, partial(self.effect, left, "increment", right)),
            (4, partial(self.read, left, "sums", right)),
            (8, partial(self._duel, one, other)),
        ]
        weights = [weight for weight, _ in works]
        await choice.choices([work for _, work in works], weights)[0]()

    async def _duel(self, one: str, other: str) -> None:
        """Both guards are told to leave if the other one is there, at the same time; then both come back."""
        await asyncio.gather(self.effect(one, "leave", other), self.effect(other, "leave", one))
        await asyncio.gather(self.effect(one, "back"), self.effect(other, "back"))

    async def read(
        self, receiver: str, selector: str, *arguments: object, consistency: str = "minimize_latency"
    ) -> None:
        """One attempt; a read that fails is not repeated."""
        after = self._token if consistency == "at_least" else ""
        if consistency == "at_least" and not after:
            consistency = "full"
        asked = Attempt(0, self.name, self._dispatchers()[0], receiver, selector, arguments, consistency, after)
        await self._attempt(asked)

    async def effect(self, receiver: str, selector: str, *arguments: object) -> None:
        """A message with a request id, sent again elsewhere while it is not answered; now and then once too often."""
        asked = Attempt(0, self.name, "", receiver, selector, arguments, request_id=new_request_id())
        await self.insist(asked, PATIENCE_S)

    async def insist(self, asked: Attempt, seconds: float) -> bool:
        """Send until it is answered, at most this long; whether it was."""
        end = asyncio.get_running_loop().time() + seconds
        while True:
            twice = self._choice.random() < 0.06  # the same message through two dispatchers at once
            names = self._dispatchers(2 if twice else 1)
            done = await asyncio.gather(*(self._attempt(replace(asked, at=name)) for name in names))
            if any(each.outcome is Outcome.OK for each in done):
                if self._choice.random() < 0.06:
                    await self._attempt(replace(asked, at=self._dispatchers()[0]))
                return True
            if any(each.reason not in EXPECTED for each in done) or asyncio.get_running_loop().time() > end:
                return False
            await asyncio.sleep(self._choice.uniform(0.05, 0.3))

    async def finally_read(self, asked: Sequence[Attempt]) -> list[str]:
        """Reads that must succeed, each tried for at most 20 s; those that did not."""
        answered = await asyncio.gather(*(self.persist(each) for each in asked))
        return [f"not read after all was well: {each}" for each, did in zip(asked, answered, strict=True) if not did]

    async def persist(self, asked: Attempt) -> bool:
        """Ask one dispatcher until it answers, at most 20 s; whether it did."""
        end = asyncio.get_running_loop().time() + SETTLE_S
        while (await self._attempt(asked)).outcome is not Outcome.OK:
            if asyncio.get_running_loop().time() > end:
                return False
            await asyncio.sleep(0.2)
        return True

    def _dispatchers(self, count: int = 1) -> list[str]:
        """Different ones; those that could not be reached a moment ago are passed over, as long as others are left."""
        now = asyncio.get_running_loop().time()
        there = [name for name in DISPATCHERS if self._gone.get(name, 0.0) + GONE_S < now]
        return self._choice.sample(there if len(there) >= count else DISPATCHERS, count)

    async def _attempt(self, asked: Attempt) -> Attempt:
        number = self._recorder.begin(asked)
        client = self._cluster.clients[asked.at]
        try:
            reply = await client.send(
                asked.receiver,
                asked.selector,
                *asked.arguments,
                request_id=asked.request_id,
                on_miss="never",
                consistency=asked.consistency,  # pyright: ignore[reportArgumentType] - kept as text
                token=asked.after,
                timeout=ATTEMPT_S,
            )
        except BatosError as error:
            if error.reason == "UNREACHABLE":
                self._gone[asked.at] = asyncio.get_running_loop().time()
            unclear = error.reason in UNCLEAR or error.fields.get("effect") == "unknown"
            outcome = Outcome.UNKNOWN if unclear else Outcome.FAILED
            text = error.reason if error.reason in EXPECTED else f"{error.reason} {error.message}"
            return self._recorder.end(number, Ending(outcome, reason=text))
        self._token = reply.token
        ending = Ending(Outcome.OK, reply.result, reply.token, replayed=reply.replayed)
        return self._recorder.end(number, ending)


async def settle(sender: Sender, recorder: Recorder) -> list[str]:
    """Send what stayed unknown again until it is answered, so that nothing is left to guess; what never was."""
    unknown = [
        each for each in operations(recorder.attempts.values()) if each.request_id and each.outcome is Outcome.UNKNOWN
    ]
    answered = await asyncio.gather(*(sender.insist(each, SETTLE_S) for each in unknown))
    return [
        f"not answered {SETTLE_S:g} s after all was well: {each}"
        for each, done in zip(unknown, answered, strict=True)
        if not done
    ]
