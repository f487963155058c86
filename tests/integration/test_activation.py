"""A run of a root message, in the real sandbox, over objects that the test writes down."""

import pytest

from activation.run import MAX_SENDS, Activator, Miss, Run
from chassis.telemetry import Telemetry
from fakes.objects import World
from kernel.errors import BadArguments, BadValue, LimitExceeded, MethodRaised, NotUnderstood, ObjectNotFound
from kernel.messages import Message
from kernel.objects import ObjectId, Selector
from kernel.transactions import Key, Part
from kernel.values import Reference, Value
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


async def send(activator: Activator, world: World, receiver: str, selector: str, *arguments: Value, **kw: Value) -> Run:
    message = Message(ObjectId(receiver), Selector(selector), arguments, kw)
    return await activator.run(message, world, now=NOW, seed=7)


async def test_a_method_reads_and_writes_the_receivers_slots(activator: Activator, world: World) -> None:
    world.put("pump", INCREMENT, count=4)
    run = await send(activator, world, "pump", "increment", by=2)
    assert (run.result, run.writes) == (6, {ObjectId("pump"): {"count": 6}})


async def test_everything_that_was_looked_at_is_among_the_reads(activator: Activator, world: World) -> None:
    world.put("machine", INCREMENT)
    world.put("pump", parents=("machine",))
    run = await send(activator, world, "pump", "increment")
    assert run.reads == {
        Key(ObjectId("pump"), Part.DEFINITION): 1,
        Key(ObjectId("machine"), Part.DEFINITION): 1,
        Key(ObjectId("pump"), Part.SLOTS): 1,
    }


async def test_a_parents_method_runs_with_the_receiver_as_self(activator: Activator, world: World) -> None:
    world.put("machine", INCREMENT, count=100)
    world.put("pump", parents=("machine",))
    run = await send(activator, world, "pump", "increment")
    assert run.writes == {ObjectId("pump"): {"count": 1}}
    assert run.method.holder == "machine"


async def test_a_method_that_raises_leaves_nothing(activator: Activator, world: World) -> None:
    world.put("pump", 'def stop(self):\n    self.on = False\n    self._p_changed = True\n    raise ValueError("hot")\n')
    with pytest.raises(MethodRaised) as raised:
        await send(activator, world, "pump", "stop")
    assert (raised.value.exception, raised.value.message, raised.value.line) == ("ValueError", "hot", 4)


async def test_a_caught_raise_undoes_the_nested_send_and_nothing_else(activator: Activator, world: World) -> None:
    world.put(
        "pump",
        "def bad(self):\n    self.count = 99\n    self._p_changed = True\n    raise KeyError('x')\n",
        "def try_it(self):\n    self.tried = True\n    try:\n        self.bad()\n    except KeyError:\n        pass\n"
        "    self._p_changed = True\n    return self.count\n",
        count=1,
    )
    run = await send(activator, world, "pump", "try_it")
    assert (run.result, run.writes) == (1, {ObjectId("pump"): {"count": 1, "tried": True}})


async def test_nested_sends_to_several_objects_are_written_together(activator: Activator, world: World) -> None:
    world.put("pump", INCREMENT, "def all(self):\n    return [self.increment(), self.next.send('increment', 5)]\n")
    world.slots_of["pump"] = {"next": Reference("tank")}
    world.put("tank", INCREMENT)
    run = await send(activator, world, "pump", "all")
    assert run.result == [1, 5]
    assert run.writes == {ObjectId("pump"): {"next": Reference("tank"), "count": 1}, ObjectId("tank"): {"count": 5}}


async def test_a_send_to_self_loses_no_update(activator: Activator, world: World) -> None:
    source = "def both(self):\n    self.count += 100\n    self.increment()\n    self._p_changed = True\n"
    world.put("pump", INCREMENT, source + "    return self.count\n", count=10)
    run = await send(activator, world, "pump", "both")
    assert (run.result, run.writes) == (111, {ObjectId("pump"): {"count": 111}})


