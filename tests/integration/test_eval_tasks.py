"""The messages that syntheses are judged by: each can be answered, by a method that the audit lets pass."""

from activation.run import Activator
from chassis.telemetry import Telemetry
from eval.tasks import HALVES, SHOWN, is_as_set_aside, load
from objectstore.ledger_store import LedgerStore
from objectstore.memory import MemoryLedger
from sandbox.host import Sandbox
from synthesizer.audit import audit, passed

TASKS = [task for half in HALVES for task in load(half)]


async def test_the_reference_of_every_message_answers_its_calls_and_passes_the_audit() -> None:
    wrong: list[str] = []
    async with Sandbox(roots=2) as sandbox:
        for task in TASKS:
            store = await LedgerStore.open(MemoryLedger())
            tryout = await task.prepare(store, Activator(sandbox, Telemetry.off()))
            try:
                examples = await task.examples(tryout)
            except ValueError as error:
                wrong.append(str(error))
                continue
            different = len({example.digest() for example in examples})
            if different < max(len(task.calls), SHOWN + 1):
                wrong.append(f"{task.selector}: {different} different calls of {len(task.calls)}")
            if not passed(audit(task.reference.source, task.selector)):
                wrong.append(f"{task.selector}: refused by the audit")
    assert wrong == []


def test_sixty_messages_of_seven_kinds_half_of_them_set_aside_and_as_they_were() -> None:
    assert len(TASKS) >= 60
    assert len({task.selector for task in TASKS}) == len(TASKS)
    assert len({task.group for task in TASKS}) == 7
    assert len(load("open")) == len(load("held_out"))
    assert is_as_set_aside()
