"""`python -m demo`. Law: nothing is canned: what it prints is what the services and the model did just now.

Three objects get messages that nothing understands, drawn by a seed. Each is learned live and sent again; then
everything is stopped and started, and sent once more. Exit status 0: all but one at most were learned, and all of them
were kept.
"""

import argparse
import asyncio
import os
import secrets
import shutil
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from rich.console import Console
from rich.text import Text

from batos.cli.tree import tree_lines
from batos.client import Client
from batos.errors import BatosError
from batos.local.spans import TraceFolder
from batos.local.suite import Suite, Told
from batos.replies import Reply
from batos.values import map_from_wire
from demo.messages import RECEIVERS, Task, canonical, draw, load
from demo.show import CompactPanel, Outcome, milliseconds, shown, summary

DEADLINE = 120.0  # seconds for one message
MAY_FAIL = 1
PROTOTYPE = "feed"

console = Console(highlight=False, markup=False, emoji=False, soft_wrap=True)


async def demonstrate(suite: Suite, tasks: Sequence[Task]) -> bool:
    """Run it all; whether it succeeded."""
    began = time.monotonic()
    async with suite, Client(suite.addresses) as client:
        await create_objects(client)
        outcomes = [await learn(client, task, f"{number}/{len(tasks)}") for number, task in enumerate(tasks, start=1)]
        state_kept = await restart(suite, client, outcomes)
        show_one_trace(suite, outcomes)
    console.print()
    for line in summary(outcomes):
        console.print(line)
    learned = sum(outcome.learned for outcome in outcomes)
    survived = sum(outcome.survived for outcome in outcomes)
    console.print(f"learned {learned} of {len(outcomes)}, kept {survived}, in {time.monotonic() - began:.0f} s")
    for outcome in outcomes:
        if why := outcome.why():
            console.print(Text(f"  {outcome.task.name}: {why}", style="red"))
    return learned >= len(outcomes) - MAY_FAIL and survived >= learned and state_kept


async def create_objects(client: Client) -> None:
    """A counter, a supplier's feed with a prototype as its parent, a helper for texts."""
    await client.objects.create(PROTOTYPE)
    for receiver in RECEIVERS.values():
        parents = [PROTOTYPE] if receiver.startswith(f"{PROTOTYPE}/") else []
        await client.objects.create(receiver, parents=parents)
    console.print(f"\nthree objects: {', '.join(RECEIVERS.values())} (whose parent is {PROTOTYPE})")


async def learn(client: Client, task: Task, number: str) -> Outcome:
    """Send a message that nothing understands, and then again."""
    outcome = Outcome(task)
    words = ", ".join([*map(shown, task.arguments), *(f"{name}={shown(item)}" for name, item in task.keywords.items())])
    console.print(Text(f"\n{number}  {task.name}({words})", style="bold"))
    console.print(f"    {task.intent}")
    panel = CompactPanel(console)
    began = time.monotonic()
    try:
        try:
            outcome.miss = await send(client, task, panel)
        finally:
            panel.end()
            outcome.seconds, outcome.tokens = time.monotonic() - began, panel.tokens
        outcome.hit = await send(client, task)
    except BatosError as failure:
        outcome.failure = failure
        console.print(Text(f"    {failure.reason}: {failure.message}", style="red"))
    else:
        console.print(
            Text(f"    {outcome.wrong or shown(outcome.miss.result)}", style="red" if outcome.wrong else "green")
            + Text(f"   miss {outcome.seconds:.1f} s   hit {milliseconds(outcome.hit)}")
        )
    return outcome


async def send(client: Client, task: Task, panel: CompactPanel | None = None) -> Reply:
    """Send a message to its receiver in the state that goes with it; with examples where it is to be learned."""
    written = await client.objects.update(task.receiver, slots=task.before)
    return await client.send(
        task.receiver,
        task.selector,
        *task.arguments,
        keywords=task.keywords,
        intent=task.intent,
        examples=task.examples if panel else (),
        on_event=panel.tell if panel else None,
        consistency="at_least",
        token=written.token,
        timeout=DEADLINE,
    )


async def restart(suite: Suite, client: Client, outcomes: Sequence[Outcome]) -> bool:
    """Stop and start everything but the model, and send what was learned again; whether the state was kept."""
    console.print(Text("\nstopping etcd and all services, and starting them again", style="bold"))
    before = await state(client)
    await suite.restart()
    kept = canonical(await state(client)) == canonical(before)
    console.print(f"    the state of {len(before)} objects is {'the same' if kept else 'NOT the same'}")
    for outcome in outcomes:
        if outcome.miss:
            try:
                outcome.after_restart = await send(client, outcome.task)
            except BatosError as failure:
                outcome.failure = failure
    answered = sum(outcome.survived for outcome in outcomes)
    console.print(f"    {answered} methods answer as before, by the same versions")
    return kept


async def state(client: Client) -> Mapping[str, Mapping[str, object]]:
    """The slots of the three objects, read from the store."""
    return {name: map_from_wire((await client.objects.get(name)).slots.values) for name in RECEIVERS.values()}


def show_one_trace(suite: Suite, outcomes: Sequence[Outcome]) -> None:
    """Print the trace of the first miss that was learned."""
    reply = next((outcome.miss for outcome in outcomes if outcome.learned), None)
    trace = TraceFolder(suite.data).find(reply.trace_id, wait=3.0) if reply else None
    if trace is None:
        console.print("\nthere is no trace to show of a miss that was learned")
        return
    console.print(Text("\nthe trace of one miss (began at, took, in ms)", style="bold"))
    for line in tree_lines(trace):
        console.print(line)


def tell(told: Told) -> None:
    """One line a child."""
    child = told.child
    if child:
        console.print(f"{child.name:12} {child.address:22} {child.seconds:5.1f} s")
    else:
        console.print(Text(told.text, style="yellow"))


def options(arguments: Sequence[str]) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="python -m demo", description="Watch objects learn methods from a real model."
    )
    parser.add_argument("--seed", type=int, default=secrets.randbelow(1_000_000), help="what draws the messages")
    parser.add_argument("--count", type=int, default=8, help="how many messages (8)")
    parser.add_argument("--data", type=Path, help="keep everything in this empty folder (else it is removed)")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str]) -> int:
    """Run it; the exit status."""
    given = options(arguments)
    console.print(f"seed {given.seed}: the same messages again with --seed {given.seed}\n")
    data = given.data or Path(tempfile.mkdtemp(prefix="batos-demo-"))
    suite = Suite(
        data=data,
        model=os.environ.get("BATOS_MODEL", "0.5b"),
        persona_url=os.environ.get("BATOS_PERSONA_URL", ""),
        tell=tell,
    )
    try:
        done = asyncio.run(demonstrate(suite, draw(load(), given.count, given.seed)))
    except BatosError as failure:
        console.print(failure.fields.get("log", ""))
        console.print(Text(f"error: {failure.reason}: {failure.message}", style="red"))
        console.print(f"hint: {failure.fields.get('hint', f'the logs are in {data}/logs')}")
        return 1
    except KeyboardInterrupt:
        console.print(f"\nstopped; everything is kept in {data}")
        return 130
    if done and not given.data:
        shutil.rmtree(data, ignore_errors=True)
    else:
        console.print(f"everything is kept in {data}: batctl up --data {data}")
    return 0 if done else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
