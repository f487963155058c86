"""The synthesizer that holds flights is killed in the middle of them, again and again, and nothing is written twice.

All runs fly at the same time, each with its own seeded slowness of the personas, so that every kill finds them in
different turns. Whoever holds a flight is killed -9; the other takes it over when the membership has run out.
"""

import asyncio
import json
import os
import random
import sys
import time
from collections import defaultdict
from collections.abc import AsyncGenerator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest

from batos.local.child import Child, Program, says_ready
from chassis.address import Address
from chassis.client import channel
from fakes.children import until
from fakes.endpoint import Asked, Reply, Say, ScriptedEndpoint, small_talk
from fakes.etcd import Etcd
from faults.conftest import BUILD
from faults.members import HOST, ports
from kernel.errors import KernelError
from kernel.messages import Example, Message
from kernel.objects import Namespace, ObjectId, Selector
from kernel.synthesis import Event, Registered, Started, State, TurnFinished, TurnStarted
from objectstore.client import StoreClient
from objectstore.store import NewObject
from synthesizer.client import SynthesizerClient

PUMP = ObjectId("pump/17")
RUNS = 20
KILLS = 3
TOLD_S = 1.0  # by then what was answered is told, also on a busy machine
LONGEST_S = 150.0


class Slow:
    """Honest, each turn after a seeded while; it knows when each prompt was asked and answered."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self.turns: dict[str, dict[str, list[tuple[float, float]]]] = defaultdict(lambda: defaultdict(list))
        self.last = 0.0

    def __call__(self, asked: Asked) -> Reply:
        seconds = random.Random(f"{self._seed}/{asked.persona}/{asked.selector}/{asked.number}").uniform(0.8, 3.2)
        prompt = json.dumps([asked.persona, asked.body["messages"], asked.body.get("seed")])
        self.last = time.monotonic()
        self.turns[asked.selector][prompt].append((self.last, self.last + seconds))
        source = f"def {asked.selector}(self, by=1):\n    self._p_changed = True\n    return by * 2\n"
        return Say(source if asked.persona == "alfred" else small_talk(asked), seconds=seconds)


class Suite:
    """etcd, an objectstore, two synthesizers, and the endpoint that both ask."""

    def __init__(self, logs: Path, etcd: Etcd, endpoint: ScriptedEndpoint) -> None:
        self.logs, self.endpoint = logs, endpoint
        names = ("objectstore", "synthesizer-a", "synthesizer-b")
        found = dict(zip(names, ports(len(names)), strict=True))
        self.addresses = {name: Address(HOST, port) for name, port in found.items()}
        self.children: dict[str, Child] = {}
        self._told = {"BATOS_ETCD_ENDPOINTS": etcd.endpoint, "BATOS_DRAFTS": "2", "BATOS_ROOTS": "2"}

    async def start(self, name: str) -> None:
        told = {
            "BATOS_LISTEN": str(self.addresses[name]),
            "BATOS_OBJECTSTORE": str(self.addresses["objectstore"]),
            "BATOS_PERSONA_URL": self.endpoint.url,
        }
        command = (sys.executable, "-m", name.partition("-")[0])
        program = Program(name, command, os.environ | self._told | told)
        self.children[name] = await Child.start(program, self.logs, says_ready)

    async def kill(self, name: str) -> float:
        child = self.children.pop(name)
        child.kill()
        killed = time.monotonic()
        await child.stop(0)
        return killed

    async def end(self) -> None:
        for name in list(self.children):
            await self.kill(name)


@asynccontextmanager
async def suite(folder: Path, script: Slow) -> AsyncGenerator[Suite]:
    etcd = Etcd(folder)
    etcd.start()
    logs = BUILD / "logs" / "flights"
    logs.mkdir(parents=True, exist_ok=True)
    try:
        async with ScriptedEndpoint(script) as endpoint:
            it = Suite(logs, etcd, endpoint)
            try:
                for name in it.addresses:
                    await it.start(name)
                yield it
            finally:
                await it.end()
    finally:
        etcd.kill()


async def written(message: Message, clients: Mapping[str, SynthesizerClient]) -> list[Event]:
    """All events of the synthesis, from whichever synthesizer still tells them: first a, then the other, and so on."""
    while True:
        for client in clients.values():
            events: list[Event] = []
            try:
                async for event in client.synthesize(message):
                    events.append(event)  # noqa: PERF401 - it may end by raising
            except (KernelError, RuntimeError):
                await asyncio.sleep(0.3)
            else:
                return events


@pytest.mark.asyncio(loop_scope="session")
async def test_a_killed_synthesizer_loses_no_flight_and_doubles_none(
    tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config
) -> None:
    seed = int(pytestconfig.getoption("seed", 1) or 0)
    script, choice = Slow(seed), random.Random(f"{seed}/kills")
    kills: list[float] = []
    async with (
        asyncio.timeout(LONGEST_S),
        suite(tmp_path_factory.mktemp("flights"), script) as it,
        AsyncExitStack() as stack,
    ):
        clients: dict[str, SynthesizerClient] = {}
        for name in ("synthesizer-a", "synthesizer-b"):
            to = await stack.enter_async_context(channel(it.addresses[name]))
            clients[name] = SynthesizerClient(to)
        store = StoreClient(await stack.enter_async_context(channel(it.addresses["objectstore"])))
        asked = [_message(number) for number in range(RUNS)]
        for message in asked:
            await store.create(message.namespace, NewObject(message.receiver))
        waiting = [asyncio.create_task(written(message, clients)) for message in asked]
        for kill in range(KILLS):
            holder = ("synthesizer-a", "synthesizer-b")[kill % 2]
            await _flying(script, kills[-1] if kills else 0.0)
            if kill:
                await it.start(("synthesizer-b", "synthesizer-a")[kill % 2])
            await asyncio.sleep(choice.uniform(0.2, 1.5))
            kills.append(await it.kill(holder))
        await asyncio.gather(*waiting)

        reader = next(client for name, client in clients.items() if name in it.children)
        for message in asked:
            versions = (await store.methods(message.namespace, PUMP, None, 100, "")).items
            assert [version.active for version in versions] == [True], message.namespace
            ((record,), _) = await reader.list(message.namespace, (), 1000)
            assert record.state is State.SUCCEEDED
            _check_told([event async for event in reader.watch(message.namespace, record.synthesis_id)])
    for selector, prompts in script.turns.items():
        _check_paid(selector, prompts, kills)
    again = sum(len(times) > 1 for prompts in script.turns.values() for times in prompts.values())
    assert again, "no kill came in the middle of a turn, so nothing was tried"


def _message(number: int) -> Message:
    """One of a namespace of its own: what others write would be shown to BABS, and change what she is asked."""
    examples = (Example(4, {}, (), {"by": 2}), Example(6, {}, (), {"by": 3}))
    selector, namespace = Selector(f"read_{number}"), Namespace(f"run-{number}")
    return Message(PUMP, selector, (), {"by": 5}, namespace, examples=examples)


async def _flying(script: Slow, since: float) -> None:
    """Return when personas were asked after a time: somebody holds the flights."""
    assert await until(lambda: script.last > since + TOLD_S, 30.0)


def _check_told(events: list[Event]) -> None:
    """From Started to Registered, and each turn of a persona told once, whoever took it."""
    assert isinstance(events[0], Started)
    assert isinstance(events[-1], Registered)
    assert sum(isinstance(event, Started) for event in events) == 1
    begun = [(each.persona, each.draft) for each in events if isinstance(each, TurnStarted)]
    ended = [(each.turn.persona, each.draft) for each in events if isinstance(each, TurnFinished)]
    assert len(set(begun)) == len(begun), begun
    assert len(set(ended)) == len(ended), ended
    assert set(ended) <= set(begun)


def _check_paid(selector: str, prompts: Mapping[str, list[tuple[float, float]]], kills: list[float]) -> None:
    """At most one panel more for each kill; and nothing is asked again that was answered before a kill."""
    for prompt, times in prompts.items():
        assert len(times) <= 1 + len(kills), selector
        for began, answered in times[:-1]:
            struck = any(began <= kill <= answered + TOLD_S for kill in kills)
            assert struck, f"{selector}: {prompt[:60]} was answered, and was asked again"
    panels = [len(times) for prompt, times in prompts.items() if prompt.startswith('["brick"')]
    assert sum(panels) <= 1 + len(kills), selector
