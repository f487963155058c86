"""What the rules say that the guest has and has not, asked of the guest itself."""

import json
from datetime import UTC, datetime

import pytest

from sandbox.host import Call, Feed, Sandbox
from sandbox.limits import Limits
from synthesizer.rules.attributes import LACKING, MODULE_NAMES
from synthesizer.rules.constructs import MODULES

pytestmark = pytest.mark.asyncio(loop_scope="module")

HOLDERS = ("'a'", "(1)", "(1.0)", "{1}", "re.compile('a')", "datetime.date(2020, 1, 1)")


async def refuse(call: Call) -> object:
    raise AssertionError(call.name)


async def asked(sandbox: Sandbox, code: str) -> list[object]:
    feed = Feed(code, {}, frozenset(), datetime.now(UTC), 1, Limits())
    return json.loads(str(await sandbox.run(feed, refuse)))


async def test_what_modules_are_said_to_have_is_there(sandbox: Sandbox) -> None:
    assert set(MODULE_NAMES) <= MODULES
    names = [(module, name) for module, all_ in MODULE_NAMES.items() for name in sorted(all_)]
    code = "".join(f"import {module}\n" for module in ["json", *MODULE_NAMES])
    code += f"json.dumps([{', '.join(f'hasattr({module}, {name!r})' for module, name in names)}])"
    has = await asked(sandbox, code)
    assert [f"{module}.{name}" for (module, name), there in zip(names, has, strict=True) if not there] == []


async def test_what_values_are_said_to_lack_they_lack(sandbox: Sandbox) -> None:
    code = "import json, re, datetime\nlacks = []\n"
    for name in sorted(LACKING):
        for holder in HOLDERS:
            code += f"try:\n    {holder}.{name}()\n    lacks.append(False)\n"
            code += "except AttributeError:\n    lacks.append(True)\nexcept Exception:\n    lacks.append(False)\n"
    lacks = await asked(sandbox, code + "json.dumps(lacks)")
    assert lacks == [True] * (len(LACKING) * len(HOLDERS))
