"""The dispatcher does what a plain model of objects does: any messages, any consistency, through two dispatchers."""

import asyncio
from collections.abc import Generator

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from faults.dispatcher_model import DispatcherModel
from sandbox.host import Sandbox

EXAMPLES, STEPS = 250, 60  # half a minute


@pytest.fixture
def machine() -> Generator[type[DispatcherModel]]:
    with asyncio.Runner() as runner:
        sandbox = runner.run(Sandbox().__aenter__())
        try:
            yield type("Machine", (DispatcherModel,), {"runner": runner, "sandbox": sandbox})
        finally:
            runner.run(sandbox.__aexit__(None, None, None))


def test_any_messages_come_to_what_the_model_says(machine: type[DispatcherModel]) -> None:
    bounds = settings(
        max_examples=EXAMPLES,
        stateful_step_count=STEPS,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
        print_blob=True,
    )
    run_state_machine_as_test(machine, settings=bounds)
