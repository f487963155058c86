"""One task written in one way. Law: by the service's own heart, over a store of its own; answers alone may be kept."""

import time
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, cast

from activation.run import Activator
from chassis.telemetry import Telemetry
from eval.answers import Answers
from eval.judge import Outcome, judge
from eval.tasks import Task
from eval.ways import Heard, Way
from kernel.errors import KernelError
from kernel.messages import Message
from kernel.synthesis import Event
from objectstore.ledger_store import LedgerStore
from objectstore.memory import MemoryLedger
from synthesizer.order import Order
from synthesizer.personas import NAMES, bootstrap
from synthesizer.synthesis import Synthesis
from synthesizer.turns import Turns

MODELS = {name: name.lower() for name in NAMES}


@dataclass(frozen=True, slots=True)
class Bench:
    """What all runs share."""

    answers: Answers
    activator: Activator
    half: str


async def run(bench: Bench, task: Task, way: Way) -> Outcome:
    """Have the method written, and judge what came of it."""
    outcome = Outcome(task.selector, task.group, way.name, bench.half)
    store = await LedgerStore.open(MemoryLedger())
    await bootstrap(store)
    tryout = await task.prepare(store, bench.activator)
    examples = await task.examples(tryout)
    _, keywords = task.calls[0]
    shown = tuple(examples[: way.shown])
    message = Message(task.receiver, task.selector, (), keywords, intent=task.intent, examples=shown)
    events: list[Event] = []
    turns = Turns(cast("Any", Heard(bench.answers, way)), MODELS)  # the part of endpoints that turns need
    synthesis = Synthesis(
        store, turns, bench.activator, Telemetry.off(), way.drafts, clock=lambda: 0.0, waves=way.waves
    )
    order = Order(_id(task), message, "eval")
    began = time.monotonic()
    try:
        await synthesis.write(order, events.append)
    except KernelError as error:
        outcome.failure = f"{error.reason}: {error.text}"
    outcome.seconds = time.monotonic() - began + bench.answers.saved()
    outcome.tokens = order.tokens
    await judge(outcome, task, examples, tryout, events, await _written(store, task))
    return outcome


async def _written(store: LedgerStore, task: Task) -> str:
    """The source that was registered, active or waiting for a person; empty where none was."""
    page = await store.methods(Message(task.receiver, task.selector).namespace, task.receiver, task.selector, 10, "")
    return page.items[-1].method.source if page.items else ""


def _id(task: Task) -> str:
    """A synthesis id whose seeds are the task's own, in whatever way it is written."""
    return sha256(task.selector.encode()).hexdigest()[:32]
