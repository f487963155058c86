"""Tries to stall the service with values that are slow to build on the host: sets and maps whose keys share one hash.

Stopped by the activation, which has values rebuilt from plain ones in the guest, within its limits; the audit is off.
"""

import time

import pytest

from activation.run import Activator
from chassis.telemetry import Telemetry
from fakes.objects import World
from kernel.errors import BadValue, KernelError
from kernel.messages import Message
from kernel.objects import ObjectId, Selector
from sandbox.host import Sandbox

SLOW_SET = "{i * (2 ** 61 - 1) for i in range(60000)}"
SLOW_MAP = "{i * (2 ** 61 - 1): 0 for i in range(60000)}"


@pytest.mark.parametrize("value", [SLOW_SET, SLOW_MAP, f"[[{SLOW_SET}]]"])
@pytest.mark.parametrize(
    "line", ["return {}", "self.x = {}", "self.send(self, 'b', {})", "setattr(self, 'x', {})", "raise ValueError({})"]
)
async def test_a_value_that_is_slow_to_build_never_reaches_the_host(value: str, line: str) -> None:
    world = World()
    world.put("a", f"def run(self):\n    {line.format(value)}\n", "def b(self, x):\n    return 1\n")
    async with Sandbox() as sandbox:
        began = time.process_time()
        with pytest.raises(KernelError) as failed:
            await Activator(sandbox, Telemetry.off()).run(
                Message(ObjectId("a"), Selector("run")), world, now=0.0, seed=0
            )
        spent = time.process_time() - began
    assert isinstance(failed.value, BadValue) or failed.value.reason in {"LIMIT_EXCEEDED", "METHOD_RAISED"}
    assert spent < 2.0  # the host's own time; it would be 50 s
