"""What a synthesis asks of the store. Beside the endpoints, each round trip is time that all who ask wait."""

import asyncio
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from fakes.endpoint import Asked, Reply, Say, small_talk
from fakes.synthesis import NS, message, synthesizing
from kernel.messages import Example
from kernel.objects import ROOT, ObjectId, Policy
from objectstore.store import Update
from sandbox.host import Sandbox

pytestmark = pytest.mark.asyncio(loop_scope="module")

MOST_CALLS = 42
MOST_ROUNDS = 16
BESIDE = frozenset({"tell", "cancelled", "settle", "set_back"})  # nobody waits for these
METER = ObjectId("meter/main")
SENDING = """def increment(self, by=1):
    self._p_changed = True
    self.count = self.send("meter/main", "read", getattr(self, "count", 0), by)
    return self.count
"""
EXAMPLES = (
    Example(6, {"count": 4}, (), {"by": 2}, others={METER: {}}),
    Example(1, {"count": 0}, (), {"by": 1}, others={METER: {}}),
)
READ = """def read(self, count, by):
    return count + by
"""


class Counted:
    """What is asked of the store through clients; a round is what is under way at the same time."""

    def __init__(self) -> None:
        self.calls = Counter[str]()
        self.rounds = self._going = 0

    def of(self, client: object) -> Any:
        """The same client, counted."""
        counted = self

        class Client:
            def __getattr__(self, name: str) -> Callable[..., Any]:
                return counted.wrapped(name, getattr(client, name))

        return Client()

    def wrapped(self, name: str, ask: Callable[..., Any]) -> Callable[..., Any]:
        async def asked(*arguments: Any, **more: Any) -> Any:
            self.calls[name] += 1
            waited_for = name not in BESIDE
            self.rounds += waited_for and not self._going
            self._going += waited_for
            try:
                return await ask(*arguments, **more)
            finally:
                self._going -= waited_for

        return asked


def honest(asked: Asked) -> Reply:
    return Say(SENDING if asked.persona == "alfred" else small_talk(asked))


async def test_a_synthesis_asks_little_of_the_store_and_hardly_one_thing_after_the_other(sandbox: Sandbox) -> None:
    counted = Counted()
    async with synthesizing(sandbox, honest, counted=counted.of) as rig:
        await rig.put("meter/main", READ)
        await rig.put()
        await rig.store.update(NS, Update(ROOT, policy=Policy(tokens_per_hour=1_000_000)))
        await asyncio.sleep(0.2)
        counted.calls.clear()
        counted.rounds = 0
        assert (await rig.written(message(by=5, intent="adds up", examples=EXAMPLES))).active
        await asyncio.sleep(0.2)
    assert counted.calls["settle"] == 1
    assert counted.calls["list"] == 1
    assert counted.calls["method"] <= 2, counted.calls
    assert sum(counted.calls.values()) <= MOST_CALLS, counted.calls
    assert counted.rounds <= MOST_ROUNDS
