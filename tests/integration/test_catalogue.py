"""The demonstration's messages can be learned: an honest method passes what each asks, in the real sandbox."""

import pytest

from activation.examples import Tryout
from activation.run import Activator
from chassis.telemetry import Telemetry
from fakes.catalogue import catalogue, receiver
from fakes.objects import World, method
from kernel.objects import DEFAULT_NAMESPACE
from sandbox.host import Sandbox

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_honest_methods_pass_their_examples_and_their_messages(sandbox: Sandbox) -> None:
    world, failures = World(), list[str]()
    activator = Activator(sandbox, Telemetry.off())
    for entry in catalogue():
        world.put(receiver(entry), entry.source)
        tryout = Tryout(activator, world, DEFAULT_NAMESPACE)
        for example in (*entry.examples, entry.sent):
            verdict = await tryout.check(method(receiver(entry), entry.source), receiver(entry), example)
            failures += [] if verdict.passed else [verdict.failure]
    assert failures == []
