"""Touches what its effect set does not have; stopped by the host, which compares what was touched with what was said.

The method's source is as its registration saw it, and lies: names that are computed, a callback, a send by another
name. Each is run alone, and where it is isolated in a batch too, which must give the same or nothing.
"""

import textwrap
from dataclasses import replace

import pytest

from activation.batch import Batches, Chain, Outcome
from activation.run import Activator, Run
from chassis.telemetry import Telemetry
from fakes.batches import chain, version
from fakes.objects import World
from kernel.errors import MethodRaised
from kernel.messages import Message
from kernel.objects import EffectSet, MethodRecord, ObjectId, Selector
from kernel.values import Value
from sandbox.host import Sandbox

pytestmark = pytest.mark.asyncio(loop_scope="module")

ACCOUNT = ObjectId("account")
PROMISED = EffectSet(reads=("balance",), writes=("seen",), sends=("note",))
NOTE = """def note(self, text='', by=1):
    self.noted = text
    self._p_changed = True
    return self.balance
"""
PAY = """def pay(self, by=1):
    self.balance = self.balance - by
    self._p_changed = True
    return self.balance
"""
ABOVE = "def attack(self, by=1):\n    self.balance = 0\n    self._p_changed = True\n"
CATCHING = """def outer(self):
    try:
        self.attack()
    except BaseException as error:
        return str(error)
"""


class Promising(World):
    """A world in which the method `attack` says what it touches."""

    async def method(self, holder: ObjectId, incarnation: str, selector: Selector, number: int) -> MethodRecord:
        record = await super().method(holder, incarnation, selector, number)
        promising = replace(record.method, effects=PROMISED)
        return replace(record, method=promising) if selector == "attack" else record


def source(body: str) -> str:
    return f"def attack(self, by=1):\n{textwrap.indent(body, '    ')}\n"


async def run(sandbox: Sandbox, world: World, attack: str, selector: str = "attack") -> Run:
    world.put("above", ABOVE)
    world.put(ACCOUNT, attack, NOTE, PAY, CATCHING, parents=("above",), balance=100)
    return await alone(sandbox, world, Message(ACCOUNT, Selector(selector)))


async def alone(sandbox: Sandbox, world: World, message: Message) -> Run:
    return await Activator(sandbox, Telemetry.off()).run(message, world, now=1e9, seed=7)


ATTACKS = {
    "another-slot": "self.balance = 0\nself._p_changed = True",
    "another-beside-its-own": "self.seen = 1\nself.balance = 0\nself._p_changed = True",
    "a-slot-by-setattr": "setattr(self, 'balance', 0)\nself._p_changed = True",
    "a-new-slot": "self.backdoor = by\nself._p_changed = True",
    "a-slot-through-another-name": "me = self\nme.balance = 0\nself._p_changed = True",
    "a-slot-in-a-nested-function": "def f():\n    self.balance = 0\nf()\nself._p_changed = True",
    "a-slot-shown-to-a-send-and-put-back": "self.balance = 1\ngot = self.note()\nself.balance = 100\nreturn got",
    "another-selector": "return self.pay(1)",
    "another-selector-by-a-computed-name": "return self.send(self, 'pa' + 'y')",
    "another-selector-that-is-caught": "try:\n    self.pay(1)\nexcept BaseException:\n    pass\nreturn 'quiet'",
    "another-selector-through-a-reference": "return self.send('account', 'pay')",
    "another-selector-after-its-own": "self.note()\nreturn self.pay(1)",
    "a-resend": "try:\n    return self.resend(1)\nexcept BaseException:\n    return 'quiet'",
}


@pytest.mark.parametrize("body", ATTACKS.values(), ids=ATTACKS.keys())
async def test_what_touches_more_than_it_says_fails_and_leaves_nothing(sandbox: Sandbox, body: str) -> None:
    with pytest.raises(MethodRaised) as raised:
        await run(sandbox, Promising(), source(body))
    assert (raised.value.exception, raised.value.selector) == ("EffectError", "attack")


@pytest.mark.parametrize("body", ATTACKS.values(), ids=ATTACKS.keys())
async def test_the_attack_succeeds_where_nothing_is_promised(sandbox: Sandbox, body: str) -> None:
    done = await run(sandbox, World(), source(body))
    assert done.writes or done.sends > 1


async def test_a_sender_that_catches_it_goes_on_and_nothing_of_it_remains(sandbox: Sandbox) -> None:
    attack = source("self.note('x')\nself.balance = 0\nself._p_changed = True")
    done = await run(sandbox, Promising(), attack, "outer")
    assert "EffectError" in str(done.result)
    assert done.writes == {}


@pytest.mark.parametrize(
    ("body", "writes"),
    [
        ("self.seen = by\nself._p_changed = True\nreturn self.balance", {"balance": 100, "seen": 1}),
        ("self.balance = self.balance\nself._p_changed = True", {}),
        ("self.balance = 0", {}),  # not kept, seen by nobody
        ("self.seen = 1\nself._p_changed = True\nself.note('n')", {"balance": 100, "seen": 1, "noted": "n"}),
    ],
)
async def test_what_keeps_to_its_effect_set_runs_as_ever(sandbox: Sandbox, body: str, writes: dict[str, Value]) -> None:
    assert (await run(sandbox, Promising(), source(body))).writes == ({ACCOUNT: writes} if writes else {})


BATCHED = {
    "within": "self.seen = by\nself._p_changed = True\nreturn by",
    "beyond": "self.balance = by\nself._p_changed = True\nreturn by",
    "beyond-for-some": "if by == 2:\n    self.balance = 0\nself.seen = by\nself._p_changed = True\nreturn self.balance",
    "beyond-unkept": "self.balance = by\nif by > 1:\n    self.seen = by\nreturn self.balance",
    "the-same-again": "self.balance = self.balance\nself._p_changed = True\nreturn by",
}


@pytest.mark.parametrize("body", BATCHED.values(), ids=BATCHED.keys())
async def test_a_batch_gives_what_each_gives_alone_or_nothing(sandbox: Sandbox, body: str) -> None:
    made = replace(version(source(body)), effects=PROMISED)
    chains = [chain(f"account/{n}", {"balance": 100}, *((by,) for by in (1, 2, 3))) for n in range(2)]
    batches = Batches(sandbox)
    try:
        together = await batches.run(made, "ada", chains)
    finally:
        await batches.close()
    for one, outcomes in zip(chains, together, strict=True):
        given = await given_alone(sandbox, made.source, one)
        assert list(outcomes[: len(given)]) == given
        assert outcomes[len(given) :] == [None] * (len(outcomes) - len(given))  # they saw a state that never was
        assert (given[0] is None) == (body == BATCHED["beyond"])


async def given_alone(sandbox: Sandbox, attack: str, one: Chain) -> list[Outcome | None]:
    """What each message gives alone, up to the first that fails for what it touched."""
    given: list[Outcome | None] = []
    slots = dict(one.slots)
    for arguments, _ in one.calls:
        world = Promising()
        world.put(one.object_id, attack)
        world.slots_of[one.object_id] = slots
        message = Message(one.object_id, Selector("attack"), tuple(arguments))
        try:
            run = await alone(sandbox, world, message)
        except MethodRaised:
            return [*given, None]
        given.append(Outcome(run.result, run.writes.get(one.object_id)))
        slots = dict(run.writes.get(one.object_id, slots))
    return given