async def test_resend_goes_to_the_next_holder(activator: Activator, world: World) -> None:
    world.put("machine", "def name(self):\n    return 'machine'\n")
    world.put("pump", "def name(self):\n    return 'pump, a ' + self.resend()\n", parents=("machine",))
    assert (await send(activator, world, "pump", "name")).result == "pump, a machine"


async def test_resend_above_the_last_holder_is_not_understood_and_no_miss(activator: Activator, world: World) -> None:
    world.put("pump", "def name(self):\n    return self.resend()\n")
    with pytest.raises(NotUnderstood) as failed:
        await send(activator, world, "pump", "name")
    assert not isinstance(failed.value, Miss)


async def test_a_miss_on_the_way_cannot_be_swallowed(activator: Activator, world: World) -> None:
    world.put(
        "pump", "def ask(self):\n    try:\n        return self.nothing(1)\n    except Exception:\n        return 0\n"
    )
    with pytest.raises(Miss) as missed:
        await send(activator, world, "pump", "ask")
    assert (missed.value.message.selector, missed.value.message.arguments) == ("nothing", (1,))


async def test_a_miss_names_selectors_that_are_spelled_nearly_so(activator: Activator, world: World) -> None:
    world.put("pump", INCREMENT)
    with pytest.raises(Miss) as missed:
        await send(activator, world, "pump", "incremen")
    assert missed.value.near == ("increment",)


async def test_a_dangling_reference_can_be_caught(activator: Activator, world: World) -> None:
    ask = "def ask(self):\n    try:\n        return self.send('gone', 'x')\n"
    ask += "    except LookupError:\n        return 'gone'\n"
    world.put("pump", ask)
    assert (await send(activator, world, "pump", "ask")).result == "gone"


async def test_an_absent_receiver_is_not_found(activator: Activator, world: World) -> None:
    with pytest.raises(ObjectNotFound):
        await send(activator, world, "gone", "x")


async def test_arguments_that_do_not_fit_are_told_with_the_signature(activator: Activator, world: World) -> None:
    world.put("pump", INCREMENT)
    with pytest.raises(BadArguments, match=r"increment\(by=\.\.\.\)"):
        await send(activator, world, "pump", "increment", 1, 2)


@pytest.mark.parametrize(
    ("source", "limit"),
    [
        ("def run(self):\n    self.run()\n", "depth"),
        (f"def run(self):\n    for i in range({MAX_SENDS + 1}):\n        self.one()\n", "sends"),
        ("def run(self):\n    while True:\n        pass\n", "time"),
        ("def run(self):\n    return [0] * 10**9\n", "memory"),
    ],
)
async def test_limits_end_a_run_and_are_told_apart(activator: Activator, world: World, source: str, limit: str) -> None:
    world.put("pump", source, "def one(self):\n    return 1\n")
    with pytest.raises(LimitExceeded) as reached:
        await send(activator, world, "pump", "run")
    assert reached.value.limit == limit


async def test_a_limit_reached_in_a_nested_send_cannot_be_swallowed(activator: Activator, world: World) -> None:
    world.put("pump", "def ask(self):\n    try:\n        self.deep()\n    except Exception:\n        return 0\n")
    world.sources_of["pump"].append("def deep(self):\n    while True:\n        pass\n")
    with pytest.raises(LimitExceeded):
        await send(activator, world, "pump", "ask")


async def test_clock_and_randomness_are_inputs(activator: Activator, world: World) -> None:
    source = "def draw(self):\n    import random, datetime\n"
    source += "    return [random.random(), datetime.datetime.now().isoformat()]\n"
    world.put("pump", source)
    first, second = [(await send(activator, world, "pump", "draw")).result for _ in range(2)]
    assert first == second
    assert isinstance(first, list)
    assert first[1] == "2001-09-09T01:46:40"


async def test_values_come_out_as_they_went_in(activator: Activator, world: World) -> None:
    world.put("echo", "def echo(self, x):\n    return x\n")
    value: list[Value] = [None, True, 1, 1.0, -(2**63), "é", b"\x00\xff", [[]], {"a": {"b": Reference("x/y")}}]
    assert repr((await send(activator, world, "echo", "echo", value)).result) == repr(value)


