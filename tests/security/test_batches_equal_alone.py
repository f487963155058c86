"""Reaches from one activation of a batch into another; stopped by the judgement of what is isolated, without any audit.

Every attack is run in a batch and alone, and no outcome of the batch may differ. Those that do differ where nothing
judges the method are run so too, which shows that the attack is one, and that this test can fail.
"""

import textwrap
from dataclasses import dataclass

import pytest

from activation.batch import Batches, Chain, isolated
from fakes.batches import Alone, chain, differences, version
from kernel.values import Reference, Value
from sandbox.host import Sandbox
from sandbox.limits import Limits

pytestmark = pytest.mark.asyncio(loop_scope="module")

LIMITS = Limits(feed_seconds=0.1, grace_seconds=0.1)
KEPT = "    self._p_changed = True\n"


@dataclass(frozen=True)
class Attack:
    """A method of one argument, `by`, and whether it reaches other activations where nothing judges it."""

    name: str
    body: str
    leaks: bool = True
    head: str = "def attack(self, by=1):\n"

    @property
    def source(self) -> str:
        return self.head + textwrap.indent(self.body, "    ") + "\n"


ATTACKS = [
    Attack("the-batch-by-name", "return _run(by)", leaks=False),
    Attack("the-text-of-the-batch", "return len(_given) if hasattr(self, 'x') else len(_given)"),
    Attack("plain-by-name", "global _plain\n_plain = lambda item: 'stolen'\nreturn by", leaks=False),
    Attack("revived-by-name", "global _revived\n_revived = lambda item: 99\nreturn by"),
    Attack("a-global", "global _float\nseen = type(_float) is list\n_float = [by]\nreturn seen"),
    Attack(
        "a-builtin-of-the-program",
        "global _bool\nif by == 3:\n    _bool = lambda item: False\nself.x = by\nself._p_changed = True\nreturn by",
    ),
    Attack("its-own-name", "global attack\nold = attack\nattack = lambda self, by=1: 'mine'\nreturn by"),
    Attack("a-mark-on-the-type", "type(self).seen = getattr(self, 'seen', 0) + by\nreturn self.seen"),
    Attack("a-mark-by-setattr", "setattr(type(self), 'seen', getattr(self, 'seen', 0) + by)\nreturn self.seen"),
    Attack("a-mark-by-another-name", "t = type(self)\nt.seen = getattr(t, 'seen', 0) + by\nreturn t.seen"),
    Attack("a-mark-in-a-loop", "n = getattr(self, 'seen', 0)\nfor type(self).seen in [n + by]:\n    pass\nreturn n"),
    Attack("a-mark-by-augmenting", "t = type(self)\nt.n = getattr(t, 'n', 0)\nt.n += by\nreturn t.n"),
    Attack("a-mark-on-references", "k = type(self.ref)\nk.seen = getattr(k, 'seen', 0) + by\nreturn k.seen"),
    Attack("a-method-of-the-type", "type(self).__eq__ = lambda a, b: True\nreturn self == by", leaks=False),
    Attack(
        "a-send-of-the-type", "t = type(self)\nn = getattr(t, 'n', 0)\nt.n = n + 1\nt.send = lambda *a: n\nreturn n"
    ),
    Attack("a-default-that-remembers", "seen.append(by)\nreturn len(seen)", head="def attack(self, by=1, seen=[]):\n"),
    Attack(
        "a-keyword-that-remembers",
        "seen[str(by)] = 1\nreturn len(seen)",
        head="def attack(self, by=1, *, seen={}):\n",
    ),
    Attack(
        "a-default-that-holds-one",
        "seen[0].append(by)\nreturn seen[0]",
        head="def attack(self, by=1, seen=([],)):\n",
    ),
    Attack(
        "a-lambda-that-remembers",
        "return f(by)",
        head="def attack(self, by=1, f=lambda x, seen=[]: seen.append(x) or len(seen)):\n",
    ),
    Attack("an-attribute-of-itself", "attack.seen = by\nreturn attack.seen", leaks=False),
    Attack("a-module", "import json\njson.loads = lambda text: []\nreturn by", leaks=False),
    Attack("a-module-by-setattr", "import json\nsetattr(json, 'loads', 1)\nreturn by", leaks=False),
    Attack("random-numbers", "import random\nreturn random.random()"),
    Attack("a-seed", "import random\nrandom.seed(by)\nreturn by", leaks=False),
    Attack("the-clock", "import datetime\nreturn datetime.datetime.now().isoformat()"),
    Attack("the-clock-as-a-number", "import time\nreturn time.time()"),
    Attack("today", "from datetime import date\nreturn date.today().isoformat()"),
    Attack("a-context", "import decimal\nc = decimal.getcontext()\nc.prec = c.prec + 1\nreturn c.prec"),
    Attack("an-argument-list", "import sys\nsys.argv.append('x')\nreturn len(sys.argv)", leaks=False),
    Attack("a-cache", "import functools\nf = functools.cache(len)\nreturn str(f)"),
    Attack("the-place-of-a-function", "return str(lambda: by)", leaks=False),
    Attack("the-place-in-an-f-string", "def f():\n    return by\nreturn f'{f}'", leaks=False),
    Attack("the-place-through-a-percent", "return '%s' % [lambda: by]", leaks=False),
    Attack("the-place-through-max", "return str(max(lambda: by, lambda: by, key=lambda f: 1))", leaks=False),
    Attack("the-place-through-map", "return str(list(map(lambda x: lambda: by, [1])))", leaks=False),
    Attack("the-place-through-a-default", "return str((lambda f=lambda: by: [f])())", leaks=False),
    Attack(
        "the-place-of-a-factory", "import collections\nreturn str(collections.defaultdict(lambda: by))", leaks=False
    ),
    Attack("the-place-of-an-iterator", "return str(iter([1]))"),
    Attack("the-place-of-a-chain", "import itertools\nreturn str(itertools.chain([1]))"),
    Attack("the-place-of-a-hash", "import hashlib\nreturn str(hashlib.sha256())"),
    Attack("the-place-of-a-class", "class C:\n    pass\nreturn str(C())"),
    Attack("the-place-by-format", "return '{0.send}'.format(type(self))", leaks=False),
    Attack("the-place-by-id", "return id([])"),
    Attack("the-place-by-hash", "return hash(lambda: by)", leaks=False),
    Attack("a-class-that-remembers", "class C:\n    seen = []\nC.seen.append(by)\nreturn len(C.seen)", leaks=False),
    Attack("self-by-another-name", "me = self\nme.x = by\nself = None\nme._p_changed = True\nreturn by", leaks=False),
    Attack("self-in-a-nested-function", "def f(self):\n    self.seen = 1\nf(type(self))\nreturn 1", leaks=False),
    Attack("getattr-by-a-star", "return str(getattr(*[type(self), 'se' + 'nd']))", leaks=False),
    Attack("getattr-given-away", "return str(list(map(getattr, [type(self)], ['send'])))", leaks=False),
    Attack("a-nested-send", "return self.other(by)", leaks=False),
    Attack("a-send-that-is-caught", "try:\n    self.send(self, 'x')\nexcept BaseException:\n    return 1", leaks=False),
    Attack(
        "a-reference-that-sends", "try:\n    return self.ref.send('x')\nexcept NameError:\n    return 1", leaks=False
    ),
    Attack("the-host-by-name", "try:\n    _host_send(1)\nexcept NameError:\n    return 1", leaks=False),
    Attack("an-unknown-name", "try:\n    return nothing\nexcept NameError:\n    return 1", leaks=False),
    Attack("text-that-runs", "exec('global seen\\nseen = 1')\nreturn eval('_given')"),
]


def chains() -> list[Chain]:
    slots: dict[str, Value] = {"n": 1, "rows": [1, 2], "ref": Reference("x/y")}
    return [chain(f"o/{n}", slots, (1,), (n,), ([n],), (3,)) for n in range(3)]


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda each: each.name)
async def test_no_activation_of_a_batch_reaches_another(sandbox: Sandbox, attack: Attack) -> None:
    made = version(attack.source)
    batches = Batches(sandbox, LIMITS)
    try:
        found, given = await differences(batches, Alone(sandbox, LIMITS), made, chains())
        assert found == []
        assert isolated(made) is False
        assert given == 0
    finally:
        await batches.close()


@pytest.mark.parametrize("attack", [each for each in ATTACKS if each.leaks], ids=lambda each: each.name)
async def test_the_attack_succeeds_where_nothing_judges_it(sandbox: Sandbox, attack: Attack) -> None:
    batches = Batches(sandbox, LIMITS, admits=lambda _: True)
    try:
        found, given = await differences(batches, Alone(sandbox, LIMITS), version(attack.source), chains())
        assert found != [], f"{given} outcomes, all as alone"
    finally:
        await batches.close()
