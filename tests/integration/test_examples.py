"""Examples, tried on methods in the real sandbox as messages run."""

import pytest

from activation.examples import Tryout
from activation.run import Activator
from chassis.telemetry import Telemetry
from fakes.objects import World, method
from kernel.messages import Example, Failure
from kernel.objects import DEFAULT_NAMESPACE, ObjectId
from sandbox.host import Sandbox

NOW = 1_000_000_000.0

INCREMENT = """def increment(self, by=1):
    self.count = getattr(self, "count", 0) + by
    self._p_changed = True
    return self.count
"""


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def activator(sandbox: Sandbox) -> Activator:
    return Activator(sandbox, Telemetry.off())


pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_an_example_is_tried_on_its_own_state(activator: Activator, world: World) -> None:
    world.put("pump", count=1000)
    tryout = Tryout(activator, world, DEFAULT_NAMESPACE)
    example = Example(outcome=6, before={"count": 4}, keywords={"by": 2}, after={"count": 6})
    assert (await tryout.check(method("pump", INCREMENT), ObjectId("pump"), example)).passed


@pytest.mark.parametrize(
    ("example", "words"),
    [
        (Example(outcome=7, before={"count": 4}), "expected 7, got 5"),
        (Example(outcome=5.0, before={"count": 4}), "expected 5.0, got 5"),
        (Example(outcome=5, before={"count": 4}, after={"count": 6}), "expected the slots {'count': 6} afterwards"),
        (Example(outcome=5, before={"count": 4}, after={}), "expected the slots {} afterwards"),
        (Example(outcome=Failure("METHOD_RAISED")), "expected METHOD_RAISED, got 1"),
        (Example(outcome=5, before={"count": "4"}), "raised TypeError"),
        (Example(outcome=5, arguments=(1, 2)), "at most 1 are taken"),
    ],
)
async def test_an_example_that_fails_says_how(activator: Activator, world: World, example: Example, words: str) -> None:
    world.put("pump")
    verdict = await Tryout(activator, world, DEFAULT_NAMESPACE).check(
        method("pump", INCREMENT), ObjectId("pump"), example
    )
    assert words in verdict.failure


async def test_an_example_may_name_other_objects_and_how_it_fails(activator: Activator, world: World) -> None:
    world.put("pump")
    world.put("tank", INCREMENT)
    source = "def fill(self):\n    n = self.send('tank', 'increment')\n    if n > 2:\n"
    source += "        raise ValueError('full')\n    return n\n"
    tryout = Tryout(activator, world, DEFAULT_NAMESPACE)
    fill, pump, tank = method("pump", source), ObjectId("pump"), ObjectId("tank")
    good = Example(outcome=2, others={tank: {"count": 1}})
    full = Example(outcome=Failure("METHOD_RAISED", "ValueError"), others={tank: {"count": 2}})
    other = Example(outcome=Failure("METHOD_RAISED", "KeyError"), others={tank: {"count": 2}})
    passed = [(await tryout.check(fill, pump, example)).passed for example in (good, full, other)]
    assert passed == [True, True, False]


async def test_a_tolerance_is_for_doubles_alone(activator: Activator, world: World) -> None:
    world.put("pump")
    give = method("pump", "def give(self):\n    return [0.1 + 0.2, 1]\n")
    tryout = Tryout(activator, world, DEFAULT_NAMESPACE)
    near = Example(outcome=[0.3, 1], tolerance=1e-9)
    wrong = Example(outcome=[0.3, 1.0], tolerance=1e-9)
    assert (await tryout.check(give, ObjectId("pump"), near)).passed
    assert not (await tryout.check(give, ObjectId("pump"), wrong)).passed