async def test_self_comes_out_as_a_reference(activator: Activator, world: World) -> None:
    world.put("echo", "def me(self):\n    return self\n")
    assert (await send(activator, world, "echo", "me")).result == Reference("echo")


@pytest.mark.parametrize(
    "result", ["{1, 2}", "2**63", "{1: 2}", "sum", "object", "range(3)", "[lambda: 1]", "{'a': {1}}"]
)
async def test_what_is_no_value_is_refused(activator: Activator, world: World, result: str) -> None:
    world.put("echo", f"def give(self):\n    return {result}\n")
    with pytest.raises((BadValue, MethodRaised)):
        await send(activator, world, "echo", "give")


async def test_what_is_set_back_after_a_caught_failure_stays_set_back(activator: Activator, world: World) -> None:
    source = "def pay(self):\n    self.status = 'paying'\n    try:\n        self.charge()\n    except ValueError:\n"
    source += "        self.status = 'open'\n    self._p_changed = True\n    return self.status\n"
    world.put("order", source, "def charge(self):\n    raise ValueError('no')\n", status="open")
    run = await send(activator, world, "order", "pay")
    assert (run.result, run.writes) == ("open", {})


@pytest.mark.parametrize("selector", ["list", "type", "dict", "getattr", "setattr", "Object", "Reference", "sum"])
async def test_a_selector_may_be_any_name(activator: Activator, world: World, selector: str) -> None:
    world.put("a", f"def {selector}(self, x):\n    self.rows = [x]\n    self._p_changed = True\n    return self.rows\n")
    world.slots_of["a"] = {"kept": [1]}
    run = await send(activator, world, "a", selector, {"y": 2})
    assert run.result == [{"y": 2}]
    assert run.writes == {ObjectId("a"): {"kept": [1], "rows": [{"y": 2}]}}


async def test_keywords_may_have_any_name(activator: Activator, world: World) -> None:
    world.put("a", "def go(self):\n    return self.to(receiver=1, selector=2)\n")
    world.sources_of["a"].append("def to(self, receiver, selector):\n    return [receiver, selector]\n")
    assert (await send(activator, world, "a", "go")).result == [1, 2]


@pytest.mark.parametrize(
    "line", ["self.send('', 'go')", "self.send(self, '')", "self.send(5, 'go')", "self.send('A b', 'go')"]
)
async def test_a_send_to_nothing_is_an_error_that_can_be_caught(activator: Activator, world: World, line: str) -> None:
    source = f"def ask(self):\n    try:\n        return {line}\n"
    source += "    except (ValueError, TypeError):\n        return 'caught'\n"
    world.put("a", source, "def go(self):\n    return 'went'\n")
    assert (await send(activator, world, "a", "ask")).result == "caught"


async def test_references_to_one_object_are_equal(activator: Activator, world: World) -> None:
    world.put(
        "a", "def same(self, r):\n    return [r == self.b, r in [self.b], r == self, r == 'b']\n", b=Reference("b")
    )
    assert (await send(activator, world, "a", "same", Reference("b"))).result == [True, True, False, False]


async def test_a_method_may_raise_in_our_words(activator: Activator, world: World) -> None:
    world.put("a", "def no(self):\n    raise ValueError('not a value: x')\n")
    with pytest.raises(MethodRaised):
        await send(activator, world, "a", "no")


async def test_more_reads_than_can_be_committed_are_refused_whatever_is_written(
    activator: Activator, world: World
) -> None:
    world.put("hub", "def ask(self, names):\n    return [self.send(n, 'me') for n in names]\n")
    world.put("leaf", "def me(self):\n    return 1\n")
    names = [f"leaf/{n}" for n in range(40)]
    for name in names:
        world.put(name, parents=("leaf",))
    with pytest.raises(LimitExceeded) as reached:
        await send(activator, world, "hub", "ask", list(names))
    assert reached.value.limit == "reads"
