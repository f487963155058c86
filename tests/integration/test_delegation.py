"""Who answers, and as whom: lookup along the linearisation, pins, references, in the real sandbox."""

from dataclasses import dataclass, field, replace

import pytest

from activation.run import Activator, Run
from activation.snapshot import ReadDefinition
from chassis.telemetry import Telemetry
from fakes.objects import World
from kernel.errors import MethodRaised, NotUnderstood, ObjectNotFound
from kernel.messages import Message
from kernel.objects import ObjectId, Pin, Selector
from kernel.values import Reference, Value
from sandbox.host import Sandbox

pytestmark = pytest.mark.asyncio(loop_scope="module")


@dataclass
class Pinned(World):
    """A world in which objects are pinned to methods of others."""

    pins_of: dict[str, dict[str, Pin]] = field(default_factory=dict[str, dict[str, Pin]])

    def pin(self, name: str, selector: str, holder: str) -> None:
        self.pins_of.setdefault(name, {})[selector] = Pin(ObjectId(holder), f"incarnation of {holder}", 1)

    async def definition(self, object_id: ObjectId) -> ReadDefinition:
        read = await super().definition(object_id)
        if read.definition is None or object_id not in self.pins_of:
            return read
        return ReadDefinition(replace(read.definition, pins=self.pins_of[object_id]), read.revision)


@pytest.fixture
def world() -> Pinned:
    return Pinned()


async def send(sandbox: Sandbox, world: World, receiver: str, selector: str, *arguments: Value) -> Run:
    message = Message(ObjectId(receiver), Selector(selector), arguments)
    return await Activator(sandbox, Telemetry.off()).run(message, world, now=1e9, seed=7)


def says(name: str, *, resends: bool = False) -> str:
    return f"def who(self):\n    return ['{name}', self.id]" + (" + self.resend()\n" if resends else "\n")


async def test_a_diamond_is_asked_in_its_linearisation_and_each_holder_once(sandbox: Sandbox, world: Pinned) -> None:
    world.put("top", says("top"))
    world.put("left", says("left", resends=True), parents=("top",))
    world.put("right", says("right", resends=True), parents=("top",))
    world.put("both", parents=("left", "right"))
    run = await send(sandbox, world, "both", "who")
    assert run.result == ["left", "both", "right", "both", "top", "both"]
    assert run.method.holder == "left"


async def test_the_order_of_the_parents_decides(sandbox: Sandbox, world: Pinned) -> None:
    world.put("left", says("left"))
    world.put("right", says("right"))
    world.put("both", parents=("right", "left"))
    assert (await send(sandbox, world, "both", "who")).result == ["right", "both"]


async def test_a_parent_s_method_sends_to_the_receiver_s_own(sandbox: Sandbox, world: Pinned) -> None:
    world.put("base", "def total(self):\n    return self.rate() * 10\n", "def rate(self):\n    return 1\n")
    world.put("leaf", "def rate(self):\n    return self.percent\n", parents=("base",), percent=7)
    assert (await send(sandbox, world, "leaf", "total")).result == 70


async def test_slots_do_not_delegate(sandbox: Sandbox, world: Pinned) -> None:
    world.put("base", "def seen(self):\n    return getattr(self, 'rate', None)\n", rate=3)
    world.put("leaf", parents=("base",))
    run = await send(sandbox, world, "leaf", "seen")
    assert run.result is None


async def test_a_pinned_method_runs_as_the_receiver_and_resends_from_its_holder_on(
    sandbox: Sandbox, world: Pinned
) -> None:
    world.put("top", says("top"))
    world.put("base", says("base", resends=True), parents=("top",))
    world.put("middle", says("middle"), parents=("base",))
    world.put("leaf", says("leaf"), parents=("middle",))
    world.pin("leaf", "who", "base")
    run = await send(sandbox, world, "leaf", "who")
    assert run.result == ["base", "leaf", "top", "leaf"]
    assert run.method.holder == "base"
    assert {key.object_id for key in run.reads} == {"leaf", "middle", "base", "top"}


async def test_a_resend_is_answered_by_a_pin_above(sandbox: Sandbox, world: Pinned) -> None:
    world.put("top", says("top"))
    world.put("base", says("base"), parents=("top",))
    world.put("leaf", says("leaf", resends=True), parents=("base",))
    world.pin("base", "who", "top")
    assert (await send(sandbox, world, "leaf", "who")).result == ["leaf", "leaf", "top", "leaf"]
    assert (await send(sandbox, world, "base", "who")).result == ["top", "base"]


async def test_a_pinned_method_with_nothing_above_its_holder_cannot_be_sent_again(
    sandbox: Sandbox, world: Pinned
) -> None:
    world.put("top", says("top", resends=True))
    world.put("leaf", says("leaf"), parents=("top",))
    world.pin("leaf", "who", "top")
    with pytest.raises(NotUnderstood, match="nothing above top"):
        await send(sandbox, world, "leaf", "who")


async def test_a_send_to_a_dangling_reference_finds_no_object(sandbox: Sandbox, world: Pinned) -> None:
    world.put("pump", "def ask(self, other):\n    return other.send('who')\n", tank=Reference("gone"))
    with pytest.raises(ObjectNotFound, match="gone"):
        await send(sandbox, world, "gone", "who")
    with pytest.raises(MethodRaised, match=r"LookupError.*gone"):  # the sender could have caught it
        await send(sandbox, world, "pump", "ask", Reference("gone"))


async def test_a_reference_in_a_slot_is_sent_to_and_comes_back_as_a_value(sandbox: Sandbox, world: Pinned) -> None:
    world.put("tank", says("tank"))
    world.put("pump", "def ask(self):\n    return [self.tank.send('who'), self.tank]\n", tank=Reference("tank"))
    run = await send(sandbox, world, "pump", "ask")
    assert run.result == [["tank", "tank"], Reference("tank")]
    assert not run.writes
