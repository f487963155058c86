"""Uses up, as one of a batch, what the others need; stopped by judging limits alone: then the whole feed gives nothing.

Nor may a batch give what a limit refuses alone: every outcome that it gives is the one that the activation has alone.
"""

import asyncio
import time
from dataclasses import dataclass

import pytest

from activation.batch import Batches, Chain, isolated
from fakes.batches import Alone, chain, differences, version
from kernel.values import Value
from sandbox.host import Sandbox
from sandbox.limits import Limits

pytestmark = pytest.mark.asyncio(loop_scope="module")

LIMITS = Limits(feed_seconds=0.2, grace_seconds=0.1)


@dataclass(frozen=True)
class Hungry:
    """A method of one argument, the arguments of each object's messages, and how many outcomes the batch gives."""

    name: str
    body: str
    arguments: tuple[int, ...]
    given: int
    seconds: float = 5.0  # so much that a busy machine does not decide


DEEP = (
    "def deep(n):\n        try:\n            return deep(n + 1)\n        except RecursionError:\n            return n\n"
)
NESTED = "x = []\n    for _ in range(by):\n        x = [x]\n"
CAUGHT = "    try:\n        return {}\n    except RecursionError:\n        return -1"
BOMB = "x = [0] * 9\n    for _ in range(9):\n        x = [x] * 9\n    return x"
HUNGRY = [
    Hungry("time", "while by == 3:\n        pass\n    return by", (1, 2, 3), 0, 0.2),
    Hungry("time-in-one-step", "x = 3\n    while by == 3:\n        x = x * x\n    return by", (1, 2, 3), 0, 0.2),
    Hungry(
        "time-behind-an-except",
        "while by == 3:\n        try:\n            while True:\n                pass\n        except BaseException:\n"
        "            pass\n    return by",
        (1, 3),
        0,
        0.2,
    ),
    Hungry("memory", "return len([0] * (10**9 if by == 3 else 1))", (1, 2, 3), 0),
    Hungry("memory-slot-by-slot", "self.x = getattr(self, 'x', '') + 'y' * 4_000_000\n    return by", (1,) * 8, 0),
    Hungry("memory-that-is-let-go", "x = 'y' * 1_000_000\n    return len(x + x)", (1,) * 40, 120),
    Hungry("much-output-together", "return 'x' * 100_000", (1,) * 5, 15),
    Hungry("much-output-in-one-chain", "return 'x' * 100_000", (1,) * 20, 0),
    Hungry("too-much-output", "return 'x' * by", (1, 1 << 20, 2), 0),
    Hungry("output-near-the-bound", "return 'x' * ((1 << 20) - by)", (25,), 0),
    Hungry("many-small-values", "return [0] * by", (1, 131_000, 1), 9),
    Hungry("too-many-small-values", "return [0] * by", (1, 131_100, 1), 6),
    Hungry("many-empty-texts", "return [''] * by", (1, 200_000, 1), 6),
    Hungry("recursion", f"{DEEP}    return deep(0)", (1, 2), 6),
    Hungry("recursion-that-raises", "f = 0\n    def deep(n):\n        return deep(n + 1)\n    return deep(0)", (1,), 0),
    *(
        Hungry(f"text-of-nested-lists-{by}", f"{NESTED}{CAUGHT.format('len(str(x))')}", (by,), 3)
        for by in range(194, 204)
    ),
    *(
        Hungry(
            f"nested-lists-compared-{by}", f"{NESTED}    {NESTED.replace('x', 'y')}{CAUGHT.format('x == y')}", (by,), 3
        )
        for by in range(194, 204)
    ),
    *(
        Hungry(f"nested-result-{by}", f"{NESTED}    return x", (1, by, 1), given)
        for by, given in ((28, 9), (29, 6), (199, 0))
    ),
    Hungry("a-list-in-itself", "x = []\n    if by == 3:\n        x.append(x)\n    return x", (1, 3, 1), 6),
    Hungry("a-bomb-of-shared-lists", BOMB, (1,), 0, 0.2),
]


def chains(arguments: tuple[int, ...]) -> list[Chain]:
    slots: dict[str, Value] = {"n": 1}
    return [chain(f"o/{n}", slots, *((each,) for each in arguments)) for n in range(3)]


@pytest.mark.parametrize("hungry", HUNGRY, ids=lambda each: each.name)
async def test_what_is_given_is_what_each_has_alone(sandbox: Sandbox, hungry: Hungry) -> None:
    made = version(f"def attack(self, by):\n    {hungry.body}\n")
    assert isolated(made)
    limits = Limits(feed_seconds=hungry.seconds, grace_seconds=0.1)
    batches = Batches(sandbox, limits)
    try:
        assert await differences(batches, Alone(sandbox, limits), made, chains(hungry.arguments)) == ([], hungry.given)
    finally:
        await batches.close()


async def test_a_method_that_struck_a_limit_runs_alone_for_a_while_and_others_go_on(sandbox: Sandbox) -> None:
    batches = Batches(sandbox, LIMITS)
    slow = version("def attack(self, by):\n    while by == 3:\n        pass\n    return by\n")
    quick = version("def attack(self, by):\n    return by\n")
    try:
        assert await batches.run(slow, "ada", chains((3,))) == [[None]] * 3
        began = time.monotonic()
        assert await batches.run(slow, "ada", chains((3,))) == [[None]] * 3
        assert time.monotonic() - began < LIMITS.feed_seconds
        assert [each[0] is None for each in await batches.run(quick, "ada", chains((3,)))] == [False] * 3
    finally:
        await batches.close()


async def test_a_greedy_principal_takes_no_session_from_another(sandbox: Sandbox) -> None:
    batches = Batches(sandbox, LIMITS)
    slow = version("def attack(self, by):\n    for _ in range(by):\n        pass\n    return by\n")
    try:
        greedy = asyncio.ensure_future(batches.run(slow, "eve", chains((10**9,))))
        await asyncio.sleep(0.05)
        assert [each[0] is None for each in await batches.run(slow, "ada", chains((1,)))] == [False] * 3
        assert await greedy == [[None]] * 3
    finally:
        await batches.close()
