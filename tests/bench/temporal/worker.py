"""Temporal's entity workflow that takes updates: its worker, and the updates as bytes for the load generator.

    python worker.py HOST:PORT WORKFLOWS FILE

It writes a JSON list of serialized UpdateWorkflowExecutionRequests (base64) to FILE, starts the workflows, sends each
one update and checks the answer, says `ready HOST:PORT`, and works until SIGTERM. It runs on the
packages of requirements/bench.txt, and on nothing of ours.
"""

import asyncio
import base64
import json
import signal
import sys
from datetime import timedelta
from pathlib import Path

from temporalio import workflow
from temporalio.api.common.v1 import Payload, Payloads, WorkflowExecution
from temporalio.api.enums.v1 import UpdateWorkflowExecutionLifecycleStage
from temporalio.api.update.v1 import Input, Meta, Request, WaitPolicy
from temporalio.api.workflowservice.v1 import UpdateWorkflowExecutionRequest
from temporalio.client import Client
from temporalio.worker import Worker

QUEUE = "bench"


@workflow.defn
class Counter:
    """One counter, for as long as its history may grow; then it goes on as a new run."""

    @workflow.init
    def __init__(self, count: int) -> None:
        self.count = count

    @workflow.run
    async def run(self, count: int) -> None:
        """Live until the history is long."""
        await workflow.wait_condition(lambda: workflow.info().is_continue_as_new_suggested())
        await workflow.wait_condition(workflow.all_handlers_finished)
        workflow.continue_as_new(self.count)

    @workflow.update
    async def increment(self, by: int) -> int:
        """Add, and tell the count."""
        self.count += by
        return self.count


def update(name: str) -> bytes:
    """An update that waits for its result; the server gives it an id of its own."""
    by = Payload(metadata={"encoding": b"json/plain"}, data=b"1")
    completed = UpdateWorkflowExecutionLifecycleStage.UPDATE_WORKFLOW_EXECUTION_LIFECYCLE_STAGE_COMPLETED
    return UpdateWorkflowExecutionRequest(
        namespace="default",
        workflow_execution=WorkflowExecution(workflow_id=name),
        wait_policy=WaitPolicy(lifecycle_stage=completed),
        request=Request(meta=Meta(), input=Input(name="increment", args=Payloads(payloads=[by]))),
    ).SerializeToString()


async def connected(address: str) -> Client:
    """A client, once the server answers."""
    while True:
        try:
            return await Client.connect(address)
        except RuntimeError:
            await asyncio.sleep(0.2)


async def main(address: str, names: list[str]) -> None:
    """Start the workflows, say that the updates can be sent, work."""
    client = await connected(address)
    async with Worker(client, task_queue=QUEUE, workflows=[Counter]):
        for name in names:
            entity = await client.start_workflow(Counter.run, 0, id=name, task_queue=QUEUE)
            count = await entity.execute_update(Counter.increment, 1, rpc_timeout=timedelta(seconds=20))
            if count != 1:
                sys.exit(f"{name} answered {count} to its first update")
        sys.stdout.write(f"ready {address}\n")
        sys.stdout.flush()
        stop = asyncio.Event()
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
        await stop.wait()


if __name__ == "__main__":
    workflows = [f"counter-{number}" for number in range(int(sys.argv[2]))]
    updates = [base64.b64encode(update(name)).decode() for name in workflows]
    Path(sys.argv[3]).write_text(json.dumps(updates))
    asyncio.run(main(sys.argv[1], workflows))
